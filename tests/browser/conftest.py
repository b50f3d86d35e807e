"""A real Chromium on a real site. Without a Chromium these tests are skipped, and say so.

`site` runs for the whole session with sample messages and one user of each role; `open_tab` gives
pages of signed-in users. What a page does that no page may (a violation of the policy, a failing
script, a request to another host, something kept in the browser) fails the test that opened it.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from console_site import MESSAGES, ConsoleSite, Tab

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.acceptance)


def find_chromium(playwright: Any) -> str:
    """The path of a Chromium: `BROWSER_CHROMIUM`, on the PATH, or Playwright's own; "" for none."""
    named = os.environ.get("BROWSER_CHROMIUM", "")
    on_path = (shutil.which(name) or "" for name in NAMES)
    own = playwright.chromium.executable_path
    return next((file for file in (named, *on_path, own) if file and Path(file).is_file()), "")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the Chromium; without one the tests are skipped, loudly."""
    sync_api = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("axe_playwright_python", reason="NO AXE: pip install -e .[dev]")
    with sync_api.sync_playwright() as playwright:
        file = find_chromium(playwright)
    if not file:
        pytest.skip(
            "NO BROWSER: the console is not tested. Install chromium, run `playwright install"
            " chromium`, or name one in BROWSER_CHROMIUM."
        )
    return file


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """For one file of tests: while it runs, its thread has a running event loop, in which no other
    test's loop can run."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[ConsoleSite]:
    found = ConsoleSite(tmp_path_factory.mktemp("console"))
    try:
        found.start()
        found.send(*MESSAGES)
        yield found
    finally:
        found.stop()


@pytest.fixture
def open_tab(browser: Any, site: ConsoleSite) -> Iterator[Callable[..., Tab]]:
    """`open_tab("support", scheme="dark")`: a page of that user; `open_tab()`: of nobody."""
    opened: list[Tab] = []

    def make(name: str = "", scheme: str = "light") -> Tab:
        tab = Tab(browser, site.url, scheme)
        opened.append(tab)
        return tab.sign_in(name) if name else tab

    yield make
    faults = [fault for tab in opened for fault in tab.faults]
    kept = [tab.stored() for tab in opened if not tab.page.is_closed()]
    for tab in opened:
        tab.close()
    assert faults == []
    assert not any(kept)
