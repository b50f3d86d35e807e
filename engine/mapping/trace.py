"""Pure. Why each element is there: its rule and the leaves it came from; and why others are not.

Filled by the traced variant of the generated code, on demand only. Positions in a message are
tuples: (segment index, field, repetition, component, subcomponent), cut short where all below was
read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.cda.document import local_name, place_of
from engine.cda.nodes import node_text
from engine.diagnostics import Place
from engine.fhir.merging import contains
from engine.hl7v2.message import Message
from engine.hl7v2.path import Leaf, byte_range, leaves
from engine.mapping.compiler.emit_code import RuleInfo
from engine.mapping.made import Made
from engine.mapping.run import segment_paths

Position = tuple[int, ...]

RECORDS_MAX = 500_000
"""Writes and misses kept of one message; a bundle of 20,000 resources has some 400,000 elements."""

_FULL = 5
_ONE = frozenset({"value", "code", "reference"})
"""Elements of what is one thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRecord:
    """One element of the output."""

    resource_type: str
    resource_id: str
    path: str
    """Such as `Patient.name[0].family`."""
    rule: RuleInfo
    sources: tuple[Position, ...]
    """What its rule read for it; empty for a literal."""
    conditions: tuple[Position, ...] = ()
    """What the rule's condition read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A rule that wrote nothing."""

    rule: RuleInfo
    refused: bool
    """True: its condition was false. False: nothing it reads was populated, or it met a problem."""
    sources: tuple[Position, ...]
    conditions: tuple[Position, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpan:
    """A position with its path and bytes."""

    path: str
    start: int
    """First byte in the raw message."""
    end: int
    """One past the last."""
    line: int | None = None
    """Of a document: the line its element begins on; it has no bytes then."""
    text: str = ""
    """Of a document: what stands there."""


@dataclass(slots=True)
class _Frame:
    """A rule being run."""

    rule: int
    sources: list[Position] = field(default_factory=list)
    conditions: list[Position] = field(default_factory=list)
    reads: list[Position] = field(default_factory=list)
    wrote: bool = False
    handed: list[Any] | None = None
    """What it made that is not in a container of its own; None when it made nothing such."""
    refused: bool = False


class Trace:
    """What one conversion did. Give a new one to `Program.convert`."""

    def __init__(self) -> None:
        self.records: list[TraceRecord] = []
        self.misses: list[Miss] = []
        self.reads: set[Position] = set()
        """Positions that anything read, a condition too, whether or not it was written."""
        self.values: set[Position] = set()
        """Positions that a rule read for their value, whether or not it wrote anything."""
        self.written: set[Position] = set()
        """Positions that a rule read which wrote something, be it left out in the end."""
        self.landed: set[Position] = set()
        """Sources of what is in the output, once the conversion is over."""
        self.wholes: dict[Position, list[Any]] = {}
        """What was made of places that were read with all below them."""
        self.maps: dict[Position, set[str]] = {}
        """Position to the maps that were applied to it."""
        self.rules_run: set[int] = set()
        self.rules_yielded: set[int] = set()
        self.message: Message | None = None
        self.rules: Sequence[RuleInfo] = ()
        self._frames: list[_Frame] = []
        self._writes: dict[tuple[int, Any], tuple[int, tuple[Position, ...], tuple[Position, ...]]]
        self._writes = {}
        self._kept: list[Any] = []
        """Containers, kept so that their ids stay theirs."""

    # -- called by generated code and by Run --

    def start(self, message: Message, rules: Sequence[RuleInfo]) -> None:
        """Begin a conversion."""
        self.message = message
        self.rules = rules

    def begin(self, rule: int) -> None:
        """A rule is being run."""
        self.rules_run.add(rule)
        self._frames.append(_Frame(rule))

    def end(self, rule: int) -> None:
        """A rule has run."""
        if not self._frames:
            return
        frame = self._frames.pop()
        if frame.wrote:
            self.rules_yielded.add(rule)
            self.written.update(frame.reads)
            if frame.handed is not None:
                for position in frame.reads:
                    self._keep(position, frame.handed)
                self.landed.update(frame.reads)
        elif len(self.misses) < RECORDS_MAX:
            self.misses.append(
                Miss(
                    rule=self.rules[rule],
                    refused=frame.refused,
                    sources=tuple(frame.sources),
                    conditions=tuple(frame.conditions),
                )
            )

    def abandon(self, rule: int) -> None:
        """A rule raised: those inside it have ended too."""
        while self._frames and self._frames[-1].rule != rule:
            self._frames.pop()

    def refused(self, rule: int) -> None:
        """The condition of the rule was false."""
        if self._frames and self._frames[-1].rule == rule:
            self._frames[-1].refused = True

    def read(self, origin: Position, *, whole: bool) -> None:
        """A leaf was read: the first subcomponent below the position, or with `whole` all of it."""
        position = origin if whole else origin + (1,) * (_FULL - len(origin))
        self.reads.add(position)
        self.values.add(position)
        if self._frames:
            self._frames[-1].reads.append(position)
        else:
            self.written.add(position)
            self.landed.add(position)
        self.took(position)

    def took(self, origin: Position) -> None:
        """The position is a source of what is written next."""
        if self._frames:
            self._frames[-1].sources.append(origin)

    def saw(self, origin: Position, *, whole: bool) -> None:
        """A condition read the leaf."""
        position = origin if whole else origin + (1,) * (_FULL - len(origin))
        self.reads.add(position)
        if self._frames:
            self._frames[-1].conditions.append(position)

    def applied(self, map_name: str, origin: Position) -> None:
        """A map was called on the position."""
        self.maps.setdefault(origin, set()).add(map_name)

    def wrote(self, container: Any, key: Any) -> None:
        """The running rule wrote an item of a dict or list."""
        if not self._frames or len(self._writes) >= RECORDS_MAX:
            return
        frame = self._frames[-1]
        frame.wrote = True
        self._kept.append(container)
        self._writes[id(container), key] = (
            frame.rule,
            tuple(frame.sources),
            tuple(frame.conditions),
        )
        if isinstance(key, int):
            frame.sources.clear()

    def yielded(self, *values: Any) -> None:
        """The running rule made something that is not in a container of its own.

        Without values it is a resource: what was read for it made its id.
        """
        if self._frames:
            frame = self._frames[-1]
            frame.wrote = True
            frame.handed = [*(frame.handed or ()), *values]

    def merged(self, first: Any, second: Any, result: Any) -> None:
        """`result` has taken the place of `first`, filled from `second`."""
        self._kept.append(result)
        for source in (second, first):
            for key in source:
                found = self._writes.get((id(source), key))
                if found is not None and key in result:
                    self._writes[id(result), key] = found
                    self.copied(source[key], result[key])

    def copied(self, source: Any, result: Any) -> None:
        """The items of a list that was joined with another keep their records."""
        if source is result or not isinstance(source, list) or not isinstance(result, list):
            return
        self._kept.append(result)
        for index, item in enumerate(source):
            found = self._writes.get((id(source), index))
            place = next((at for at, one in enumerate(result) if one is item or one == item), None)
            if found is not None and place is not None:
                self._writes.setdefault((id(result), place), found)

    def agreed(self, whole: Any, part: Any) -> None:
        """What `part` says stands in `whole` too, by another rule: its sources have landed."""
        if isinstance(part, dict) and isinstance(whole, dict):
            for key, item in part.items():
                if key not in whole:
                    continue
                if contains(whole[key], item):
                    self._stands(part, key, item)
                elif not _is_one(item):
                    self.agreed(whole[key], item)
        elif isinstance(part, list) and isinstance(whole, list):
            for index, item in enumerate(part):
                if any(contains(known, item) for known in whole):
                    self._stands(part, index, item)

    def _stands(self, container: Any, key: Any, value: Any) -> None:
        found = self._writes.get((id(container), key))
        if found is not None:
            self._land(found[1], value)
        items: Any = ()
        if isinstance(value, dict):
            items = value.items()
        elif isinstance(value, list):
            items = enumerate(value)
        for inner, item in items:
            self._stands(value, inner, item)

    def _land(self, sources: Sequence[Position], value: Any) -> None:
        self.landed.update(sources)
        for source in sources:
            if source in self.written:
                self._keep(source, (value,))

    def _keep(self, position: Position, values: Sequence[Any]) -> None:
        """Keep what was made of a place that was read with all below it."""
        if len(position) < _FULL and values:
            self.wholes.setdefault(position, []).extend(values)

    def finish(self, made: Sequence[Made]) -> None:
        """The conversion is over: say which element each write became."""
        for one in made:
            self._walk(one, one.resource, one.resource_type)

    def _walk(self, made: Made, value: Any, path: str) -> None:
        if isinstance(value, dict):
            items: Any = [(key, f"{path}.{key}", item) for key, item in value.items()]
        elif isinstance(value, list):
            items = [(index, f"{path}[{index}]", item) for index, item in enumerate(value)]
        else:
            return
        for key, below, item in items:
            found = self._writes.get((id(value), key))
            if found is not None:
                rule, sources, conditions = found
                self._land(sources, item)
                self.records.append(
                    TraceRecord(
                        resource_type=made.resource_type,
                        resource_id=made.resource_id,
                        path=below,
                        rule=self.rules[rule],
                        sources=sources,
                        conditions=conditions,
                    )
                )
            self._walk(made, item, below)

    # -- questions --

    def why(self, path: str) -> list[TraceRecord]:
        """The records of an element and of what it stands in, the nearest first.

        Args:
            path: such as `Patient.name[0].family`; without an index it means every item.
        """
        wanted = _plain(path) if "[" not in path else path
        found = [
            record
            for record in self.records
            if _covers(record.path if "[" in path else _plain(record.path), wanted)
        ]
        return sorted(found, key=lambda record: -len(record.path))

    def why_not(self, path: str) -> list[Miss]:
        """The misses of rules that would have written the element or a part of it."""
        resource, _, element = path.partition(".")
        name = _plain(element)
        found: list[Miss] = []
        for miss in self.misses:
            target = _named(_plain(miss.rule.target), "[x]" in miss.rule.target, name)
            if f"[{resource}]" in miss.rule.map_name or resource in miss.rule.map_name:
                if target and (_covers(target, name) or _covers(name, target)):
                    found.append(miss)
            elif target and _covers(target, name.rpartition(".")[2]):
                found.append(miss)
        return found

    def where_to(self, position: Position) -> list[TraceRecord]:
        """The elements that came from a leaf, or from what is below a position."""
        size = len(position)
        return [
            record
            for record in self.records
            if any(one[:size] == position or position[: len(one)] == one for one in record.sources)
        ]

    def spans(self, positions: Sequence[Position]) -> list[SourceSpan]:
        """Paths and bytes of positions, for showing; of a document paths and lines."""
        if self.message is None:
            return [node_span(position) for position in positions]
        names = segment_paths(self.message.segments)
        found: list[SourceSpan] = []
        for position in positions:
            within = [leaf for leaf in leaves(self.message) if _is_below(leaf, position)]
            ranges = [byte_range(self.message, leaf) for leaf in within]
            start = min((one for one, _ in ranges), default=0)
            end = max((one for _, one in ranges), default=0)
            found.append(SourceSpan(path=position_path(position, names), start=start, end=end))
        return found

    def read_paths(self) -> set[str]:
        """The paths of everything read."""
        if self.message is None:
            return set()
        names = segment_paths(self.message.segments)
        return {position_path(position, names) for position in self.reads}


def node_span(position: tuple[Any, ...]) -> SourceSpan:
    """An element or attribute of a document, with its line and text."""
    node, *attribute = position
    path = place_of(node)
    if attribute:
        name = local_name(attribute[0])
        text = node.get(attribute[0], "")
        return SourceSpan(path=f"{path}/@{name}", start=0, end=0, line=node.sourceline, text=text)
    return SourceSpan(path=path, start=0, end=0, line=node.sourceline, text=node_text(node))


def position_path(position: Position, names: dict[int, str]) -> str:
    """`PID[1]-3[2].4.1` of a position."""
    if not position:
        return ""
    text = names.get(position[0], "")
    if len(position) > 1:
        text += f"-{position[1]}"
    if len(position) > 2:
        text += f"[{position[2]}]"
    return text + "".join(f".{number}" for number in position[3:])


def leaf_position(leaf: Leaf) -> Position:
    """The position of a leaf."""
    return (leaf.segment_index, leaf.field, leaf.repetition, leaf.component, leaf.subcomponent)


def _is_below(leaf: Leaf, position: Position) -> bool:
    return leaf_position(leaf)[: len(position)] == position


def _plain(path: str) -> str:
    """The path without brackets."""
    found: list[str] = []
    depth = 0
    for character in path:
        depth += character == "["
        if depth == 0:
            found.append(character)
        depth -= character == "]"
    return "".join(found).replace("._", ".")


def _named(target: str, choice: bool, name: str) -> str:
    """A choice (`deceased[x]`) by the name of the wanted type (`deceasedBoolean`)."""
    wanted = name.split(".")[target.count(".")] if target.count(".") <= name.count(".") else ""
    own = target.rpartition(".")[2]
    if choice and wanted.startswith(own) and wanted[len(own) : len(own) + 1].isupper():
        return f"{target[: len(target) - len(own)]}{wanted}"
    return target


def _is_one(value: Any) -> bool:
    """True for an Identifier, a Quantity, a Coding: its parts say nothing without each other."""
    return isinstance(value, dict) and not _ONE.isdisjoint(value)


def _covers(outer: str, inner: str) -> bool:
    """True when `outer` is `inner` or something it stands in."""
    return inner == outer or inner.startswith((outer + ".", outer + "["))


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedLeaf:
    """A populated leaf that no rule read."""

    path: str
    reason: str


def positions_of(records: Sequence[TraceRecord]) -> Iterator[Position]:
    """Every source of the records."""
    for record in records:
        yield from record.sources


def rule_place(record: TraceRecord) -> Place:
    """Where the record's rule stands."""
    return record.rule.place
