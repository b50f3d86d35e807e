"""An analyst ends a code that no table knows: found, shown, written, tried, brought into force."""

import re
from collections.abc import Callable

import pytest
from console_site import UPDATE, ConsoleSite, Tab

OpenTab = Callable[..., Tab]
ODD = UPDATE.replace("|F\rPV1", "|QX\rPV1").replace("C0005", "C0901")
TABLE = "overlays/site/tables/AdministrativeSex.csv"


@pytest.fixture
def overlaid(site: ConsoleSite) -> None:
    """The channel has an overlay, for rows of the site; not in force yet."""
    home = site.folder / "home"
    (home / "overlays/site/tables").mkdir(parents=True, exist_ok=True)
    channel = home / "channels/adt.yaml"
    text = channel.read_text()
    channel.write_text(text.replace("  map: auto\n", "  map: auto\n  overlays: [overlays/site]\n"))
    (home / "overlays/site/tables/SiteOnly.csv").write_text(
        "source_code,source_system,target_code,target_system,target_display,comment\n"
        "A,,a,urn:oid:1.2.3,,\n"
    )
    site.send(ODD)


@pytest.mark.usefixtures("overlaid")
def test_a_code_without_a_row_gets_one_and_is_gone_after_the_reload(
    open_tab: OpenTab, site: ConsoleSite
) -> None:
    tab = open_tab("analyst").open("/")
    page = tab.page
    page.keyboard.press("g")
    with page.expect_navigation():
        page.keyboard.press("c")
    code = "tr[data-row]:has-text('QX')"
    page.wait_for_selector("#codes:not([data-refresh])", timeout=120_000)
    if not page.query_selector(code):  # an earlier visitor began the look
        with page.expect_navigation():
            page.keyboard.press("l")
        page.wait_for_selector(f"#codes:not([data-refresh]) {code}", timeout=120_000)
    assert tab.axe() == []
    page.click(f"{code} a")
    page.wait_for_url(re.compile(r"/codes/[0-9a-f]{20}$"))
    assert "QX" not in page.url + page.title()

    page.keyboard.press("e")
    page.keyboard.insert_text("unknown")
    page.fill("#overlay", "site")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "+QX,,unknown," in page.inner_text(".difference")
    assert not (site.folder / "home" / TABLE).exists()
    assert tab.axe() == []
    with page.expect_navigation():
        page.keyboard.press("e")
    assert "written, not in force" in page.inner_text("main")
    assert "QX,,unknown," in (site.folder / "home" / TABLE).read_text()

    address = page.url
    with page.expect_navigation():
        page.click("text=Dry run on all")
    page.wait_for_selector("text=update", timeout=120_000)
    assert "Patient.gender" in page.inner_text("main")

    page.goto(address)
    assert tab.axe() == []
    with page.expect_navigation(timeout=120_000):
        page.click("text=Reload and release")
    assert "Channels it changed: adt" in page.inner_text("main")
    tab.open("/codes")
    page.wait_for_selector("#codes:not([data-refresh])", timeout=120_000)
    assert not page.query_selector(code)
