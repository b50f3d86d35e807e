"""Support staff at work, by keyboard alone: find, see why, fix a copy, prove it, see the result."""

import re
from collections.abc import Callable

import pytest
from console_site import ADMISSION, HOSTILE, PLANTED, ConsoleSite, Tab

OpenTab = Callable[..., Tab]


def ready(tab: Tab) -> None:
    """Keys are heard once the page's scripts have run."""
    tab.page.wait_for_function("document.readyState === 'complete'")


def press(tab: Tab, *keys: str) -> None:
    ready(tab)
    for key in keys:
        tab.page.keyboard.press(key)


def search(tab: Tab, text: str) -> None:
    ready(tab)
    tab.page.keyboard.press("/")
    tab.page.keyboard.insert_text(text)
    with tab.page.expect_navigation():
        tab.page.keyboard.press("Enter")
    tab.page.wait_for_load_state()


def follow(tab: Tab, key: str) -> None:
    """Press a key that leads to another page."""
    ready(tab)
    with tab.page.expect_navigation():
        tab.page.keyboard.press(key)
    tab.page.wait_for_load_state()


def focused(tab: Tab, name: str) -> str | None:
    found: str | None = tab.page.evaluate(f"document.activeElement.dataset.{name} ?? null")
    return found


def test_from_a_failed_message_to_its_corrected_copy(open_tab: OpenTab) -> None:
    tab = open_tab("support").open("/")
    page = tab.page
    search(tab, "C0003")
    assert re.search(r"/messages/\d+\?s=\w{16}$", page.url)
    assert "attempt 1 at records: 4" in page.inner_text("#timeline")

    press(tab, "t")
    press(tab, "t")
    page.wait_for_function("document.getElementById('trace').textContent.includes('→')")
    assert focused(tab, "from")
    assert re.search(
        r"^MSH-\S+ → \w+(\.\w+(\[\d+\])?)+ by transforms/hl7v2/\S+\.yaml:\d+$",
        page.inner_text("#trace"),
    )
    path = focused(tab, "path")
    press(tab, "j")
    assert focused(tab, "path") not in (None, path)
    assert page.query_selector("#source .lit, #made .lit")
    press(tab, "Enter")
    page.wait_for_selector("#rule .here")

    follow(tab, "w")
    tab.wait_for_focus("element")
    page.keyboard.insert_text("Patient.deceasedBoolean")
    press(tab, "Enter")
    page.wait_for_selector("#why-not li")
    assert "was not written" in page.inner_text("#why-not")
    press(tab, "Escape")

    follow(tab, "e")
    tab.wait_for_focus("path-1")
    page.keyboard.insert_text("PID-7")
    press(tab, "Tab")
    page.keyboard.insert_text("19870412")
    press(tab, "Escape")
    follow(tab, "d")
    assert "Nothing was stored, nothing was sent" in page.inner_text("#trial")
    assert "PID[1]-7" in page.inner_text("#trial")
    page.focus("#reason")
    page.keyboard.insert_text("born in 1987, not 2987")
    press(tab, "Tab", "Tab")
    with page.expect_navigation():
        press(tab, "Enter")
    page.wait_for_url(re.compile(r"/messages/\d+$"), timeout=60_000)
    assert "An edited copy of message" in page.inner_text("main")
    page.wait_for_function(
        "async () => { const text = await (await fetch(location.href)).text();"
        " return text.includes('attempt 1 at records: 200'); }",
        timeout=60_000,
    )


def test_what_a_real_server_refused_is_a_problem_named_by_what_it_said(open_tab: OpenTab) -> None:
    page = open_tab("support").open("/problems").page
    assert "http-422 from records: business-rule" in page.inner_text("main")
    page.goto("/")
    assert "http-422 from records: business-rule" in page.inner_text("#board-alerts")


def test_neighbours_in_the_results_are_one_key_away(open_tab: OpenTab) -> None:
    tab = open_tab("support").open("/messages?type=ADT%5EA08")
    press(tab, "j")
    follow(tab, "Enter")
    first = tab.page.url
    follow(tab, "]")
    assert tab.page.url != first
    follow(tab, "[")
    assert tab.page.url == first
    follow(tab, "u")
    assert tab.page.url.endswith("/messages?type=ADT%5EA08")


def test_a_pasted_message_is_found_and_no_address_holds_it(open_tab: OpenTab) -> None:
    tab = open_tab("support").open("/messages")
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    search(tab, ADMISSION.replace("\r", "\n"))
    assert re.search(r"/messages/\d+\?s=\w{16}$", tab.page.url)
    search(tab, "mrn:700053")
    assert tab.page.url.startswith(f"{tab.url}/messages?s=")
    assert tab.page.locator("tbody tr").count() >= 2
    assert not [url for url in asked for value in PLANTED if value in url]
    assert not [value for value in PLANTED if value in tab.page.title()]


def test_pointer_and_trace_agree_both_ways(open_tab: OpenTab) -> None:
    tab = open_tab("support").open("/messages/1")
    page = tab.page
    page.hover('[data-path="PID-8"]')
    assert re.match(r"PID-8 → Patient\.gender by transforms/", page.inner_text("#trace"))
    lit = page.evaluate("[...document.querySelectorAll('#made .lit')].map((e) => e.dataset.path)")
    assert lit == ["Patient.gender"]
    page.hover('#made [data-path="Patient.name[0].family"]')
    assert re.match(r"PID-5\.1 → Patient\.name\[0\]\.family by ", page.inner_text("#trace"))
    lit = page.evaluate("[...document.querySelectorAll('#source .lit')].map((e) => e.dataset.path)")
    assert lit == ["PID-5.1"]


def test_hostile_text_stays_text_for_who_sees_values(open_tab: OpenTab) -> None:
    tab = open_tab("administrator").open("/messages/2")
    page = tab.page
    page.click("text=Show values")
    page.fill("#reason", "INC-77 call from ward")
    with page.expect_navigation():
        page.press("#reason", "Enter")
    for path in ("/messages/2", "/messages/2?left=raw&right=sent", "/messages/2/copy"):
        tab.open(path)
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0
        assert tab.axe() == [], path
    assert HOSTILE in tab.open("/messages/2?left=raw").page.inner_text(".raw")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_results_a_trace_and_a_dry_run(
    open_tab: OpenTab, site: ConsoleSite, scheme: str
) -> None:
    tab = open_tab("support", scheme=scheme).open("/messages")
    search(tab, "stauts:ERROR")
    assert "did you mean" in tab.page.inner_text("#problem")
    assert tab.axe() == []
    search(tab, "PID-8:F status:SENT")
    tab.page.wait_for_selector("tbody tr")
    assert tab.axe() == []
    tab.open("/messages/1")
    press(tab, "t", "t", "Enter")
    tab.page.wait_for_selector("#rule .here")
    assert tab.axe() == []
    tab.open("/messages/1/why-not")
    assert tab.axe() == []
    tab.open("/messages/1/copy")
    tab.page.fill("#path-1", "PID-8")
    tab.page.fill("#value-1", "M")
    press(tab, "Escape")
    follow(tab, "d")
    assert tab.axe() == []
