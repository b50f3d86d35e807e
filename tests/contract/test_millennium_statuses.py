"""What the statuses of report 1.5 mean for a delivery, on real connections.

An appointment is requested and then cancelled; the cancelling PATCH, or the create before it, meets
each status once. What is to be tried again goes through afterwards, and nothing is made twice.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from charting import Charting, accepted, faults
from mapped import BASE, REQUEST, message

from engine.destinations.interface import AttemptResult, Ending
from engine.pipeline.states import FailureClass
from engine.runtime.worker.store_turn import StoreThread
from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator

Json = dict[str, Any]
TRANSIENT, PERMANENT = FailureClass.TRANSIENT, FailureClass.PERMANENT
CALLS = ("patient.register", "appointment.request")
ONLY_PATIENT = {"p": BASE["p"]}
CANCELLED = {**REQUEST, "status": "cancelled", "cancelationReason": {"text": "Patient request"}}
LATER = "2026-01-06T08:00:00Z"
TRIED_AGAIN = {
    423: ("http-423", "locked by another user of Millennium"),
    429: ("http-429-throttled", "too many requests at once"),
}
REFUSED = {
    412: "sent without If-Match: a fault of the call",
    422: "a rule of Millennium is violated",
    424: "a step of Millennium's own that the change needs failed",
}


@pytest_asyncio.fixture
async def chart(store: Any) -> AsyncIterator[Charting]:
    from engine.store.open_store import open_state

    async with MillenniumSimulator(SimulatorOptions()) as simulator:
        thread = StoreThread(lambda: open_state(store.url))
        found = Charting(simulator, thread, {"calls": CALLS})
        yield found
        await found.close()
        thread.close()


async def requested(chart: Charting) -> AttemptResult:
    outgoing = message(chart, REQUEST, calls=CALLS, base=ONLY_PATIENT)
    return await chart.destination.send(outgoing)


async def cancelled(chart: Charting) -> AttemptResult:
    outgoing = message(chart, CANCELLED, calls=CALLS, base=ONLY_PATIENT, event_at=LATER)
    return await chart.destination.send(outgoing)


def statuses(chart: Charting) -> list[str]:
    return [one["status"] for one in chart.all("Appointment")]


def answered(status: int, method: str, **more: Any) -> FaultRule:
    path = "*/Appointment" if method == "POST" else "*/Appointment/*"
    return FaultRule(fault=Kind.STATUS, status=status, method=method, path=path, **more)


@pytest.mark.parametrize("status", TRIED_AGAIN)
async def test_a_change_that_cannot_be_made_now_is_tried_again(chart: Charting, status: int):
    assert accepted(await requested(chart))
    async with faults(chart.simulator, answered(status, "PATCH", retry_after_seconds=7)):
        result = await cancelled(chart)
    code, words = TRIED_AGAIN[status]
    found = result.classification
    assert (found.failure_class, found.code) == (TRANSIENT, code)
    assert found.retry_after_seconds == 7
    assert words in result.response.decode()
    assert statuses(chart) == ["proposed"]
    assert accepted(await cancelled(chart))
    assert statuses(chart) == ["cancelled"]


@pytest.mark.parametrize(("status", "expected"), [(423, TRANSIENT), (424, PERMANENT)])
async def test_a_locked_appointment_waits_and_one_that_lacks_its_visit_is_for_a_person(
    chart: Charting, status: int, expected: FailureClass
):
    assert accepted(await requested(chart))
    (tenant,) = chart.simulator.tenants.values()
    identity = chart.all("Appointment")[0]["id"]
    tenant.chart.obstacles["Appointment", identity] = status
    found = (await cancelled(chart)).classification
    assert (found.failure_class, found.code) == (expected, f"http-{status}")
    tenant.chart.obstacles.clear()
    assert accepted(await cancelled(chart))
    assert statuses(chart) == ["cancelled"]


@pytest.mark.parametrize("status", TRIED_AGAIN)
async def test_a_create_that_cannot_be_made_now_is_made_once_later(chart: Charting, status: int):
    async with faults(chart.simulator, answered(status, "POST")):
        found = (await requested(chart)).classification
        assert (found.failure_class, found.code) == (TRANSIENT, TRIED_AGAIN[status][0])
        assert statuses(chart) == []
    assert accepted(await requested(chart))
    assert accepted(await requested(chart))
    assert statuses(chart) == ["proposed"]


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_fault_of_the_call_or_its_data_is_not_tried_again(
    chart: Charting, method: str, status: int
):
    if method == "PATCH":
        assert accepted(await requested(chart))
    before = statuses(chart)
    async with faults(chart.simulator, answered(status, method)):
        result = await (requested(chart) if method == "POST" else cancelled(chart))
    found = result.classification
    assert (found.failure_class, found.code) == (PERMANENT, f"http-{status}")
    assert result.ending is Ending.BY_CLASS
    assert REFUSED[status] in result.response.decode()
    assert statuses(chart) == before


async def test_a_conflict_is_read_again_and_the_intent_applied_again(chart: Charting):
    assert accepted(await requested(chart))
    stale = FaultRule(fault=Kind.STALE_ETAG, method="PATCH", path="*/Appointment/*", times=2)
    async with faults(chart.simulator, stale):
        assert accepted(await cancelled(chart))
    assert statuses(chart) == ["cancelled"]


async def test_conflicts_without_end_are_tried_again_later(chart: Charting):
    assert accepted(await requested(chart))
    stale = FaultRule(fault=Kind.STALE_ETAG, method="PATCH", path="*/Appointment/*")
    async with faults(chart.simulator, stale):
        result = await cancelled(chart)
    found = result.classification
    assert (found.failure_class, found.code) == (TRANSIENT, "http-409")
    patches = [one for one in chart.simulator.requests if one.method == "PATCH"]
    assert len(patches) == 4  # once, and three times on a fresh copy
    assert accepted(await cancelled(chart))
    assert statuses(chart) == ["cancelled"]
