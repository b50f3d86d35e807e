"""Pure. The segments of a message put into the groups of its message grammar.

A message that breaks the grammar is grouped as well as it can be, with a diagnostic for each break,
and no segment is ever left out: one without a place stays in the group where it stands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.diagnostics import Diagnostic, Place
from engine.hl7v2 import codes, definitions
from engine.hl7v2.grammar import START, Grammar, Move, borrowed_grammar, grammar
from engine.hl7v2.message import Message, Segment

_REPORTED_MAX = 50
"""Diagnostics of one message; a message that breaks the grammar more often is of another
structure."""
_NO_SEGMENTS: list[Segment] = []


class Group:
    """A group with its segments and inner groups, in the order of the message."""

    __slots__ = ("children", "groups_by_name", "name", "segments_by_name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.children: list[Segment | Group] = []
        self.segments_by_name: dict[str, list[Segment]] = {}
        self.groups_by_name: dict[str, list[Group]] = {}

    def segments(self, name: str) -> list[Segment]:
        """The segments of that name directly in this group."""
        return self.segments_by_name.get(name, _NO_SEGMENTS)

    def groups(self, name: str) -> "list[Group]":
        """The groups of that name directly in this group."""
        return self.groups_by_name.get(name, _NO_GROUPS)

    def first(self, name: str) -> Segment | None:
        """The first segment of that name directly in this group."""
        found = self.segments_by_name.get(name)
        return found[0] if found else None

    def first_group(self, name: str) -> "Group | None":
        """The first group of that name directly in this group."""
        found = self.groups_by_name.get(name)
        return found[0] if found else None

    def add_segment(self, segment: Segment) -> None:
        """Append a segment."""
        self.children.append(segment)
        found = self.segments_by_name.get(segment.name)
        if found is None:
            self.segments_by_name[segment.name] = [segment]
        else:
            found.append(segment)

    def add_group(self, group: "Group") -> None:
        """Append a group."""
        self.children.append(group)
        self.groups_by_name.setdefault(group.name, []).append(group)

    def all_segments(self) -> list[Segment]:
        """Every segment in it at any depth, in order."""
        found: list[Segment] = []
        for child in self.children:
            if isinstance(child, Group):
                found += child.all_segments()
            else:
                found.append(child)
        return found

    def __repr__(self) -> str:
        """The shape only: values are patient data."""
        return f"<Group {self.name}, {len(self.children)} children>"


_NO_GROUPS: list[Group] = []
_NOWHERE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Grouped:
    """A message with its groups; `root` is named after the structure."""

    root: Group
    diagnostics: tuple[Diagnostic, ...]
    message: Message


def group(message: Message, places: Mapping[str, str] = _NOWHERE) -> Grouped:
    """Put every segment of a message into its group.

    Args:
        message: any message.
        places: a site's own segments that are known, each with the group it stands in: `message`
            for none, empty for that of the segment it follows. Others are reported.
    """
    structure = message.structure
    own = grammar(message.version, structure) if structure else None
    rules = own
    problems: list[Diagnostic] = []
    names = frozenset([segment.name for segment in message.segments])
    if structure and (own is None or not names <= own.names):
        rules = borrowed_grammar(message.version, structure, names) or own
        if rules is not None and rules is not own:
            lacking = names - own.names if own else {structure}
            problems += _borrowed(message, lacking, rules)
    if rules is None:
        return _ungrouped(message)
    root = _match(message, rules, problems, places)
    return Grouped(root, tuple(problems), message)


def _ungrouped(message: Message) -> Grouped:
    root = Group(message.structure)
    for segment in message.segments:
        root.add_segment(segment)
    return Grouped(root, (codes.NO_GRAMMAR(Place(path="MSH-9")),), message)


def _borrowed(
    message: Message, lacking: frozenset[str] | set[str], rules: Grammar
) -> list[Diagnostic]:
    """What the message's own version lacks and another one gave."""
    known = rules.names | {rules.structure}
    return [
        codes.OTHER_VERSION(
            Place(path=name),
            name=name,
            structure=message.structure,
            version=message.version,
            other=rules.version if rules.structure == message.structure else rules.structure,
        )
        for name in sorted(lacking & known)
    ]


