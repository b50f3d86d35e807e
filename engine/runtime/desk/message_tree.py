"""Rim. An HL7 v2 message as a tree that people read: every populated place with its name, datatype,
meaning, value, and what became of it.

Parsed by the engine's own parser, so that the tree is what the mapping sees. Names and datatypes
are those of the message's own version.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.fhir import definitions as fhir
from engine.hl7v2 import definitions
from engine.hl7v2.definitions import ComponentDefinition
from engine.hl7v2.message import Message, Segment
from engine.hl7v2.path import Leaf, leaves
from engine.mapping.accounts import LeafAccount
from engine.runtime.desk.masking import HIDDEN, MaskingPolicy

ROWS_MAX = 5_000
"""A batch of results can have a hundred thousand places; what is beyond is in the raw text."""

Position = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """One line of the tree."""

    path: str
    """`PID-3[2].4.1`, cut short for what is divided further."""
    depth: int
    """0 segment, 1 field or repetition, 2 component, 3 subcomponent."""
    name: str
    datatype: str = ""
    table: str = ""
    meaning: str = ""
    """What the table says of the code."""
    value: str = field(default="", repr=False)
    """Decoded, or hidden."""
    is_hidden: bool = False
    position: Position = ()
    """In the message, as the trace counts; shorter for what is divided further."""
    state: str = ""
    """What became of a leaf, in the words of `mapping.accounts`."""
    reason: str = ""
    """Why, where the maps say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTree:
    """The lines of a message."""

    rows: tuple[TreeRow, ...]
    is_all: bool
    """False: it is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A leaf's place among the definitions."""

    field_name: str
    datatype: str
    table: str
    components: Mapping[int, ComponentDefinition]


def message_tree(
    message: Message,
    policy: MaskingPolicy | None,
    accounts: Sequence[LeafAccount] = (),
    *,
    empty: bool = False,
) -> MessageTree:
    """The tree of a message.

    Args:
        message: parsed.
        policy: what is shown; None: everything.
        accounts: what became of its leaves.
        empty: show defined fields without a value too.
    """
    known = {one.path: one for one in accounts}
    found: list[TreeRow] = []
    for row in _rows(message, policy, known, empty):
        if len(found) >= ROWS_MAX:
            return MessageTree(rows=tuple(found), is_all=False)
        found.append(row)
    return MessageTree(rows=tuple(found), is_all=True)


def field_name(version: str, path: str) -> str:
    """The name of the field that a leaf's path is in, such as `PID[1]-3[1].1.1`; else nothing."""
    segment, _, rest = path.partition("-")
    number = rest.partition("[")[0].partition(".")[0]
    known = definitions.segment(version, segment.partition("[")[0])
    if known is None or not number.isdigit() or int(number) not in known.fields:
        return ""
    return known.fields[int(number)].name


def _rows(
    message: Message,
    policy: MaskingPolicy | None,
    accounts: Mapping[str, LeafAccount],
    empty: bool,
) -> Iterator[TreeRow]:
    by_segment: dict[int, list[Leaf]] = {}
    for leaf in leaves(message):
        by_segment.setdefault(leaf.segment_index, []).append(leaf)
    counts: dict[str, int] = {}
    for segment in message.segments:
        number = counts[segment.name] = counts.get(segment.name, 0) + 1
        occurrence = f"{segment.name}[{number}]" if number > 1 else segment.name
        yield TreeRow(path=occurrence, depth=0, name="", position=(segment.index,))
        own = by_segment.get(segment.index, [])
        fields: dict[int, list[Leaf]] = {}
        for leaf in own:
            fields.setdefault(leaf.field, []).append(leaf)
        for field_number in _numbers(message.version, segment, fields, empty):
            place = _place(message, segment, field_number)
            path = f"{occurrence}-{field_number}"
            if field_number not in fields:
                yield TreeRow(path=path, depth=1, name=place.field_name, datatype=place.datatype)
                continue
            yield from _field_rows(path, place, fields[field_number], policy, accounts)


def _numbers(
    version: str, segment: Segment, fields: Mapping[int, list[Leaf]], empty: bool
) -> list[int]:
    if not empty:
        return sorted(fields)
    known = definitions.segment(version, segment.name)
    return sorted(fields.keys() | (known.fields.keys() if known else set()))


def _place(message: Message, segment: Segment, number: int) -> _Place:
    known = definitions.segment(message.version, segment.name)
    found = known.fields.get(number) if known is not None else None
    if found is None:
        return _Place(field_name="", datatype="", table="", components={})
    datatype = found.datatype
    if datatype == "varies":
        datatype = segment.field(2) or datatype
    known_type = definitions.datatype(message.version, datatype)
    return _Place(
        field_name=found.name,
        datatype=datatype,
        table=found.table or "",
        components=known_type.components if known_type is not None else {},
    )


def _field_rows(
    path: str,
    place: _Place,
    own: Sequence[Leaf],
    policy: MaskingPolicy | None,
    accounts: Mapping[str, LeafAccount],
) -> Iterator[TreeRow]:
    repetitions: dict[int, list[Leaf]] = {}
    for leaf in own:
        repetitions.setdefault(leaf.repetition, []).append(leaf)
    for repetition, inside in repetitions.items():
        first = inside[0]
        here = f"{path}[{repetition}]" if repetition > 1 else path
        shown = TreeRow(
            path=here,
            depth=1,
            name=place.field_name,
            datatype=place.datatype,
            table=place.table,
            position=(first.segment_index, first.field, repetition),
        )
        if len(inside) == 1 and (first.component, first.subcomponent) == (1, 1):
            yield _with_value(shown, first, policy, accounts, place.table or _first_table(place))
            continue
        yield shown
        yield from _component_rows(here, place, inside, policy, accounts)


def _first_table(place: _Place) -> str:
    first = place.components.get(1)
    return (first.table or "") if first is not None else ""


def _component_rows(
    path: str,
    place: _Place,
    inside: Sequence[Leaf],
    policy: MaskingPolicy | None,
    accounts: Mapping[str, LeafAccount],
) -> Iterator[TreeRow]:
    divided = {leaf.component for leaf in inside if leaf.subcomponent > 1}
    for leaf in inside:
        known = place.components.get(leaf.component)
        below = leaf.component in divided
        name = known.name if known is not None else ""
        number = f".{leaf.subcomponent}" if below else ""
        table = (known.table or "") if known is not None else ""
        if not table and leaf.component == 1:
            table = place.table
        row = TreeRow(
            path=f"{path}.{leaf.component}{number}",
            depth=3 if below else 2,
            name=name,
            datatype=known.datatype if known is not None else "",
            table=table,
        )
        yield _with_value(row, leaf, policy, accounts, table)


def _with_value(
    row: TreeRow,
    leaf: Leaf,
    policy: MaskingPolicy | None,
    accounts: Mapping[str, LeafAccount],
    table: str,
) -> TreeRow:
    hidden = policy is not None and not policy.shows(leaf.path)
    account = accounts.get(leaf.path)
    system = fhir.v2_system(table) if table and not hidden else None
    value = '""' if leaf.null else leaf.text
    return TreeRow(
        path=row.path,
        depth=row.depth,
        name=row.name,
        datatype=row.datatype,
        table=table,
        meaning=(fhir.display(system, leaf.text) or "") if system else "",
        value=HIDDEN if hidden else value,
        is_hidden=hidden,
        position=(
            leaf.segment_index, leaf.field, leaf.repetition, leaf.component, leaf.subcomponent
        ),
        state=account.state if account is not None else "",
        reason=account.reason if account is not None else "",
    )  # fmt: skip
