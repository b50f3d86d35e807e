"""Rim. Everything the message screen shows of one message."""

from dataclasses import dataclass, field

from engine.cda.reader import is_document
from engine.runtime.desk.audit import patients_of
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.facets import standing
from engine.runtime.desk.masking import MaskingPolicy
from engine.runtime.desk.message_contents import Contents, contents_of
from engine.runtime.desk.message_edits import Change, changes
from engine.runtime.desk.opened_message import Opened, open_message
from engine.runtime.desk.result_lines import shown_patient
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.desk.timeline import Event, timeline
from engine.store.interface import EditedCopy


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyNote:
    """What is said of an edited copy: not what it says."""

    copy_id: int
    parent_message_id: int
    message_id: int | None
    """What it became; None: it is on its way."""
    author: str
    reason: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One message."""

    message_id: int
    channel: str
    message_type: str
    control_id: str
    sender: str
    version: str
    received_at: float
    size: int
    state: str
    patient: str = field(repr=False)
    is_document: bool
    revision: str
    duplicates: tuple[int, ...]
    duplicate_of: int | None
    copy: CopyNote | None
    """Where it is an edited copy: of which message, by whom and why."""
    copy_changes: tuple[Change, ...]
    """What was changed in it."""
    copies: tuple[CopyNote, ...]
    """Edited copies made of it."""
    events: tuple[Event, ...]
    contents: Contents | None
    """None: the viewer may not see contents."""


def view_message(
    desk: Desk,
    viewer: Viewer,
    policy: MaskingPolicy,
    benches: SharedBenches,
    message_id: int,
    *,
    empty: bool = False,
) -> MessageView | None:
    """Everything about one message; None when there is none within the viewer's channels.

    Args:
        desk: the store.
        viewer: who looks; recorded.
        policy: what a masked viewer sees.
        benches: configurations, to make again what was made.
        message_id: which.
        empty: show defined fields without a value too.
    """
    opened = open_message(desk, viewer, policy, message_id)
    return None if opened is None else view_of(desk, viewer, policy, benches, opened, empty=empty)


def view_of(
    desk: Desk,
    viewer: Viewer,
    policy: MaskingPolicy,
    benches: SharedBenches,
    opened: Opened,
    *,
    empty: bool = False,
) -> MessageView:
    """The same of a message that was opened, and recorded, before."""
    detail, message_id = opened.detail, opened.detail.message_id
    receipt = detail.receipt
    contents = None
    if viewer.may(Right.SEE_BODIES):
        contents = contents_of(opened, benches, empty=empty)
    mrn = next(iter(patients_of(detail)), "")
    run = detail.runs[-1] if detail.runs else None
    state = standing(run.state, [one.state for one in run.deliveries]) if run else None
    source = receipt.source if viewer.unmasked else policy.source(receipt.source)
    copy_changes: list[Change] = []
    if detail.copy is not None and viewer.may(Right.SEE_BODIES):
        with desk.log() as log:
            parent = log.raw([detail.copy.parent_message_id])
        original = parent.get(detail.copy.parent_message_id)
        if original is not None:
            copy_changes = changes(original, receipt.raw, opened.policy)
    events = timeline(detail, opened.policy, source)
    return MessageView(
        message_id=message_id,
        channel=receipt.channel,
        message_type=receipt.message_type,
        control_id=receipt.control_id,
        sender=receipt.sender,
        version=receipt.version,
        received_at=receipt.received_at,
        size=len(receipt.raw),
        state=(state or receipt.verdict).value.upper(),
        patient=shown_patient(desk, viewer, mrn),
        is_document=is_document(receipt.raw),
        revision=receipt.revision,
        duplicates=detail.duplicates,
        duplicate_of=receipt.duplicate_of,
        copy=_note(detail.copy) if detail.copy is not None else None,
        copy_changes=tuple(copy_changes),
        copies=tuple(_note(one) for one in detail.copies),
        events=tuple(events),
        contents=contents,
    )


def _note(copy: EditedCopy) -> CopyNote:
    return CopyNote(
        copy_id=copy.copy_id,
        parent_message_id=copy.parent_message_id,
        message_id=copy.message_id,
        author=copy.author,
        reason=copy.reason,
        created_at=copy.created_at,
    )
