"""Edited copies become messages: once each, whatever fails in between."""

import pytest
from bench import Bench, FragileLog, channel
from twisted.internet.defer import Deferred, succeed

from engine.pipeline.states import Verdict
from engine.runtime.intake.edited_copies import STORE_WITHIN_SECONDS, EditedCopies
from engine.runtime.intake.state_thread import StateReader
from engine.store.interface import EditedCopy
from engine.store.open_store import open_state
from engine.store.sqlite.log import SqliteLog

RAW = (
    b"MSH|^~\\&|LAB|GH|||20260105||ADT^A01|C-1|P|2.5.1\r"
    b"PID|1||4711^^^GH^MR||Muster^Anna||19800101|F\r"
)


class Threads:
    """Runs everything at once."""

    def run(self, work):
        return succeed(work())


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'store'}"


@pytest.fixture
def state(url):
    found = open_state(url)
    yield found
    found.close()


@pytest.fixture
def bench(state, tmp_path):
    found = Bench(FragileLog(SqliteLog(tmp_path / "store" / "log")))
    found.start(channel(name="adt"))
    yield found
    found.log.close()


@pytest.fixture
def copies(bench, url):
    reader = StateReader(url, Threads())
    yield EditedCopies(
        bench.intake,
        reader,
        receptions=lambda: [bench.sink.reception],
        monotonic=bench.clock.seconds,
        wall=lambda: 1_700_000_000.0,
    )
    reader.close()


def add(state, name="adt"):
    return state.copies.add(
        EditedCopy(
            created_at=1.0,
            channel=name,
            parent_message_id=5,
            author="m.ruiz",
            reason="sex was X",
            changes=("PID-8",),
            raw=RAW,
        )
    )


def test_a_copy_is_stored_like_a_message_that_nobody_waits_for(bench, state, copies):
    copy_id = add(state)
    copies.look()
    (receipt,) = bench.stored()
    assert (receipt.raw, receipt.channel, receipt.control_id) == (RAW, "adt", "C-1")
    assert receipt.source == f"edited copy {copy_id} of message 5 by m.ruiz"
    assert (receipt.verdict, receipt.runnable, receipt.acknowledgment) == (Verdict.NEW, True, b"")
    assert receipt.lanes == ("patient 4711",)
    assert receipt.revision == "rev1"
    copies.look()
    assert len(bench.stored()) == 1


def test_a_copy_with_a_known_control_id_is_no_duplicate_and_takes_nobodys_place(
    bench, state, copies
):
    sender = bench.connect()
    sender.send(RAW)
    bench.turn()
    add(state)
    copies.look()
    sender.send(RAW)
    bench.turn()
    assert [one.verdict for one in bench.stored()] == [
        Verdict.NEW,
        Verdict.NEW,
        Verdict.DUPLICATE,
    ]
    assert bench.stored()[2].duplicate_of == 1


def test_a_commit_in_doubt_stores_no_copy_twice(bench, state, copies, monkeypatch):
    monkeypatch.setattr("engine.runtime.intake.edited_copies.CLAIM_SECONDS", -1.0)
    add(state)
    bench.log.fail_after_commit = True
    copies.look()
    assert len(bench.stored()) == 1
    bench.log.failing = False
    bench.pass_time(2.0)
    for _ in range(3):
        copies.look()
    assert len(bench.stored()) == 1


def test_a_commit_that_failed_is_made_again(bench, state, copies, monkeypatch):
    monkeypatch.setattr("engine.runtime.intake.edited_copies.CLAIM_SECONDS", -1.0)
    add(state)
    bench.log.failing = True
    copies.look()
    assert bench.stored() == []
    bench.log.failing = False
    bench.pass_time(2.0)
    copies.look()
    assert len(bench.stored()) == 1


def test_an_answer_that_took_too_long_is_left(bench, state, url):
    class Slow:
        def __init__(self):
            self.waiting = Deferred()

        def claim_copies(self, names, seconds):
            return self.waiting

    reader = Slow()
    copies = EditedCopies(
        bench.intake,
        reader,
        receptions=lambda: [bench.sink.reception],
        monotonic=bench.clock.seconds,
        wall=lambda: 1.0,
    )
    add(state)
    copies.look()
    copies.look()
    bench.clock.advance(STORE_WITHIN_SECONDS + 1)
    reader.waiting.callback(state.copies.claim(["adt"], 60.0))
    assert bench.stored() == []


def test_copies_of_other_channels_and_of_drained_ones_wait(bench, state, copies):
    add(state, "elsewhere")
    add(state)
    bench.channels[0].drained = True
    copies.look()
    assert bench.stored() == []
    bench.channels[0].drained = False
    copies.look()
    assert len(bench.stored()) == 1
    assert state.copies.any_waiting()
