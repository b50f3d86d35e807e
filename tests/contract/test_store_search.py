"""What searching, details and counts promise; see `engine.store.interface.StateStore`."""

import time
from contextlib import closing

import pytest
from sqlalchemy import Select

from engine.pipeline.states import AcknowledgmentOutcome, FailureClass, Origin, State, Verdict
from engine.store.interface import Control, Search
from engine.store.open_store import open_log, open_state
from engine.store.schema import FRESH_KEYS
from engine.store.state import search_keys
from engine.store.state.search import IDS_AT_ONCE
from engine.store.state.search_keys import GENERATIONS_AT_ONCE, merge


@pytest.fixture
def found(state):
    """The message ids that a search finds, in its order."""

    def run(**conditions):
        return [row.message_id for row in state.search(Search(**conditions))]

    return run


@pytest.fixture(params=["fresh", "moved", "halfway"])
def day(request, log, worker, receipt):
    """Messages of several kinds in several states; their ids by a name.

    Search keys are fresh, in a generation of their own, or partly so.
    """
    now = time.time()
    names = {
        "sent": receipt(received_at=now - 300),
        "failed": receipt(received_at=now - 200, message_type="ORU^R01", control_id="SAME"),
        "refused": receipt(received_at=now - 100, channel="lab"),
        "filtered": receipt(received_at=now - 90, channel="lab", message_type="ADT^A08"),
        "unknown": receipt(received_at=now - 80, channel="lab", message_type="ORM"),
        "duplicate": receipt(
            received_at=now - 10, runnable=False, verdict=Verdict.DUPLICATE, control_id="SAME"
        ),
        "fault": receipt(
            received_at=now - 5,
            runnable=False,
            verdict=Verdict.FAULT,
            control_id="",
            message_type="",
            diagnostics=({"code": "M102", "severity": "error", "message": "too large"},),
        ),
        "waiting": receipt(received_at=now),
    }
    ids = dict(zip(names, log.append(list(names.values())), strict=True))
    runs = {run.message_id: run for run in worker.runs()}
    worker.send(runs[ids["sent"]], "fhir", "lab", search_keys=(("mrn", "M1"), ("visit", "V1")))
    worker.fail(runs[ids["failed"]], "T512")
    (delivery_id,) = worker.transform(runs[ids["refused"]], search_keys=(("mrn", "M2"),))
    worker.attempt(
        delivery_id,
        State.ERROR,
        failure_code="http-422",
        failure_class=FailureClass.PERMANENT,
    )
    if request.param == "halfway":
        merge(worker.state._database)
    worker.fail(runs[ids["filtered"]], "C430", State.FILTERED)
    (delivery_id,) = worker.transform(runs[ids["unknown"]], search_keys=(("visit", "M1"),))
    worker.attempt(delivery_id, State.UNKNOWN, failure_code="timeout")
    if request.param == "moved":
        merge(worker.state._database)
    return ids


def test_everything_is_found_newest_first(found, day):
    assert found() == sorted(day.values(), reverse=True)
    assert found(oldest_first=True) == sorted(day.values())


def test_pages_follow_each_other_without_gap_or_repeat(found, day):
    pages, before = [], None
    while page := found(limit=3, before_message_id=before):
        pages += page
        before = page[-1]
    assert pages == sorted(day.values(), reverse=True)


def test_messages_that_never_ran_are_found_by_control_id_and_channel(found, day):
    assert found(control_id="SAME") == [day["duplicate"], day["failed"]]
    assert day["fault"] in found(channels=("adt_in",))
    assert day["fault"] not in found(channels=("lab",))


def test_a_key_is_found_by_kind_and_value_or_by_value_alone(found, day):
    assert found(keys=(("mrn", "M1"),)) == [day["sent"]]
    assert found(keys=((None, "M1"),)) == [day["unknown"], day["sent"]]
    assert found(keys=(("mrn", "M1"), ("visit", "V1"))) == [day["sent"]]
    assert found(keys=(("mrn", "M1"), ("visit", "M1"))) == []
    assert found(keys=(("mrn", "none"),)) == []


@pytest.mark.parametrize(
    ("states", "names"),
    [
        ((State.ERROR,), {"failed", "refused"}),
        ((State.FILTERED,), {"filtered"}),
        ((State.UNKNOWN,), {"unknown"}),
        ((State.HELD,), {"unknown"}),
        ((State.RECEIVED,), {"waiting"}),
        ((State.SENT,), {"sent"}),
        ((State.SENT, State.ERROR), {"sent", "failed", "refused"}),
        ((State.FILTERED, State.RECEIVED), {"filtered", "waiting"}),
        ((State.CANCELLED,), set()),
    ],
)
def test_states_of_runs_and_deliveries_are_found(found, day, states, names):
    assert found(states=states) == sorted((day[name] for name in names), reverse=True)


