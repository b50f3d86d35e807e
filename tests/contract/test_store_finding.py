"""Finding by the ids that destinations know; saved searches; see `engine.store.interface`."""

import time

import pytest

from engine.pipeline.states import FailureClass, Origin, State, Verdict
from engine.store.interface import SavedSearch, Search, StoreUnavailable
from engine.store.state import id_carriers, id_marks, saved_searches
from engine.store.state.search_keys import merge


def bundle(*ids):
    entries = ",".join(f'{{"fullUrl":"urn:uuid:{one}"}}' for one in ids)
    return f'{{"resourceType":"Bundle","entry":[{entries}]}}'.encode()


@pytest.fixture
def carried(state):
    def run(*ids, **conditions):
        return [row.message_id for row in state.search(Search(carried_ids=ids, **conditions))]

    return run


@pytest.fixture(params=["as written", "moved", "half moved"])
def sent(request, log, worker, receipt):
    """Twelve messages with a resource of their own and one that all have; every third answered."""
    now = time.time()
    ids = log.append([receipt(received_at=now - 1200 + 100 * n) for n in range(12)])
    for number, run in enumerate(worker.runs()):
        own = (f"obs-{number}", "org-1")
        (delivery_id,) = worker.transform(run, body=bundle(*own), resource_ids=own)
        answer = b"201\nX-Request-Id: req-%d\n\n" % number
        worker.attempt(delivery_id, State.SENT, response=answer, answer_ids=(f"req-{number}",))
        if request.param == "half moved" and number % 5 == 4:
            id_marks.move_marks(worker.state._database, 1)
    if request.param == "moved":
        id_marks.move_marks(worker.state._database)
    return ids


def test_a_message_is_found_by_what_was_sent_and_by_what_was_answered(carried, sent):
    assert carried("obs-3") == [sent[3]]
    assert carried("req-7") == [sent[7]]
    assert carried("org-1") == sorted(sent, reverse=True)
    assert carried("obs-3", "req-3") == [sent[3]]
    assert carried("obs-3", "req-4") == []


def test_an_id_is_found_whole_only(carried, sent):
    assert carried("obs") == []
    assert carried("obs-") == []
    assert carried("none") == []


def test_a_mark_that_agrees_by_chance_is_looked_into(carried, sent, monkeypatch):
    agreeing = id_marks.mark_of("obs-3")
    monkeypatch.setattr(id_carriers, "mark_of", lambda _: agreeing)
    assert carried("unknown") == []
    assert carried("obs-3") == [sent[3]]


def test_other_conditions_hold_too(carried, sent):
    now = time.time()
    assert carried("org-1", since=now - 350) == sorted(sent[9:], reverse=True)
    assert carried("org-1", until=now - 950) == sorted(sent[:3], reverse=True)
    assert carried("org-1", channels=("other",)) == []
    assert carried("org-1", limit=2, before_message_id=sent[4]) == [sent[3], sent[2]]


def test_moving_leaves_nothing_fresh_and_loses_nothing(state, carried, sent):
    for _ in range(2):
        id_marks.move_marks(state._database, 1)
    with state._database.reading() as transaction:
        assert transaction.rows("SELECT turn FROM fresh_marks") == []
    assert [carried(f"obs-{number}") for number in range(12)] == [[one] for one in sent]


def test_messages_far_apart_stand_in_generations_of_their_own(state, carried, sent, monkeypatch):
    monkeypatch.setattr(id_marks, "DISTANCE_MAX", 3)
    for _ in range(12):
        id_marks.move_marks(state._database, 1)
    assert [carried(f"obs-{number}") for number in range(12)] == [[one] for one in sent]
    assert carried("org-1", limit=5) == sorted(sent, reverse=True)[:5]


def test_marks_go_with_their_messages_and_stay_with_those_kept(
    log, worker, receipt, state, carried, sent
):
    old = time.time() - 1200
    (failed,) = log.append([receipt(received_at=old + 50)])
    (run,) = worker.runs()
    (delivery_id,) = worker.transform(run, body=bundle("lost-1"), resource_ids=("lost-1",))
    worker.attempt(delivery_id, State.ERROR, failure_class=FailureClass.PERMANENT)
    log.append([receipt()])
    worker.runs()
    merge(state._database)
    state.purge(time.time() - 5, (State.ERROR,))
    assert carried("lost-1") == [failed]
    assert carried("org-1") == []
    with state._database.reading() as transaction:
        left = transaction.rows("SELECT marks FROM fresh_marks")
        assert transaction.rows("SELECT row_id FROM mark_buckets") == []
    assert [message_id for row in left for message_id, _ in id_marks.records(row[0])] == [failed]


