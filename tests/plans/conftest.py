"""A store with enough in it that a planner's choice means something."""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.pipeline.states import Origin, State, Verdict
from engine.store.interface import (
    EditedCopy,
    LaneLease,
    NewDelivery,
    Outcome,
    Processed,
    Receipt,
    ReplayJob,
    SavedSearch,
    Search,
    StateBatch,
    StateStore,
)
from engine.store.open_store import open_log, open_state
from engine.store.state.id_marks import move_marks
from engine.store.state.search_keys import merge

MESSAGES = 3000
TURN = 500
START = 1_795_000_000.0
ENDS = (
    (State.SENT,) * 94 + (State.ERROR, State.UNKNOWN, State.HELD, State.QUEUED) + (State.SENT,) * 2
)


def make_receipt(number: int, **given: Any) -> Receipt:
    raw = b"MSH|%d" % number
    values: dict[str, Any] = {
        "channel": f"channel_{number % 3}",
        "received_at": START + number * 10,
        "source": "test",
        "control_id": f"C{number}",
        "message_type": ("ADT^A01", "ADT^A08", "ORU^R01")[number % 7 % 3],
        "lanes": (f"P{number % 200}",),
        "acknowledgment": b"ack",
    }
    return Receipt(raw=raw, sha256=hashlib.sha256(raw).digest(), **(values | given))


