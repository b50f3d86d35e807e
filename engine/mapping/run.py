"""Pure. What generated code works with while one message is converted.

`Run` lives for one message. It collects resources, problems and the facts that functions may ask
for. A problem is first noted without a place (the function that finds it knows none); each caller
on the way up adds what it knows, so a message without problems pays one test of an empty list per
call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.diagnostics import Code, Diagnostic, Place
from engine.fhir.entries import Entry, Recurring
from engine.fhir.identity import resource_id
from engine.fhir.merging import contains, merge, says_nothing
from engine.hl7v2.message import Segment
from engine.mapping.blanked import blank_nulls
from engine.mapping.codes import HELD_CODE, RULE_FAILED, SAME_KEY, TOO_MANY
from engine.mapping.identifiers import best_identifier
from engine.mapping.made import Made, Pending
from engine.mapping.memory import (
    JOINED_MAX,
    SHARED_TYPES,
    TEXT_MAX,
    Known,
    Note,
    Placed,
    Recent,
    names_staff,
)

ENTRIES_MAX = 20_000
"""Resources of one message; the largest real ones are batches of results with some thousand OBX."""
DOCUMENT_ENTRIES_MAX = 200_000
"""Resources of one document: 50 MB of entries without narrative are some 60,000."""
PROBLEMS_MAX = 1_000
"""Diagnostics of one message."""

_CONTENT = msgspec.json.Encoder(decimal_format="number", order="sorted")


@dataclass(frozen=True, slots=True, kw_only=True)
class MapContext:
    """What the channel says about its maps."""

    time_zone: str | None = None
    authorities: dict[str, str] = field(default_factory=dict)
    source_system: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    """Types or systems of identifiers, best first; go before the built-in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapResult:
    """What a message became."""

    entries: list[Entry]
    diagnostics: list[Diagnostic]
    held: bool
    """A code without a row was to hold the message for a person."""
    nulls: tuple[str, ...] = ()
    """Paths that were sent as the explicit null `\"\"`: the sender wants them deleted."""
    map_name: str = ""


