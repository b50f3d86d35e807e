"""Deliveries that wait beside their lane, on both databases."""

import time

import pytest

from engine.millennium.identity.entries import EntryState, LedgerEntry, LedgerKey
from engine.pipeline.states import State
from engine.store.interface import LeaseLost, Search, Wait

ROOT = "https://fhir.example/r4/t"
FIN = LedgerKey(resource_type="Encounter", system="urn:oid:1.2", value="V1")
VISIT = LedgerKey(resource_type="Encounter", system="urn:oid:1.3", value="V1")


def known(found, resource_id="97"):
    return LedgerEntry(key=found, state=EntryState.KNOWN, id=resource_id)


@pytest.fixture
def park(worker, log, receipt):
    """Makes one message whose only delivery is parked; gives its id."""

    def make(*, until=None, keys=(FIN, VISIT), **given):
        log.append([receipt(lanes=("P1",), **given)])
        (run,) = worker.runs()
        (delivery_id,) = worker.transform(run, "chart")
        wait = Wait(root=ROOT, keys=keys, until=until or time.time() + 3600)
        worker.attempt(delivery_id, State.PARKED, waits_for=wait, aside=True)
        return delivery_id

    return make


def states(state, delivery_id):
    (run,) = state.message(delivery_id // 1000).runs
    return run.state, run.deliveries[0].state


def test_the_lane_goes_on_without_what_is_parked(
    store, state, worker, park, new_worker, log, receipt
):
    delivery_id = park()
    assert states(state, delivery_id) == (State.PARKED, State.PARKED)
    log.append([receipt(lanes=("P1",))])
    (later,) = worker.runs()
    assert state.blocked([later.run_id]) == set()
    next_life = new_worker(store.open_state(), "worker-1")
    assert [run.run_id for run in next_life.runs()] == [later.run_id]


def test_it_is_released_once_one_of_its_keys_is_known(state, worker, park):
    delivery_id = park()
    assert state.release_parked(worker.lease, 0, 100).released_count == 0
    unknown = LedgerEntry(key=VISIT, state=EntryState.UNKNOWN)
    state.ledger.record(ROOT, [unknown])
    assert state.release_parked(worker.lease, 0, 100).released_count == 0
    state.ledger.record(ROOT, [known(VISIT)])
    assert state.release_parked(worker.lease, 0, 100).released_count == 1
    assert [found.delivery_id for found in state.released_deliveries(worker.lease)] == [delivery_id]
    assert states(state, delivery_id) == (State.TRANSFORMED, State.QUEUED)
    assert state.release_parked(worker.lease, 0, 100).released_count == 0
    worker.attempt(delivery_id, State.SENT, 2)
    assert states(state, delivery_id) == (State.SENT, State.SENT)


def test_the_same_key_at_another_service_releases_nothing(state, worker, park):
    park()
    state.ledger.record("https://fhir.example/r4/other", [known(FIN)])
    assert state.release_parked(worker.lease, 0, 100).released_count == 0


def test_a_restart_finds_what_is_parked(store, state, park, new_worker):
    delivery_id = park()
    state.ledger.record(ROOT, [known(FIN)])
    later = store.open_state()
    successor = new_worker(later, "worker-1")
    assert later.release_parked(successor.lease, 0, 100).released_count == 1
    assert [found.delivery_id for found in later.released_deliveries(successor.lease)] == [
        delivery_id
    ]


def test_what_did_not_come_in_time_is_held_without_its_lane(
    store, state, worker, park, new_worker, log, receipt
):
    delivery_id = park(until=time.time() - 1)
    found = state.release_parked(worker.lease, 0, 100)
    assert (found.released_count, [one.delivery_id for one in found.expired]) == (0, [delivery_id])
    worker.end(delivery_id, State.HELD, 2, aside=True, failure_code="reference-missing")
    assert states(state, delivery_id) == (State.HELD, State.HELD)
    assert state.release_parked(worker.lease, 0, 100).expired == ()
    log.append([receipt(lanes=("P1",))])
    (later,) = worker.runs()
    assert state.blocked([later.run_id]) == set()
    next_life = new_worker(store.open_state(), "worker-1")
    assert [run.run_id for run in next_life.runs()] == [later.run_id]
    assert state.settle([delivery_id], State.QUEUED, "anna", "registered now") == 1
    assert states(state, delivery_id) == (State.TRANSFORMED, State.QUEUED)


def test_another_delivery_of_the_run_still_holds_the_lane(state, worker, log, receipt):
    log.append([receipt(lanes=("P1",)), receipt(lanes=("P1",))])
    first, second = worker.runs()
    parked, waiting = worker.transform(first, "chart", "archive")
    wait = Wait(root=ROOT, keys=(FIN,), until=time.time() + 3600)
    worker.attempt(parked, State.PARKED, waits_for=wait, aside=True)
    assert state.blocked([second.run_id]) == {second.run_id}
    worker.attempt(waiting, State.HELD)
    assert state.blocked([second.run_id]) == {second.run_id}
    state.settle([waiting], State.SENT, "anna")
    assert state.blocked([second.run_id]) == set()


def test_what_is_parked_and_what_was_held_after_it_are_counted(state, worker, park):
    late, parked = park(until=time.time() - 1), park()
    worker.end(late, State.HELD, 2, aside=True, failure_code="reference-missing")
    (stats,) = state.stats()
    assert (stats.parked, stats.held, stats.queued) == (1, 1, 0)
    assert stats.oldest_queued_at is None
    assert parked > late


def test_a_person_may_decide_about_what_is_parked(state, worker, park):
    delivery_id = park()
    assert state.settle([delivery_id], State.CANCELLED, "anna", "not ours") == 1
    state.ledger.record(ROOT, [known(FIN)])
    assert state.release_parked(worker.lease, 0, 100).released_count == 0
    assert states(state, delivery_id) == (State.CANCELLED, State.CANCELLED)


def test_a_replay_takes_the_place_of_what_is_parked(state, worker, park, job):
    delivery_id = park()
    job_id = state.create_job(job(delivery_id // 1000))
    state.advance_job(job_id, 10)
    old, new = state.message(delivery_id // 1000).runs
    assert (old.state, new.state) == (State.CANCELLED, State.RECEIVED)


def test_what_is_parked_is_found_by_its_state_and_outlives_retention(state, worker, park):
    delivery_id = park()
    found = state.search(Search(states=(State.PARKED,)))
    assert [row.message_id for row in found] == [delivery_id // 1000]
    assert state.purge(time.time() + 120, ()) == 0
    worker.end(delivery_id, State.SENT, 2)
    assert state.purge(time.time() + 120, ()) == 1


def test_looking_goes_on_where_the_last_look_ended(state, worker, park):
    first, second = park(keys=(FIN,)), park(keys=(FIN,))
    state.ledger.record(ROOT, [known(FIN)])
    look = state.release_parked(worker.lease, 0, 1)
    assert (look.released_count, look.next_after) == (1, first)
    look = state.release_parked(worker.lease, look.next_after, 1)
    assert (look.released_count, look.next_after) == (1, second)
    assert state.release_parked(worker.lease, look.next_after, 1).next_after == 0


def test_a_worker_that_lost_its_lanes_releases_nothing(state, worker, park):
    park()
    state.ledger.record(ROOT, [known(FIN)])
    stale = worker.lease
    state.release(stale)
    with pytest.raises(LeaseLost):
        state.release_parked(stale, 0, 100)