def test_codes_of_diagnostics_and_failures_are_found(found, day):
    assert found(codes=("T512",)) == [day["failed"]]
    assert found(codes=("http-422", "C430")) == [day["filtered"], day["refused"]]


def test_types_are_found_with_and_without_their_event(found, day):
    assert found(message_types=("ADT^A08",)) == [day["filtered"]]
    assert found(message_types=("ORU", "ORM")) == [day["unknown"], day["failed"]]
    assert found(message_types=("ADT",), channels=("lab",)) == [day["filtered"], day["refused"]]
    assert found(message_types=("AD",)) == []


def test_times_bound_a_search(found, day, state):
    rows = {row.message_id: row for row in state.search(Search())}
    at = rows[day["refused"]].received_at
    assert found(since=at) == [name for name in found() if name >= day["refused"]]
    assert found(until=at) == [day["failed"], day["sent"]]
    assert found(since=at, until=at + 15) == [day["filtered"], day["refused"]]
    assert found(since=time.time() + 3600) == []
    assert found(until=1.0) == []


def test_destinations_and_states_mean_the_same_delivery(found, day):
    assert found(destinations=("lab",)) == [day["sent"]]
    assert found(destinations=("fhir",), states=(State.ERROR,)) == [day["refused"]]
    assert found(destinations=("lab",), states=(State.ERROR,)) == []


def test_conditions_narrow_each_other(found, day):
    assert found(states=(State.ERROR,), channels=("lab",)) == [day["refused"]]
    assert found(message_ids=(day["sent"], day["failed"]), states=(State.SENT,)) == [day["sent"]]
    assert found(codes=("T512",), message_types=("ADT",)) == []


def test_the_code_of_a_frame_at_fault_is_found_though_it_never_ran(found, day):
    assert found(codes=("M102",)) == [day["fault"]]


def test_a_row_shows_the_latest_run_with_codes_and_deliveries(state, day):
    rows = {row.message_id: row for row in state.search(Search())}
    assert rows[day["refused"]].state is State.ERROR
    assert rows[day["refused"]].codes == ("http-422",)
    assert rows[day["sent"]].deliveries == (("fhir", State.SENT), ("lab", State.SENT))
    assert rows[day["failed"]].codes == ("T512",)
    assert rows[day["duplicate"]].state is None
    assert rows[day["duplicate"]].run_id is None
    assert rows[day["duplicate"]].verdict is Verdict.DUPLICATE
    assert rows[day["sent"]].origin is Origin.RECEIVED


def test_a_key_that_many_messages_have_is_paged_across_generations(log, worker, found, receipt):
    ids = []
    for _ in range(5):
        ids += log.append([receipt() for _ in range(4)])
        for run in worker.runs():
            worker.fail(run, "H201")
        merge(worker.state._database)
    ids += log.append([receipt()])
    worker.fail(worker.runs()[0], "H201")
    assert found(codes=("H201",)) == ids[::-1]
    assert found(codes=("H201",), limit=6) == ids[:-7:-1]
    assert found(codes=("H201",), limit=6, oldest_first=True) == ids[:6]
    pages, before = [], None
    while page := found(codes=("H201",), limit=3, before_message_id=before):
        pages += page
        before = page[-1]
    assert pages == ids[::-1]


def test_a_replayed_message_is_found_once_by_a_key_of_two_generations(
    log, worker, found, receipt, job
):
    ids = log.append([receipt()])
    worker.send(worker.runs()[0], search_keys=(("mrn", "M1"),))
    merge(worker.state._database)
    worker.state.advance_job(worker.state.create_job(job(*ids)), 1)
    worker.send(worker.runs()[0], search_keys=(("mrn", "M1"), ("mrn", "M2")))
    assert found(keys=(("mrn", "M1"),)) == found(keys=(("mrn", "M2"),)) == ids
    merge(worker.state._database)
    assert found(keys=(("mrn", "M1"),)) == found(keys=(("mrn", "M2"),)) == ids
    assert found(keys=(("mrn", "M1"),), control_id="C1") == ids


def test_enough_keys_are_moved_by_themselves(log, worker, found, receipt, monkeypatch):
    monkeypatch.setattr(search_keys, "KEYS_PER_GENERATION", 10)
    ids = log.append([receipt() for _ in range(12)])
    for run in worker.runs():
        worker.send(run, search_keys=(("mrn", "M1"), ("mrn", "M2")))
    with worker.state._database.reading() as transaction:
        assert transaction.rows("SELECT count(*) FROM key_generations")[0][0] >= 3
    assert found(keys=(("mrn", "M1"),)) == ids[::-1]


