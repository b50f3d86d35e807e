"""Failures join groups of one cause, which close and open again, on both databases."""

import time

import pytest

from engine.pipeline.states import FailureClass, State

OUTCOME = (
    b"HTTP/1.1 422 X\r\nContent-Type: application/fhir+json\r\n\r\n"
    b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid",'
    b'"diagnostics":"Okafor is no date","expression":["Patient.name[%d].given"]}]}'
)


@pytest.fixture
def problems(state):
    return state.problems


def test_runs_that_fail_of_one_cause_are_one_problem(log, worker, receipt, problems):
    log.append([receipt(lanes=("P1",)), receipt(lanes=("P2",)), receipt(lanes=("P3",))])
    one, two, other = worker.runs()
    worker.fail(one, "T500")
    worker.fail(two, "T500")
    worker.fail(other, "T501", state=State.HELD)
    last, first = sorted(problems.all(), key=lambda row: row.title, reverse=True)
    assert (first.title, first.failures, first.patients, first.waiting) == ("T500 bad", 2, 2, 2)
    assert first.grouped_by == (("stage", "process"), ("code", "T500"), ("what", "bad"))
    assert (last.title, last.failures) == ("T501 bad", 1)
    assert problems.messages(first.problem_id, 10) == [one.message_id, two.message_id]
    assert problems.of_runs([two.run_id]) == {two.run_id: (first.problem_id, "T500 bad")}
    assert problems.channels(first.problem_id) == ["adt_in"]
    assert len(problems.times(first.problem_id, 0.0)) == 2


def test_refusals_are_grouped_by_what_the_server_says_and_not_by_its_text(
    log, worker, receipt, problems
):
    log.append([receipt() for _ in range(2)])
    for index, run in enumerate(worker.runs()):
        (delivery_id,) = worker.transform(run)
        worker.attempt(
            delivery_id,
            State.ERROR,
            failure_class=FailureClass.PERMANENT,
            failure_code="http-422",
            response=OUTCOME % index,
        )
    (found,) = problems.all()
    assert found.title == "http-422 from fhir: invalid Patient.name.given"
    assert found.failures == 2
    assert "Okafor" not in repr(found)


def test_attempts_that_are_tried_again_are_no_problem(log, worker, receipt, problems):
    log.append([receipt()])
    (delivery_id,) = worker.transform(worker.runs()[0])
    worker.attempt(delivery_id, State.QUEUED, failure_code="http-503", next_attempt_at=1.0)
    assert problems.all() == []


def test_a_problem_closes_when_nothing_waits_and_opens_again(log, worker, receipt, problems, job):
    ids = log.append([receipt()])
    worker.fail(worker.runs()[0])
    assert problems.close_settled(time.time()) == 0
    worker.state.advance_job(worker.state.create_job(job(*ids)), 10)
    (replay,) = worker.runs()
    worker.send(replay)
    assert problems.close_settled(50.0) == 1
    (closed,) = problems.all()
    assert (closed.closed_at, closed.waiting, closed.regressions) == (50.0, 0, 0)
    log.append([receipt()])
    worker.fail(worker.runs()[0])
    (again,) = problems.all()
    assert (again.closed_at, again.waiting, again.regressions) == (None, 1, 1)
    assert again.problem_id == closed.problem_id


def test_a_batch_that_is_committed_twice_counts_once(log, worker, receipt, problems):
    log.append([receipt()])
    (delivery_id,) = worker.transform(worker.runs()[0])
    worker.commit(started=(delivery_id,))
    for _ in range(2):
        worker.end(delivery_id, State.ERROR, failure_code="http-400")
    (found,) = problems.all()
    assert found.failures == 1


def test_a_note_an_owner_and_a_pause_are_kept(log, worker, receipt, problems):
    log.append([receipt()])
    worker.fail(worker.runs()[0])
    (found,) = problems.all()
    problems.note(found.problem_id, owner="ana", note="the lab was told", snoozed_until=99.0)
    kept = problems.one(found.problem_id)
    assert (kept.owner, kept.note, kept.snoozed_until) == ("ana", "the lab was told", 99.0)
    assert problems.one(12345) is None


def test_an_outage_is_one_with_a_duration(problems):
    place = {"channel": "adt", "destination": "ehr", "owner": "w0"}
    problems.begin_outage(**place, code="connect-refused", at=10.0)
    problems.begin_outage(**place, code="connect-refused", at=11.0)
    (lasting,) = problems.outages(since=100.0)
    assert (lasting.began_at, lasting.ended_at, lasting.code) == (10.0, None, "connect-refused")
    problems.end_outage(**place, at=25.0)
    assert problems.outages(since=100.0) == []
    (over,) = problems.outages(since=20.0)
    assert over.ended_at == 25.0
    problems.begin_outage(**place, code="timeout", at=30.0)
    problems.end_outages_of("w0", at=40.0)
    assert [one.ended_at for one in problems.outages(since=0.0)] == [40.0, 25.0]


def test_retention_forgets_members_and_then_the_problem(log, worker, receipt, problems):
    log.append([receipt(received_at=time.time() - 100_000)])
    worker.fail(worker.runs()[0])
    worker.state.purge(time.time() - 50_000, ())
    problems.close_settled(time.time())
    worker.state.purge(time.time() + 100, ())
    assert problems.all() == []


def test_the_open_ones_are_neither_closed_nor_put_off(log, worker, receipt, problems):
    log.append([receipt() for _ in range(3)])
    for run, code in zip(worker.runs(), ("T500", "T501", "T502"), strict=True):
        worker.fail(run, code)
    now = time.time()
    found = problems.open(now, 10)
    assert sorted(one.title for one in found) == ["T500 bad", "T501 bad", "T502 bad"]
    assert len(problems.open(now, 2)) == 2
    problems.note(found[0].problem_id, owner="", note="", snoozed_until=now + 60)
    assert found[0] not in problems.open(now, 10)
    assert found[0] in problems.open(now + 61, 10)
