"""What holds for every screen, in light and dark: readable for all, inert, by keyboard alone."""

from collections.abc import Callable

import pytest
from console_site import PASSWORD, PLANTED, Tab

SCREENS = (
    "/",
    "/?show=attention",
    "/account",
    "/alerts",
    "/audit",
    "/channels/adt",
    "/codes",
    "/messages",
    "/messages/1",
    "/messages/1?left=raw&right=sent",
    "/messages/1?left=lost&right=not-written",
    "/messages/1/attempts",
    "/messages/1/copy",
    "/messages/1/thread/patient",
    "/messages/3",
    "/problems",
    "/problems/1",
    "/replays",
    "/tokens",
    "/users",
    "/users/viewer",
)
"""Add a screen's path here and it is looked at."""

OpenTab = Callable[..., Tab]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_screen(open_tab: OpenTab, scheme: str) -> None:
    tab = open_tab("administrator", scheme=scheme)
    for path in SCREENS:
        tab.open(path)
        assert tab.axe() == [], path
        tab.page.click("details.menu > summary")
        assert tab.axe() == [], f"the menu on {path}"
    tab.page.keyboard.press("Escape")
    tab.open("/").page.keyboard.press("?")
    tab.page.wait_for_selector("dialog[open]")
    assert tab.axe() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_one_signs_in(open_tab: OpenTab, scheme: str) -> None:
    tab = open_tab(scheme=scheme).open("/sign-in")
    assert tab.axe() == []


def test_a_masked_role_never_receives_a_value(open_tab: OpenTab) -> None:
    for role in ("viewer", "operator", "auditor"):
        tab = open_tab(role)
        for path in SCREENS:
            html = tab.open(path).page.content()
            assert [value for value in PLANTED if value in html] == []


def test_text_of_a_message_is_never_run(open_tab: OpenTab) -> None:
    tab = open_tab("administrator")
    for path in SCREENS:
        assert tab.open(path).page.evaluate("window.hacked") is None


def test_pages_fit_a_small_window_at_400_percent(open_tab: OpenTab) -> None:
    """WCAG 1.4.10: 1280 by 1024 at 400% is 320 by 256; only tables may scroll sideways."""
    tab = open_tab("administrator")
    tab.page.set_viewport_size({"width": 320, "height": 256})
    for path in SCREENS:
        tab.open(path)
        assert tab.page.evaluate("document.documentElement.scrollWidth <= 320"), path


SMALL_TARGETS = """
    [...document.querySelectorAll("button, summary, select, nav a, td a, th a, input")]
      .map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 200)])
      .filter(([box]) => box.width && (box.width < 23.5 || box.height < 23.5))
      .map(([, html]) => html)
"""


def test_targets_are_24_pixels_or_more(open_tab: OpenTab) -> None:
    tab = open_tab("administrator")
    for path in SCREENS:
        assert tab.open(path).page.evaluate(SMALL_TARGETS) == [], path


def test_signing_in_moving_and_leaving_need_no_mouse(open_tab: OpenTab) -> None:
    tab = open_tab().open("/")
    tab.wait_for_focus("name")
    page = tab.page
    page.keyboard.type("operator")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#board")
    page.wait_for_load_state()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.matches('[data-row]')")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    assert not page.query_selector("dialog[open]")


def test_shortcuts_and_colours_are_the_user_s_and_kept_on_the_server(open_tab: OpenTab) -> None:
    page = open_tab("auditor").page
    page.click("details.menu > summary")
    page.select_option("#theme", "dark")
    page.uncheck("input[name=shortcuts]")
    page.click("text=Keep")
    page.wait_for_selector("html[data-theme=dark]")
    page.keyboard.press("?")
    assert not page.query_selector("dialog[open]")
    assert open_tab("auditor").page.get_attribute("html", "data-theme") == "dark"
