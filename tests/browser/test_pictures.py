"""Pictures of the screens for the documentation; `--update` takes them anew."""

from collections.abc import Callable
from pathlib import Path

import pytest
from console_site import Tab

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SCREENS = {
    "board": "/",
    "channel": "/channels/adt",
    "messages": "/messages",
    "message": "/messages/1",
    "problems": "/problems",
    "problem": "/problems/1",
    "replays": "/replays",
    "alerts": "/alerts",
    "codes": "/codes",
    "audit": "/audit",
    "users": "/users",
    "tokens": "/tokens",
    "account": "/account",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_has_a_picture(
    open_tab: Callable[..., Tab], scheme: str, update: bool
) -> None:
    if update:
        tab = open_tab("administrator", scheme=scheme)
        for name, path in SCREENS.items():
            tab.open(path).screenshot(PICTURES / f"{name}-{scheme}.png")
        page = open_tab(scheme=scheme).open("/sign-in")
        page.screenshot(PICTURES / f"sign-in-{scheme}.png")
    missing = [
        name for name in (*SCREENS, "sign-in") if not (PICTURES / f"{name}-{scheme}.png").is_file()
    ]
    assert missing == []
