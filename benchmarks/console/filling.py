"""A store filled through its own interface, as intake and workers fill it, in large turns."""

import hashlib
import time
from collections.abc import Iterator

from benchmarks.console import hospital
from benchmarks.console.hospital import DUPLICATE, FILTERED, HELD, MAP_ERROR, REFUSED, Known
from engine.pipeline.states import AcknowledgmentOutcome, FailureClass, State, Verdict
from engine.store.interface import (
    NewDelivery,
    Outcome,
    Processed,
    Receipt,
    StateBatch,
    StateStore,
)
from engine.store.open_store import open_log, open_state

TURN = 1_000
SAY_EVERY = 100_000
REQUEST = b"POST /fhir HTTP/1.1\r\ncontent-type: application/fhir+json"


def received_at(number: int, count: int, end: float) -> float:
    """When the message of a number came: they end now, 100,000 a day."""
    return end - (count - number) * hospital.SECONDS_BETWEEN


def channel_of(number: int, channels: int) -> str:
    """The channel of a number; some have far more to do than others."""
    share = (number * 2_654_435_761 & 0xFFFFFFFF) / 2**32
    return f"feed_{int(share * share * channels):03d}"


def fill(url: str, count: int, channels: int, end: float) -> None:
    """Store `count` messages, each with its whole life; those of the last turns are new.

    They are messages 1 to `count` of `hospital`, in this order.
    """
    log, state = open_log(url), open_state(url)
    began = time.monotonic()
    for first in range(1, count + 1, TURN):
        numbers = range(first, min(first + TURN, count + 1))
        ones = [hospital.known(number) for number in numbers]
        ids = log.append(
            [_receipt(one, received_at(one.number, count, end), channels) for one in ones]
        )
        log.record_acknowledgments([(one, AcknowledgmentOutcome.SENT, b"") for one in ids])
        _work(state, dict(zip(ids, ones, strict=True)), received_at(numbers[-1], count, end))
        if numbers[-1] % SAY_EVERY == 0:
            log.rotate()
            rate = numbers[-1] / (time.monotonic() - began)
            print(f"  {numbers[-1]:,} stored, {rate:,.0f}/s", flush=True)
    log.close()
    state.close()


def _receipt(one: Known, at: float, channels: int) -> Receipt:
    raw = hospital.raw_of(one, at)
    duplicate = one.fate == DUPLICATE
    channel = channel_of(one.number - 1 if duplicate else one.number, channels)
    return Receipt(
        channel=channel,
        received_at=at,
        source="mllp 10.1.2.3:51022",
        raw=raw,
        sha256=hashlib.sha256(raw).digest(),
        control_id=one.control_id,
        sender="REG|NORTH",
        message_type=one.type,
        version="2.5.1",
        lanes=(one.mrn,),
        verdict=Verdict.DUPLICATE if duplicate else Verdict.NEW,
        duplicate_of=one.number - 1 if duplicate else None,
        runnable=not duplicate,
        acknowledgment=b"MSH|^~\\&|ENGINE|HUB|REG|NORTH|2026||ACK|1|P|2.5.1\rMSA|AA|1\r",
        acknowledgment_code="AA",
        revision="bench",
    )


def _work(state: StateStore, ones: dict[int, Known], now: float) -> None:
    """Process and deliver what is new."""
    lease = state.acquire("bench", 3600.0, 1.0)
    state.follow(2 * TURN)
    runs = state.new_runs(lease, 2 * TURN)
    processed = [_processed(run.run_id, ones[run.message_id], run.received_at) for run in runs]
    made = state.commit(StateBatch(lease=lease, processed=processed, now=now))
    outcomes = [
        _outcome(delivery, ones[run.message_id], run.received_at)
        for run in runs
        for delivery in made[run.run_id]
    ]
    state.commit(StateBatch(lease=lease, outcomes=outcomes, now=now))


def _processed(run_id: int, one: Known, at: float) -> Processed:
    states = {FILTERED: State.FILTERED, MAP_ERROR: State.ERROR, HELD: State.HELD}
    state = states.get(one.fate, State.TRANSFORMED)
    body = hospital.bundle_of(one) if state is State.TRANSFORMED else b""
    return Processed(
        run_id=run_id,
        state=state,
        deliveries=tuple(_deliveries(body)),
        diagnostics=hospital.diagnostics_of(one) if one.fate in (MAP_ERROR, HELD) else (),
        search_keys=one.search_keys,
        resource_ids=(one.patient_id, *one.resource_ids) if body else (),
        event_at=at - 5.0,
    )


def _deliveries(body: bytes) -> Iterator[NewDelivery]:
    if body:
        yield NewDelivery(
            destination="records",
            content_type="application/fhir+json",
            body=body,
            state=State.PENDING,
        )


def _outcome(delivery_id: int, one: Known, at: float) -> Outcome:
    code, answer = hospital.refusal_of(one) if one.fate == REFUSED else ("", b"")
    return Outcome(
        delivery_id=delivery_id,
        number=1,
        started_at=at + 0.05,
        finished_at=at + 0.09,
        state=State.ERROR if code else State.SENT,
        failure_class=FailureClass.PERMANENT if code else None,
        failure_code=code,
        status="422" if code else "200",
        request=REQUEST,
        response=answer or hospital.response_of(one),
        answer_ids=(one.request_id,),
    )
