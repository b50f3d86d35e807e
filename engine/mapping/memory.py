"""Pure. What texts became in earlier messages: staff, places, organisations and codes come again.

A feed names the same practitioners, wards, facilities and payers in nearly every message. What such
a text became is kept with the resources that were put in the bundle for it, and put there again:
the output is the same with the memory as without. What met a problem, or read what differs between
the messages of one sender, is not kept; what is reported once a message is kept as a note, and
reported by the first that has it. Of patients nothing is kept.
"""

from dataclasses import dataclass, field
from typing import Any

from engine.diagnostics import Code
from engine.fhir.entries import Entry, Recurring
from engine.hl7v2.delimiters import Delimiters
from engine.mapping.identifiers import best_identifier

RECENT_ENTRIES_MAX = 4_000
RECENT_BYTES_MAX = 4_000_000
"""Of one generation of one sender; two generations are kept."""
SENDERS_MAX = 32
"""Senders of all channels of a program, each with a memory of its own, as maps read MSH."""
CODINGS_MAX = 20_000
"""Texts whose codings are kept: a laboratory's catalogue of tests, units and flags."""
MEMORIES_MAX = 64
"""Contexts (and delimiters) that have a memory; a program serves a channel or a few."""

TEXT_MAX = 500
"""Characters of a text that is kept."""

SENDER_FIELDS = (3, 4, 5, 6)
"""Fields of MSH that are the same in all messages between two systems."""
SHARED_TYPES = frozenset(
    {"Device", "HealthcareService", "Location", "Organization", "Practitioner", "PractitionerRole"}
)
"""Resources that are no patient's own: only these are kept."""

JOINED_MAX = 4
"""Other descriptions with which what became of one is kept."""

_STAFF_TYPES = frozenset({"Practitioner", "PractitionerRole"})

_BYTES_PER_CHARACTER = 30
"""Of a resource as Python objects, with its bytes, per character of the text it was made of."""
_BYTES_PER_RESOURCE = 3_000


class Placed:
    """A resource as it was put in the bundle; the same in every message that names it."""

    __slots__ = ("entry", "key", "reference")

    def __init__(
        self,
        resource: dict[str, Any],
        key: tuple[str, Any],
        identity: str,
        preferred: dict[str, int],
    ) -> None:
        """`key` is the resource's type and business key, `identity` the id derived from them."""
        self.key = key
        self.reference = {"reference": f"{key[0]}/{identity}"}
        self.entry = Entry(
            resource=resource,
            resource_id=identity,
            identifier=(
                best_identifier(resource["identifier"], preferred)
                if "identifier" in resource
                else None
            ),
            merges=True,
            recurring=Recurring(joined={}),
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What a text became, and the resources that were put in the bundle for it, in order."""

    value: Any
    placed: tuple[Placed, ...]
    everywhere: bool
    """False: this holds in this message only."""
    notes: "tuple[Note, ...]" = ()
    """What each message reports once, such as an authority without a URI."""


@dataclass(frozen=True, slots=True)
class Note:
    """A problem met where a text was read, and its place within the text, as in `run.Pending`."""

    code: Code
    about: str
    rule: int | None
    path: tuple[int, ...]
    level: int


def names_staff(placed: tuple[Placed, ...]) -> bool:
    """True for what is another resource in a message that knows a person by two keys."""
    return any(one.key[0] in _STAFF_TYPES for one in placed)


class Recent:
    """The texts used last, in two generations: what was not used in one whole generation goes.

    A hit costs one look-up and writes nothing, which a list in order of use would.
    """

    __slots__ = ("_bytes", "_newer", "_older")

    def __init__(self) -> None:
        self._newer: dict[tuple[Any, ...], Known] = {}
        self._older: dict[tuple[Any, ...], Known] = {}
        self._bytes = 0

    def get(self, key: tuple[Any, ...]) -> Known | None:
        """What the text became, None when it is not known."""
        found = self._newer.get(key)
        if found is None:
            found = self._older.get(key)
            if found is not None:
                self.keep(key, found)
        return found

    def keep(self, key: tuple[Any, ...], known: Known) -> None:
        """Keep what the text (second of the key) became."""
        size = _BYTES_PER_CHARACTER * len(key[1]) + _BYTES_PER_RESOURCE * (len(known.placed) + 1)
        if self._bytes + size > RECENT_BYTES_MAX or len(self._newer) >= RECENT_ENTRIES_MAX:
            self._older, self._newer, self._bytes = self._newer, {}, 0
        self._newer[key] = known
        self._bytes += size

    def __len__(self) -> int:
        """Texts known, those in both generations twice."""
        return len(self._newer) + len(self._older)


@dataclass(slots=True)
class Memory:
    """What is kept for one context with one set of delimiters."""

    context: object
    number: int
    senders: dict[tuple[Any, ...], Recent]
    """Those of all memories of a program, which share one limit."""
    codings: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(what, text) to a coding."""

    def recent(self, header: list[str], offset_minutes: int | None) -> Recent:
        """The memory for messages of this sender at this offset from UTC."""
        key = (self.number, header[3], header[4], header[5], header[6], offset_minutes)
        found = self.senders.get(key)
        if found is None:
            if len(self.senders) >= SENDERS_MAX:
                del self.senders[next(iter(self.senders))]
            found = self.senders[key] = Recent()
        return found


class Memories:
    """The memories of a program."""

    __slots__ = ("_count", "_found", "_senders")

    def __init__(self) -> None:
        self._found: dict[tuple[int, Delimiters, str], Memory] = {}
        self._senders: dict[tuple[Any, ...], Recent] = {}
        self._count = 0

    def of(self, context: object, delimiters: Delimiters, codec: str) -> Memory:
        """The memory for a context with these delimiters, made when first asked for."""
        key = (id(context), delimiters, codec)
        found = self._found.get(key)
        if found is None or found.context is not context:
            if len(self._found) >= MEMORIES_MAX:
                self._found.clear()
                self._senders.clear()
            self._count += 1
            found = self._found[key] = Memory(context, self._count, self._senders)
        elif len(found.codings) > CODINGS_MAX:
            found.codings = {}
        return found