class Run:
    """One message being converted; implements `functions.record.Facts`."""

    __slots__ = (
        "authorities",
        "by_key",
        "contents",
        "diagnostics",
        "document",
        "escaped",
        "faults",
        "has_nulls",
        "header",
        "header_offset_minutes",
        "held",
        "made",
        "memory",
        "nulls",
        "occurrences",
        "once",
        "parameters",
        "people",
        "placed",
        "places",
        "preferred",
        "recent",
        "remembered",
        "segments",
        "source_system",
        "subcomponents",
        "time_zone",
        "trace",
        "values",
        "varied",
    )

    def __init__(self, context: MapContext, places: Sequence[Place]) -> None:
        self.time_zone = context.time_zone
        self.authorities = context.authorities
        self.source_system = context.source_system
        self.parameters = context.parameters
        self.preferred = {word: rank for rank, word in enumerate(context.identifiers)}
        self.places = places
        self.header_offset_minutes: int | None = None
        self.header: list[str] = []
        self.segments: list[Segment] = []
        self.escaped = False
        self.subcomponents = False
        self.has_nulls = False
        self.nulls: list[str] = []
        self.faults: list[Pending] = []
        self.diagnostics: list[Diagnostic] = []
        self.held = False
        self.made: list[Made] = []
        self.by_key: dict[tuple[str, tuple[str, ...]], Made] = {}
        self.remembered: dict[tuple[Any, ...], Known] = {}
        """(function, text, arguments) to what it made in this message."""
        self.recent: Recent | None = None
        """The same of earlier messages."""
        self.people: dict[tuple[str, ...], tuple[str, ...]] = {}
        """Keys of practitioners who are known by another key too, from `people.same_people`."""
        self.placed: list[Placed] = []
        """Resources put in the bundle for a Reference, in order."""
        self.varied = 0
        """Counts what makes a result one of this message alone: problems, and reads of MSH."""
        self.memory: dict[tuple[Any, ...], Any] = {}
        """(what, text) to a coding or Reference that is the same in every message of the feed."""
        self.values: dict[tuple[str, str], Any] = {}
        """(function, text) to a name, address or number of this message: kin are sent once and
        stand in two resources."""
        self.contents: dict[tuple[str, bytes], int] = {}
        self.once: set[tuple[str, str]] = set()
        self.occurrences: dict[int, str] | None = None
        self.trace: Any = None
        self.document: Any = None
        """A `document_run.DocumentSide`, where a document is converted."""

    # -- problems --

    def fault(self, code: Code, **values: object) -> None:
        """Note a problem with the value at hand."""
        self.varied += 1
        if len(self.faults) < PROBLEMS_MAX:
            self.faults.append(Pending(code, values))

    def fault_once(self, code: Code, about: str) -> None:
        """The same, reported once a message for each `about`; met again it is noted."""
        self._note(code, about)

    def _note(self, code: Code, about: str) -> Pending:
        self.varied += 1
        pending = Pending(code, {}, about, again=(code.code, about) in self.once)
        if len(self.faults) < PROBLEMS_MAX:
            self.faults.append(pending)
        self.once.add((code.code, about))
        return pending

    def forget(self, kept: int = -1) -> None:
        """Drop problems met where they do not matter: in conditions and keys.

        Without `kept` those of the function just called, which no rule has taken up yet; with it
        all but the first `kept`. What is reported once a message may still be reported later.
        """
        faults = self.faults
        if kept < 0:
            kept = len(faults)
            while kept and faults[kept - 1].rule is None:
                kept -= 1
        for pending in faults[kept:]:
            if pending.about is not None:
                self.varied -= 1  # nobody is told, in this message or in another
                if not pending.again:
                    self.once.discard((pending.code.code, pending.about))
        del faults[kept:]

    def mark(self, rule: int, path: tuple[int, ...], level: int) -> None:
        """Say which rule met the new problems, and at which component of what it was given.

        `level` is how deep that is: 1 a repetition, 2 a component.
        """
        for pending in self.faults:
            if pending.rule is None:
                pending.rule = rule
                pending.path = path
                pending.level = level

    def shift(self, path: tuple[int, ...], level: int) -> None:
        """A map was called for a part: put its place before the places of the deeper problems."""
        for pending in self.faults:
            if pending.level > level:
                pending.path = path + pending.path
                pending.level = level

    def settle(self, rule: int, segment: Segment, field_number: int, repetition: int) -> None:
        """The segment is known: make diagnostics of all problems."""
        where = f"{self.segment_path(segment)}-{field_number}"
        if field_number and repetition:
            where += f"[{repetition}]"
        for pending in self.faults:
            path = "".join(f".{number}" for number in pending.path)
            self.report(pending, rule if pending.rule is None else pending.rule, where + path)
        self.faults.clear()

    def settle_loose(self, rule: int, segment: Segment | None = None) -> None:
        """The same for values that come from no field, such as parameters."""
        where = None if segment is None else self.segment_path(segment)
        for pending in self.faults:
            self.report(pending, rule if pending.rule is None else pending.rule, where)
        self.faults.clear()

    def report(self, pending: Pending, rule: int, path: str | None) -> None:
        """Make one diagnostic with the rule's place and the message's path."""
        if pending.code is HELD_CODE:
            self.held = True
        if pending.again or len(self.diagnostics) >= PROBLEMS_MAX:
            return
        place = self.places[rule]
        where = Place(
            file=place.file, line=place.line, column=place.column, width=place.width, path=path
        )
        self.diagnostics.append(pending.code(where, **pending.values))

    def failed(self, rule: int, problem: BaseException) -> None:
        """A rule raised, which is our fault: say so without the text, which may hold values."""
        self.faults.clear()
        if self.trace is not None:
            self.trace.abandon(rule)
        self.report(Pending(RULE_FAILED, {"problem": type(problem).__name__}), rule, None)

    def segment_path(self, segment: Segment) -> str:
        """`OBX[2]`."""
        if self.occurrences is None:
            self.occurrences = segment_paths(self.segments)
        return self.occurrences.get(segment.index, segment.name)

    # -- reading --

    def cleaned(self, segment: Segment) -> list[str]:
        """The fields with explicit nulls blanked."""
        fields = segment.fields
        if '""' not in segment.text:
            return fields
        return [blank_nulls(text) if '""' in text else text for text in fields]

    # -- resources --

    def add(
        self, resource: dict[str, Any], resource_type: str, key: tuple[str, ...] | None
    ) -> Made:
        """Put a resource in the bundle; one with the same id is filled with what it lacks."""
        if key:
            present = self.by_key.get((resource_type, key))
            if present is None:
                return self._put(resource, resource_type, key)
            self.fill(present, resource)
            return present
        content = _CONTENT.encode(resource)
        ordinal = self.contents.get((resource_type, content), 0) + 1
        self.contents[resource_type, content] = ordinal
        text = content.decode("utf-8", "surrogatepass")
        parts = ("content", text) if ordinal == 1 else ("content", text, str(ordinal))
        present = self.by_key.get((resource_type, parts))
        if present is None:
            return self._put(resource, resource_type, parts)
        self.fill(present, resource)
        return present

    def add_merging(
        self, resource: dict[str, Any], resource_type: str, key: tuple[str, ...] | None
    ) -> Made:
        """The same for a resource of which the message says only a part."""
        count = len(self.by_key)
        made = self.add(resource, resource_type, key)
        if len(self.by_key) != count:
            made.merges = True
        return made

    def conflict(self, resource_type: str, merged: dict[str, Any], second: dict[str, Any]) -> bool:
        """Report each element that the second description says otherwise, once in a message.

        Returns:
            True when there is one.
        """
        found = False
        for name, value in second.items():
            if isinstance(value, list):  # lists are united, and never disagree
                continue
            if contains(merged.get(name), value) or says_nothing(value):
                continue
            found = True
            if len(self.diagnostics) >= PROBLEMS_MAX:
                return found
            path = f"{resource_type}.{name}"
            if (path, "conflict") not in self.once:
                self.once.add((path, "conflict"))
                self.diagnostics.append(SAME_KEY(Place(path=path), type=resource_type))
        return found

    def refer(
        self, resource: dict[str, Any], resource_type: str, key: tuple[str, ...] | None
    ) -> dict[str, str]:
        """The Reference of `-> reference`: without a key the same content is the same resource."""
        if not key:
            key = ("content", _CONTENT.encode(resource).decode("utf-8", "surrogatepass"))
        if self.people and resource_type == "Practitioner":
            key = self.people.get(key, key)
        identity = resource_id(self.source_system, resource_type, key)
        placed = Placed(resource, (resource_type, key), identity, self.preferred)
        self.placed.append(placed)
        self._place(placed)
        return placed.reference

    def _place(self, placed: Placed) -> None:
        """Put a resource in the bundle that is, or may become, one of other messages too."""
        present = self.by_key.get(placed.key)
        entry = placed.entry
        if present is not None:
            self._join(present, entry)
            return
        made = Made(entry.resource, placed.key[0], entry.resource_id, placed.reference)
        made.merges = True
        if self.trace is None:
            made.entry = entry
        self._enter(placed.key, made)

    def _join(self, made: Made, second: Entry) -> None:
        """Fill a resource with what another description says; two that recur are joined once."""
        first = made.entry
        joined = first.recurring.joined if first is not None and first.recurring else None
        if first is None or joined is None:
            self.fill(made, second.resource)
            return
        known = joined.get(id(second))
        if known is not None:
            made.entry = known[1]
            made.resource = made.entry.resource
            return
        agree = self.fill(made, second.resource)
        if agree and len(joined) < JOINED_MAX:  # a conflict is reported in every message
            if made.entry is None:
                made.entry = _entry(made, self.preferred, Recurring())
            joined[id(second)] = (second, made.entry)

    def _put(self, resource: dict[str, Any], resource_type: str, key: tuple[str, ...]) -> Made:
        made = Made(resource, resource_type, resource_id(self.source_system, resource_type, key))
        self._enter((resource_type, key), made)
        return made

    def _enter(self, key: tuple[str, tuple[str, ...]], made: Made) -> None:
        self.by_key[key] = made
        limit = ENTRIES_MAX if self.document is None else DOCUMENT_ENTRIES_MAX
        if len(self.made) < limit:
            self.made.append(made)
        elif ("", "entries") not in self.once:
            self.once.add(("", "entries"))
            self.diagnostics.append(TOO_MANY(limit=limit, what="resources"))

    # -- memory --

    def recall(self, key: tuple[Any, ...]) -> Any:
        """What a text became before, with its resources put in the bundle; None when unknown.

        `key` is (function and fixed arguments, text, further arguments).
        """
        known = self.remembered.get(key)
        if known is None:
            known = self.recent.get(key) if self.recent is not None else None
            if known is None or (self.people and names_staff(known.placed)):
                return None
            for placed in known.placed:
                self._place(placed)
            self.remembered[key] = known
        if not known.everywhere:
            self.varied += 1
        if known.placed:
            self.placed.extend(known.placed)
        for one in known.notes:
            pending = self._note(one.code, one.about)
            pending.rule, pending.path, pending.level = one.rule, one.path, one.level
        return known.value

    def learn(self, key: tuple[Any, ...], value: Any, begun: tuple[int, int, int]) -> None:
        """Keep what a text became; `begun` is `self.begin()` before it was read.

        What met a problem is not kept at all, so that each place is reported; what is reported once
        a message is noted, and reported by the message's first that has it.
        """
        count, varied, faults = begun
        notes: tuple[Note, ...] = ()
        if len(self.faults) > faults:
            met = self.faults[faults:]
            if any(one.about is None for one in met):
                return
            notes = tuple(
                Note(one.code, one.about or "", one.rule, one.path, one.level) for one in met
            )
        placed = tuple(self.placed[count:])
        everywhere = (
            varied + len(notes) == self.varied
            and len(key[1]) <= TEXT_MAX
            and all(one.key[0] in SHARED_TYPES for one in placed)
        )
        known = self.remembered[key] = Known(value, placed, everywhere, notes)
        if everywhere and self.recent is not None and not (self.people and names_staff(placed)):
            self.recent.keep(key, known)

    def begin(self) -> tuple[int, int, int]:
        """Where things stand before a text is read whose result may be kept."""
        return len(self.placed), self.varied, len(self.faults)

    def fill(self, made: Made, resource: dict[str, Any]) -> bool:
        """Add what the resource lacks; False when the two say different things."""
        if made.resource is resource or made.resource == resource:
            if self.trace is not None:
                self.trace.agreed(made.resource, resource)
            return True
        if made.seen is None:
            made.seen = {}
        merged = merge(made.resource, resource, made.seen)
        differs = self.conflict(made.resource_type, merged, resource)
        if self.trace is not None:
            self.trace.agreed(made.resource, resource)
            self.trace.merged(made.resource, resource, merged)
        made.resource = merged
        made.entry = None
        made.owned = ()
        return not differs

    def put(self, made: Made, names: tuple[str, ...], value: Any, *, append: bool) -> None:
        """Set an element of a resource already made; one that is there stays."""
        if made.entry is not None:
            made.resource, made.entry = {**made.resource}, None
        target = made.resource
        for name in names[:-1]:  # parts are shared between resources, so they are copied first
            before = target.get(name, {})
            target[name] = {**before}
            if self.trace is not None:
                self.trace.merged(before, {}, target[name])
            target = target[name]
        last = names[-1]
        if append:
            items = target.get(last)
            if items is None or len(names) > 1 or last not in made.owned:
                before = items or []
                items = target[last] = [*before]
                if self.trace is not None:
                    self.trace.copied(before, items)
                if len(names) == 1:
                    made.owned += (last,)
            items.append(value)
            if self.trace is not None:
                self.trace.wrote(items, len(items) - 1)
        elif last not in target:
            target[last] = value
            if self.trace is not None:
                self.trace.wrote(target, last)

    def entries(self) -> list[Entry]:
        """The bundle's entries in the order they were made."""
        return [made.entry or _entry(made, self.preferred) for made in self.made]


def _entry(made: Made, preferred: dict[str, int], recurring: Recurring | None = None) -> Entry:
    resource = made.resource
    known = resource.get("identifier")
    return Entry(
        resource=resource,
        resource_id=made.resource_id,
        identifier=best_identifier(known, preferred) if known else None,
        merges=made.merges,
        deletes=made.deletes,
        recurring=recurring,
    )


def segment_paths(segments: Sequence[Segment]) -> dict[int, str]:
    """Segment index to its path, such as `OBX[2]`."""
    counts: dict[str, int] = {}
    found: dict[int, str] = {}
    for segment in segments:
        counts[segment.name] = counts.get(segment.name, 0) + 1
        found[segment.index] = f"{segment.name}[{counts[segment.name]}]"
    return found
