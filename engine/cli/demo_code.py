"""Rim. What an analyst does in the demo: a code is held, it is mapped, its message is released.

By the functions behind `engine tables missing`, `engine tables add` and `engine reload`, on the
demo's copy of the project.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.cli.demo_site import ENVIRONMENT, Site

if TYPE_CHECKING:
    from engine.runtime.codetables.missing import MissingCode
    from engine.runtime.configuration import Loaded
    from engine.runtime.desk.message_log import MessageLog

CHANNEL = "laboratory"
TABLE = ("LAB_A", 72)
HELD_SECONDS = 4.0
"""So long it is left as it is, to be seen."""
RELOAD_SECONDS = 30.0


@dataclass(slots=True)
class Analyst:
    """Follows the first message that waits for a code; Unix times, 0 while it is not so far."""

    site: Site
    message_id: int = 0
    code: str = ""
    display: str = ""
    target: str = ""
    held_at: float = 0.0
    mapped_at: float = 0.0
    released_at: float = 0.0
    sent_at: float = 0.0

    @property
    def table(self) -> str:
        """As commands name it."""
        return f"{TABLE[0]}/{TABLE[1]}"

    @property
    def done(self) -> bool:
        """True when the message has arrived."""
        return self.sent_at > 0

    def look(self, log: "MessageLog", *, hurried: bool = False) -> None:
        """Do the next thing there is to do.

        Args:
            log: the message log.
            hurried: the code is mapped at once.
        """
        if not self.message_id:
            self._find(log)
        elif not self.done:
            self._arrived(log)
            waited = hurried or time.time() - self.held_at >= HELD_SECONDS
            if waited and not self.done and not self.released_at:
                self._map(log)

    def told(self) -> str:
        """How far it is, in a line; empty before there is a held message."""
        if not self.message_id:
            return ""
        if not self.mapped_at:
            how = "was" if self.done else "is"
            return f"message {self.message_id} {how} held: a code has no code value at the tenant"
        mapped = f"{self.code} of message {self.message_id} is mapped to {self.target}"
        return f"{mapped}; the message has gone out" if self.done else f"{mapped}; released"

    def _find(self, log: "MessageLog") -> None:
        from engine.runtime.desk.search_query import parse_query

        query = parse_query(f"channel:{CHANNEL} status:HELD", now=time.time(), limit=1)
        for row in log.search(query):
            self.message_id, self.held_at = row.message_id, time.time()

    def _map(self, log: "MessageLog") -> None:
        """Add the row, unless somebody else did, and reload."""
        from engine.runtime.node.node import data_folder, request_reload

        if not self.mapped_at:
            loaded = self._project()
            if loaded is None:
                return  # somebody is changing the copy
            entry = self._entry(log, loaded)
            if entry is not None:
                self._add(entry, loaded)
        asked_at = time.time()
        data = data_folder(self.site.project, self.site.store)
        result = request_reload(data, RELOAD_SECONDS)
        if result is not None and result.accepted:
            self.released_at = asked_at

    def _add(self, entry: "MissingCode", loaded: "Loaded") -> None:
        from engine.runtime.codetables.adding import NewRow, add_alias
        from engine.runtime.codetables.lines import Refused

        row = NewRow(code=entry.key.code, target=entry.suggestion, display=entry.display)
        snapshots = list(loaded.code_values.snapshots.values())
        try:
            added = add_alias(
                self.site.project, loaded.code_values, TABLE, row, snapshots=snapshots
            )
        except Refused:
            return  # it is there by now
        self.code, self.display, self.target = row.code, row.display, added.target
        self.mapped_at = time.time()

    def _project(self) -> "Loaded | None":
        from engine.runtime.configuration import check_project, read_project

        try:
            files = read_project(self.site.project, ENVIRONMENT)
        except (OSError, ValueError):
            return None
        return check_project(files, self.site.variables, check_maps=False)[0]

    def _entry(self, log: "MessageLog", loaded: "Loaded") -> "MissingCode | None":
        """What the work list says of the code, with its suggestion."""
        from engine.runtime.codetables.missing import missing_codes

        found = missing_codes(log, loaded, since=0.0, messages_max=1000).in_order()
        return next((one for one in found if one.key.table == self.table and one.suggestion), None)

    def _arrived(self, log: "MessageLog") -> None:
        from engine.pipeline.states import State

        detail = log.message(self.message_id)
        if detail is not None and detail.runs and detail.runs[-1].state is State.SENT:
            attempts = [each for one in detail.runs[-1].deliveries for each in one.attempts]
            self.sent_at = max((one.finished_at for one in attempts), default=time.time())
