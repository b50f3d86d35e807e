"""The Millennium destination against the simulated service: lost answers, changes, going live."""

from collections.abc import Callable
from typing import Any

import pytest
from charting import (
    CMRN_SYSTEM,
    SAID,
    Charting,
    accepted,
    ended,
    faults,
    find_patient,
    key,
    merge,
    potassium,
    record_observation,
    register_encounter,
    register_patient,
)
from simulated import patient

from engine.channel.environment import Mode
from engine.destinations.http_exchange import Answer
from engine.destinations.interface import Ending, Outgoing, Settlement
from engine.destinations.millennium import identity as millennium_identity
from engine.millennium.identity.entries import EntryState
from engine.pipeline.states import FailureClass, State
from engine.simulator.millennium.fault_rules import FaultRule, Kind

Chart = Callable[..., Charting]


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
