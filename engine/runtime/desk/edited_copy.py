"""Rim. Edited copies for a person: tried without anything sent, then kept as messages of their own.

A copy is a new message that knows its original, who made it and why. It takes the normal path:
intake stores it in the log, and a worker processes and delivers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import unified_diff

from engine.cda.reader import is_document
from engine.hl7v2.parser import parse
from engine.pipeline.result import ProcessResult
from engine.runtime.desk.audit import Act, patients_of, record
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.masking import MaskingPolicy
from engine.runtime.desk.message_edits import (
    Change,
    EditRefused,
    FieldEdit,
    changes,
    editable_text,
    edited,
)
from engine.runtime.desk.opened_message import Opened, open_message
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.desk.source_ids import SourceIds
from engine.runtime.desk.stored_text import shown_body
from engine.store.interface import EditedCopy

REASON_CHARACTERS_MIN = 5
REASON_CHARACTERS_MAX = 500
DIFF_LINES_MAX = 2_000
PATHS_KEPT_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a person wants of a copy."""

    text: str | None = field(default=None, repr=False)
    """The whole text; None: as the original."""
    fields: tuple[FieldEdit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be edited."""

    message_id: int
    channel: str
    text: str | None = field(repr=False)
    """None: the viewer sees values masked, and changes single fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What would become of a copy."""

    changes: tuple[Change, ...]
    state: str
    """TRANSFORMED, FILTERED, ERROR or HELD."""
    problems: tuple[tuple[str, str, str], ...]
    """(severity, code and place, message) of its diagnostics."""
    outputs: tuple[tuple[str, tuple[str, ...]], ...] = field(repr=False)
    """(destination, lines of a diff to what the original makes now)."""


def draft(desk: Desk, viewer: Viewer, policy: MaskingPolicy, message_id: int) -> Draft | None:
    """A message for editing; None when there is none within the viewer's channels."""
    opened = open_message(
        desk, viewer, policy, message_id, Right.SEE_BODIES, Right.EDIT_COPY, subject="to be edited"
    )
    if opened is None:
        return None
    receipt = opened.detail.receipt
    text = editable_text(receipt.raw) if opened.policy is None else None
    return Draft(message_id=message_id, channel=receipt.channel, text=text)


def try_copy(
    desk: Desk,
    viewer: Viewer,
    policy: MaskingPolicy,
    benches: SharedBenches,
    message_id: int,
    edit: Edit,
) -> Trial | None:
    """What would become of a copy, by the configuration in force; nothing is stored or sent.

    Returns:
        None when there is no such message within the viewer's channels.

    Raises:
        EditRefused: the copy cannot be made so.
        LookupError: there is no configuration, or the channel is gone from it.
    """
    opened = open_message(
        desk, viewer, policy, message_id, Right.SEE_BODIES, Right.EDIT_COPY, subject="a copy tried"
    )
    if opened is None:
        return None
    raw, copy = opened.detail.receipt.raw, _copy(opened, edit)
    channel = opened.detail.receipt.channel
    with benches.lend() as lent:
        before = lent.bench.convert(raw, channel).result
        after = lent.bench.convert(copy, channel).result
    return Trial(
        changes=tuple(changes(raw, copy, opened.policy)),
        state=after.state.value,
        problems=tuple(
            (one.severity.value, f"{one.code} {one.place}".strip(), one.message)
            for one in after.diagnostics
        ),
        outputs=tuple(_differences(before, after, opened.policy)),
    )


def _copy(opened: Opened, edit: Edit) -> bytes:
    """The bytes of the copy. A text that was shown masked is never taken for the message."""
    if edit.text is not None and opened.policy is not None:
        raise EditRefused("the text as a whole is edited by those who see its values")
    copy = edited(opened.detail.receipt.raw, edit.text, edit.fields)
    if copy == opened.detail.receipt.raw:
        raise EditRefused("nothing was changed; to run the message again, replay it")
    return copy


def _differences(
    before: ProcessResult, after: ProcessResult, policy: MaskingPolicy | None
) -> Sequence[tuple[str, tuple[str, ...]]]:
    old = {one.destination: one.body for one in before.outputs}
    found: list[tuple[str, tuple[str, ...]]] = []
    for one in after.outputs:
        texts = [
            shown_body(body, policy).split("\n")
            for body in (old.get(one.destination, b""), one.body)
        ]
        lines = unified_diff(texts[0], texts[1], "original", "copy", lineterm="", n=2)
        found.append(
            (
                one.destination,
                tuple(line for _, line in zip(range(DIFF_LINES_MAX), lines, strict=False)),
            )
        )
    return found


def store_copy(
    desk: Desk,
    viewer: Viewer,
    policy: MaskingPolicy,
    message_id: int,
    edit: Edit,
    reason: str,
) -> int | None:
    """Keep a copy for intake; returns its id.

    Returns:
        None when there is no such message within the viewer's channels.

    Raises:
        EditRefused: the copy cannot be made so, or the reason is too short.
    """
    viewer.require(Right.SEE_MESSAGES, Right.SEE_BODIES, Right.EDIT_COPY)
    plain = " ".join(reason.split())[:REASON_CHARACTERS_MAX]
    if len(plain) < REASON_CHARACTERS_MIN:
        raise EditRefused("say why, in a few words")
    with desk.log() as log:
        detail = log.message(message_id)
    if detail is None or not viewer.sees(detail.receipt.channel):
        return None
    opened = Opened(detail=detail, policy=None if viewer.unmasked else policy)
    raw = _copy(opened, edit)
    paths = _paths(detail.receipt.raw, raw, policy)
    record(
        desk,
        viewer,
        Act.EDIT,
        channel=detail.receipt.channel,
        message_id=message_id,
        patients=patients_of(detail),
        reason=plain,
        details={"fields": " ".join(paths)},
    )
    copy = EditedCopy(
        created_at=desk.clock(),
        channel=detail.receipt.channel,
        parent_message_id=message_id,
        author=viewer.name,
        reason=plain,
        changes=tuple(paths),
        raw=raw,
    )
    with desk.log() as log:
        return log.copies.add(copy)


def _paths(before: bytes, after: bytes, policy: MaskingPolicy) -> list[str]:
    """The places that differ, as people write them."""
    ids = [SourceIds(parse(raw).message, None) for raw in (before, after) if not is_document(raw)]
    found: list[str] = []
    for one in changes(before, after, policy)[:PATHS_KEPT_MAX]:
        labels = (names.label(one.path) for names in ids)
        found.append(next((label for label in labels if label != one.path), one.path))
    return found


def find_copy(desk: Desk, viewer: Viewer, copy_id: int) -> EditedCopy | None:
    """A copy on its way; None when there is none within the viewer's channels."""
    viewer.require(Right.SEE_MESSAGES)
    with desk.log() as log:
        found = log.copies.find(copy_id)
    return found if found is not None and viewer.sees(found.channel) else None
