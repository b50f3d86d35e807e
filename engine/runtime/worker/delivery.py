"""Rim. One attempt to deliver, and what its end means for the delivery.

A message that may have been sent already is settled before anything is sent: repeated where twice
is as good as once, asked about where the destination can be asked, else left to a person.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engine.channel.model import RetryPolicy
from engine.destinations.interface import (
    AttemptResult,
    Destination,
    Ending,
    Outgoing,
    Presence,
    Settlement,
)
from engine.pipeline.answer_ids import answer_ids
from engine.pipeline.response import SHADOWED, Classification, Fault, classify_fault
from engine.pipeline.retry import next_attempt
from engine.pipeline.staleness import overwrites
from engine.pipeline.states import FailureClass, State
from engine.store.interface import Delivery, NewerSent, Outcome, StoreUnavailable, Wait

PROBE_PRESENT = Classification(None, "probe-present")
PROBE_UNREACHABLE = Classification(FailureClass.TRANSIENT, "probe-unreachable")
PROBE_UNKNOWABLE = Classification(FailureClass.AMBIGUOUS, "probe-unknowable")
POSSIBLY_SENT = Classification(FailureClass.AMBIGUOUS, "possibly-sent")
NEWER_DELIVERED = Classification(FailureClass.PERMANENT, "newer-delivered")
"""It would put older data over newer: given up, unless it is of a replay that may do so."""
WAITED_TOO_LONG = "reference-missing"
"""What a parked delivery waits for did not come in time."""
NEWER_UNREAD = Classification(FailureClass.TRANSIENT, "newer-unread")
_FOR_A_PERSON = (PROBE_UNKNOWABLE, POSSIBLY_SENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt that has ended."""

    result: AttemptResult
    settlement: Settlement
    """How it would be settled, read only when the failure is ambiguous."""


async def attempt(destination: Destination, outgoing: Outgoing) -> Attempt:
    """Settle where needed, send where wanted. Never raises, cancellation apart."""
    try:
        if outgoing.possibly_sent:
            return await _settle(destination, outgoing)
        result = await destination.send(outgoing)
    except Exception:  # noqa: BLE001  a fault of a destination must not lose the delivery
        result = AttemptResult(classification=classify_fault(Fault.INTERNAL))
    return Attempt(result=result, settlement=_settlement(destination, outgoing, result))


async def guarded_attempt(
    outgoing: Outgoing, newer: Callable[[int], Awaitable[list[NewerSent]]]
) -> Attempt | None:
    """The end of an attempt that is not made, because it would put older data over newer; None
    when it may be made."""
    try:
        later = await newer(outgoing.delivery_id)
    except StoreUnavailable:
        result = AttemptResult(classification=NEWER_UNREAD)
        return Attempt(result=result, settlement=Settlement.REPEAT)
    found = overwrites(outgoing.content_type, outgoing.body, outgoing.message_type, later)
    if found is None:
        return None
    told = f"not sent: message {found.message_id} delivered newer {', '.join(found.what)}"
    result = AttemptResult(classification=NEWER_DELIVERED, response=told.encode())
    return Attempt(result=result, settlement=Settlement.REPEAT)


async def left_to_newer(
    delivery_id: int, newer_version: Callable[[int], Awaitable[int | None]]
) -> Attempt | None:
    """The end of an attempt that is not made, because a newer version of the document has been
    delivered meanwhile; None when it may be made."""
    try:
        message_id = await newer_version(delivery_id)
    except StoreUnavailable:
        result = AttemptResult(classification=NEWER_UNREAD)
        return Attempt(result=result, settlement=Settlement.REPEAT)
    if message_id is None:
        return None
    told = f"not sent: message {message_id} brought a newer version of this document"
    result = AttemptResult(classification=NEWER_DELIVERED, response=told.encode())
    return Attempt(result=result, settlement=Settlement.REPEAT)


async def _settle(destination: Destination, outgoing: Outgoing) -> Attempt:
    settlement = destination.settlement(outgoing)
    if settlement is Settlement.PERSON:
        return Attempt(result=AttemptResult(classification=POSSIBLY_SENT), settlement=settlement)
    if settlement is Settlement.ASK:
        presence = await destination.probe(outgoing)
        if presence is not Presence.ABSENT:
            result = AttemptResult(classification=_PROBED[presence])
            return Attempt(result=result, settlement=settlement)
    return Attempt(result=await destination.send(outgoing), settlement=settlement)


