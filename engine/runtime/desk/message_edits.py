"""Rim. Changing a copy of a message, as text or field by field, and what was changed.

The original is never touched. What a person types is text: line ends become those of HL7, and the
bytes are written in the message's own character set.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.cda.reader import is_document, parse_document
from engine.channel.message_edits import write_at
from engine.diagnostics import NOWHERE
from engine.hl7v2.escape import escape
from engine.hl7v2.message import Message, Segment
from engine.hl7v2.parser import parse
from engine.hl7v2.path import leaves
from engine.hl7v2.serializer import serialize_segments
from engine.mapping.expression import parse_path
from engine.mapping.syntax import Path
from engine.runtime.desk.masking import HIDDEN, MaskingPolicy
from engine.yamltext import Scalar

EDITS_MAX = 50
TEXT_CHARACTERS_MAX = 2_000_000
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_FORBIDDEN = re.compile(r"[\r\n\x0b\x1c]")


class EditRefused(ValueError):  # noqa: N818  said to the user in these words
    """The copy cannot be made so; the text says why, and quotes no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEdit:
    """One place and what is to stand there."""

    path: str
    """`PID-8`, `OBX[2]-5`, `PID-3[2].1`."""
    value: str = field(repr=False)
    """Empty: nothing. Of a whole field with its separators; of a part without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One place that differs."""

    path: str
    before: str = field(repr=False)
    after: str = field(repr=False)


def editable_text(raw: bytes) -> str:
    """A message as the lines of a text field."""
    message = None if is_document(raw) else parse(raw).message
    if message is None:
        return raw.decode("utf-8", "replace")
    return "\n".join(one.text for one in message.segments)


def edited(raw: bytes, text: str | None, edits: Sequence[FieldEdit]) -> bytes:
    """A copy of a message with changes.

    Args:
        raw: the original.
        text: what the whole text is to be; None: as it is.
        edits: places to be changed afterwards, in order.

    Raises:
        EditRefused: it would be no message, or a place is none.
    """
    made = raw if text is None else _of_text(raw, text)
    if edits:
        made = _with_edits(made, edits)
    _check(made)
    return made


def _of_text(raw: bytes, text: str) -> bytes:
    if len(text) > TEXT_CHARACTERS_MAX:
        raise EditRefused(f"a text has at most {TEXT_CHARACTERS_MAX:,} characters")
    if is_document(raw):
        return text.encode("utf-8")
    message = parse(raw).message
    codec = message.codec if message is not None else "utf-8"
    lines = [line for line in _LINE_ENDS.split(text) if line.strip()]
    try:
        return serialize_segments(lines, codec)
    except UnicodeEncodeError:
        raise EditRefused(f"the message's character set ({codec}) cannot hold the text") from None


def _with_edits(raw: bytes, edits: Sequence[FieldEdit]) -> bytes:
    message = None if is_document(raw) else parse(raw).message
    if message is None:
        raise EditRefused("only fields of an HL7 v2 message can be changed one by one")
    if len(edits) > EDITS_MAX:
        raise EditRefused(f"at most {EDITS_MAX} fields can be changed at a time")
    segments = list(message.segments)
    for edit in edits:
        _apply(edit, segments, message)
    try:
        return serialize_segments(segments, message.codec)
    except UnicodeEncodeError:
        raise EditRefused(
            f"the message's character set ({message.codec}) cannot hold the text"
        ) from None


def _apply(edit: FieldEdit, segments: list[Segment], message: Message) -> None:
    path = _path(edit.path)
    if _FORBIDDEN.search(edit.value) or message.delimiters.field in edit.value:
        raise EditRefused(f"{edit.path}: a value holds no line end and no field separator")
    wanted = path.segment_selector.index if path.segment_selector is not None else 1
    same = [at for at, one in enumerate(segments) if one.name == path.segment]
    if wanted is None or wanted > len(same):
        raise EditRefused(f"{edit.path}: the message has no such segment")
    value = escape(edit.value, message.delimiters) if path.components else edit.value
    at = same[wanted - 1]
    changed = write_at(segments[at], path, value, message.delimiters)
    if changed is None:
        raise EditRefused(f"{edit.path}: the message has no such place")
    segments[at] = changed


def _path(text: str) -> Path:
    path, problems = parse_path(text, Scalar(text, NOWHERE))
    if path is None or path.segment is None or path.field is None or path.steps:
        raise EditRefused(f"{text} is no field: write PID-8, OBX[2]-5 or PID-3[2].1")
    del problems
    if path.segment == "MSH" and path.field < 3:
        raise EditRefused("MSH-1 and MSH-2 say how the message is written: edit the text instead")
    return path


def _check(raw: bytes) -> None:
    if is_document(raw):
        if parse_document(raw).document is None:
            raise EditRefused("the copy can no longer be read as a document")
        return
    parsed = parse(raw)
    if parsed.message is None:
        codes = ", ".join(one.code for one in parsed.diagnostics)
        raise EditRefused(f"the copy can no longer be read as a message ({codes})")


def changes(before: bytes, after: bytes, policy: MaskingPolicy | None) -> list[Change]:
    """The places that differ between a message and its copy, hidden ones with `***`.

    Of documents one change without a path, where they differ at all.
    """
    if is_document(before) or is_document(after):
        return [] if before == after else [Change(path="", before="", after="")]
    old, new = _leaves(before), _leaves(after)
    return [
        Change(
            path=path,
            before=_shown(path, old.get(path, ""), policy),
            after=_shown(path, new.get(path, ""), policy),
        )
        for path in {**old, **new}
        if old.get(path) != new.get(path)
    ]


def _leaves(raw: bytes) -> Mapping[str, str]:
    message = parse(raw).message
    if message is None:
        return {}
    return {leaf.path: '""' if leaf.null else leaf.text for leaf in leaves(message)}


def _shown(path: str, value: str, policy: MaskingPolicy | None) -> str:
    return value if not value or policy is None or policy.shows(path) else HIDDEN
