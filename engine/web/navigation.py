"""Rim. What the head of every page leads to."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.runtime.desk.rights import Right, Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One screen."""

    label: str
    path: str
    keys: str
    """Shortcut: `g b`."""
    right: Right


SCREENS: Sequence[Entry] = (
    Entry(label="Board", path="/", keys="g b", right=Right.SEE_MESSAGES),
    Entry(label="Messages", path="/messages", keys="g m", right=Right.SEE_MESSAGES),
    Entry(label="Problems", path="/problems", keys="g p", right=Right.SEE_MESSAGES),
    Entry(label="Codes", path="/codes", keys="g c", right=Right.SEE_MESSAGES),
    Entry(label="Alerts", path="/alerts", keys="g l", right=Right.SEE_MESSAGES),
    Entry(label="Replays", path="/replays", keys="g r", right=Right.SEE_MESSAGES),
    Entry(label="Audit", path="/audit", keys="g a", right=Right.READ_AUDIT),
    Entry(label="Users", path="/users", keys="g u", right=Right.USERS),
)


def entries(viewer: Viewer) -> list[Entry]:
    """The screens this viewer may open."""
    return [entry for entry in SCREENS if viewer.may(entry.right)]
