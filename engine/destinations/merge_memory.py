"""Rim. What the server was seen to have a moment ago: staff, places, organisations, devices.

A feed names the same of them in nearly every message. Of each is kept under which name the server
has it, in which version, and which entries it had all of. Only answers of the server put something
here. Entries are kept as they are, not as a digest: comparing them is exact and costs a tenth.
Nothing of a patient's own is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.fhir.merge_plan import request_of
from engine.mapping.memory import SHARED_TYPES

KEPT_MAX = 4_000
"""Resources of one generation; two generations are kept: what was not used in one goes."""
BYTES_MAX = 4_000_000
"""Of one generation."""
SAYINGS_MAX = 8
"""Entries of one resource: feeds, and fields of one message, say different parts of it."""
_OVERHEAD = 300


@dataclass(slots=True)
class Held:
    """What is known of one resource of the server."""

    name: str
    """`Type/id`"""
    version: str
    """Empty: not known, as after a write of ours."""
    until: dict[bytes, float] = field(default_factory=dict)
    """Entries the server had all of, and when they are to be read again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry about to be sent, or left out after a read, and what was known of it then."""

    entry: bytes
    deletes: bool
    """It says more than its bytes: what is to go."""
    at: float
    version: str
    """What was read; empty: there was none, or the server did not tell."""
    before: Held | None


class MergeMemory:
    """The memory of one destination."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        """Args: how long a confirmation holds, 0: nothing is kept; a clock that never goes back."""
        self._seconds = seconds
        self._clock = clock
        self._newer: dict[bytes, Held] = {}
        self._older: dict[bytes, Held] = {}
        self._bytes = 0

    def name_of(self, entry: bytes) -> str:
        """`Type/id` of the resource when the server lately had all the entry says, else empty."""
        held = self._get(request_of(entry))
        if held is None:
            return ""
        until = held.until.get(entry)
        return held.name if until is not None and until > self._clock() else ""

    def look(self, entry: bytes, version: str, *, deletes: bool) -> Seen | None:
        """Note what a read found: other versions of the resource are forgotten.

        Args:
            entry: the entry that would write the resource.
            version: what was read; empty: there is none, or the server did not tell.
            deletes: the message deletes something of it.

        Returns:
            What `confirm` wants once the message is delivered; None: of this nothing is kept.
        """
        key = request_of(entry)
        if not self._seconds or _type_of(key) not in SHARED_TYPES:
            return None
        held = self._get(key)
        if held is not None and (not version or version != held.version):
            self._drop(key)
            held = None
        return Seen(entry, deletes, self._clock(), version, held)

    def confirm(self, seen: Seen, name: str, *, written: bool) -> None:
        """The server has, under this name, all that the entry says: it answered so."""
        key = request_of(seen.entry)
        held = self._get(key)
        if held is not seen.before:
            # Another message was there since: which of the two was later, nobody can say.
            if held is not None and written and seen.entry not in held.until:
                self._drop(key)
            return
        if seen.deletes or not name:
            if written:
                self._drop(key)
            return
        if held is None or written or len(held.until) >= SAYINGS_MAX:
            held = Held(name, "" if written else seen.version)
        held.until[seen.entry] = seen.at + self._seconds
        self._put(key, held)

    def forget(self, entry: bytes) -> None:
        """Read this resource again."""
        self._drop(request_of(entry))

    def __len__(self) -> int:
        """Resources known, those in both generations twice."""
        return len(self._newer) + len(self._older)

    def _get(self, key: bytes) -> Held | None:
        held = self._newer.get(key)
        if held is None:
            held = self._older.pop(key, None)
            if held is not None:
                self._put(key, held)
        return held

    def _put(self, key: bytes, held: Held) -> None:
        size = _OVERHEAD + len(key) + sum(map(len, held.until))
        if size > BYTES_MAX // 8:
            self._drop(key)
            return
        if len(self._newer) >= KEPT_MAX or self._bytes + size > BYTES_MAX:
            self._older, self._newer, self._bytes = self._newer, {}, 0
        self._older.pop(key, None)
        self._newer[key] = held
        self._bytes += size

    def _drop(self, key: bytes) -> None:
        self._newer.pop(key, None)
        self._older.pop(key, None)


def _type_of(key: bytes) -> str:
    """The resource type in the request of an entry."""
    url = key.rpartition(b'"url":"')[2]
    return url.partition(b"/")[0].partition(b"?")[0].decode()