def test_rows_say_why_when_and_whether_they_were_replayed(log, worker, receipt, state, job):
    first, second = log.append([receipt(), receipt()])
    for run in worker.runs():
        worker.fail(run, "T512")
    state.advance_job(state.create_job(job(first)), 5)
    (run,) = worker.runs()
    delivery_ids = worker.transform(run, "fhir", "lab", event_at=1234.5)
    worker.attempt(delivery_ids[1], State.ERROR, failure_code="http-422")
    row = state.search(Search(origins=(Origin.REPLAY, Origin.RESEND)))[0]
    assert (row.message_id, row.event_at, row.problem) == (first, 1234.5, None)
    assert row.failure == ("lab", "http-422")
    (row,) = state.search(Search(origins=(Origin.RECEIVED,)))
    assert row.message_id == second
    assert row.problem is not None
    assert row.problem["code"] == "T512"
    assert len(state.search(Search())) == 2  # a replay is no line of its own


def test_the_facts_of_a_message_are_those_of_its_latest_run(log, worker, receipt, state):
    known, unread = log.append([receipt(), receipt()])
    worker.send(worker.runs()[0], search_keys=(("mrn", "M1"),), event_at=99.0)
    facts = state.facts([known, unread, 999])
    assert facts[known].search_keys == (("mrn", "M1"),)
    assert facts[known].event_at == 99.0
    assert facts[unread].search_keys == ()
    assert set(facts) == {known, unread}


def saved(number, *, owner="anna", name="", expires_at=5_000.0):
    return SavedSearch(
        search_id=f"s{number}",
        owner=owner,
        name=name,
        query="mrn:1",
        created_at=1_000.0 + number,
        expires_at=None if name else expires_at,
    )


def test_a_saved_search_is_there_until_it_expires(state):
    state.save_search(saved(1, expires_at=1_002.5))
    state.save_search(saved(2, name="errors"))
    assert state.saved_search("s1") == saved(1, expires_at=1_002.5)
    assert state.named_searches() == [saved(2, name="errors")]
    state.save_search(saved(3))
    assert state.saved_search("s1") is None
    assert state.forget_search("s2")
    assert not state.forget_search("s2")
    assert state.saved_search("s3") == saved(3)


def test_of_one_owner_only_the_newest_unnamed_searches_are_kept(state, monkeypatch):
    monkeypatch.setattr(saved_searches, "UNNAMED_PER_OWNER_MAX", 3)
    state.save_search(saved(0, name="kept"))
    state.save_search(saved(1, owner="ben"))
    for number in range(2, 8):
        state.save_search(saved(number))
    there = {n for n in range(8) if state.saved_search(f"s{n}")}
    assert there == {0, 1, 5, 6, 7}


def test_what_never_ran_is_found_by_its_verdict(log, worker, receipt, state):
    kinds = (Verdict.NEW, Verdict.DUPLICATE, Verdict.FAULT, Verdict.NEW)
    ids = log.append([receipt(verdict=one, runnable=one is Verdict.NEW) for one in kinds])
    worker.fail(worker.runs()[0])

    def found(**given):
        return [row.message_id for row in state.search(Search(**given))]

    assert found(verdicts=(Verdict.FAULT, Verdict.DUPLICATE)) == [ids[2], ids[1]]
    assert found(verdicts=(Verdict.FAULT,), states=(State.ERROR,)) == [ids[2], ids[0]]
    assert found(verdicts=(Verdict.NEW,)) == [ids[3], ids[0]]
    assert found(verdicts=(Verdict.FAULT,), channels=("other",)) == []


def test_what_need_not_last_does_not_wait_for_the_disk(store, state):
    asked = "PRAGMA synchronous" if store.is_sqlite else "SHOW synchronous_commit"
    full, soon = ((2,), (1,)) if store.is_sqlite else (("on",), ("off",))
    database = state._database

    def waits(durable):
        with database.writing(durable=durable) as transaction:
            return transaction.rows(asked)[0]

    assert [waits(True), waits(False), waits(True)] == [full, soon, full]
    with pytest.raises(StoreUnavailable), database.writing(durable=False) as transaction:
        transaction.rows("SELECT no_such_column FROM runs")
    assert waits(True) == full
