"""Rim. A message as it was received, with its separators and places told apart.

Each segment is a list of pieces: a separator, or the text of a place that the trace knows. Above a
bound the text is given plain: a browser that has to colour megabytes stands still.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.hl7v2.message import Message
from engine.hl7v2.path import Leaf, leaves
from engine.runtime.desk.masking import HIDDEN, MaskingPolicy

BYTES_MAX = 256_000
"""A longer message is shown plain, cut to this, and can be downloaded."""

Position = tuple[int, ...]
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a line."""

    text: str = field(repr=False)
    position: Position = ()
    """Of a place; none for a separator or a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawText:
    """The lines of a message."""

    lines: tuple[tuple[Piece, ...], ...]
    is_plain: bool
    """Too long for more: one piece a line."""
    is_all: bool


def raw_text(message: Message, policy: MaskingPolicy | None) -> RawText:
    """The lines of a message.

    Args:
        message: parsed.
        policy: what is shown; None: everything.
    """
    if len(message.text) > BYTES_MAX:
        return _plain(policy.message(message) if policy else [one.text for one in message.segments])
    by_segment: dict[int, list[Leaf]] = {}
    for leaf in leaves(message):
        by_segment.setdefault(leaf.segment_index, []).append(leaf)
    lines = [
        tuple(_pieces(one.text, one.start, by_segment.get(one.index, ()), policy))
        for one in message.segments
    ]
    return RawText(lines=tuple(lines), is_plain=False, is_all=True)


def plain_text(raw: bytes) -> RawText:
    """What cannot be read as a message, as text."""
    text = raw[:BYTES_MAX].decode("utf-8", "backslashreplace")
    found = _plain(text.splitlines())
    return RawText(lines=found.lines, is_plain=True, is_all=len(raw) <= BYTES_MAX)


def _plain(texts: Sequence[str]) -> RawText:
    lines: list[tuple[Piece, ...]] = []
    size = 0
    for text in texts:
        size += len(text)
        if size > BYTES_MAX:
            return RawText(lines=tuple(lines), is_plain=True, is_all=False)
        lines.append((Piece(text=text),))
    return RawText(lines=tuple(lines), is_plain=True, is_all=True)


def _pieces(
    text: str, start: int, own: Sequence[Leaf], policy: MaskingPolicy | None
) -> Iterator[Piece]:
    """What stands between places, and the places."""
    at = 0
    for leaf in own:
        begin, end = leaf.start - start, leaf.end - start
        if begin > at:
            yield Piece(text=_between(text[at:begin], at, policy))
        shown = policy is None or policy.shows(leaf.path)
        yield Piece(
            text=text[begin:end] if shown else HIDDEN,
            position=(
                leaf.segment_index, leaf.field, leaf.repetition, leaf.component, leaf.subcomponent
            ),
        )  # fmt: skip
        at = end
    if at < len(text):
        yield Piece(text=_between(text[at:], at, policy))


def _between(text: str, at: int, policy: MaskingPolicy | None) -> str:
    """Names and separators; what else stands where no place is, is hidden too."""
    if policy is None or not _WORD.search(text[3:] if at == 0 else text):
        return text
    return _WORD.sub(HIDDEN, text)
