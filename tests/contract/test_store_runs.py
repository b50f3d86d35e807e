"""What following, leases and the life of a run promise; see `engine.store.interface.StateStore`."""

import time

import pytest

from engine.pipeline.states import FailureClass, Origin, State, Verdict
from engine.store.interface import (
    LANE_BUCKETS,
    LaneLease,
    LeaseLost,
    NewDelivery,
    Outcome,
    Processed,
    StateBatch,
)


def test_following_makes_one_run_for_each_runnable_message(log, state, receipt):
    log.append([receipt(), receipt(runnable=False, verdict=Verdict.DUPLICATE), receipt()])
    assert state.follow(2) == 2
    assert state.follow(100) == 1
    assert state.follow(100) == 0
    assert state.follow(100) == 0
    lease = state.acquire("w", 30.0, 1.0)
    assert len(state.new_runs(lease, 100)) == 2


def test_a_second_follower_makes_no_second_run(store, log, receipt):
    first, second = store.open_state(), store.open_state()
    ids = log.append([receipt() for _ in range(10)])
    assert first.follow(5) + second.follow(100) == 10
    assert first.follow(100) == second.follow(100) == 0
    runs = first.new_runs(first.acquire("w", 30.0, 1.0), 100)
    assert [run.message_id for run in runs] == ids


def test_each_run_is_given_once_in_order(worker, log, receipt):
    ids = log.append([receipt(lanes=(f"P{number % 3}",)) for number in range(20)])
    given = worker.runs(limit=7)
    while more := worker.runs(limit=7):
        given += more
    assert [run.message_id for run in given] == ids
    later = log.append([receipt()])
    assert [run.message_id for run in worker.runs()] == later
    assert worker.runs() == []


def test_a_run_carries_what_the_worker_needs(worker, log, receipt):
    log.append([receipt(lanes=("A", "B"), revision="r9", control_id="X1", received_at=1234.5)])
    (run,) = worker.runs()
    assert run.lanes == ("A", "B")
    assert run.origin is Origin.RECEIVED
    assert run.state is State.RECEIVED
    assert (run.revision, run.control_id, run.message_type) == ("r9", "X1", "ADT^A01")
    assert run.received_at == 1234.5


def test_a_renewed_lease_keeps_its_epoch_and_gives_no_run_twice(state, worker, log, receipt):
    log.append([receipt()])
    assert len(worker.runs()) == 1
    renewed = state.acquire(worker.owner, 30.0, 1.0)
    assert renewed.epoch == worker.lease.epoch
    assert renewed.until >= worker.lease.until
    worker.lease = renewed
    assert worker.runs() == []


def test_after_a_restart_every_open_run_is_given_again(store, log, receipt, new_worker):
    log.append([receipt() for _ in range(4)])
    first = new_worker(store.open_state())
    runs = first.runs()
    first.send(runs[0])
    first.fail(runs[1])
    first.transform(runs[2])
    second_state = store.open_state()
    first.state.release(first.lease)
    second = new_worker(second_state, "worker-2")
    given = second.runs()
    assert [run.run_id for run in given] == [runs[2].run_id, runs[3].run_id]
    assert [run.state for run in given] == [State.TRANSFORMED, State.RECEIVED]


def test_a_delivery_in_flight_when_its_worker_died_is_possibly_sent(
    store, log, receipt, new_worker
):
    log.append([receipt(), receipt()])
    first = new_worker(store.open_state())
    runs = first.runs()
    (in_flight,) = first.transform(runs[0])
    (waiting,) = first.transform(runs[1])
    first.commit(started=(in_flight,))
    first.state.release(first.lease)
    second = new_worker(store.open_state(), "worker-2")
    given = second.runs()
    found = second.state.open_deliveries(second.lease, [run.run_id for run in given])
    assert [delivery.delivery_id for delivery in found] == [in_flight, waiting]
    assert [delivery.possibly_sent for delivery in found] == [True, False]
    assert [delivery.attempts for delivery in found] == [1, 0]
    assert found[0].state is State.PENDING
    assert found[0].first_attempt_at is not None


def test_two_workers_share_the_buckets(store, log, receipt, new_worker):
    ids = log.append([receipt(lanes=(f"P{number}",)) for number in range(40)])
    first = new_worker(store.open_state(), "one", 0.5)
    second = new_worker(store.open_state(), "two", 0.5)
    assert len(first.lease.buckets) == len(second.lease.buckets) == LANE_BUCKETS // 2
    assert not first.lease.buckets & second.lease.buckets
    given = [run.message_id for run in first.runs() + second.runs()]
    assert sorted(given) == ids


def test_an_expired_lease_is_taken_over_with_a_new_epoch(store, log, receipt, new_worker):
    log.append([receipt()])
    first = new_worker(store.open_state(), "one")
    (run,) = first.runs()
    first.lease = first.state.acquire("one", -1.0, 1.0)
    second = new_worker(store.open_state(), "two")
    assert second.lease.epoch > first.lease.epoch
    assert len(second.lease.buckets) == LANE_BUCKETS
    with pytest.raises(LeaseLost):
        first.send(run)
    assert [found.run_id for found in second.runs()] == [run.run_id]
    second.send(run)


