"""Rim. Attempts to deliver as people read them: request, answer, and what differs between two."""

from dataclasses import dataclass, field
from difflib import unified_diff

from engine.pipeline.states import State
from engine.runtime.desk.masking import MaskingPolicy
from engine.runtime.desk.stored_text import shown_body, shown_text
from engine.store.interface import DeliveryDetail

DIFF_LINES_MAX = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One attempt."""

    destination: str
    number: int
    started_at: float
    finished_at: float
    state: State
    status: str
    failure_code: str
    """Empty: the destination took it."""
    request: str = field(repr=False)
    """Head, and body where it is not the delivery's own."""
    response: str = field(repr=False)


def exchanges(delivery: DeliveryDetail, policy: MaskingPolicy | None) -> list[Exchange]:
    """The attempts of a delivery.

    Args:
        delivery: with its attempts.
        policy: what is shown; None: everything.
    """
    return [
        Exchange(
            destination=delivery.destination,
            number=attempt.number,
            started_at=attempt.started_at,
            finished_at=attempt.finished_at,
            state=attempt.state,
            status=attempt.status,
            failure_code=attempt.failure_code if attempt.failure_class is not None else "",
            request=shown_text(attempt.request, policy),
            response=shown_text(attempt.response, policy),
        )
        for attempt in delivery.attempts
    ]


def difference(
    first: tuple[DeliveryDetail, int],
    second: tuple[DeliveryDetail, int],
    policy: MaskingPolicy | None,
) -> list[str]:
    """What differs between two attempts, as lines of a diff: request, body sent, answer.

    Args:
        first: a delivery and the number of one of its attempts.
        second: the same of another.
        policy: what is shown; None: everything.

    Raises:
        KeyError: there is no such attempt.
    """
    names = [f"delivery {one.delivery_id} attempt {number}" for one, number in (first, second)]
    texts = [_whole(one, number, policy) for one, number in (first, second)]
    found = unified_diff(texts[0], texts[1], names[0], names[1], lineterm="", n=2)
    return [line for _, line in zip(range(DIFF_LINES_MAX), found, strict=False)]


def _whole(delivery: DeliveryDetail, number: int, policy: MaskingPolicy | None) -> list[str]:
    attempt = next((one for one in delivery.attempts if one.number == number), None)
    if attempt is None:
        raise KeyError(number)
    head, changed = attempt.request.partition(b"\n\n")[::2]
    own = changed if changed.startswith(b"{") else delivery.body
    parts = (
        "request", shown_text(attempt.request if own is delivery.body else head, policy),
        "body", shown_body(own, policy),
        "answer", shown_text(attempt.response, policy),
    )  # fmt: skip
    return [line for part in parts for line in (*part.split("\n"), "")]
