"""The Millennium destination against the simulated service: identity, changes, lost answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from charting import (
    CMRN_SYSTEM,
    EVENT_AT,
    SAID,
    Charting,
    find_encounter,
    find_patient,
    merge,
    record_observation,
    register_encounter,
    register_patient,
)
from simulated import MRN_SYSTEM, patient

from engine.channel.environment import AliasPool, Mode
from engine.destinations import millennium_identity
from engine.destinations.http_exchange import Answer
from engine.destinations.interface import AttemptResult, Ending, Outgoing, Settlement
from engine.millennium.identity.entries import EntryState, LedgerKey
from engine.pipeline.states import FailureClass, State
from engine.runtime.worker.store_turn import StoreThread
from engine.simulator.millennium.ehr_messages import REQUIRED
from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.options import CLIENT_SECRET, SimulatorOptions
from engine.simulator.millennium.seed import CANARY
from engine.simulator.millennium.server import MillenniumSimulator
from engine.store.interface import StateStore

Chart = Callable[..., Any]


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[MillenniumSimulator]:
    async with MillenniumSimulator(SimulatorOptions()) as found:
        yield found


@pytest_asyncio.fixture
async def open_chart(simulator: MillenniumSimulator, store: Any) -> AsyncIterator[Chart]:
    """Opens destinations on one store: `open_chart(timeout_seconds=1.0)`."""
    opened: list[Charting] = []

    def make(**options: Any) -> Charting:
        found = Charting(simulator, StoreThread(lambda: _state(store)), options)
        opened.append(found)
        return found

    yield make
    for one in opened:
        await one.close()
        one.store.close()


def _state(store: Any) -> StateStore:
    from engine.store.open_store import open_state

    return open_state(store.url)


@pytest.fixture
def chart(open_chart: Chart) -> Charting:
    return open_chart()


def accepted(result: AttemptResult) -> bool:
    assert result.classification.accepted, (result.classification, result.response.decode())
    return True


def ended(result: AttemptResult, code: str, ending: Ending = Ending.HOLD) -> bool:
    assert (result.classification.code, result.ending) == (code, ending), result.response.decode()
    return True


def potassium(value: float) -> dict[str, Any]:
    unit = {"unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    return {"valueQuantity": {"value": value, **unit}}


def key(value: str = "4711", system: str = MRN_SYSTEM, kind: str = "Patient") -> LedgerKey:
    return LedgerKey(resource_type=kind, system=system, value=value)


@asynccontextmanager
async def faults(simulator: MillenniumSimulator, *rules: FaultRule) -> AsyncIterator[None]:
    simulator.faults.set(list(rules))
    yield
    simulator.faults.set([])


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
    from charting import tenant_of

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


# -- lost answers --


LOST = FaultRule(fault=Kind.DROP_AFTER_COMMIT, method="POST", times=1, path="*/Patient")


async def test_a_create_whose_answer_was_lost_is_adopted(chart: Charting):
    delivery = chart.outgoing(register_patient(), register_encounter())
    async with faults(chart.simulator, LOST):
        result = await chart.destination.send(delivery)
    assert result.classification.failure_class is FailureClass.AMBIGUOUS
    assert chart.destination.settlement(delivery) is Settlement.REPEAT
    entries = await chart.ledger.find(chart.config.tenant.fhir_root, [key()])
    assert (entries[key()].state, entries[key()].creates) == (EntryState.UNKNOWN, 1)
    assert accepted(await chart.destination.send(delivery))
    assert chart.posts("Patient") == 1
    assert len(chart.all("Patient")) == len(chart.all("Encounter")) == 1
    assert "Patient" not in (await chart.ledger.steps(delivery.delivery_id)).get(1, "")


async def test_a_result_whose_answer_was_lost_is_told_from_its_neighbours(chart: Charting):
    first = record_observation("o1")
    second = record_observation("o2", resource=potassium(5.2))
    assert accepted(await chart.send(register_patient(), first))
    rule = FaultRule(fault=Kind.DROP_AFTER_COMMIT, method="POST", times=1, path="*/Observation")
    delivery = chart.outgoing(register_patient(), second)
    async with faults(chart.simulator, rule):
        assert not (await chart.destination.send(delivery)).classification.accepted
    assert accepted(await chart.destination.send(delivery))
    same = chart.outgoing(register_patient(), record_observation("o3"))
    async with faults(chart.simulator, rule):
        assert not (await chart.destination.send(same)).classification.accepted
    assert accepted(await chart.destination.send(same))
    assert len(chart.all("Observation")) == chart.posts("Observation") == 3


async def test_a_create_that_never_arrived_is_asked_for_then_sent_once_more_then_held(
    chart: Charting,
):
    delivery = chart.outgoing(register_patient())
    story = []
    rule = FaultRule(fault=Kind.DROP, method="POST", path="*/Patient")
    async with faults(chart.simulator, rule):
        for _ in range(8):
            result = await chart.destination.send(delivery)
            story.append(result.classification.code)
            if result.ending is Ending.HOLD:
                break
    asking = ["create-asking"] * 2
    assert story == ["reset", *asking, "reset", *asking, "create-unsettled"]
    assert chart.posts("Patient") == 2
    (tenant,) = chart.simulator.tenants.values()
    tenant.chart.add("Patient", {**patient(), "id": "77"}, "77", why="seed")
    assert accepted(await chart.destination.send(delivery)), "a person retries once it is there"


@pytest.mark.parametrize("status", [423, 429, 503])
async def test_what_was_refused_for_a_while_is_sent_again(chart: Charting, status: int):
    rule = FaultRule(fault=Kind.STATUS, status=status, method="POST", path="*/r4/*", times=1)
    delivery = chart.outgoing(register_patient(), record_observation())
    for path in ("*/Patient", "*/Observation"):
        rule = FaultRule(fault=Kind.STATUS, status=status, method="POST", path=path, times=1)
        async with faults(chart.simulator, rule):
            result = await chart.destination.send(delivery)
        assert result.classification.failure_class is FailureClass.TRANSIENT
        assert result.classification.code.startswith(f"http-{status}")
    assert accepted(await chart.destination.send(delivery))
    assert len(chart.all("Patient")) == len(chart.all("Observation")) == 1


async def test_a_refusal_that_lied_makes_no_second_one(chart: Charting):
    """503, and it was made nevertheless: it is looked for before the next create."""
    delivery = chart.outgoing(register_patient(), record_observation())
    for path in ("*/Patient", "*/Observation"):
        rule = FaultRule(
            fault=Kind.STATUS, status=503, after_commit=True, method="POST", path=path, times=1
        )
        async with faults(chart.simulator, rule):
            assert not (await chart.destination.send(delivery)).classification.accepted
    assert accepted(await chart.destination.send(delivery))
    assert chart.posts("Patient") == chart.posts("Observation") == 1


@pytest.mark.parametrize("rule", ["search", "token"])
async def test_nothing_is_created_after_a_search_that_failed(chart: Charting, rule: str):
    path = "*/token" if rule == "token" else "*/Patient"
    fault = FaultRule(fault=Kind.STATUS, status=403, method="GET", path=path)
    if rule == "token":
        fault = FaultRule(fault=Kind.STATUS, status=503, path=path)
    async with faults(chart.simulator, fault):
        result = await chart.send(register_patient())
    assert not result.classification.accepted
    assert chart.posts("Patient") == 0
    claim = await chart.ledger.claim(chart.config.tenant.fhir_root, [key()], "other", 1.0)
    assert claim.value == "granted", "and its claim is given back"


async def test_a_worker_that_died_between_create_and_record_adopts(
    open_chart: Chart, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(millennium_identity, "CLAIM_WAIT_SECONDS", 0.0)
    chart = open_chart()
    delivery = chart.outgoing(register_patient())
    ledger = chart.destination._ledger

    class Dying:
        """A ledger whose process is killed before it can write what was created."""

        def __getattr__(self, name: str) -> Any:
            async def die(*_: Any, **__: Any) -> None:
                raise KeyboardInterrupt

            return die if name in ("record", "release") else getattr(ledger, name)

    chart.destination._ledger = Dying()
    with pytest.raises(KeyboardInterrupt):
        await chart.destination.send(delivery)
    assert len(chart.all("Patient")) == 1
    other = open_chart()
    result = await other.send(register_patient(), delivery_id=5)
    assert ended(result, "create-claimed", Ending.BY_CLASS), "by another delivery not before time"
    successor = open_chart()
    assert accepted(await successor.destination.send(delivery))
    assert chart.posts("Patient") == 1
    assert "adopted Patient/" in (await chart.ledger.steps(delivery.delivery_id))[0]


async def test_a_second_one_made_by_another_system_stops_everything(chart: Charting):
    (tenant,) = chart.simulator.tenants.values()
    create = chart.destination._service.exchange

    async def race(request: Any, **given: Any) -> Any:
        if request.method == "POST":
            tenant.chart.add("Patient", {**patient(), "id": "77"}, "77", why="seed")
        return await create(request, **given)

    chart.destination._service.exchange = race
    delivery = chart.outgoing(register_patient())
    assert ended(await chart.destination.send(delivery), "identity-duplicate")
    chart.destination._service.exchange = create
    assert ended(await chart.send(find_patient(), record_observation()), "identity-duplicate")
    ours = next(one["id"] for one in chart.all("Patient") if one["id"] != "77")
    tenant.chart.combine(tenant.chart.get("Patient", ours), tenant.chart.get("Patient", "77"))
    assert accepted(await chart.send(find_patient(), record_observation()))


# -- changes --


async def test_another_writer_is_met_by_reading_again(chart: Charting):
    assert accepted(await chart.send(register_patient()))
    moved = register_patient(resource={"gender": "other"}, verify={**SAID, "gender": "other"})
    rule = FaultRule(fault=Kind.STALE_ETAG, method="PATCH", times=2)
    async with faults(chart.simulator, rule):
        assert accepted(await chart.send(moved))
    assert chart.all("Patient")[0]["gender"] == "other"
    back = register_patient()
    async with faults(chart.simulator, FaultRule(fault=Kind.STALE_ETAG, method="PATCH")):
        result = await chart.send(back)
    assert result.classification.failure_class is FailureClass.TRANSIENT
    assert result.classification.code == "http-409"
    assert chart.simulator.faults.counts() == []


async def test_a_change_whose_answer_was_lost_is_not_made_twice(chart: Charting):
    assert accepted(await chart.send(register_patient()))
    moved = {"address": [{"use": "home", "line": ["2 Mill Lane"], "city": "Larkspur"}]}
    rule = FaultRule(fault=Kind.DROP_AFTER_COMMIT, method="PATCH", times=1)
    async with faults(chart.simulator, rule):
        assert accepted(await chart.send(register_patient(resource=moved)))
    assert chart.all("Patient")[0]["address"][0]["line"] == ["2 Mill Lane"]
    assert sum(one.method == "PATCH" for one in chart.simulator.requests) == 1


async def test_an_older_message_does_not_undo_a_newer_one(chart: Charting):
    assert accepted(await chart.send(register_patient()))
    newer = register_patient(resource={"gender": "other"}, event_at="2026-01-05T16:00:00Z")
    newer["verify"] = {**SAID, "gender": "other"}
    assert accepted(await chart.send(newer))
    older = register_patient(event_at="2026-01-05T15:00:00Z")
    result = await chart.send(older)
    assert accepted(result)
    assert "a newer event wrote it: " in result.request.decode()
    assert chart.all("Patient")[0]["gender"] == "other"


async def test_a_corrected_result_amends_the_one_there_is(chart: Charting):
    assert accepted(await chart.send(register_patient(), record_observation()))
    corrected = record_observation(
        resource={"status": "amended", **potassium(4.4)},
        event_at="2026-01-05T15:00:00Z",
    )
    assert accepted(await chart.send(register_patient(), corrected))
    (found,) = chart.all("Observation")
    assert (found["status"], found["valueQuantity"]["value"]) == ("amended", 4.4)
    assert accepted(await chart.send(register_patient(), record_observation())), "older: skipped"
    assert chart.all("Observation")[0]["valueQuantity"]["value"] == 4.4


async def test_what_is_done_is_not_done_again_by_the_next_attempt(chart: Charting):
    delivery = chart.outgoing(register_patient(), register_encounter(), record_observation())
    rule = FaultRule(fault=Kind.STATUS, status=503, method="POST", path="*/Observation", times=1)
    async with faults(chart.simulator, rule):
        assert not (await chart.destination.send(delivery)).classification.accepted
    before = len(chart.simulator.requests)
    result = await chart.destination.send(delivery)
    assert accepted(result)
    seen = [(one.method, one.path) for one in list(chart.simulator.requests)[before:]]
    assert {path.rpartition("/")[2] for _, path in seen} == {"Observation"}
    assert result.request.decode().count("# done before: created ") == 2


# -- refusals --


async def test_a_token_that_was_revoked_is_renewed_once(chart: Charting):
    assert accepted(await chart.send(register_patient()))
    rule = FaultRule(fault=Kind.TOKEN_REVOKED, times=1, path="*/Patient*")
    async with faults(chart.simulator, rule):
        assert accepted(await chart.send(register_patient(resource={"gender": "female"})))


async def test_a_rule_of_the_service_is_refused_for_good(chart: Charting):
    broken = register_encounter(resource={"serviceProvider": None})
    broken["resource"] = {
        name: value for name, value in broken["resource"].items() if value is not None
    }
    result = await chart.send(register_patient(), broken)
    assert result.classification.failure_class is FailureClass.PERMANENT
    assert result.classification.code.startswith(("http-422", "http-400"))
    assert chart.all("Encounter") == []
    assert accepted(await chart.send(register_patient(), register_encounter()))


async def test_a_body_that_is_none_and_a_call_that_is_gone_are_told_apart(chart: Charting):
    for content in (b"", b"{}", b"[1]", b'{"version": 1, "message": {}, "calls": [{}]}'):
        outgoing = Outgoing(
            delivery_id=1, message_id=1, channel="adt", content_type="", body=content
        )
        result = await chart.destination.send(outgoing)
        assert result.classification.code == "body-unusable"
    gone = register_patient() | {"call": "patient.enrol"}
    assert ended(await chart.send(gone), "call-gone")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>a proxy</html>",
        b"[]",
        b'{"resourceType":"OperationOutcome"}',
        b'{"resourceType":"Bundle","entry":[{"resource":null},7,{"resource":{"id":1}}]}',
        b'{"resourceType":"Bundle","entry":"many","link":[7]}',
    ],
)
async def test_a_strange_answer_is_never_an_empty_one(chart: Charting, content: bytes):
    """A page of some proxy with status 200 says nothing of who is there."""

    async def strange(*_: Any, **__: Any) -> Answer:
        return Answer(200, {}, (), content, True)

    chart.destination._service.exchange = strange
    result = await chart.send(find_patient(), record_observation())
    assert not result.classification.accepted
    if b"Bundle" not in content:
        assert result.classification.code == "read-answer-unexpected"


# -- going live --


async def test_in_shadow_mode_everything_is_rendered_and_nothing_sent(open_chart: Chart):
    chart = open_chart(mode=Mode.SHADOW)
    calls = register_patient(), register_encounter(), find_patient(), merge("1", "2")
    result = await chart.send(*calls)
    assert accepted(result)
    assert result.classification.code == "shadow"
    assert not chart.simulator.requests
    assert chart.simulator.tokens.issued == 0
    request = result.request.decode()
    assert request.count("POST http") == 2
    assert '"urn:engine:Patient/engine-4711"' in request


async def test_the_first_deliveries_wait_for_a_person(open_chart: Chart):
    chart = open_chart(release_first=1)
    first, second = chart.outgoing(register_patient()), chart.outgoing(register_patient("0815"))
    assert ended(await chart.destination.send(first), "release-first")
    assert not chart.simulator.requests
    assert accepted(await chart.destination.send(second))
    assert ended(await chart.destination.send(first), "release-first")


def test_a_hold_and_a_park_are_states_of_their_own():
    assert {State.HELD, State.PARKED} <= set(State)


async def test_a_key_of_another_pool_is_another_key(chart: Charting):
    assert accepted(await chart.send(register_patient("1", cmrn="2")))
    root = chart.config.tenant.fhir_root
    assert set(await chart.ledger.find(root, [key("1"), key("2"), key("2", CMRN_SYSTEM)])) == {
        key("1"),
        key("2", CMRN_SYSTEM),
    }
