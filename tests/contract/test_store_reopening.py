"""Runs that wait for a person are taken up again, in their place, on both databases."""

import pytest

from engine.pipeline.states import State
from engine.store.interface import LeaseLost


def test_a_held_run_is_received_again_and_given_first_after_a_restart(
    store, log, receipt, new_worker
):
    log.append([receipt(lanes=("P",)), receipt(lanes=("P",))])
    worker = new_worker(store.open_state())
    held, behind = worker.runs()
    worker.fail(held, code="V840", state=State.HELD)
    assert worker.state.reopen(worker.lease, [held.run_id, behind.run_id]) == [
        held.run_id,
        behind.run_id,
    ]
    # asked again after an answer that was lost
    assert worker.state.reopen(worker.lease, [held.run_id]) == [held.run_id]
    found = worker.state.message(held.message_id).runs
    assert [run.state for run in found] == [State.RECEIVED]
    later = new_worker(store.open_state())
    assert [(run.run_id, run.state) for run in later.runs()] == [
        (held.run_id, State.RECEIVED),
        (behind.run_id, State.RECEIVED),
    ]
    later.send(held)
    assert later.state.message(held.message_id).runs[0].state is State.SENT


def test_a_run_whose_delivery_waits_or_that_a_replay_replaced_stays_as_it_is(
    log, worker, receipt, job
):
    waiting, replaced = log.append([receipt(), receipt()])
    first, second = worker.runs()
    (delivery_id,) = worker.transform(first)
    worker.attempt(delivery_id, State.UNKNOWN)
    worker.fail(second, state=State.HELD)
    worker.state.advance_job(worker.state.create_job(job(replaced)), 1)
    assert worker.state.reopen(worker.lease, [first.run_id, second.run_id]) == []
    assert worker.state.message(waiting).runs[0].state is State.HELD
    assert worker.state.message(replaced).runs[0].state is State.CANCELLED


def test_a_run_that_was_taken_up_again_is_not_replaced_by_a_replay(log, worker, receipt, job):
    (message_id,) = log.append([receipt()])
    (run,) = worker.runs()
    worker.fail(run, state=State.HELD)
    worker.state.reopen(worker.lease, [run.run_id])
    worker.state.advance_job(worker.state.create_job(job(message_id)), 1)
    found = worker.state.message(message_id).runs
    assert [one.state for one in found] == [State.RECEIVED, State.RECEIVED]


def test_nobody_takes_runs_up_without_the_lease(store, log, receipt, new_worker):
    log.append([receipt()])
    worker = new_worker(store.open_state())
    (run,) = worker.runs()
    worker.fail(run, state=State.HELD)
    new_worker(store.open_state())  # the same owner's name: the earlier lease has ended
    with pytest.raises(LeaseLost):
        worker.state.reopen(worker.lease, [run.run_id])
    assert worker.state.message(run.message_id).runs[0].state is State.HELD


def test_a_problem_stays_open_while_its_run_is_taken_up_again(log, worker, receipt):
    log.append([receipt()])
    (run,) = worker.runs()
    problems = worker.state.problems
    worker.fail(run, code="V840", state=State.HELD)
    worker.state.reopen(worker.lease, [run.run_id])
    assert problems.close_settled(1.0) == 0
    worker.fail(run, code="V840", state=State.HELD)
    (found,) = problems.all()
    assert (found.regressions, found.failures, found.closed_at) == (0, 1, None)
    worker.state.reopen(worker.lease, [run.run_id])
    worker.send(run)
    assert problems.close_settled(2.0) == 1
