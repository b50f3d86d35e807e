"""Pure. Message grammars made ready for matching: from one segment's place to the next one's.

A grammar is a tree of groups and segment slots. The state of a match is the slot of the last
segment: the groups around it are the open ones. For a state and a segment name the best place is
searched once and remembered, so matching a message is one lookup a segment.

Places are weighed by what they break. Nothing broken: the nearest place in reading order (stay, go
forward, begin a new repetition of the innermost group, then the same one group further out).
Each required part skipped costs 2, and 2 more for each group left unfinished by it; a second
segment in a slot for one costs 3; going back to a slot already passed costs 20; a new repetition
without its required beginning costs 30. The prior results that may follow an order look like
orders, so going into them costs 8: a sender that means them begins with their patient or visit. HL7
v2.5.1 chapter 2.12 describes the notation of the grammars.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from engine.hl7v2 import definitions
from engine.hl7v2.definitions import GroupDefinition, SegmentSlot

_MISSING_COST = 2
_REPEATED_COST = 3
_PRIOR_COST = 8
_BACKWARD_COST = 20
_HEADLESS_COST = 30
_ORDER_DETAILS = frozenset({"OBR", "RXO", "RXE", "RXD", "RXG", "RXA", "RQD", "RQ1", "ODS", "ODT"})
"""A second one begins a new order even where its ORC is missing."""
_FLOATING = frozenset({"PRT", "ROL", "NTE", "ARV", "SFT", "UAC", "DSC", "ADD"})
START = 0
"""The state before the first segment: the root itself."""


@dataclass(frozen=True, slots=True)
class Move:
    """How to place a segment."""

    state: int
    """The state after it."""
    depth: int
    """Groups that stay open, the root not counted."""
    opened: tuple[tuple[str, bool], ...]
    """Groups to open below: (name, True to go on with the last one of that name if there is
    one)."""
    missing: tuple[str, ...] = ()
    """Required parts that were skipped."""
    backward: bool = False
    """The slot had been passed already."""
    repeated: bool = False
    """The slot takes one segment and has one."""


@dataclass(slots=True)
class _Node:
    """A group or slot of the tree; `parent` and `children` are numbers of nodes."""

    name: str
    parent: int
    position: int
    depth: int
    repeats: bool
    is_group: bool
    required: bool = False
    children: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A way into a group: its slot, the groups opened on the way, the required parts skipped."""

    node: int
    opened: tuple[int, ...]
    missing: tuple[str, ...]


