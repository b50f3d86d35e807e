"""Pure. Every populated leaf of a message is mapped, ignored with a reason, or reported.

A leaf is mapped when a rule read it and wrote something that is in the output. Else it is ignored
when a map that was applied to its segment or value, or the message map, names it in `ignore:`. Else
it was read in vain, by rules that wrote nothing (a code that is refused; a name that another
segment said before) or by conditions only; or it is unmapped.
"""

from collections import Counter
from functools import lru_cache
from typing import Any

from engine.diagnostics import NOWHERE
from engine.hl7v2.message import Message
from engine.hl7v2.path import Leaf, leaves
from engine.mapping.accounts import (
    CONDITION,
    IGNORED,
    MAPPED,
    NULL,
    UNMAPPED,
    UNWRITTEN,
    LeafAccount,
)
from engine.mapping.compiler.compiler import Program
from engine.mapping.expression import parse_path
from engine.mapping.library import Library
from engine.mapping.syntax import Ignore, MapFile, Path
from engine.mapping.trace import Position, Trace, leaf_position
from engine.yamltext import Scalar

Said = Counter[tuple[Position, str]]
"""How often a text was met so far below a place that was read as a whole."""

EVERY = 0
"""Stands for every repetition, which are counted from 1."""


def account(message: Message, trace: Trace, program: Program) -> list[LeafAccount]:
    """What became of every populated leaf, in the order of the message.

    Args:
        message: what was converted.
        trace: of that conversion.
        program: that made it, for its ignore lists.
    """
    ignored = _ignored_positions(trace, program.library)
    said: Said = Counter()
    return [_account_leaf(leaf, trace, ignored, said) for leaf in leaves(message)]


def _account_leaf(leaf: Leaf, trace: Trace, ignored: "Ignored", said: Said) -> LeafAccount:
    if leaf.null:
        return LeafAccount(path=leaf.path, state=NULL, reason="explicit null")
    position = leaf_position(leaf)
    prefixes = [position[:size] for size in range(5, 0, -1)]
    said.update((prefix, leaf.text) for prefix in prefixes if prefix in trace.wholes)
    if any(_is_mapped(leaf.text, position, prefix, trace, said) for prefix in prefixes):
        return LeafAccount(path=leaf.path, state=MAPPED)
    reason = _ignored_leaf(leaf, prefixes, ignored)
    if reason is not None:
        return LeafAccount(path=leaf.path, state=IGNORED, reason=reason)
    if any(prefix in trace.values for prefix in prefixes):
        return LeafAccount(path=leaf.path, state=UNWRITTEN)
    if any(prefix in trace.reads for prefix in prefixes):
        return LeafAccount(path=leaf.path, state=CONDITION)
    return LeafAccount(path=leaf.path, state=UNMAPPED)


def _is_mapped(text: str, position: Position, prefix: Position, trace: Trace, said: Said) -> bool:
    """True when what was made of the place says the leaf.

    A composite that was read as a whole, such as a CWE, need not have gone into the output with all
    its parts: a further part counts when its text is there, as often as it was sent.
    """
    if prefix not in trace.written or prefix not in trace.landed:
        return False
    made = trace.wholes.get(prefix)
    below = position[len(prefix) :]
    if made is None or all(number == 1 for number in below):
        return True
    is_system = below[-2:] in ((3, 1), (6, 1)) or below in ((3,), (6,))
    if is_system and any(_has_system(one) for one in made):
        return True
    wanted = " ".join(text.split())
    return any(_times_said(one, wanted) >= said[prefix, text] for one in made)


def _has_system(value: Any) -> bool:
    """True when a coding in it names a system: the third part of a CWE is translated."""
    if isinstance(value, dict):
        return "system" in value or any(_has_system(item) for item in value.values())
    return isinstance(value, list) and any(_has_system(item) for item in value)


def _times_said(value: Any, text: str) -> int:
    """How many values of a JSON value hold the text, or are the number it is."""
    if isinstance(value, dict):
        return sum(_times_said(item, text) for item in value.values())
    if isinstance(value, list):
        return sum(_times_said(item, text) for item in value)
    if isinstance(value, str):
        return int(text in value)
    return int(str(value) in (text, text.lstrip("+")))


def unmapped_leaves(message: Message, trace: Trace, program: Program) -> list[tuple[str, str]]:
    """(leaf path, `unmapped`) of every populated leaf that no map reads or ignores."""
    return [
        (one.path, one.state) for one in account(message, trace, program) if one.state == UNMAPPED
    ]


Ignored = dict[Position | tuple[str, int], str]
"""Reason by position, or by (segment name, field or 0) for a message map."""


def _ignored_leaf(leaf: Leaf, prefixes: list[Position], ignored: Ignored) -> str | None:
    """The reason of the path that names the leaf most closely.

    `PID-3.2` means every repetition. A message map names fields of its segments.
    """
    segment, number, _, component, subcomponent = prefixes[0]
    paths: list[Position | tuple[str, int]] = [
        *prefixes[:2],
        (segment, number, EVERY, component, subcomponent),
        (segment, number, EVERY, component),
        *prefixes[2:],
        (leaf.segment_name, leaf.field),
        (leaf.segment_name, 0),
    ]
    return next((ignored[path] for path in paths if path in ignored), None)


def _ignored_positions(trace: Trace, library: Library) -> Ignored:
    found: Ignored = {}
    message_names = frozenset(one.name for one in library.message_maps())
    for origin, names in trace.maps.items():
        for name in names:
            for ignore, path in _ignored_paths(library.maps[name]):
                if origin == () or (path.segment is not None and name in message_names):
                    if path.segment is not None:
                        found.setdefault((path.segment, path.field or 0), ignore.reason)
                elif path.field is not None:
                    _add_field(found, origin, path, ignore.reason)
                elif path.datatype is not None:
                    found.setdefault((*origin, *path.components), ignore.reason)
    return found


def _add_field(found: Ignored, origin: Position, path: Path, reason: str) -> None:
    """`PID-1` below the segment; with components but no number, in every repetition."""
    if path.field is None:
        return
    if not path.components and path.repetition is None:
        found.setdefault((origin[0], path.field), reason)
        return
    index = path.repetition.index if path.repetition is not None else None
    repetition = EVERY if index is None else index
    found.setdefault((origin[0], path.field, repetition, *path.components), reason)


@lru_cache(maxsize=2_000)
def _parsed(text: str) -> Path | None:
    path, _ = parse_path(text, Scalar(text, NOWHERE))
    return path


def _ignored_paths(map_file: MapFile) -> list[tuple[Ignore, Path]]:
    pairs = ((ignore, _parsed(ignore.path)) for ignore in map_file.ignore)
    return [(ignore, path) for ignore, path in pairs if path is not None]
