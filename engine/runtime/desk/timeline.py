"""Rim. What happened to a message, in order: received, answered, processed, delivered, decided."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.pipeline.states import Origin, State, Verdict
from engine.runtime.desk.exchanges import Exchange, exchanges
from engine.runtime.desk.masking import MaskingPolicy
from engine.store.interface import DeliveryDetail, MessageDetail, RunDetail

PROBLEMS_SHOWN = 50

_FAILED = frozenset({State.ERROR, State.UNKNOWN, State.HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    at: float
    kind: str
    """ok, warn, bad, wait or off: how it is drawn."""
    title: str
    text: str = field(default="", repr=False)
    problems: tuple[Mapping[str, Any], ...] = ()
    """Diagnostics, in their JSON form; at most 50."""
    problems_left: int = 0
    """So many more there are."""
    exchange: Exchange | None = None
    run_id: int | None = None


def timeline(detail: MessageDetail, policy: MaskingPolicy | None, source: str) -> list[Event]:
    """The events of a message, oldest first.

    Args:
        detail: the message.
        policy: what is shown of requests and answers; None: everything.
        source: where it came from, as it may be shown.
    """
    found = [_received(detail, source)]
    for run in detail.runs:
        found += _events_of(run, policy)
    found += [
        Event(
            at=copy.created_at,
            kind="off",
            title=f"{copy.author} made an edited copy",
            text=f"message {copy.message_id or 'on its way'}: {copy.reason}",
        )
        for copy in detail.copies
    ]
    return sorted(found, key=lambda event: event.at)


def _received(detail: MessageDetail, source: str) -> Event:
    receipt = detail.receipt
    again = "" if receipt.verdict is Verdict.NEW else f", {receipt.verdict.value}"
    if receipt.duplicate_of is not None:
        again += f" of message {receipt.duplicate_of}"
    code = receipt.acknowledgment_code or "nothing"
    late = ", later by an application acknowledgment" if detail.late_acknowledgment else ""
    return Event(
        at=receipt.received_at,
        kind="ok" if receipt.verdict in (Verdict.NEW, Verdict.DUPLICATE) else "bad",
        title=f"received{again}",
        text=f"from {source}; answered {code} ({detail.acknowledgment_outcome.value}{late})",
        problems=receipt.diagnostics[:PROBLEMS_SHOWN],
        problems_left=max(0, len(receipt.diagnostics) - PROBLEMS_SHOWN),
    )


def _events_of(run: RunDetail, policy: MaskingPolicy | None) -> Iterator[Event]:
    job = f" by replay job {run.job_id}" if run.job_id is not None else ""
    words = {
        Origin.RECEIVED: "processed",
        Origin.REPLAY: f"processed again{job}",
        Origin.RESEND: f"sent again{job}",
    }
    on = f"on configuration {run.revision}" if run.revision else ""
    failed = run.state in _FAILED and not run.deliveries
    # the state of a run that delivers follows its deliveries, which have events of their own
    became = "transformed" if run.deliveries else run.state.value.lower()
    yield Event(
        at=run.created_at,
        kind="bad" if failed else "wait" if run.state is State.RECEIVED else "ok",
        title=f"{words[run.origin]}: {became}",
        text=on,
        problems=run.diagnostics[:PROBLEMS_SHOWN],
        problems_left=max(0, len(run.diagnostics) - PROBLEMS_SHOWN),
        run_id=run.run_id,
    )
    for delivery in run.deliveries:
        yield from _attempts(run, delivery, exchanges(delivery, policy))
        for decision in delivery.decisions:
            why = f": {decision.reason}" if decision.reason else ""
            yield Event(
                at=decision.at,
                kind="off",
                title=f"{decision.by} decided about {delivery.destination}",
                text=f"{decision.before.value} to {decision.after.value}{why}",
                run_id=run.run_id,
            )
        if delivery.state is State.QUEUED and delivery.next_attempt_at:
            yield Event(
                at=delivery.next_attempt_at,
                kind="wait",
                title=f"next attempt at {delivery.destination}",
                run_id=run.run_id,
            )


def _attempts(
    run: RunDetail, delivery: DeliveryDetail, made: Sequence[Exchange]
) -> Iterator[Event]:
    for exchange in made:
        code = exchange.failure_code
        failure = f" {code}" if code and code != f"http-{exchange.status}" else ""
        milliseconds = (exchange.finished_at - exchange.started_at) * 1000
        yield Event(
            at=exchange.started_at,
            kind="bad" if exchange.failure_code else "ok",
            title=f"attempt {exchange.number} at {delivery.destination}:"
            f" {exchange.status or 'no answer'}{failure}",
            text=f"{milliseconds:,.0f} ms, then {exchange.state.value.lower()}",
            exchange=exchange,
            run_id=run.run_id,
        )
