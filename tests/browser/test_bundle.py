"""A message in one file, opened where there is no console and no network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from console_site import PLANTED, Tab, found_by_axe


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_bundle_opens_offline_masked_inert_and_readable_for_all(
    open_tab: Callable[..., Tab], browser: Any, tmp_path: Path, scheme: str
) -> None:
    tab = open_tab("analyst")
    for message_id in (1, 2, 3):
        tab.open(f"/messages/{message_id}")
        with tab.page.expect_download() as download:
            tab.page.keyboard.press("b")
        file = tmp_path / download.value.suggested_filename
        assert file.name == f"message-{message_id}.html"
        download.value.save_as(file)
        context = browser.new_context(offline=True, color_scheme=scheme)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(file.as_uri())
        assert asked == [file.as_uri()]
        assert "Timeline" in page.inner_text("body")
        assert "Patient.gender" in page.inner_text("body")
        assert [value for value in PLANTED if value in page.content()] == []
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0
        assert found_by_axe(page) == []
        context.close()
