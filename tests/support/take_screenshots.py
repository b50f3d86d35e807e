"""Pictures of every screen of the console, for docs/screens.

    python tests/support/take_screenshots.py

Runs the console as the browser tests do, with their messages, in a Chromium found as they find it.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]
FOLDER = ROOT / "docs" / "screens"
PAGES = {
    "board": "/",
    "messages": "/messages",
    "message": "/messages/3",
    "problems": "/problems",
    "problem": "/problems/1",
    "codes": "/codes",
    "alerts": "/alerts",
    "audit": "/audit",
    "users": "/users",
}
SETTLE_SECONDS = 3
"""Until the messages that were sent have come to their end."""


def main() -> None:
    """Take them all, in light and dark."""
    from console_site import MESSAGES, PASSWORD, ConsoleSite
    from playwright.sync_api import sync_playwright

    FOLDER.mkdir(exist_ok=True)
    site = ConsoleSite(Path(tempfile.mkdtemp(prefix="screens-")))
    try:
        site.start()
        site.send(*MESSAGES)
        time.sleep(SETTLE_SECONDS)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(playwright), args=["--no-sandbox"]
            )
            for scheme in ("light", "dark"):
                take(browser, site.url, PASSWORD, scheme)
            browser.close()
    finally:
        site.stop()


def find_chromium(playwright: Any) -> str:
    """As the browser tests do."""
    import shutil

    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return found
    return str(playwright.chromium.executable_path)


def take(browser: Any, url: str, password: str, scheme: str) -> None:
    """All pages in one colour scheme."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    page.goto(f"{url}/")
    page.fill("[name=name]", "administrator")
    page.fill("[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{url}/")
    for name, path in PAGES.items():
        page.goto(url + path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=FOLDER / f"{name}-{scheme}.png")
    page.goto(f"{url}/problems/1")
    page.click("text=Dry run on all")
    page.wait_for_selector("text=nothing was sent", timeout=60_000)
    page.screenshot(path=FOLDER / f"replay-{scheme}.png")
    page.close()


if __name__ == "__main__":
    main()
