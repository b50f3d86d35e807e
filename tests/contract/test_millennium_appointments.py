"""An appointment through all its documented steps, and those there are not, over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from charting import Charting, accepted
from composed import code_values, composer_of
from mapped import BASE, REQUEST, compose_all, delivery
from shipped import shipped_program

from engine.codevalues.snapshot import CodeValue
from engine.destinations.interface import AttemptResult, Ending
from engine.hl7v2.groups import group
from engine.hl7v2.parser import parse
from engine.mapping.run import MapContext
from engine.millennium.calls.body import MessageFacts
from engine.millennium.calls.compose import Composed, compose
from engine.runtime.worker.store_turn import StoreThread
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator

Json = dict[str, Any]
CALLS = ("patient.register", "appointment.request")
SLOTS = ("24477850-21304876-62852027-0", "24477851-21304876-62852027-15")
REASON = {"cancelationReason": {"text": "Patient request"}}


def in_slot(number: int) -> Json:
    return {"status": "booked", "slot": [{"reference": f"Slot/{SLOTS[number]}"}]}


@pytest_asyncio.fixture
async def chart(store: Any) -> AsyncIterator[Charting]:
    from engine.store.open_store import open_state

    async with MillenniumSimulator(SimulatorOptions()) as simulator:
        thread = StoreThread(lambda: open_state(store.url))
        found = Charting(simulator, thread, {"calls": CALLS})
        yield found
        await found.close()
        thread.close()


async def told(chart: Charting, hour: int, **said: Any) -> AttemptResult:
    """An event of the appointment, at an hour of the day."""
    about = MessageFacts(event_at=f"2026-01-05T{hour:02d}:00:00Z", message_type="SIU^S14")
    patient = {"p": BASE["p"]}
    found = compose_all({**REQUEST, **said}, calls=CALLS, base=patient, about=about)
    return await chart.destination.send(delivery(chart, about, list(found.calls)))


def appointment(chart: Charting) -> Json:
    (found,) = chart.all("Appointment")
    return found


def free(chart: Charting) -> list[bool]:
    slots = {one["id"]: one["status"] for one in chart.all("Slot")}
    return [slots[one] == "free" for one in SLOTS]


async def test_an_appointment_goes_through_its_steps(chart: Charting):
    assert accepted(await told(chart, 8))
    assert appointment(chart)["status"] == "proposed"
    assert accepted(await told(chart, 9, **in_slot(0)))
    assert (appointment(chart)["start"], free(chart)) == ("2030-03-04T09:00:00Z", [False, True])
    assert accepted(await told(chart, 10, **in_slot(1)))
    assert (appointment(chart)["start"], free(chart)) == ("2030-03-04T10:00:00Z", [True, False])
    assert accepted(await told(chart, 11, status="arrived"))
    assert appointment(chart)["status"] == "arrived"
    assert accepted(await told(chart, 12, status="checked-in"))
    assert accepted(await told(chart, 13, status="arrived"))  # told late: it stays checked in
    assert appointment(chart)["status"] == "checked-in"
    assert accepted(await told(chart, 14, status="cancelled", **REASON))
    assert (appointment(chart)["status"], free(chart)) == ("cancelled", [True, True])
    before = len(chart.simulator.requests)
    assert accepted(await told(chart, 14, status="cancelled", **REASON))
    later = [one.method for one in chart.simulator.requests][before:]
    assert "PATCH" not in later
    assert "POST" not in later


async def test_a_time_without_a_slot_moves_nothing_and_is_named(chart: Charting):
    assert accepted(await told(chart, 8))
    moved = {"start": "2026-02-06T14:30:00Z", "end": "2026-02-06T15:00:00Z"}
    result = await told(chart, 9, **moved)
    assert accepted(result)
    assert b"cannot be said to Millennium: Appointment.start" in result.request
    assert appointment(chart)["requestedPeriod"][0]["start"] == REQUEST["start"]


async def test_an_arrival_for_an_appointment_nobody_requested_waits_for_it(chart: Charting):
    result = await told(chart, 9, status="arrived")
    assert result.ending is Ending.PARK
    assert chart.all("Appointment") == []


async def test_a_slot_that_is_taken_is_looked_at_again_later(chart: Charting):
    (tenant,) = chart.simulator.tenants.values()
    slot = tenant.chart.get("Slot", SLOTS[0])
    assert slot is not None
    tenant.chart.replace(slot, {**slot.resource, "status": "busy"}, "booking")
    assert accepted(await told(chart, 8))
    result = await told(chart, 9, **in_slot(0))
    assert result.classification.code == "http-409"
    assert appointment(chart)["status"] == "proposed"
    tenant.chart.replace(slot, {**slot.resource, "status": "free"}, "booking")
    assert accepted(await told(chart, 9, **in_slot(0)))
    assert appointment(chart)["status"] == "booked"


# -- whole messages, by the maps that ship --

AUTHORITIES = {
    "NORTH": "urn:oid:2.16.840.1.113883.3.9999.1.4",
    "SCHED": "urn:oid:2.16.840.1.113883.3.9999.7",
}
MEDICINE = CodeValue(code_set=220, value="21250403", display="MED", cki="CKI.CODEVALUE!91112")
ALIASES = {220: "MED,,NURSEUNIT,cki:CKI.CODEVALUE!91112,Medicine,\n"}


def siu(event: str, hour: int, **said: str) -> bytes:
    """A message of the scheduling system; SCH-6 `reason`, SCH-25 `status`, AIL-3 `ward`."""
    status = f"{'|' * 15}{said['status']}" if "status" in said else ""
    lines = (
        f"MSH|^~\\&|SCHED|NORTH|ENGINE|HUB|202601050{hour}0000+0000||SIU^{event}^SIU_S12|T{hour}|P|2.5.1",
        f"SCH|PA-1^SCHED|FA-1^SCHED||||{said.get('reason', '')}|||30|min{status}",
        "PID|1||4711^^^NORTH^MR||Okafor^Adaeze^^^^^L||19870412|F",
        "RGS|1",
        "AIS|1||185349003^Check up^SCT|20300304090000+0000",
        f"AIL|1||{said.get('ward', 'MED')}^12^1^NORTH",
    )
    return "\r".join(lines).encode()


def composed_of(raw: bytes) -> tuple[MessageFacts, Composed]:
    context = MapContext(
        time_zone="America/Chicago",
        source_system="urn:oid:2.16.840.1.113883.3.9999.1",
        authorities=AUTHORITIES,
    )
    message = parse(raw).message
    assert message is not None
    made = shipped_program().convert(group(message), context)
    composer = composer_of(
        list(CALLS),
        policies={"Appointment.serviceType": "pass", "Appointment.cancelationReason": "text"},
        values=code_values(MEDICINE, aliases=ALIASES),
        tenant="sandbox",
    )
    hour = raw.partition(b"|202601050")[2][:1].decode()
    about = MessageFacts(event_at=f"2026-01-05T0{hour}:00:00Z", message_type="SIU^S12")
    return about, compose(made.entries, composer, about)


async def sent(chart: Charting, raw: bytes) -> AttemptResult:
    about, found = composed_of(raw)
    return await chart.destination.send(delivery(chart, about, list(found.calls)))


async def test_messages_of_a_scheduling_system_become_steps(chart: Charting):
    assert accepted(await sent(chart, siu("S12", 1)))
    made = appointment(chart)
    assert made["status"] == "proposed"
    assert made["participant"][1]["actor"] == {"reference": "Location/21250403"}
    result = await sent(chart, siu("S14", 2, status="ARRIVED"))
    assert accepted(result)
    assert b"one that is proposed cannot be arrived" in result.request
    (tenant,) = chart.simulator.tenants.values()
    record = tenant.chart.get("Appointment", made["id"])
    assert record is not None
    tenant.chart.replace(record, {**record.resource, "status": "booked"}, "booked by a person")
    assert accepted(await sent(chart, siu("S14", 3, status="ARRIVED")))
    assert appointment(chart)["status"] == "arrived"
    assert accepted(await sent(chart, siu("S14", 4, status="Started")))
    assert appointment(chart)["status"] == "checked-in"
    assert accepted(await sent(chart, siu("S15", 5, reason="PAT^Patient asked^L")))
    assert appointment(chart)["cancelationReason"]["text"] == "Patient asked"


def test_what_lacks_something_is_refused_by_name():
    _, found = composed_of(siu("S15", 5))
    assert any("cancelationReason" in one.message for one in found.diagnostics)
    _, found = composed_of(siu("S12", 1, ward="NOWHERE"))
    assert found.held
    (unmapped,) = [one for one in found.diagnostics if one.code == "V840"]
    assert "codevalues/aliases/LAB_A/220.csv" in unmapped.message
    assert "NOWHERE" not in unmapped.message
    assert not any(one.code == "O822" for one in found.diagnostics)
    _, found = composed_of(siu("S26", 6))
    assert [one["call"] for one in found.calls] == ["patient.register"]
    assert any("did not come" in one.message for one in found.diagnostics)