def _match(
    message: Message, rules: Grammar, problems: list[Diagnostic], places: Mapping[str, str]
) -> Group:
    root = Group(rules.structure)
    open_groups = [root]
    innermost = root
    state = START
    moves = rules.moves
    for segment in message.segments:
        name = segment.name
        move = moves[state].get(name)
        if move is None:
            move = rules.move(state, name)
        if move is None or (name == "NTE" and (move.backward or move.missing)):
            # a note stays with what it follows rather than look for a subject before or after
            where = _own_place(name, places, open_groups) if name in places else None
            (where or innermost).add_segment(segment)
            if where is None and len(problems) < _REPORTED_MAX:
                problems.append(_stray(message, segment, rules))
            continue
        broken = move.missing or move.backward or move.repeated
        if broken and len(problems) < _REPORTED_MAX:
            problems += _breaks(segment, move, open_groups, rules)
        if move.opened or move.depth + 1 != len(open_groups):
            del open_groups[move.depth + 1 :]
            innermost = open_groups[-1]
            for opened, reuse in move.opened:
                innermost = _open(innermost, opened, reuse=reuse)
                open_groups.append(innermost)
        state = move.state
        innermost.children.append(segment)
        found = innermost.segments_by_name.get(name)
        if found is None:
            innermost.segments_by_name[name] = [segment]
        else:
            found.append(segment)
    problems += _missing(rules.missing_at_end(state), "the end", open_groups, rules)
    del problems[_REPORTED_MAX:]
    return root


def _own_place(name: str, places: Mapping[str, str], open_groups: list[Group]) -> Group | None:
    """The open group a site's own segment stands in; None when there is none of that name."""
    wanted = places[name]
    if not wanted:
        return open_groups[-1]
    if wanted == "message":
        return open_groups[0]
    return next((one for one in reversed(open_groups) if one.name == wanted), None)


def _open(parent: Group, name: str, *, reuse: bool) -> Group:
    if reuse:
        found = parent.groups(name)
        if found:
            return found[-1]
    opened = Group(name)
    parent.add_group(opened)
    return opened


def _stray(message: Message, segment: Segment, rules: Grammar) -> Diagnostic:
    name = segment.name
    place = Place(path=f"{name}[{segment.index + 1}]")
    if name[0] == "Z":
        return codes.Z_SEGMENT(place, name=name)
    if name not in definitions.segment_names(message.version) and name not in rules.names:
        return codes.SEGMENT_UNKNOWN(place, name=name, version=message.version)
    return codes.NOT_IN_STRUCTURE(place, name=name, structure=rules.structure)


def _missing(
    names: Iterable[str], before: str, open_groups: list[Group], rules: Grammar
) -> list[Diagnostic]:
    """Required parts that were skipped and did not come out of order either."""
    return [
        codes.REQUIRED_MISSING(Place(path=name), name=name, next=before, structure=rules.structure)
        for name in names
        if not any(each.segments(name) or each.groups(name) for each in open_groups)
    ]


def _breaks(
    segment: Segment, move: Move, open_groups: list[Group], rules: Grammar
) -> list[Diagnostic]:
    """What a move that does not follow the grammar breaks."""
    name = segment.name
    structure = rules.structure
    place = Place(path=name)
    kept = open_groups[move.depth]
    found = _missing(move.missing, name, open_groups[: move.depth + 1], rules)
    if move.repeated or (move.backward and not move.opened and kept.segments(name)):
        found.append(codes.REPEATED(place, name=name, structure=structure))
    elif move.backward:
        found.append(codes.OUT_OF_ORDER(place, name=name, structure=structure))
    return found
