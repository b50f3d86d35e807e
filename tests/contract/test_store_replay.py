"""What replay jobs, decisions of people and retention promise."""

import time

import pytest

from engine.pipeline.states import Origin, State, Verdict
from engine.store.interface import Search, StoreUnavailable
from engine.store.state.search_keys import merge


def test_a_replay_makes_a_run_at_the_tail_of_its_lane(log, worker, receipt, job):
    (message_id,) = log.append([receipt(lanes=("P1",))])
    (run,) = worker.runs()
    worker.send(run)
    log.append([receipt(lanes=("P1",))])
    worker.state.follow(10)
    job_id = worker.state.create_job(job(message_id, destinations=("fhir",)))
    assert worker.state.advance_job(job_id, 10) == 1
    later, replay = worker.runs()
    assert later.message_id != message_id
    assert replay.message_id == message_id
    assert replay.origin is Origin.REPLAY
    assert replay.replay_of == run.run_id
    assert replay.lanes == ("P1",)
    assert replay.destinations == ("fhir",)
    assert replay.job_id == job_id
    assert replay.revision == ""


def test_a_second_replay_links_to_the_first(log, worker, receipt, job):
    (message_id,) = log.append([receipt()])
    worker.send(worker.runs()[0])
    for _ in range(2):
        worker.state.advance_job(worker.state.create_job(job(message_id)), 10)
        worker.send(worker.runs()[0])
    runs = worker.state.message(message_id).runs
    assert [run.replay_of for run in runs] == [None, runs[0].run_id, runs[1].run_id]
    (row,) = worker.state.search(Search())
    assert row.run_id == runs[2].run_id
    assert row.origin is Origin.REPLAY


def test_a_job_goes_on_where_it_was_after_a_crash(store, log, worker, receipt, job):
    ids = log.append([receipt() for _ in range(5)])
    job_id = worker.state.create_job(job(*ids))
    assert worker.state.advance_job(job_id, 2) == 2
    other = store.open_state()
    assert other.advance_job(job_id, 2) == 2
    assert other.advance_job(job_id, 2) == 1
    assert other.advance_job(job_id, 2) == 0
    replays = [run for run in worker.runs() if run.origin is Origin.REPLAY]
    assert [run.message_id for run in replays] == ids


def test_a_job_counts_results_and_ends(log, worker, receipt, job):
    ids = log.append([receipt() for _ in range(3)])
    for run in worker.runs():
        worker.send(run)
    job_id = worker.state.create_job(job(*ids))
    worker.state.advance_job(job_id, 10)
    one, two, three = worker.runs()
    worker.send(one)
    worker.fail(two)
    (open_job,) = worker.state.jobs()
    assert (open_job.state, open_job.total, open_job.message_ids) == ("running", 3, ())
    assert (open_job.started, open_job.succeeded, open_job.failed) == (3, 1, 1)
    worker.fail(three, state=State.FILTERED)
    (done,) = worker.state.jobs([job_id])
    assert (done.state, done.succeeded, done.failed) == ("done", 2, 1)
    assert done.message_ids == tuple(ids)
    assert worker.state.jobs() == []


def test_a_job_stops_after_so_many_failures(log, worker, receipt, job):
    ids = log.append([receipt() for _ in range(3)])
    for run in worker.runs():
        worker.send(run)
    job_id = worker.state.create_job(job(*ids, stop_after_failures=1))
    worker.state.advance_job(job_id, 1)
    worker.fail(worker.runs()[0])
    assert worker.state.advance_job(job_id, 1) == 0
    assert worker.state.jobs([job_id])[0].state == "stopped"


def test_a_paused_job_makes_no_runs_until_it_is_resumed(log, worker, receipt, job):
    ids = log.append([receipt()])
    job_id = worker.state.create_job(job(*ids))
    worker.state.set_job_state(job_id, "paused")
    assert worker.state.advance_job(job_id, 1) == 0
    worker.state.set_job_state(job_id, "running")
    assert worker.state.advance_job(job_id, 1) == 1


def test_a_resend_has_the_stored_output_and_needs_no_processing(log, worker, receipt, job):
    (message_id,) = log.append([receipt()])
    (run,) = worker.runs()
    worker.send(run, "fhir", "lab", body=b"{}" * 5000)
    job_id = worker.state.create_job(job(message_id, origin=Origin.RESEND, destinations=("lab",)))
    assert worker.state.advance_job(job_id, 1) == 1
    (resend,) = worker.runs()
    assert (resend.origin, resend.state) == (Origin.RESEND, State.TRANSFORMED)
    (delivery,) = worker.state.open_deliveries(worker.lease, [resend.run_id])
    assert (delivery.destination, delivery.state) == ("lab", State.QUEUED)
    assert delivery.origin is Origin.RESEND
    assert worker.state.bodies([delivery.delivery_id])[delivery.delivery_id].body == b"{}" * 5000
    worker.attempt(delivery.delivery_id, State.SENT)
    assert worker.state.jobs([job_id])[0].state == "done"