class Grammar:
    """One message structure of one version."""

    __slots__ = ("_nodes", "moves", "names", "slots", "structure", "version")

    def __init__(self, version: str, definition: GroupDefinition) -> None:
        self.version = version
        self.structure = definition.name
        self.names = definition.segment_names()
        self.slots = frozenset(_slots(definition, ()))
        """Every slot as the names of its groups and its own."""
        self._nodes: list[_Node] = []
        self._add(definition, -1, 0, 0)
        self.moves: list[dict[str, Move | None]] = [{} for _ in self._nodes]
        """By state, then segment name; None: no place. Filled by `move`."""

    def _add(
        self, definition: GroupDefinition | SegmentSlot, parent: int, position: int, depth: int
    ) -> int:
        number = len(self._nodes)
        is_group = isinstance(definition, GroupDefinition)
        node = _Node(definition.name, parent, position, depth, definition.repeats, is_group)
        self._nodes.append(node)
        if isinstance(definition, GroupDefinition):
            for place, child in enumerate(definition.children):
                node.children.append(self._add(child, number, place, depth + 1))
            # a required group of optional parts asks for nothing
            inner = any(self._nodes[child].required for child in node.children)
            node.required = definition.required and inner
        else:
            node.required = definition.required
        return number

    def move(self, state: int, name: str) -> Move | None:
        """The best place for a segment after `state`; None when the structure has none for it."""
        known = self.moves[state]
        if name in known:
            return known[name]
        found = self._search(state, name) if name in self.names else None
        if name in self.names:
            known[name] = found
        return found

    def missing_at_end(self, state: int) -> tuple[str, ...]:
        """Required parts that have not come when the message ends in `state`."""
        here = self._nodes[state]
        group, position = (state, -1) if here.is_group else (here.parent, here.position)
        found: list[str] = []
        while group >= 0:
            found += self._required_after(group, position)
            group, position = self._nodes[group].parent, self._nodes[group].position
        return tuple(found)

    def _required_after(self, group: int, position: int) -> list[str]:
        children = self._nodes[group].children[position + 1 :]
        return [self._nodes[child].name for child in children if self._nodes[child].required]

    def _search(self, state: int, name: str) -> Move | None:
        """Weigh every place, from the innermost open group outwards."""
        nodes = self._nodes
        best: Move | None = None
        best_cost = 1_000
        here = nodes[state]
        if not here.is_group and here.name == name:
            if here.repeats:
                return Move(state, here.depth - 1, ())
            best = Move(state, here.depth - 1, (), repeated=True)
            best_cost = _BACKWARD_COST if name in _ORDER_DETAILS else _REPEATED_COST
        group, position = (state, -1) if here.is_group else (here.parent, here.position)
        closed: tuple[str, ...] = ()
        left = 0
        while group >= 0:
            for cost, move in self._places(group, position, name, closed):
                if cost + (left if move.missing else 0) < best_cost:
                    best, best_cost = move, cost + (left if move.missing else 0)
            closed += tuple(self._required_after(group, position))
            left += _MISSING_COST
            group, position = nodes[group].parent, nodes[group].position
        return best

    def _places(
        self, group: int, position: int, name: str, closed: tuple[str, ...]
    ) -> list[tuple[int, Move]]:
        """Places with their costs when `group` is the innermost group kept, or begins anew."""
        nodes = self._nodes
        node = nodes[group]
        depth = node.depth
        found: list[tuple[int, Move]] = []
        skipped = closed
        for child in node.children[position + 1 :]:
            entry = self._entry(child, name)
            if entry:
                found.append(self._placed(entry, depth, skipped))
            if nodes[child].required:
                skipped = (*skipped, nodes[child].name)
        if node.repeats and node.parent >= 0:
            entry = self._entry(group, name)
            if entry:
                cost, move = self._placed(entry, depth - 1, skipped)
                if entry.missing and name not in _ORDER_DETAILS:
                    cost += _HEADLESS_COST
                found.append((cost, move))
        # a group that may not repeat and is open counts as passed too
        for child in node.children[: position + 1]:
            if child != node.children[position] or nodes[child].is_group:
                entry = self._entry(child, name)
                if entry:
                    found.append(self._placed_back(entry, depth, closed))
        return found

    def _placed(self, entry: _Entry, depth: int, skipped: tuple[str, ...]) -> tuple[int, Move]:
        missing = skipped + entry.missing
        opened = tuple((self._nodes[number].name, False) for number in entry.opened)
        cost = _MISSING_COST * len(missing)
        if opened and opened[0][0].startswith("PRIOR"):
            cost += _PRIOR_COST
        return cost, Move(entry.node, depth, opened, missing)

    def _placed_back(self, entry: _Entry, depth: int, closed: tuple[str, ...]) -> tuple[int, Move]:
        headless = bool(entry.missing)
        opened = tuple(
            (self._nodes[number].name, headless or not self._nodes[number].repeats)
            for number in entry.opened
        )
        cost = _BACKWARD_COST + _MISSING_COST * len(closed)
        return cost, Move(entry.node, depth, opened, closed, backward=True)

    def _entry(self, number: int, name: str) -> _Entry | None:
        """The way to the first slot of that name in a node that skips the fewest required parts."""
        node = self._nodes[number]
        if not node.is_group:
            return _Entry(number, (), ()) if node.name == name else None
        best: _Entry | None = None
        skipped: tuple[str, ...] = ()
        for child in node.children:
            inner = self._entry(child, name)
            if inner:
                missing = skipped + inner.missing
                if best is None or len(missing) < len(best.missing):
                    best = _Entry(inner.node, (number, *inner.opened), missing)
            if self._nodes[child].required:
                skipped = (*skipped, self._nodes[child].name)
        return best


def _slots(group: GroupDefinition, outer: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for child in group.children:
        if isinstance(child, GroupDefinition):
            yield from _slots(child, (*outer, child.name))
        else:
            yield (*outer, child.name)


@lru_cache(maxsize=512)
def grammar(version: str, structure: str) -> Grammar | None:
    """The grammar of a structure in a known version, or None when that version has none."""
    definition = definitions.structure(version, structure)
    return Grammar(version, definition) if definition else None


@lru_cache(maxsize=1024)
def borrowed_grammar(version: str, structure: str, names: frozenset[str]) -> Grammar | None:
    """The grammar of another version, or of another structure of the same message code, for a
    message whose own does not know all its segments.

    The nearest one, later ones first, that knows most of `names`, the segments of the message, and
    keeps those that the own version knows in the same groups: maps rely on the names of groups.
    Another structure (ADT_A01 for an ADT_A02 with diagnoses and insurance) must know more than any
    version of the own one. Segments that may stand anywhere are no reason to borrow. None when no
    other grammar does better.
    """
    own = grammar(version, structure)
    at = definitions.VERSIONS.index(version)
    order = definitions.VERSIONS[at + 1 :] + definitions.VERSIONS[:at][::-1]
    if own is None:
        return next((found for each in order if (found := grammar(each, structure))), None)
    wanted = names - own.names - _FLOATING
    kept = {slot for slot in own.slots if slot[-1] in names}
    best: Grammar | None = None
    code = f"{structure.partition('_')[0]}_"
    siblings = [one for one in definitions.structure_names(version) if one.startswith(code)]
    for each, name in (
        *((each, structure) for each in order),
        *((version, sibling) for sibling in siblings if "_" in structure),
    ):
        candidate = grammar(each, name)
        if candidate is None or not kept <= candidate.slots:
            continue
        if len(wanted & candidate.names) > (len(wanted & best.names) if best else 0):
            best = candidate
    return best