def test_a_commit_after_the_lease_was_lost_writes_nothing(store, log, receipt, new_worker):
    (message_id,) = log.append([receipt()])
    first = new_worker(store.open_state(), "one")
    (run,) = first.runs()
    first.lease = first.state.acquire("one", -1.0, 1.0)
    new_worker(store.open_state(), "two")
    keys = (("mrn", "M1"),)
    done = Processed(run_id=run.run_id, state=State.FILTERED, search_keys=keys)
    with pytest.raises(LeaseLost):
        first.state.commit(StateBatch(lease=first.lease, processed=(done,), now=time.time()))
    assert first.state.run_states([message_id])[message_id][0] is State.RECEIVED
    assert first.state.message(message_id).search_keys == ()


def test_an_expired_lease_that_nobody_took_is_renewed_as_it_was(state, new_worker):
    worker = new_worker(state)
    expired = state.acquire(worker.owner, -1.0, 1.0)
    renewed = state.acquire(worker.owner, 30.0, 1.0)
    assert renewed.epoch == expired.epoch
    assert renewed.buckets == expired.buckets


def test_a_process_that_starts_again_under_the_same_name_gets_a_new_epoch(store, new_worker):
    first = new_worker(store.open_state(), "one")
    first.lease = first.state.acquire("one", -1.0, 1.0)
    second = new_worker(store.open_state(), "one")
    assert second.lease.epoch > first.lease.epoch


def test_buckets_that_join_later_are_given_from_their_start(store, log, receipt, new_worker):
    ids = log.append([receipt(lanes=(f"P{number}",)) for number in range(40)])
    first = new_worker(store.open_state(), "one", 0.5)
    second = new_worker(store.open_state(), "two", 0.5)
    mine = first.runs()
    second.state.acquire("two", -1.0, 0.5)
    first.lease = first.state.acquire("one", 30.0, 0.5)
    assert len(first.lease.buckets) == LANE_BUCKETS
    joined = first.runs()
    assert sorted(run.message_id for run in mine + joined) == ids
    assert not {run.run_id for run in mine} & {run.run_id for run in joined}


def test_a_worker_that_came_late_is_made_room_for(store, new_worker):
    first = new_worker(store.open_state(), "one")
    second = new_worker(store.open_state(), "two", 0.5)
    assert second.lease.buckets == frozenset()
    first.lease = first.state.acquire("one", 30.0, 1.0)
    assert first.lease.wanted_by_others == LANE_BUCKETS // 2
    gone = frozenset(sorted(first.lease.buckets)[: first.lease.wanted_by_others])
    first.state.release(
        LaneLease(owner="one", epoch=first.lease.epoch, buckets=gone, until=first.lease.until)
    )
    second.lease = second.state.acquire("two", 30.0, 0.5)
    assert second.lease.buckets == gone
    first.lease = first.state.acquire("one", 30.0, 0.5)
    assert not first.lease.buckets & gone


def test_a_run_of_two_lanes_is_given_once_to_an_owner_of_both(worker, log, receipt):
    log.append([receipt(lanes=(f"A{number}", f"B{number}")) for number in range(20)])
    assert len(worker.runs()) == 20


def test_a_run_of_two_lanes_of_two_owners_is_given_to_both_and_blocked_by_earlier_ones(
    store, log, receipt, new_worker
):
    first = new_worker(store.open_state(), "one", 0.5)
    second = new_worker(store.open_state(), "two", 0.5)
    log.append([receipt(lanes=(f"P{number}",)) for number in range(40)])
    mine, other = first.runs()[0], second.runs()[0]
    (message_id,) = log.append([receipt(lanes=(mine.lanes[0], other.lanes[0]))])
    (merge,) = first.runs()
    assert second.runs() == [merge]
    assert merge.message_id == message_id
    assert first.state.blocked([merge.run_id, mine.run_id]) == {merge.run_id}
    first.send(mine)
    assert first.state.blocked([merge.run_id]) == {merge.run_id}
    second.send(other)
    assert first.state.blocked([merge.run_id]) == set()


def test_delivery_ids_come_back_in_the_order_of_the_deliveries(worker, log, receipt):
    log.append([receipt(), receipt()])
    one, two = worker.runs()
    first = worker.transform(one, "fhir", "lab", "file")
    second = worker.transform(two, "fhir")
    assert len({*first, *second}) == 4
    detail = worker.state.message(one.message_id).runs[0]
    assert [found.delivery_id for found in detail.deliveries] == first
    assert [found.destination for found in detail.deliveries] == ["fhir", "lab", "file"]


def test_bodies_come_back_as_they_were(worker, log, receipt):
    log.append([receipt() for _ in range(3)])
    bodies = [b"", b"short", b'{"a":"\x00 and more"}' * 1000]
    ids = [
        worker.transform(run, body=body)[0] for run, body in zip(worker.runs(), bodies, strict=True)
    ]
    found = worker.state.bodies(ids)
    assert [found[delivery_id].body for delivery_id in ids] == bodies
    assert found[ids[0]].content_type == "application/fhir+json"


