"""Pure. YAML as text with positions: every scalar is a string, every node knows its place.

YAML guesses types (`NO`, `012`, `12:30`) and lets a duplicate key win in silence; both corrupt
codes of HL7 tables. Here nothing is guessed, duplicate keys are refused, and anchors, aliases, tags
and several documents in a file are refused too, because they hide where a value comes from. The
only module that imports yaml. YAML 1.1, https://yaml.org/spec/1.1/.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from engine.diagnostics import NOWHERE, Diagnostic, Place, error

SYNTAX = error("C401", "this is not valid YAML: {problem}", "check indentation, quotes and colons")
DUPLICATE_KEY = error("C402", 'the key "{key}" appears twice', "keep one of the two")
UNSUPPORTED = error("C403", "{what} are not supported here", "write the value out in full")
TOO_LARGE = error("C404", "the file is larger than {limit} {unit}", "split it into several files")

BYTES_MAX = 2_000_000
DEPTH_MAX = 40
_COMPOSED_DEPTH_MAX = 500
_DASHES = re.compile(r"(?:[-?] +){100}")

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a PyYAML built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf: its text as written, quotes removed."""

    text: str
    place: Place
    quoted: bool = False

    def at(self, offset: int, width: int = 1) -> Place:
        """The place of a character inside the text (exact for one-line scalars)."""
        column = (self.place.column or 1) + offset + (1 if self.quoted else 0)
        return Place(file=self.place.file, line=self.place.line, column=column, width=width)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple["Node", ...]
    place: Place

    def __iter__(self) -> "Iterator[Node]":
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and nodes in the order written; keys are unique."""

    entries: tuple[tuple[Scalar, "Node"], ...]
    place: Place

    def get(self, key: str) -> "Node | None":
        """The node under `key`, or None."""
        for scalar, node in self.entries:
            if scalar.text == key:
                return node
        return None

    def key(self, key: str) -> Scalar | None:
        """The key itself, for its place, or None."""
        for scalar, _ in self.entries:
            if scalar.text == key:
                return scalar
        return None

    def keys(self) -> list[str]:
        """The keys in order."""
        return [scalar.text for scalar, _ in self.entries]

    def __iter__(self) -> "Iterator[tuple[Scalar, Node]]":
        return iter(self.entries)


Node = Scalar | Sequence | Mapping


def parse_yaml(text: str, file: str) -> tuple[Node | None, list[Diagnostic]]:
    """Read one YAML document.

    Args:
        text: the whole file.
        file: its name, for places.

    Returns:
        The root node (None when nothing could be read) and all problems found.
    """
    if len(text) > BYTES_MAX:
        return None, [TOO_LARGE(Place(file=file), limit=BYTES_MAX, unit="characters")]
    problems: list[Diagnostic] = []
    if _may_nest_deeply(text) and _is_too_deep(text):
        return None, [TOO_LARGE(Place(file=file), limit=DEPTH_MAX, unit="levels")]
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as failure:
        return None, [_syntax_problem(failure, file)]
    except (RecursionError, ValueError):
        return None, [SYNTAX(Place(file=file), problem="it is nested too deeply or malformed")]
    if root is None:
        return None, problems
    if "\n&" in text or "*" in text or "&" in text or "!" in text:
        problems.extend(_indirections(text, file))
    return _convert(root, file, problems, 0), problems


def _may_nest_deeply(text: str) -> bool:
    """Cheap and cautious: nesting needs brackets, or dashes in a row on one line."""
    return text.count("[") + text.count("{") > 1_000 or _DASHES.search(text) is not None


def _is_too_deep(text: str) -> bool:
    """Count levels from events: the composer of libyaml recurses and would exhaust the C stack."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _COMPOSED_DEPTH_MAX:
                    return True
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError:
        pass  # found again, and reported, by the composer
    return False


def _syntax_problem(failure: yaml.YAMLError, file: str) -> Diagnostic:
    mark = getattr(failure, "problem_mark", None)
    problem = getattr(failure, "problem", None) or "it cannot be read"
    if mark is None:
        return SYNTAX(Place(file=file), problem=problem)
    place = Place(file=file, line=mark.line + 1, column=mark.column + 1)
    # `[PID-3[1].1]` is the usual slip: within brackets YAML takes the inner ones for its own.
    hint = "within [ ] and { } put quotes round a text that has such characters itself"
    return SYNTAX(place, problem=problem, hint=hint if "expected ','" in problem else None)


def _indirections(text: str, file: str) -> list[Diagnostic]:
    """Anchors, aliases and tags, which hide where a value comes from."""
    found = []
    for event in yaml.parse(text, Loader=_Loader):
        mark = event.start_mark
        place = Place(file=file, line=mark.line + 1, column=mark.column + 1) if mark else NOWHERE
        if isinstance(event, yaml.AliasEvent):
            found.append(UNSUPPORTED(place, what="aliases (*name)"))
        elif getattr(event, "anchor", None):
            found.append(UNSUPPORTED(place, what="anchors (&name)"))
        elif getattr(event, "tag", None):
            found.append(UNSUPPORTED(place, what="tags (!name)"))
    return found


def _convert(node: yaml.Node, file: str, problems: list[Diagnostic], depth: int) -> Node:
    mark = node.start_mark
    width = max(1, len(node.value)) if isinstance(node, yaml.ScalarNode) else 1
    place = Place(file=file, line=mark.line + 1, column=mark.column + 1, width=width)
    if depth > DEPTH_MAX:
        problems.append(TOO_LARGE(place, limit=DEPTH_MAX, unit="levels"))
        return Scalar("", place)
    if isinstance(node, yaml.ScalarNode):
        return Scalar(node.value, place, quoted=node.style in ("'", '"'))
    if isinstance(node, yaml.SequenceNode):
        return Sequence(
            tuple(_convert(item, file, problems, depth + 1) for item in node.value), place
        )
    entries: list[tuple[Scalar, Node]] = []
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = _convert(key_node, file, problems, depth + 1)
        if not isinstance(key, Scalar):
            problems.append(UNSUPPORTED(key.place, what="keys that are lists or mappings"))
            continue
        if key.text in seen:
            problems.append(DUPLICATE_KEY(key.place, key=key.text))
            continue
        seen.add(key.text)
        entries.append((key, _convert(value_node, file, problems, depth + 1)))
    return Mapping(tuple(entries), place)