def test_a_very_long_key_is_found_again(log, worker, found, receipt):
    value = "x" * 5000
    ids = log.append([receipt(control_id=value, message_type="Z" * 5000)])
    worker.send(worker.runs()[0], search_keys=(("mrn", value),))
    assert found(control_id=value) == found(keys=(("mrn", value),)) == ids


def test_a_message_knows_its_later_duplicates(log, state, receipt):
    first = receipt()
    (message_id,) = log.append([first])
    again = [
        receipt(
            control_id=first.control_id,
            verdict=verdict,
            duplicate_of=message_id,
            runnable=False,
        )
        for verdict in (Verdict.DUPLICATE, Verdict.CONFLICT)
    ]
    later = log.append([*again, receipt()])
    state.follow(2)
    merge(state._database)
    state.follow(100)
    assert state.message(message_id).duplicates == tuple(later[:2])
    assert state.message(later[0]).duplicates == ()


def test_a_message_that_is_not_there_has_no_details(state):
    assert state.message(12345) is None


def test_a_message_not_followed_yet_has_details(log, state, receipt):
    (message_id,) = log.append([receipt()])
    found = state.message(message_id)
    assert all(run.state is State.RECEIVED for run in found.runs)
    assert found.acknowledgment_outcome is AcknowledgmentOutcome.OWED


def test_a_damaged_message_is_not_given_to_the_worker(store, log, state, receipt):
    good, bad = log.append([receipt(), receipt()])
    log.close()
    damage(store, bad)
    assert set(state.raw([good, bad])) == {good}


def damage(store, message_id):
    """Change one byte of a stored message behind the store's back."""
    if store.is_sqlite:
        import sqlite3
        from pathlib import Path

        (path,) = Path(store.url.removeprefix("sqlite:///"), "log").glob("*.db")
        connection = sqlite3.connect(path)
        connection.execute("UPDATE bodies SET raw = x'00' WHERE message_id = ?", (message_id,))
        connection.commit()
        connection.close()
        return
    import psycopg

    with psycopg.connect(store.url) as server:
        server.execute("UPDATE log SET raw = raw || 'x' WHERE message_id = %s", (message_id,))


def test_a_type_is_looked_for_in_many_channels_with_one_rendered_query(
    found, log, worker, receipt, monkeypatch
):
    types = ("ADT^A01", "ADT^A08", "")
    ids = log.append(
        [
            receipt(channel=f"feed {number}", message_type=kind, control_id=f"{number} {kind}")
            for number in range(20)
            for kind in types
        ]
    )
    worker.runs()
    rendered = []
    render = Select.compile
    monkeypatch.setattr(
        Select, "compile", lambda *args, **given: rendered.append(1) or render(*args, **given)
    )
    assert found(message_types=("ADT^A08",)) == ids[1::3][::-1]
    assert found(message_types=("ADT",), channels=("feed 7",)) == [ids[22], ids[21]]
    assert found(channels=("feed 7",)) == [ids[23], ids[22], ids[21]]
    assert found(message_types=("ORU",)) == []
    assert len(rendered) == 3


def test_counts_are_kept_by_channel_and_minute(state, day):
    stats = {found.channel: found for found in state.stats()}
    adt, lab = stats["adt_in"], stats["lab"]
    assert (adt.received, adt.duplicates, adt.faults) == (5, 1, 1)
    assert (adt.errors, adt.queued, adt.held, adt.sent) == (1, 1, 0, 2)
    assert (lab.received, lab.filtered, lab.errors, lab.held) == (3, 1, 1, 1)
    assert adt.oldest_queued_at == adt.last_received_at
    assert lab.oldest_queued_at is None
    counters = state.counters(time.time() - 3600)
    assert sum(count for _, channel, event, count in counters if event == "received") == 8
    assert all(minute % 60 == 0 for minute, *_ in counters)
    assert {event for _, _, event, _ in counters} >= {"duplicate", "fault", "delivery sent"}
    assert state.counters(time.time() + 3600) == []


def test_the_last_wish_for_a_channel_counts(state):
    assert state.controls() == {}
    for mode in ("pause", "run"):
        state.set_control(Control(channel="lab", mode=mode, reason="r", by="anna", at=1.0))
    assert state.controls()["lab"].mode == "run"


def test_a_state_opened_for_reading_reads_and_refuses_to_write(store, log, receipt, state):
    from engine.store.interface import StoreUnavailable

    log.append([receipt()])
    state.follow(10)
    reader = store.open_state(readonly=True)
    assert len(reader.search(Search())) == 1
    with pytest.raises(StoreUnavailable):
        reader.set_control(Control(channel="lab", mode="pause", reason="", by="", at=1.0))


