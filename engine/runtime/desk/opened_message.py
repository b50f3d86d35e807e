"""Rim. Opening a message for somebody: within the scope, recorded, masked or not."""

from dataclasses import dataclass

from engine.runtime.desk.audit import Act, patients_of, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.masking import MaskingPolicy
from engine.runtime.desk.rights import Right, Viewer
from engine.store.interface import MessageDetail, RunDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A message within the viewer's channels, and what of it may be shown."""

    detail: MessageDetail
    policy: MaskingPolicy | None
    """None: everything is shown."""


def open_message(
    desk: Desk,
    viewer: Viewer,
    policy: MaskingPolicy,
    message_id: int,
    *rights: Right,
    act: Act = Act.VIEW,
    subject: str = "",
    reason: str = "",
) -> Opened | None:
    """A message for somebody who looks at it or does something with it; recorded.

    Args:
        desk: the store.
        viewer: who.
        policy: of the site.
        message_id: which.
        rights: needed beside SEE_MESSAGES; NotAllowed is raised for one that is missing.
        act: what is done, for the record.
        subject: to what of the message.
        reason: the person's own words.

    Returns:
        None when there is no such message within the viewer's channels.
    """
    viewer.require(Right.SEE_MESSAGES, *rights)
    with desk.log() as log:
        detail = log.message(message_id)
    if detail is None or not viewer.sees(detail.receipt.channel):
        return None
    record(
        desk,
        viewer,
        act,
        channel=detail.receipt.channel,
        message_id=message_id,
        patients=patients_of(detail),
        subject=subject,
        reason=reason,
    )
    return Opened(detail=detail, policy=None if viewer.unmasked else policy)


def revision_of(detail: MessageDetail) -> str:
    """The configuration that made what the message became last."""
    made = [run.revision for run in detail.runs if run.deliveries or run.diagnostics]
    return made[-1] if made else detail.receipt.revision


def latest_with_deliveries(detail: MessageDetail) -> RunDetail | None:
    """The latest run that sent something, or is to."""
    return next((run for run in reversed(detail.runs) if run.deliveries), None)
