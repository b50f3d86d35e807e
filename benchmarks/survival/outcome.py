"""What becomes of each leaf of one message, found out by changing it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.survival.sentinels import Sentinel, make_sentinel
from engine.channel.model import FhirDestinationConfig
from engine.fhir.bundle import encode_bundle
from engine.hl7v2 import groups, parser
from engine.hl7v2.definitions import segment
from engine.hl7v2.message import Message
from engine.hl7v2.path import Leaf, byte_range, leaves
from engine.mapping.accounting import MAPPED, UNWRITTEN, account
from engine.mapping.compiler.compiler import Program
from engine.mapping.run import MapContext
from engine.mapping.trace import Position, Trace, leaf_position, positions_of

CONTEXT = MapContext(time_zone="UTC", source_system="urn:survival")
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities

SHORTEST = 3
"""Characters of the shortest leaf that is looked at: shorter ones land by chance."""

STRUCTURE = frozenset({("MSH", 9), ("MSH", 12), ("MSH", 18), ("OBX", 2)})
"""Fields that decide how the message is read, which a sentinel would break."""

BATCHES = 8
"""Neighbours are changed in different runs, so that one does not spoil the other."""

TRIED_MAX = 3
"""Leaves of one field of one message that are changed alone; the rest of them fare as the last."""

ID_TYPES = re.compile(
    "CLIA|CLIP|DNS|EUI64|GUID|HCD|HL7|ISO|L|M|N|RANDOM|UUID|URI|X400|X500", re.IGNORECASE
)
"""HL7 table 0301: what kind of id stands before it."""

_HL7_TABLE = re.compile(r"(?:HL7)?-?\d{4}")
_SAYS_ITSELF = re.compile(r"\d(?:\.\d+)+|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One leaf."""

    path: str
    field: str
    """`PID-3.1`: segment, field, and component where there are several."""
    state: str
    """One of `report.STATES`."""
    counted: str
    """What the engine's own account says, see `engine.mapping.accounting`."""
    reason: str


@dataclass(frozen=True, slots=True)
class _Run:
    """One conversion."""

    body: bytes
    problems: Counter[str]

    @property
    def without_ids(self) -> bytes:
        return _UUID.sub(b"", self.body)


def outcomes(raw: bytes, program: Program) -> list[Outcome]:
    """What becomes of every leaf that counts; empty when no map serves the message.

    Args:
        raw: one message.
        program: the compiled library.
    """
    message = parser.parse(raw, repair_cp1252=True).message
    if message is None or program.find_map(message) is None:
        return []
    trace = Trace()
    program.convert(groups.group(message), CONTEXT, trace=trace)
    counted = account(message, trace, program)
    chosen = [
        (leaf, one)
        for leaf, one in zip(leaves(message), counted, strict=True)
        if _counts(leaf, message)
    ]
    found = [leaf for leaf, _ in chosen]
    sentinels = [
        make_sentinel(leaf.text, number, is_data=_is_data(leaf))
        for number, leaf in enumerate(found)
    ]
    places = {leaf_position(leaf): leaf.text for leaf in leaves(message)}
    base = _run(raw, program)
    landed = _landed(message, found, sentinels, program)
    written = frozenset(positions_of(trace.records))
    tried: dict[tuple[str, str], list[str]] = {}
    result: list[Outcome] = []
    for at, (leaf, one) in enumerate(chosen):
        name = _field_name(leaf)
        before = tried.setdefault((name, one.state), [])
        if at in landed:
            state = "landed"
        elif len(before) >= TRIED_MAX:
            state = before[-1]
        else:
            state = _alone(message, leaf, sentinels[at], base, program)
            if state == "changed":
                is_source = any(leaf_position(leaf)[:size] in written for size in range(1, 6))
                state = "translated" if is_source else "decides"
            before.append(state)
        if state == "same":
            state = "silent" if one.state == MAPPED else one.state
        if state in ("silent", UNWRITTEN) and _is_implied(leaf, places):
            state = "implied"
        result.append(
            Outcome(path=one.path, field=name, state=state, counted=one.state, reason=one.reason)
        )
    return result


