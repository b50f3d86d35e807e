"""Pure. Has a newer version of this document come before?

Documents of one set carry version numbers (CDA R2, 4.2.1: `setId`, `versionNumber`). Lanes keep the
order of arrival, and arrival is what counts for delivery; what a sender sent in the wrong order is
reported, not reordered. The index lives in memory and is bounded; after a restart it begins anew.
"""

from engine.cda.header import DocumentHeader, shown

SETS_MAX = 200_000
"""Of one channel; the oldest is forgotten."""


class VersionIndex:
    """The newest version of each set received lately."""

    def __init__(self, sets_max: int = SETS_MAX) -> None:
        self._sets_max = sets_max
        self._newest: dict[int, int] = {}

    def is_late(self, facts: DocumentHeader) -> bool:
        """Note a document; True when a newer version of its set was noted before."""
        name, number = shown(facts.set_id), facts.version_number
        if not name or not (number.isascii() and number.isdigit() and len(number) < 10):
            return False
        key = hash((facts.sender, name))
        newest = self._newest.pop(key, 0)
        self._newest[key] = max(newest, int(number))
        if len(self._newest) > self._sets_max:
            del self._newest[next(iter(self._newest))]
        return int(number) < newest
