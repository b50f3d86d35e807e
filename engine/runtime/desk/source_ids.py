"""Rim. Names for places of a message or document, so that a page can tie elements to them.

A place of a message is `s` and its position: `s3-5-1-2-1`; an element of a document is `n` and its
number in the document.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from engine.cda.document import Document
from engine.hl7v2.message import Message
from engine.hl7v2.path import leaves
from engine.mapping.run import segment_paths
from engine.mapping.trace import leaf_position, node_span, position_path

_WHOLE = re.compile(r"(\.\d+)\.1\Z")
IDS_MAX = 100
"""Places that one element is tied to; one made of a whole message is tied to the first."""
PATHS_SHOWN = 4


class SourceIds:
    """The places of one message or document."""

    def __init__(self, message: Message | None, document: Document | None) -> None:
        self._below: dict[tuple[int, ...], list[str]] = {}
        self._names: dict[int, str] = {}
        self._labels: dict[str, str] = {}
        self._undivided: set[tuple[int, ...]] = set()
        self._nodes: dict[int, int] = {}
        if message is not None:
            self._names = segment_paths(message.segments)
            found = list(leaves(message))
            for leaf in found:
                position = leaf_position(leaf)
                own = position_id(position)
                for size in range(1, len(position) + 1):
                    self._below.setdefault(position[:size], []).append(own)
            for leaf in found:
                position = leaf_position(leaf)
                if position[3:] == (1, 1) and len(self._below[position[:3]]) == 1:
                    self._undivided.add(position[:3])
                self._labels[leaf.path] = self._label(position)
        elif document is not None:
            self._nodes = {id(node): number for number, node in enumerate(document.root.iter())}

    def ids(self, positions: Iterable[tuple[Any, ...]]) -> tuple[str, ...]:
        """The names of the populated places that the positions mean."""
        found: dict[str, None] = {}
        for position in positions:
            if not position:
                continue
            if self._nodes:
                number = self._nodes.get(id(position[0]))
                found.update({} if number is None else {node_id(number): None})
            else:
                found.update(dict.fromkeys(self._below.get(position, ())))
            if len(found) >= IDS_MAX:
                break
        return tuple(found)[:IDS_MAX]

    def paths(self, positions: Sequence[tuple[Any, ...]]) -> str:
        """The positions in words: `PID-5.1 and PV1-44`."""
        plain = [position for position in positions if position]
        if self._nodes:
            texts = [node_span(position).path for position in plain[:PATHS_SHOWN]]
        else:
            texts = [self._label(position) for position in plain[:PATHS_SHOWN]]
        texts = list(dict.fromkeys(texts))
        more = len(plain) - PATHS_SHOWN
        return " and ".join(texts) + (f" and {more} more" if more > 0 else "")

    def label(self, path: str) -> str:
        """The short path of a leaf: `PID-8` of `PID[1]-8[1].1.1`."""
        return self._labels.get(path, path)

    def _label(self, position: tuple[int, ...]) -> str:
        whole = position[:3] if position[:3] in self._undivided else position
        return short(position_path(whole, self._names))


def short(path: str) -> str:
    """`PID-5.1` of `PID[1]-5[1].1.1`: what is first of its kind is not numbered."""
    return _WHOLE.sub(r"\1", path).replace("[1]", "")


def position_id(position: Iterable[int]) -> str:
    """The name of a place of a message."""
    return "s" + "-".join(map(str, position))


def node_id(number: int) -> str:
    """The name of an element of a document."""
    return f"n{number}"
