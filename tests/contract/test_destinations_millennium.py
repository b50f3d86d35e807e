"""The Millennium destination against the simulated service: identity, changes, lost answers."""

from collections.abc import Callable

from charting import (
    EVENT_AT,
    Charting,
    accepted,
    ended,
    find_encounter,
    find_patient,
    key,
    merge,
    potassium,
    record_observation,
    register_encounter,
    register_patient,
    tenant_of,
)
from simulated import MRN_SYSTEM, patient

from engine.channel.environment import AliasPool
from engine.destinations.interface import Ending
from engine.simulator.millennium.ehr_messages import REQUIRED
from engine.simulator.millennium.options import CLIENT_SECRET
from engine.simulator.millennium.seed import CANARY

Chart = Callable[..., Charting]


# -- identity --


async def test_a_patient_and_a_visit_are_created_once_and_refer_to_each_other(chart: Charting):
    calls = register_patient(), register_encounter(), record_observation(fin="V1")
    result = await chart.send(*calls)
    assert accepted(result)
    (person,), (visit,), (result_,) = (
        chart.all(kind) for kind in ("Patient", "Encounter", "Observation")
    )
    assert visit["subject"]["reference"] == f"Patient/{person['id']}"
    assert result_["encounter"]["reference"] == f"Encounter/{visit['id']}"
    assert accepted(await chart.send(*calls))
    assert [len(chart.all(kind)) for kind in ("Patient", "Encounter", "Observation")] == [1, 1, 1]
    entries = await chart.ledger.find(chart.config.tenant.fhir_root, [key()])
    assert entries[key()].id == person["id"]
    assert entries[key()].applied["name"] > 0
    assert result.status == "201", "of the last call"


async def test_the_attempt_shows_each_call_without_secrets_and_the_ids_support_asks_for(
    chart: Charting,
):
    result = await chart.send(register_patient())
    request, response = result.request.decode(), result.response.decode()
    assert "POST " in request
    assert "/Patient?identifier=" in request
    assert '"family":"Okafor"' in request
    assert "Bearer (of the tenant)" in request
    assert request.count("Bearer") == request.count("Bearer (of the tenant)")
    assert CLIENT_SECRET not in request + response
    head = response.partition("\n\n")[0].lower()
    assert head.count("x-request-id: ") == 3
    assert "opc-request-id: " in head
    assert "location: http" in head


async def test_one_who_is_there_is_found_and_brought_up_to_date(chart: Charting):
    (tenant,) = chart.simulator.tenants.values()
    there = patient(telecom=[{"system": "phone", "use": "home", "value": "1", "id": "T-1"}])
    del there["identifier"][0]
    tenant.chart.add("Patient", {**there, "id": "77"}, "77", why="seed")
    moved = {"telecom": [{"system": "phone", "use": "home", "value": "555-0199"}]}
    assert accepted(await chart.send(register_patient(resource=moved)))
    (person,) = chart.all("Patient")
    assert person["id"] == "77"
    assert person["telecom"][0]["value"] == "555-0199"
    assert chart.posts("Patient") == 0
    patches = [one for one in chart.simulator.requests if one.method == "PATCH"]
    assert len(patches) == 1
    assert patches[0].headers["if-match"]
    assert accepted(await chart.send(register_patient(resource=moved)))
    assert sum(one.method == "PATCH" for one in chart.simulator.requests) == 1, "nothing to say"


async def test_a_number_that_leads_to_somebody_else_is_a_persons(chart: Charting):
    (tenant,) = chart.simulator.tenants.values()
    other = patient(birthDate="1950-01-01", name=[{"use": "official", "family": "Smith"}])
    tenant.chart.add("Patient", {**other, "id": "77"}, "77", why="seed")
    assert ended(await chart.send(register_patient()), "identity-mismatch")
    assert ended(await chart.send(find_patient(), record_observation()), "identity-mismatch")
    assert chart.posts("Patient") == chart.posts("Observation") == 0


async def test_ambiguous_numbers_are_held_and_nothing_is_written(chart: Charting):
    (tenant,) = chart.simulator.tenants.values()
    for number in ("77", "78"):
        tenant.chart.add("Patient", {**patient(), "id": number}, number, why="seed")
    result = await chart.send(register_patient())
    assert ended(result, "identity-ambiguous")
    assert "Patient/77, Patient/78" in result.response.decode()
    assert chart.posts("Patient") == 0
    tenant.chart.combine(tenant.chart.get("Patient", "78"), tenant.chart.get("Patient", "77"))
    assert accepted(await chart.send(register_patient())), "once a person has combined them"


async def test_numbers_of_two_facilities_reconcile_or_are_held(chart: Charting):
    assert accepted(await chart.send(register_patient("4711", cmrn="C1")))
    assert accepted(await chart.send(register_patient("0815", cmrn="C1")))
    (person,) = chart.all("Patient")
    values = {one.get("value") for one in person["identifier"]}
    assert {"4711", "0815", "C1"} <= values
    assert accepted(await chart.send(register_patient("2000", cmrn="C2")))
    crossed = register_patient("4711", cmrn="C2")
    assert ended(await chart.send(crossed), "identity-several")
    assert len(chart.all("Patient")) == 2


async def test_numbers_are_compared_as_their_pool_says(open_chart: Chart):
    chart = open_chart()
    pools = {MRN_SYSTEM: AliasPool(system=MRN_SYSTEM, normalise=("strip-zeros",))}
    padded = open_chart(tenant=tenant_of(chart.simulator, alias_pools=pools))
    assert accepted(await padded.send(register_patient("004711")))
    assert accepted(await chart.send(register_patient("4711")))
    (person,) = chart.all("Patient")
    assert person["identifier"][-1]["value"] == "4711"


