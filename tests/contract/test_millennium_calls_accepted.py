"""What is composed is taken: resources of maps, through every call, by the simulated service.

The rules here and those of the simulator were written from the same documentation by different
people; where they disagreed, one of them was wrong.
"""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from charting import Charting, faults
from mapped import BASE, CALLS, PATIENT, RESOURCES, message

from engine.destinations.interface import AttemptResult
from engine.runtime.worker.store_turn import StoreThread
from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator


@pytest_asyncio.fixture
async def chart(store: Any) -> AsyncIterator[Charting]:
    from engine.store.open_store import open_state

    async with MillenniumSimulator(SimulatorOptions()) as simulator:
        thread = StoreThread(lambda: open_state(store.url))
        found = Charting(simulator, thread, {"calls": CALLS})
        yield found
        await found.close()
        thread.close()


def taken(result: AttemptResult) -> None:
    assert result.classification.accepted, (result.request.decode(), result.response.decode())


@pytest.mark.parametrize("name", RESOURCES)
async def test_what_a_map_makes_is_taken_once(chart: Charting, name: str):
    resource = RESOURCES[name]
    kind = resource["resourceType"]
    before = len(chart.all(kind))
    taken(await chart.destination.send(message(chart, resource)))
    taken(await chart.destination.send(message(chart, resource)))
    assert len(chart.all(kind)) == before + 1


async def test_a_result_that_comes_again_corrected_is_amended(chart: Charting):
    result = RESOURCES["a laboratory result"]
    taken(await chart.destination.send(message(chart, result)))
    corrected = {**result, "status": "corrected", "valueString": "haemolysed"}
    del corrected["valueQuantity"]
    later = message(chart, corrected, event_at="2026-01-05T15:30:00Z")
    taken(await chart.destination.send(later))
    (found,) = chart.all("Observation")
    assert (found["status"], found["valueString"]) == ("corrected", "haemolysed")
    assert "valueQuantity" not in found


async def test_a_document_that_is_cancelled_is_voided_and_one_never_filed_is_not_made(
    chart: Charting,
):
    letter = RESOURCES["a letter"]
    voided = {**letter, "docStatus": "entered-in-error"}
    held = await chart.destination.send(message(chart, voided))
    assert not held.classification.accepted
    assert chart.all("DocumentReference") == []
    taken(await chart.destination.send(message(chart, letter)))
    taken(await chart.destination.send(message(chart, voided, event_at="2026-01-06T08:00:00Z")))
    (found,) = chart.all("DocumentReference")
    assert found["docStatus"] == "entered-in-error"


async def test_a_document_is_voided_by_a_message_without_its_content(chart: Charting):
    letter = RESOURCES["a letter"]
    bare = {name: one for name, one in letter.items() if name not in ("content", "context", "type")}
    voided = {**bare, "docStatus": "entered-in-error"}
    taken(await chart.destination.send(message(chart, letter)))
    taken(await chart.destination.send(message(chart, voided, event_at="2026-01-06T08:00:00Z")))
    (found,) = chart.all("DocumentReference")
    assert found["docStatus"] == "entered-in-error"
    assert found["context"]["encounter"][0]["reference"].startswith("Encounter/")
    contents = [base64.b64decode(one["data"]) for one in chart.all("Binary")]
    # A letter in plain text, which an update does not take, is said again as HTML.
    assert contents == [b"Hello", b"<html><body><pre>Hello</pre></body></html>"]
    again = message(chart, voided, event_at="2026-01-06T08:00:00Z")
    before = len(chart.simulator.requests)
    taken(await chart.destination.send(again))
    assert "PUT" not in [one.method for one in chart.simulator.requests][before:]


async def test_a_document_whose_content_cannot_be_read_is_not_voided_now(chart: Charting):
    letter = RESOURCES["a letter"]
    bare = {name: one for name, one in letter.items() if name != "content"}
    voided = {**bare, "docStatus": "entered-in-error"}
    taken(await chart.destination.send(message(chart, letter)))
    fault = FaultRule(fault=Kind.STATUS, status=503, path="*/Binary/*")
    async with faults(chart.simulator, fault):
        later = message(chart, voided, event_at="2026-01-06T08:00:00Z")
        result = await chart.destination.send(later)
    assert result.classification.code == "http-503"
    assert chart.all("DocumentReference")[0]["docStatus"] == "final"


async def test_a_letter_in_a_new_version_is_amended_and_the_same_one_is_not(chart: Charting):
    letter = RESOURCES["a letter"]
    taken(await chart.destination.send(message(chart, letter)))
    again = await chart.destination.send(message(chart, letter))
    assert b"PUT" not in again.request
    newer = message(chart, letter, event_at="2026-01-06T08:00:00Z")
    taken(await chart.destination.send(newer))
    (found,) = chart.all("DocumentReference")
    assert found["docStatus"] == "amended"


async def test_demographics_change_element_by_element(chart: Charting):
    taken(await chart.destination.send(message(chart)))
    moved = {
        **PATIENT,
        "address": [{"use": "home", "line": ["2 Harbour Road"], "city": "Northvale"}],
        "telecom": [*PATIENT["telecom"], {"system": "email", "use": "home", "value": "a@b.org"}],
    }
    later = message(chart, event_at="2026-01-06T08:00:00Z", base={**BASE, "p": moved})
    taken(await chart.destination.send(later))
    (found,) = chart.all("Patient")
    assert found["address"][0]["line"] == ["2 Harbour Road"]
    assert [one["value"] for one in found["telecom"]] == ["555-0100", "a@b.org"]