def test_a_resend_without_stored_output_fails_and_says_so(log, worker, receipt, job):
    (message_id,) = log.append([receipt()])
    worker.fail(worker.runs()[0])
    job_id = worker.state.create_job(job(message_id, origin=Origin.RESEND))
    worker.state.advance_job(job_id, 1)
    state, diagnostics = worker.state.run_states([message_id])[message_id]
    assert state is State.ERROR
    assert diagnostics[0]["code"] == "S760"
    (done,) = worker.state.jobs([job_id])
    assert (done.state, done.failed) == ("done", 1)


def test_a_message_that_never_ran_can_be_replayed(log, worker, receipt, job):
    (message_id,) = log.append([receipt(runnable=False, verdict=Verdict.DUPLICATE, lanes=("P",))])
    worker.state.advance_job(worker.state.create_job(job(message_id)), 1)
    (run,) = worker.runs()
    assert (run.message_id, run.lanes, run.replay_of) == (message_id, ("P",), None)


def test_a_message_not_followed_yet_gets_its_first_run_before_its_replay(log, worker, receipt, job):
    (message_id,) = log.append([receipt()])
    worker.state.advance_job(worker.state.create_job(job(message_id)), 1)
    first, replay = worker.runs()
    assert (first.origin, replay.origin) == (Origin.RECEIVED, Origin.REPLAY)
    assert replay.replay_of == first.run_id


def test_a_message_that_is_gone_counts_as_failed(worker, job):
    job_id = worker.state.create_job(job(777))
    assert worker.state.advance_job(job_id, 1) == 1
    assert worker.state.jobs([job_id])[0].failed == 1


def test_a_replay_takes_the_place_of_a_run_that_waits_for_a_person(log, worker, receipt, job):
    (message_id,) = log.append([receipt()])
    (held,) = worker.runs()
    worker.fail(held, state=State.HELD)
    worker.state.advance_job(worker.state.create_job(job(message_id)), 1)
    assert [run.run_id for run in worker.state.released_runs(worker.lease)] == [held.run_id]
    assert worker.state.released_runs(worker.lease) == []
    runs = worker.state.message(message_id).runs
    assert [run.state for run in runs] == [State.CANCELLED, State.RECEIVED]


def test_a_replay_to_one_destination_leaves_the_others_alone(log, worker, receipt, job):
    (message_id,) = log.append([receipt()])
    (run,) = worker.runs()
    for delivery_id in worker.transform(run, "fhir", "lab"):
        worker.attempt(delivery_id, State.ERROR)
    worker.state.advance_job(worker.state.create_job(job(message_id, destinations=("lab",))), 1)
    first = worker.state.message(message_id).runs[0]
    assert first.state is State.ERROR
    assert [found.state for found in first.deliveries] == [State.ERROR, State.CANCELLED]


@pytest.mark.parametrize(
    ("decision", "run_state"),
    [
        (State.QUEUED, State.TRANSFORMED),
        (State.SENT, State.SENT),
        (State.CANCELLED, State.CANCELLED),
    ],
)
def test_a_decision_reaches_the_owner_of_the_lane_once(log, worker, receipt, decision, run_state):
    (message_id,) = log.append([receipt()])
    (delivery_id,) = worker.transform(worker.runs()[0])
    worker.attempt(delivery_id, State.UNKNOWN)
    assert worker.state.released_deliveries(worker.lease) == []
    assert worker.state.settle([delivery_id], decision, "anna") == 1
    (found,) = worker.state.released_deliveries(worker.lease)
    assert (found.delivery_id, found.state) == (delivery_id, decision)
    assert worker.state.released_deliveries(worker.lease) == []
    assert worker.state.run_states([message_id])[message_id][0] is run_state


def test_who_decided_what_and_why_is_kept_with_the_delivery(log, worker, receipt):
    (message_id,) = log.append([receipt()])
    (delivery_id,) = worker.transform(worker.runs()[0])
    worker.attempt(delivery_id, State.UNKNOWN)
    worker.state.settle([delivery_id], State.SENT, "anna", "seen in the chart")
    (run,) = worker.state.message(message_id).runs
    (found,) = run.deliveries[0].decisions
    assert (found.by, found.before, found.after) == ("anna", State.UNKNOWN, State.SENT)
    assert found.reason == "seen in the chart"
    assert found.at > 0