_PROBED = {
    Presence.PRESENT: PROBE_PRESENT,
    Presence.UNREACHABLE: PROBE_UNREACHABLE,
    Presence.UNKNOWABLE: PROBE_UNKNOWABLE,
}


def _settlement(destination: Destination, outgoing: Outgoing, result: AttemptResult) -> Settlement:
    """Looked up for ambiguous failures only: it reads the whole body."""
    if result.classification.failure_class is not FailureClass.AMBIGUOUS:
        return Settlement.REPEAT
    return destination.settlement(outgoing)


def outcome_of(
    ended: Attempt,
    *,
    delivery_id: int,
    number: int,
    possibly_sent: bool,
    policy: RetryPolicy,
    started_at: float,
    finished_at: float,
    first_attempt_at: float,
    random_unit: float,
    located: bool = True,
) -> Outcome:
    """The outcome to store: state, next attempt, and whether it may have arrived.

    Args:
        ended: the attempt.
        delivery_id: the delivery's.
        number: 1-based attempt number.
        possibly_sent: what was known before the attempt.
        policy: the destination's.
        started_at: Unix seconds, as the others.
        finished_at: when the answer was there.
        first_attempt_at: of the delivery.
        random_unit: 0..1, for the jitter.
        located: the destination gives resources ids of its own.
    """
    result = ended.result
    answer = result.classification
    failure = answer.failure_class
    state, next_at, code = State.SENT, 0.0, answer.code
    if failure is not None:
        possibly_sent = possibly_sent or failure is FailureClass.AMBIGUOUS
        decision = next_attempt(
            policy,
            number,
            failure,
            answer.retry_after_seconds,
            finished_at,
            first_attempt_at,
            random_unit,
        )
        if answer is NEWER_DELIVERED:
            state = State.CANCELLED
        elif result.ending is not Ending.BY_CLASS:
            state = State.PARKED if result.ending is Ending.PARK else State.HELD
        elif _needs_person(ended):
            state = State.UNKNOWN
        elif decision.at is not None:
            state, next_at = State.QUEUED, decision.at
        else:
            state = _final(failure, possibly_sent, policy)
            code = decision.code or code
    return Outcome(
        delivery_id=delivery_id,
        number=number,
        started_at=started_at,
        finished_at=finished_at,
        state=state,
        failure_class=failure,
        # No failure, but nobody may take it for sent.
        failure_code="" if failure is None and answer is not SHADOWED else code,
        next_attempt_at=next_at,
        status=result.status,
        request=result.request,
        response=result.response,
        answer_ids=answer_ids(result.response, located=located),
        possibly_sent=possibly_sent,
        waits_for=_wait(result, finished_at) if state is State.PARKED else None,
        aside=state is State.PARKED,
    )


def _wait(result: AttemptResult, now: float) -> Wait | None:
    """What a parked delivery waits for, and until when."""
    awaited = result.awaited
    if awaited is None:
        return None
    return Wait(root=awaited.root, keys=awaited.keys, until=now + awaited.seconds)


def expired_outcome(delivery: Delivery, now: float) -> Outcome:
    """HELD, for a parked delivery whose time is up; its lane still does not wait for it."""
    return Outcome(
        delivery_id=delivery.delivery_id,
        number=delivery.attempts + 1,
        started_at=now,
        finished_at=now,
        state=State.HELD,
        failure_class=FailureClass.PERMANENT,
        failure_code=WAITED_TOO_LONG,
        possibly_sent=delivery.possibly_sent,
        aside=True,
    )


def _needs_person(ended: Attempt) -> bool:
    """An answer was lost, and neither repeating nor asking can settle it."""
    answer = ended.result.classification
    if answer.failure_class is not FailureClass.AMBIGUOUS:
        return False
    return ended.settlement is Settlement.PERSON or answer in _FOR_A_PERSON


def _final(failure: FailureClass, possibly_sent: bool, policy: RetryPolicy) -> State:
    """The state after the last attempt. HELD blocks the lane until a person acts, ERROR does
    not."""
    if possibly_sent and failure is not FailureClass.PERMANENT:
        return State.UNKNOWN
    return State.HELD if policy.on_error == "block" else State.ERROR
