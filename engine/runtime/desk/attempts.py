"""Rim. Any two attempts of a message beside each other."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.runtime.desk.desk import Desk
from engine.runtime.desk.exchanges import difference
from engine.runtime.desk.masking import MaskingPolicy
from engine.runtime.desk.opened_message import open_message
from engine.runtime.desk.rights import Right, Viewer
from engine.store.interface import AttemptRow, DeliveryDetail, MessageDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptName:
    """An attempt among all of a message."""

    key: str
    """`17000.2`: the delivery and the number."""
    destination: str
    started_at: float
    status: str
    failure_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two attempts and what differs between them."""

    attempts: tuple[AttemptName, ...]
    """All there are, oldest first."""
    first: str
    second: str
    lines: tuple[str, ...] = field(repr=False)
    """Of a diff; none where there is no difference, or only one attempt."""


def compare_attempts(
    desk: Desk,
    viewer: Viewer,
    policy: MaskingPolicy,
    message_id: int,
    first: str,
    second: str,
) -> Comparison | None:
    """Two attempts of a message, by default the last two.

    Returns:
        None when there is no such message within the viewer's channels.

    Raises:
        LookupError: it has no such attempt.
    """
    opened = open_message(
        desk, viewer, policy, message_id, Right.SEE_BODIES, subject="attempts compared"
    )
    if opened is None:
        return None
    made = sorted(_attempts(opened.detail), key=lambda pair: pair[1].started_at)
    by_key = {_key(delivery, attempt): (delivery, attempt.number) for delivery, attempt in made}
    keys = list(by_key)
    if not keys:
        raise LookupError(message_id)
    first = first or keys[-2 if len(keys) > 1 else -1]
    second = second or keys[-1]
    if first not in by_key or second not in by_key:
        raise LookupError(message_id)
    return Comparison(
        attempts=tuple(
            AttemptName(
                key=_key(delivery, attempt),
                destination=delivery.destination,
                started_at=attempt.started_at,
                status=attempt.status,
                failure_code=attempt.failure_code,
            )
            for delivery, attempt in made
        ),
        first=first,
        second=second,
        lines=tuple(difference(by_key[first], by_key[second], opened.policy)),
    )


def _attempts(detail: MessageDetail) -> Iterator[tuple[DeliveryDetail, AttemptRow]]:
    for run in detail.runs:
        for delivery in run.deliveries:
            for attempt in delivery.attempts:
                yield delivery, attempt


def _key(delivery: DeliveryDetail, attempt: AttemptRow) -> str:
    return f"{delivery.delivery_id}.{attempt.number}"