@pytest.fixture
def ids_read(state, monkeypatch):
    """How many ids the searches read, one number for each time a query is run."""
    counted = []
    with state._database.reading() as transaction:
        kind = type(transaction)
    prepare = kind.prepare

    def counting(self, query):
        ask = prepare(self, query)

        def run(values):
            rows = ask(values)
            counted.append(len(rows))
            return rows

        return run

    monkeypatch.setattr(kind, "prepare", counting)
    return counted


def test_a_page_of_many_channels_reads_little_more_than_the_page(
    log, state, found, receipt, ids_read
):
    """The newest are those of a few channels: these are read on, the others are not."""
    channels = [f"feed_{number % 10}" for number in range(300)]
    channels += [f"feed_{number % 2}" for number in range(100)]
    ids = log.append([receipt(channel=name, message_type="ORU^R01") for name in channels])
    state.follow(1000)
    assert found(message_types=("ORU^R01",), limit=40) == ids[:-41:-1]
    assert sum(ids_read) <= 10 * IDS_AT_ONCE + 2 * IDS_AT_ONCE
    assert found(message_types=("ORU^R01",), limit=120) == ids[:-121:-1]
    assert found(message_types=("ORU^R01",), limit=40, oldest_first=True) == ids[:40]
    assert found(message_types=("ORU^R01",), limit=5, before_message_id=ids[7]) == ids[2:7][::-1]
    assert found(message_types=("ORU^R01",), limit=1000) == ids[::-1]


def test_a_time_is_looked_up_once_for_all_channels(log, state, found, receipt, ids_read):
    now = time.time() // 60 * 60
    ids = log.append(
        [
            receipt(channel=f"feed_{number % 5}", received_at=now + number * 30)
            for number in range(20)
        ]
    )
    state.follow(1000)
    within = found(message_types=("ADT^A01",), since=now + 150, until=now + 450)
    assert within == ids[5:15][::-1]
    bounds, branches = ids_read[:2], ids_read[2:]
    assert bounds == [1, 1]
    assert len(branches) == 5


def test_a_key_is_found_in_more_generations_than_are_asked_at_once(log, worker, found, receipt):
    ids = []
    for _ in range(GENERATIONS_AT_ONCE + 25):
        ids += log.append([receipt(control_id="SAME")])
        worker.state.follow(1)
        merge(worker.state._database)
    assert found(control_id="SAME") == ids[::-1]
    assert found(control_id="SAME", oldest_first=True, limit=80) == ids[:80]


@pytest.mark.postgresql
def test_keys_that_were_moved_leave_no_space_to_be_read(
    make_postgresql_store, receipt, new_worker, monkeypatch
):
    monkeypatch.setattr(search_keys, "KEYS_PER_GENERATION", 200)
    url = make_postgresql_store()
    with closing(open_log(url)) as log, closing(open_state(url)) as state:
        worker = new_worker(state)
        for _ in range(6):
            log.append([receipt() for _ in range(100)])
            for run in worker.runs():
                worker.fail(run)
        state._database.reuse_space(FRESH_KEYS)
        with state._database.reading() as transaction:
            ((left,),) = transaction.rows("SELECT count(*) FROM fresh_keys")
            ((size,),) = transaction.rows("SELECT pg_relation_size('fresh_keys')")
    assert left < 200
    assert size <= 4 * 8192


def test_a_delivery_that_was_sent_is_not_asked_for_its_failure(log, worker, state, receipt):
    log.append([receipt(), receipt()])
    first, second = worker.runs()
    worker.send(first)
    (delivery_id,) = worker.transform(second)
    worker.attempt(delivery_id, State.ERROR, failure_code="http-422")
    failed, sent = state.search(Search())
    assert (sent.failure, sent.codes) == (None, ())
    assert (failed.failure, failed.codes) == (("fhir", "http-422"), ("http-422",))


@pytest.mark.postgresql
def test_each_branch_of_a_search_is_planned_for_its_own_channel(make_postgresql_store, receipt):
    """A plan for all channels reads a busy one's way for a rare one: a thousand times its rows."""
    with closing(open_log(url := make_postgresql_store())) as log:
        log.append([receipt(channel=f"feed_{number % 5}") for number in range(50)])
        with closing(open_state(url)) as state:
            state.follow(100)
            for _ in range(4):
                assert len(state.search(Search(message_types=("ADT^A01",), limit=50))) == 50
            with state._database.reading() as transaction:
                kept = transaction.rows("SELECT statement FROM pg_prepared_statements")
    assert not [sql for (sql,) in kept if "SELECT DISTINCT messages.message_id" in sql]