def one_turn(state: StateStore, lease: LaneLease) -> None:
    """Process and deliver what is new."""
    runs = state.new_runs(lease, TURN)
    state.raw([run.message_id for run in runs])
    new = NewDelivery(destination="fhir", content_type="t", body=b"{}", state=State.PENDING)
    processed = [
        Processed(
            run_id=run.run_id,
            state=State.TRANSFORMED,
            deliveries=(new,),
            search_keys=(("mrn", f"M{run.message_id % 700}"), ("visit", f"V{run.message_id}")),
            resource_ids=(f"obs-{run.message_id}", "org-1"),
        )
        for run in runs
    ]
    made = state.commit(StateBatch(lease=lease, processed=processed, now=START))
    ids = [found for delivery_ids in made.values() for found in delivery_ids]
    outcomes = [
        Outcome(
            delivery_id=found,
            number=1,
            started_at=START,
            finished_at=START,
            state=ENDS[found // 1000 % 100],
            failure_code="" if ENDS[found // 1000 % 100] is State.SENT else "http-503",
        )
        for found in ids
    ]
    state.bodies(ids)
    state.commit(StateBatch(lease=lease, started=ids[:3], outcomes=outcomes, now=START))


def fill(url: str) -> tuple[StateStore, LaneLease]:
    """Messages in every state, most of them SENT."""
    log, state = open_log(url), open_state(url)
    lease = state.acquire("filler", 3600.0, 1.0)
    for first in range(0, MESSAGES, TURN):
        log.append([make_receipt(number) for number in range(first, first + TURN)])
        state.follow(TURN)
        one_turn(state, lease)
        if first % (2 * TURN) == 0:
            merge(state._database)
    log.append(
        [make_receipt(MESSAGES + n, runnable=False, verdict=Verdict.DUPLICATE) for n in range(5)]
    )
    state.follow(TURN)
    log.close()
    return state, lease


SEARCHES = {
    "newest": Search(),
    "next page": Search(before_message_id=1000),
    "oldest first": Search(oldest_first=True, before_message_id=1000),
    "control id": Search(control_id="C77"),
    "key": Search(keys=(("mrn", "M7"),)),
    "key of any kind": Search(keys=((None, "M7"),)),
    "two keys": Search(keys=(("mrn", "M7"), ("visit", "V7"))),
    "channel": Search(channels=("channel_1",)),
    "type": Search(message_types=("ORU^R01",)),
    "types without event": Search(message_types=("ADT",), channels=("channel_2",)),
    "errors": Search(states=(State.ERROR,)),
    "errors of a channel in a time": Search(
        states=(State.ERROR,), channels=("channel_0",), since=START, until=START + 9999
    ),
    "held and unknown": Search(states=(State.HELD, State.UNKNOWN)),
    "waiting": Search(states=(State.QUEUED, State.RECEIVED)),
    "sent": Search(states=(State.SENT,)),
    "code": Search(codes=("http-503",)),
    "codes": Search(codes=("http-503", "T512")),
    "time": Search(since=START + 1000, until=START + 5000),
    "destination": Search(destinations=("fhir",), states=(State.ERROR,)),
    "ids": Search(message_ids=(1, 2, 3)),
    "job": Search(job_id=1),
    "carried id": Search(carried_ids=("obs-77",)),
    "carried id in a time": Search(carried_ids=("obs-77", "x"), since=START, until=START + 9999),
    "duplicates": Search(verdicts=(Verdict.DUPLICATE,)),
    "faults and errors": Search(verdicts=(Verdict.FAULT,), states=(State.ERROR,)),
    "replayed": Search(origins=(Origin.REPLAY,), channels=("channel_0",)),
}


def saved_search(number: int) -> SavedSearch:
    return SavedSearch(
        search_id=f"s{number}",
        owner="anna",
        name="",
        query="mrn:1",
        created_at=START,
        expires_at=START + 1,
    )


def edited_copy() -> EditedCopy:
    return EditedCopy(
        created_at=START,
        channel="channel_0",
        parent_message_id=5,
        author="anna",
        reason="test",
        changes=("PID-8",),
        raw=b"MSH|",
    )


def use_everything(state: StateStore, lease: LaneLease) -> None:
    """Every call that a worker, the console or a command makes."""
    now = time.time()
    lease = state.acquire("filler", 3600.0, 1.0)
    runs = [run.run_id for run in state.new_runs(lease, 10)] or [1, 2]
    state.open_deliveries(lease, runs)
    state.blocked(runs)
    state.run_states([1, 2, 3])
    state.message(5)
    state.settle([found.run_id * 1000 for found in ()] or [97000, 98000], State.QUEUED, "anna")
    state.released_deliveries(lease)
    state.released_runs(lease)
    for origin in (Origin.REPLAY, Origin.RESEND):
        job = ReplayJob(
            job_id=0,
            created_at=now,
            created_by="anna",
            reason="test",
            message_ids=(10, 95, 3001),
            origin=origin,
            destinations=(),
            rate_per_second=1.0,
            stop_after_failures=0,
            state="waiting",
            started=0,
            succeeded=0,
            failed=0,
        )
        state.advance_job(state.create_job(job), 10)
    state.jobs()
    state.jobs([1])
    one_turn(state, lease)
    state.stats()
    state.counters(START + 20_000)
    state.controls()
    for search in SEARCHES.values():
        state.search(search)
    state.facts([1, 2, 3])
    for number in range(3):
        state.save_search(saved_search(number))
    state.saved_search("s1")
    state.named_searches()
    state.forget_search("s1")
    state.copies.any_waiting()
    copy_id = state.copies.add(edited_copy())
    state.copies.find(copy_id)
    state.copies.claim(["channel_0", "channel_1"], 60.0)
    merge(state._database)
    for _ in range(10):
        one_turn(state, lease)
    move_marks(state._database)
    for search in SEARCHES.values():
        state.search(search)
    state.purge(START + 1000, (State.ERROR,))


@pytest.fixture(scope="module")
def filled_sqlite(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Any, LaneLease, Path]]:
    folder = tmp_path_factory.mktemp("plans") / "store"
    state, lease = fill(f"sqlite:///{folder}")
    yield state, lease, folder
    state.close()


@pytest.fixture(scope="module")
def filled_postgresql(
    make_postgresql_store: Callable[[], str],
) -> Iterator[tuple[Any, LaneLease, str]]:
    url = make_postgresql_store()
    state, lease = fill(url)
    yield state, lease, url
    state.close()


@pytest.fixture
def everything() -> Callable[[StateStore, LaneLease], None]:
    return use_everything