async def test_what_has_no_number_is_held_because_it_would_be_made_again_and_again(
    chart: Charting,
):
    nameless = register_patient() | {"identifiers": []}
    assert ended(await chart.send(nameless), "identity-none")


# -- merges --


async def test_a_merge_counts_at_once_for_whatever_comes_later(chart: Charting):
    assert accepted(await chart.send(register_patient("OLD")))
    assert accepted(await chart.send(register_patient("NEW")))
    old, new = (person["id"] for person in chart.all("Patient"))
    assert accepted(await chart.send(register_patient("OLD"), register_encounter("V1", "OLD")))
    assert accepted(await chart.send(merge("NEW", "OLD")))
    assert accepted(await chart.send(register_patient("OLD"), record_observation("o1", "OLD")))
    (result,) = chart.all("Observation")
    assert result["subject"]["reference"] == f"Patient/{new}"
    visit = register_encounter("V2", "OLD")
    assert accepted(await chart.send(register_patient("OLD"), visit))
    assert chart.all("Encounter")[-1]["subject"]["reference"] == f"Patient/{new}"
    assert old != new
    numbers = [one.get("value") for one in chart.all("Patient")[1]["identifier"]]
    assert "OLD" not in numbers, "the survivor does not get the retired number"


async def test_nobody_is_made_from_a_number_that_was_merged_away(chart: Charting):
    assert accepted(await chart.send(merge("NEW", "OLD")))
    result = await chart.send(register_patient("OLD"))
    assert ended(result, "reference-missing", Ending.PARK)
    assert result.awaited is not None
    assert [one.value for one in result.awaited.keys] == ["NEW"]
    assert chart.posts("Patient") == 0
    assert accepted(await chart.send(register_patient("NEW")))
    assert accepted(await chart.send(register_patient("OLD")))
    assert len(chart.all("Patient")) == 1


async def test_a_visit_of_one_who_was_merged_is_still_theirs(chart: Charting):
    assert accepted(await chart.send(register_patient("OLD"), register_encounter("V1", "OLD")))
    assert accepted(await chart.send(register_patient("NEW")))
    assert accepted(await chart.send(merge("NEW", "OLD")))
    assert accepted(await chart.send(register_patient("NEW"), register_encounter("V1", "NEW")))
    assert len(chart.all("Encounter")) == 1


async def test_what_the_service_combined_is_followed(open_chart: Chart):
    chart = open_chart(verify_seconds=0.0)
    assert accepted(await chart.send(register_patient("OLD"), register_patient("NEW")))
    old, new = (person["id"] for person in chart.all("Patient"))
    (tenant,) = chart.simulator.tenants.values()
    tenant.chart.combine(tenant.chart.get("Patient", old), tenant.chart.get("Patient", new))
    assert accepted(await chart.send(find_patient("OLD"), record_observation("o1", "OLD")))
    (result,) = chart.all("Observation")
    assert result["subject"]["reference"] == f"Patient/{new}"


# -- what it refers to --


async def test_a_result_whose_visit_nobody_knows_is_parked(chart: Charting):
    assert accepted(await chart.send(register_patient()))
    late = find_patient(), find_encounter(), record_observation(fin="V1")
    result = await chart.send(*late)
    assert ended(result, "reference-missing", Ending.PARK)
    assert result.awaited is not None
    assert result.awaited.keys[0].resource_type == "Encounter"
    assert accepted(await chart.send(register_patient(), register_encounter()))
    assert accepted(await chart.send(*late))
    (found,) = chart.all("Observation")
    assert found["encounter"]["reference"].startswith("Encounter/")


async def test_people_and_places_that_are_not_there_are_left_out_where_they_may_be(
    chart: Charting,
):
    doctor = {
        "call": "practitioner.find",
        "name": "Practitioner/engine-1",
        "identifiers": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "999"}],
        "verify": {},
    }
    told = record_observation(
        resource={"performer": [{"reference": "urn:engine:Practitioner/engine-1"}]}
    )
    result = await chart.send(register_patient(), doctor, told)
    assert accepted(result)
    assert "performer" not in chart.all("Observation")[0]
    assert "left out where it may be: Practitioner" in result.request.decode()
    doctor["identifiers"] = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1003000126"}]
    again = {**told, "once": "o2", "name": "Observation/o2"}
    assert accepted(await chart.send(register_patient(), doctor, again))
    assert chart.all("Observation")[1]["performer"][0]["reference"] == "Practitioner/4122622"


async def test_a_change_of_what_is_not_there_waits_beside_its_lane(chart: Charting):
    voided = record_observation(only="change", resource={"status": "amended", **potassium(4.4)})
    voided["event_at"] = "2026-01-05T15:00:00Z"
    result = await chart.send(register_patient(), voided)
    assert ended(result, "reference-missing", Ending.PARK)
    assert result.awaited is not None
    assert result.awaited.keys[0].value == "o1"
    assert chart.all("Observation") == []
    assert accepted(await chart.send(register_patient(), record_observation()))
    assert accepted(await chart.send(register_patient(), voided))
    (found,) = chart.all("Observation")
    assert found["status"] == "amended"


async def test_a_call_of_the_ehr_api_is_made_once_with_a_token_of_its_own(open_chart: Chart):
    chart = open_chart(calls=("message.send",))
    call = {
        "call": "message.send",
        "name": "Message/m1",
        "identifiers": [],
        "resource": dict.fromkeys(REQUIRED, CANARY),
        "once": "m1",
        "event_at": EVENT_AT,
    }
    result = await chart.send(call)
    assert accepted(result)
    assert "/message/20241001/patientMessages/sentItems" in result.request.decode()
    assert accepted(await chart.send(call))
    assert chart.posts("sentItems") == 1
    assert chart.simulator.tokens.issued == 1