def _counts(leaf: Leaf, message: Message) -> bool:
    if leaf.null or len(leaf.text) < SHORTEST or (leaf.segment_name, leaf.field) in STRUCTURE:
        return False
    definition = segment(message.version, leaf.segment_name)
    described = definition.fields.get(leaf.field) if definition else None
    return described is None or described.datatype != "SI"


def _is_data(leaf: Leaf) -> bool:
    """OBX-5.5 of an encapsulated document."""
    place = (leaf.segment_name, leaf.field, leaf.component)
    return place == ("OBX", 5, 5) and len(leaf.text) > 60 and " " not in leaf.text


def _is_implied(leaf: Leaf, places: dict[Position, str]) -> bool:
    """True for what the value beside it says anyway, in the output too.

    The kind of an id that has the form of an OID or UUID, the OID of a coding system that has a
    name, the name of an HL7 table, the words of a code (HL7's own stand in the output), the kind of
    data whose subtype is there (`pdf`), and that data is base64, as FHIR's always is.
    """
    segment, field, repetition, component, subcomponent = leaf_position(leaf)
    before = (segment, field, repetition, component - 1, 1)
    if subcomponent > 1:
        before = (segment, field, repetition, component, subcomponent - 1)
    if ID_TYPES.fullmatch(leaf.text):
        return _SAYS_ITSELF.fullmatch(places.get(before, "")) is not None
    if (leaf.segment_name, field) == ("OBX", 5) and leaf.text == "Base64":
        return True
    if (leaf.segment_name, field, component) == ("OBX", 5, 2):
        return (segment, field, repetition, 3, 1) in places
    if component in (14, 16, 17):
        return (segment, field, repetition, component - 11, 1) in places
    if component in (3, 6) and _HL7_TABLE.fullmatch(leaf.text):
        return True
    return component in (2, 5) and subcomponent == 1 and before in places


def _field_name(leaf: Leaf) -> str:
    return f"{leaf.segment_name}-{leaf.field}.{leaf.component}"


def _landed(
    message: Message, found: Sequence[Leaf], sentinels: Sequence[Sentinel], program: Program
) -> set[int]:
    """Numbers of the leaves whose sentinel is in the output when many are changed at once."""
    result: set[int] = set()
    for first in range(BATCHES):
        numbers = range(first, len(found), BATCHES)
        changed = _changed(message, [(found[at], sentinels[at]) for at in numbers])
        output = _run(changed, program).body.decode().lower()
        result.update(at for at in numbers if sentinels[at].lands_in(output))
    return result


def _alone(message: Message, leaf: Leaf, sentinel: Sentinel, base: _Run, program: Program) -> str:
    """`landed`, `changed`, `key` (only ids changed), `reported` or `same`."""
    run = _run(_changed(message, [(leaf, sentinel)]), program)
    if sentinel.lands_in(run.body.decode().lower()):
        return "landed"
    if run.without_ids != base.without_ids:
        return "changed"
    if run.body != base.body:
        return "key"
    if run.problems - base.problems or any(_is_at(one, leaf) for one in base.problems):
        return "reported"
    return "same"


def _is_at(problem: str, leaf: Leaf) -> bool:
    """True when a problem, such as `T565 PID[1]-8[1]`, is that of the leaf."""
    path = problem.partition(" ")[2]
    return "-" in path and leaf.path.startswith((f"{path}.", f"{path}["))


def _changed(message: Message, changes: Iterable[tuple[Leaf, Sentinel]]) -> bytes:
    raw = message.raw
    places = sorted(
        ((*byte_range(message, leaf), sentinel.text.encode()) for leaf, sentinel in changes),
        reverse=True,
    )
    for start, end, text in places:
        raw = raw[:start] + text + raw[end:]
    return raw


def _run(raw: bytes, program: Program) -> _Run:
    message = parser.parse(raw, repair_cp1252=True).message
    if message is None:
        return _Run(b"", Counter())
    made = program.convert(groups.group(message), CONTEXT)
    body = encode_bundle(
        made.entries, interaction="transaction", identity="update", capabilities=CAPABILITIES
    ).body
    return _Run(body, Counter(f"{one.code} {one.place.path}" for one in made.diagnostics))