def test_a_run_is_sent_when_all_its_deliveries_are(worker, log, receipt):
    (message_id,) = log.append([receipt()])
    (run,) = worker.runs()
    one, two = worker.transform(run, "fhir", "lab")
    states = []
    for delivery_id in (one, two):
        worker.attempt(delivery_id, State.SENT)
        states.append(worker.state.run_states([message_id])[message_id][0])
    assert states == [State.TRANSFORMED, State.SENT]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((State.SENT, State.ERROR), State.ERROR),
        ((State.ERROR, State.QUEUED), State.TRANSFORMED),
        ((State.UNKNOWN, State.SENT), State.HELD),
        ((State.HELD, State.ERROR), State.HELD),
        ((State.ERROR, State.ERROR), State.ERROR),
        ((State.SENT, State.SENT), State.SENT),
    ],
)
def test_the_state_of_a_run_follows_its_deliveries(worker, log, receipt, ends, expected):
    (message_id,) = log.append([receipt()])
    (run,) = worker.runs()
    for delivery_id, end in zip(worker.transform(run, "fhir", "lab"), ends, strict=True):
        worker.attempt(delivery_id, end, failure_class=FailureClass.TRANSIENT)
    assert worker.state.run_states([message_id])[message_id][0] is expected


def test_the_state_of_a_run_comes_with_its_diagnostics(worker, log, receipt):
    ids = log.append([receipt(), receipt(), receipt(runnable=False)])
    worker.fail(worker.runs()[0], "T512")
    found = worker.state.run_states([*ids, 999_999])
    assert found[ids[0]][0] is State.ERROR
    assert found[ids[0]][1][0]["code"] == "T512"
    assert found[ids[1]] == (State.RECEIVED, ())
    assert set(found) == set(ids[:2])


def test_an_attempt_is_kept_with_its_request_and_response(worker, log, receipt):
    log.append([receipt()])
    (run,) = worker.runs()
    (delivery_id,) = worker.transform(run)
    worker.attempt(
        delivery_id,
        State.QUEUED,
        failure_class=FailureClass.TRANSIENT,
        failure_code="http-503",
        status="503",
        next_attempt_at=99.0,
        request=b"POST /fhir",
        response=b"HTTP/1.1 503\r\n" * 500,
    )
    worker.attempt(delivery_id, State.SENT, 2, status="200", possibly_sent=True)
    (delivery,) = worker.state.message(run.message_id).runs[0].deliveries
    assert [attempt.number for attempt in delivery.attempts] == [1, 2]
    assert delivery.attempts[0].failure_class is FailureClass.TRANSIENT
    assert delivery.attempts[0].failure_code == "http-503"
    assert delivery.attempts[0].response == b"HTTP/1.1 503\r\n" * 500
    assert delivery.attempts[0].request == b"POST /fhir"
    assert delivery.state is State.SENT
    assert delivery.possibly_sent


def test_a_batch_committed_again_changes_nothing(worker, log, receipt):
    log.append([receipt()])
    (run,) = worker.runs()
    first = worker.transform(run, search_keys=(("mrn", "M1"),))
    assert worker.transform(run, search_keys=(("mrn", "M1"),)) == first
    worker.attempt(first[0], State.SENT)
    worker.end(first[0], State.SENT)
    detail = worker.state.message(run.message_id)
    assert len(detail.runs[0].deliveries) == 1
    assert len(detail.runs[0].deliveries[0].attempts) == 1
    assert detail.search_keys == (("mrn", "M1"),)


def test_steps_of_several_runs_go_into_one_batch(worker, log, receipt):
    ids = log.append([receipt() for _ in range(3)])
    one, two, three = worker.runs()
    (sent,) = worker.transform(one)
    worker.commit(started=(sent,))
    (started,) = worker.transform(two)
    now = time.time()
    made = worker.commit(
        outcomes=(
            Outcome(delivery_id=sent, number=1, started_at=now, finished_at=now, state=State.SENT),
        ),
        started=(started,),
        processed=(
            Processed(
                run_id=three.run_id,
                state=State.TRANSFORMED,
                deliveries=(NewDelivery(destination="f", content_type="t", body=b"x"),),
            ),
        ),
    )
    assert set(made) == {three.run_id}
    states = worker.state.run_states(ids)
    assert [states[found][0] for found in ids] == [
        State.SENT,
        State.TRANSFORMED,
        State.TRANSFORMED,
    ]


def test_a_delivery_made_pending_is_in_flight_at_once(worker, log, receipt):
    log.append([receipt()])
    (run,) = worker.runs()
    new = NewDelivery(destination="fhir", content_type="t", body=b"x", state=State.PENDING)
    done = Processed(run_id=run.run_id, state=State.TRANSFORMED, deliveries=(new,))
    worker.commit(processed=(done,))
    (found,) = worker.state.open_deliveries(worker.lease, [run.run_id])
    assert (found.state, found.attempts, found.possibly_sent) == (State.PENDING, 1, True)
    assert found.first_attempt_at is not None
    assert (found.message_type, found.control_id) == ("ADT^A01", run.control_id)
