"""Every call that a channel names, made of right and wrong resources, through the destination.

Right: made once, and found when it comes again. Wrong, twice: what the rules refuse is never
composed; what only the service refuses ends the delivery with its class and an explanation, leaves
nothing behind, and the right one goes through afterwards.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import pytest_asyncio
from charting import Charting
from composed import shipped_calls
from mapped import BASE, ENCOUNTER, PATIENT, REQUEST, RESOURCES, compose_all, delivery

from engine.destinations.interface import Ending
from engine.millennium.calls.body import MessageFacts
from engine.millennium.calls.model import Interaction
from engine.pipeline.states import FailureClass
from engine.runtime.worker.store_turn import StoreThread
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator

Json = dict[str, Any]
RULE = "a rule of Millennium is violated"
ABOUT = MessageFacts(event_at="2026-01-05T14:30:00Z", message_type="ADT^A01")

CLINIC: Json = {
    "resourceType": "Organization",
    "identifier": [{"system": "urn:oid:2.16.840.1.113883.3.9999.1", "value": "SOUTH"}],
    "name": "South Clinic",
}
COLLEAGUE: Json = {
    "resourceType": "Practitioner",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1003000999"}],
    "name": [{"family": "Lund", "given": ["Astrid"]}],
}


@dataclass(frozen=True, kw_only=True)
class Register:
    """A call with a right resource, one that cannot be composed, one the service refuses."""

    right: Json
    incomplete: Json
    """Elements of the resource that are replaced; None: taken away."""
    lacks: str
    refused: Json
    """Elements of the composed resource that are replaced."""
    code: str = "http-422"
    says: str = RULE


def of(name: str) -> Json:
    return RESOURCES[name]


REGISTERS: dict[str, Register] = {
    "allergy.record": Register(
        right=of("an allergy"),
        incomplete={"code": None},
        lacks="code",
        refused={"category": ["biologic"]},
    ),
    "appointment.request": Register(
        right=REQUEST,
        incomplete={"serviceType": None},
        lacks="serviceType",
        refused={"participant": REQUEST["participant"][:1]},
    ),
    "condition.record": Register(
        right=of("a problem"),
        incomplete={"clinicalStatus": None},
        lacks="clinicalStatus",
        refused={"category": of("a problem")["category"] * 2},
        code="http-422-list-length",
        says="a list must have exactly one item",
    ),
    "coverage.record": Register(
        right=of("an insurance"),
        incomplete={"payor": None},
        lacks="payor",
        refused={"status": "cancelled"},
    ),
    "document.file": Register(
        right=of("a letter"),
        incomplete={"content": [{"attachment": {"contentType": "image/png", "data": "aGk="}}]},
        lacks="contentType",
        refused={"docStatus": "preliminary"},
    ),
    "encounter.register": Register(
        right=ENCOUNTER,
        incomplete={"identifier": None},
        lacks="an identifier",
        refused={"status": "cancelled"},
    ),
    "familyHistory.record": Register(
        right=of("a family history"),
        incomplete={"relationship": None},
        lacks="relationship",
        refused={"patient": {"reference": "Patient/nobody"}},
    ),
    "immunization.record": Register(
        right=of("a charted vaccination"),
        incomplete={"vaccineCode": None},
        lacks="vaccineCode",
        refused={"occurrenceDateTime": "yesterday"},
        code="http-400",
    ),
    "medication.record": Register(
        right=of("a reported medicine"),
        incomplete={"medicationCodeableConcept": None},
        lacks="medication",
        refused={"intent": "proposal"},
    ),
    "observation.record": Register(
        right=of("a laboratory result"),
        incomplete={"effectiveDateTime": None},
        lacks="effectiveDateTime",
        refused={"code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]}},
    ),
    "organization.register": Register(
        right=CLINIC,
        incomplete={"identifier": [{"value": "SOUTH"}]},
        lacks="an identifier",
        refused={"name": "North Hospital"},
    ),
    "patient.register": Register(
        right=PATIENT,
        incomplete={"name": None},
        lacks="name",
        refused={"name": [{"use": "usual", "family": "Okafor"}]},
    ),
    "practitioner.register": Register(
        right=COLLEAGUE,
        incomplete={"name": None},
        lacks="name",
        refused={"name": [{"family": "Lund"}]},
    ),
    "procedure.record": Register(
        right=of("a procedure"),
        incomplete={"status": "in-progress"},
        lacks="completed",
        refused={"performer": [{"actor": {"reference": "Patient/12742399"}}]},
    ),
    "relatedPerson.record": Register(
        right=of("a relative"),
        incomplete={"relationship": None},
        lacks="relationship",
        refused={"name": []},
        code="http-400",
    ),
    "report.file": Register(
        right=of("a report of pathology"),
        incomplete={"presentedForm": None},
        lacks="presentedForm",
        refused={"category": [{"coding": [{"system": "http://loinc.org", "code": "LP29684-5"}]}]},
    ),
}


def replaced(resource: Json, elements: Mapping[str, Any]) -> Json:
    whole = {**resource, **elements}
    return {name: item for name, item in whole.items() if item is not None}


def calls_of(name: str) -> list[str]:
    """The call, and those that register whom it is about."""
    return list(dict.fromkeys(["patient.register", "encounter.register", name]))


def base_of(resource: Json) -> dict[str, Json]:
    """Who is there beside the resource: nobody else of its type."""
    kind = resource["resourceType"]
    others = {key: one for key, one in BASE.items() if one["resourceType"] != kind}
    return others if kind != "Patient" else {}


@pytest_asyncio.fixture
async def chart(store: Any) -> AsyncIterator[Charting]:
    from engine.store.open_store import open_state

    every = tuple(
        name
        for name, preset in shipped_calls().calls.items()
        if preset.interaction is Interaction.REGISTER
    )
    async with MillenniumSimulator(SimulatorOptions()) as simulator:
        thread = StoreThread(lambda: open_state(store.url))
        found = Charting(simulator, thread, {"calls": every})
        yield found
        await found.close()
        thread.close()


def composed_for(name: str, resource: Json, right: Json) -> list[Json]:
    found = compose_all(resource, calls=calls_of(name), base=base_of(right), about=ABOUT)
    return list(found.calls)


def test_every_register_is_tried():
    shipped = shipped_calls().calls.values()
    registers = {one.name for one in shipped if one.interaction is Interaction.REGISTER}
    assert REGISTERS.keys() == registers


@pytest.mark.parametrize("name", REGISTERS)
async def test_a_right_one_is_made_once(chart: Charting, name: str):
    right = REGISTERS[name].right
    before = len(chart.all(right["resourceType"]))
    for _ in range(2):
        calls = composed_for(name, right, right)
        assert name in [one["call"] for one in calls]
        result = await chart.destination.send(delivery(chart, ABOUT, calls))
        assert result.classification.accepted, result.response.decode()
        assert len(chart.all(right["resourceType"])) == before + 1


@pytest.mark.parametrize("name", REGISTERS)
def test_what_lacks_something_is_never_composed(name: str):
    one = REGISTERS[name]
    resource = replaced(one.right, one.incomplete)
    found = compose_all(resource, calls=calls_of(name), base=base_of(one.right), about=ABOUT)
    assert name not in [call["call"] for call in found.calls]
    refusals = [found.message for found in found.diagnostics if found.code == "O822"]
    assert any(one.right["resourceType"] in text and one.lacks in text for text in refusals)


@pytest.mark.parametrize("name", REGISTERS)
async def test_what_the_service_refuses_ends_with_its_class_and_is_made_right_later(
    chart: Charting, name: str
):
    one = REGISTERS[name]
    kind = one.right["resourceType"]
    before = len(chart.all(kind))
    calls = composed_for(name, one.right, one.right)
    right = orjson.loads(orjson.dumps(calls, default=str))
    for call in calls:
        if call["call"] == name:
            call["resource"] = replaced(call["resource"], one.refused)
    result = await chart.destination.send(delivery(chart, ABOUT, calls))
    found = result.classification
    assert (found.failure_class, found.code) == (FailureClass.PERMANENT, one.code)
    assert result.ending is Ending.BY_CLASS
    assert one.says in result.response.decode()
    assert len(chart.all(kind)) == before
    result = await chart.destination.send(delivery(chart, ABOUT, right))
    assert result.classification.accepted, result.response.decode()
    assert len(chart.all(kind)) == before + 1