def test_only_deliveries_that_wait_for_a_person_can_be_decided(log, worker, receipt):
    log.append([receipt()])
    (delivery_id,) = worker.send(worker.runs()[0])
    assert worker.state.settle([delivery_id, 99], State.QUEUED, "anna") == 0
    with pytest.raises(ValueError, match="PENDING"):
        worker.state.settle([delivery_id], State.PENDING, "anna")


def test_a_decided_delivery_is_open_again_for_the_next_owner(store, log, receipt, new_worker):
    log.append([receipt()])
    first = new_worker(store.open_state())
    (delivery_id,) = first.transform(first.runs()[0])
    first.attempt(delivery_id, State.ERROR)
    first.state.settle([delivery_id], State.QUEUED, "anna")
    first.state.release(first.lease)
    second = new_worker(store.open_state(), "worker-2")
    (run,) = second.runs()
    (found,) = second.state.open_deliveries(second.lease, [run.run_id])
    assert found.delivery_id == delivery_id


def test_purging_forgets_old_messages_whole(log, worker, receipt):
    old = time.time() - 40 * 86400
    gone = log.append([receipt(received_at=old, runnable=False), receipt(received_at=old)])
    stays = log.append([receipt()])
    for run in worker.runs():
        worker.send(run, search_keys=(("mrn", "M1"),))
    merge(worker.state._database)
    assert worker.state.purge(time.time() - 30 * 86400, (State.ERROR,)) == 2
    assert [row.message_id for row in worker.state.search(Search())] == stays
    assert [row.message_id for row in worker.state.search(Search(keys=(("mrn", "M1"),)))] == stays
    assert worker.state.run_states(gone) == {}
    assert worker.state.purge(time.time() - 30 * 86400, (State.ERROR,)) == 0
    assert worker.state.raw(stays)


def test_purging_keeps_what_is_open_and_what_it_is_told_to(log, worker, receipt):
    old = time.time() - 40 * 86400
    sent, failed, refused, waiting = log.append([receipt(received_at=old) for _ in range(4)])
    runs = {run.message_id: run for run in worker.runs()}
    worker.send(runs[sent])
    worker.fail(runs[failed])
    for delivery_id, end in zip(
        worker.transform(runs[refused], "a", "b"), (State.SENT, State.ERROR), strict=True
    ):
        worker.attempt(delivery_id, end)
    assert worker.state.purge(time.time(), (State.ERROR,)) == 1
    found = {row.message_id for row in worker.state.search(Search())}
    assert found == {failed, refused, waiting}
    assert set(worker.state.raw([sent, failed, refused, waiting])) >= found
    assert worker.state.purge(time.time(), ()) == 2
    assert [row.message_id for row in worker.state.search(Search())] == [waiting]


def test_the_keys_of_a_message_that_is_kept_outlive_their_generation(log, worker, receipt):
    old = time.time() - 40 * 86400
    sent, failed = log.append([receipt(received_at=old) for _ in range(2)])
    runs = {run.message_id: run for run in worker.runs()}
    worker.send(runs[sent], search_keys=(("mrn", "M1"),))
    (delivery_id,) = worker.transform(runs[failed], search_keys=(("mrn", "M1"),))
    worker.attempt(delivery_id, State.ERROR, failure_code="http-422")
    merge(worker.state._database)
    log.append([receipt()])
    worker.state.follow(10)
    worker.state.purge(time.time() - 30 * 86400, (State.ERROR,))
    with worker.state._database.reading() as transaction:
        assert transaction.rows("SELECT count(*) FROM search_keys") == [(0,)]
    for search in (Search(keys=(("mrn", "M1"),)), Search(codes=("http-422",))):
        assert [row.message_id for row in worker.state.search(search)] == [failed]


def test_the_log_gives_its_disk_back_and_keeps_what_must_stay(store, log, worker, receipt):
    old = time.time() - 40 * 86400
    sent, failed = log.append([receipt(received_at=old) for _ in range(2)])
    log.close()
    log = store.open_log()
    log.rotate()
    log.append([receipt()])
    runs = {run.message_id: run for run in worker.runs()}
    worker.send(runs[sent])
    worker.fail(runs[failed])
    worker.state.purge(time.time() - 30 * 86400, (State.ERROR,))
    assert worker.state.message(sent) is None
    assert set(worker.state.raw([sent, failed])) == {failed}
    assert worker.state.message(failed).runs[0].state is State.ERROR
    worker.state.purge(time.time() - 30 * 86400, ())
    assert worker.state.message(failed) is None


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_second_writer_of_a_file_log_is_refused(store, log):
    with pytest.raises(StoreUnavailable, match="in use"):
        store.open_log()
