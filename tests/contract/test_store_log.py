"""What a log promises: durable, whole, in order; see `engine.store.interface.Log`."""

import signal
import subprocess
import sys
import time

import pytest

from engine.pipeline.states import AcknowledgmentOutcome, Verdict
from engine.store.interface import StoreUnavailable

APPEND_FOREVER = """
import hashlib, sys, time
from engine.store.interface import Receipt
from engine.store.open_store import open_log
log = open_log(sys.argv[1])
number = 0
while True:
    batch = []
    for _ in range(3):
        number += 1
        raw = b"MSH|%d" % number
        batch.append(Receipt(channel="c", received_at=time.time(), source="test", raw=raw,
                             sha256=hashlib.sha256(raw).digest(), control_id=str(number)))
    print(*log.append(batch), flush=True)
"""


def test_ids_grow_in_the_order_of_the_batch(log, receipt):
    first = log.append([receipt() for _ in range(5)])
    second = log.append([receipt() for _ in range(5)])
    assert first + second == sorted(first + second)
    assert len(set(first + second)) == 10


def test_ids_go_on_growing_after_the_log_is_opened_again(store, receipt):
    log = store.open_log()
    before = log.append([receipt() for _ in range(3)])
    log.close()
    after = store.open_log().append([receipt()])
    assert after[0] > before[-1]


def test_nothing_is_appended_for_an_empty_batch(log):
    assert log.append([]) == []


def test_a_batch_is_stored_whole_or_not_at_all(store, log, receipt):
    good = receipt()
    broken = receipt(received_at=None, sha256=None)
    with pytest.raises((StoreUnavailable, TypeError)):
        log.append([good, broken])
    state = store.open_state()
    assert state.follow(100) == 0
    assert log.append([good])
    assert state.follow(100) == 1


def test_every_byte_comes_back(log, state, receipt):
    raw = bytes(range(256)) * 40
    (message_id,) = log.append([receipt(raw=raw)])
    assert state.raw([message_id]) == {message_id: raw}
    assert state.message(message_id).receipt.raw == raw


def test_the_whole_receipt_comes_back(log, state, receipt):
    given = receipt(
        lanes=("A", 'B"\x1f'),
        verdict=Verdict.CONFLICT,
        duplicate_of=7,
        diagnostics=({"code": "H201", "severity": "warning", "message": "MSH-9 is empty"},),
    )
    (message_id,) = log.append([given])
    assert state.message(message_id).receipt == given


def test_text_that_no_database_takes_is_made_storable(log, state, receipt):
    given = [receipt(), receipt(control_id="a\0b\udc80", sender="x\0")]
    ids = log.append(given)
    found = state.message(ids[1]).receipt
    assert found.raw == given[1].raw
    assert found.control_id.startswith("a") and "b" in found.control_id


def test_the_stored_acknowledgment_is_returned(log, receipt):
    given = receipt()
    (message_id,) = log.append([given])
    assert log.acknowledgment(message_id) == given.acknowledgment
    assert log.acknowledgment(message_id + 1000) == b""


def test_acknowledgment_outcomes_are_written_when_idle(log, state, receipt):
    ids = log.append([receipt(), receipt(), receipt(acknowledgment=b"", acknowledgment_code="")])
    assert state.message(ids[0]).acknowledgment_outcome is AcknowledgmentOutcome.OWED
    log.record_acknowledgments(
        [(ids[0], AcknowledgmentOutcome.SENT, b""), (ids[1], AcknowledgmentOutcome.LOST, b"")]
    )
    log.record_acknowledgments([(ids[1], AcknowledgmentOutcome.SENT, b"MSA|AE")])
    log.rotate()
    assert state.message(ids[0]).acknowledgment_outcome is AcknowledgmentOutcome.SENT
    late = state.message(ids[1])
    assert late.acknowledgment_outcome is AcknowledgmentOutcome.SENT
    assert late.late_acknowledgment == b"MSA|AE"
    assert state.message(ids[2]).acknowledgment_outcome is AcknowledgmentOutcome.NOT_OWED


def test_recent_control_ids_are_the_newest_runnable_ones_oldest_first(log, receipt):
    now = time.time()
    old = receipt(received_at=now - 1000)
    kept = [receipt(received_at=now) for _ in range(4)]
    duplicate = receipt(received_at=now, runnable=False, verdict=Verdict.DUPLICATE)
    ids = log.append([old, *kept, duplicate])
    found = list(log.recent_control_ids(now - 10, 3))
    assert [entry.message_id for entry in found] == ids[2:5]
    assert [entry.control_id for entry in found] == [given.control_id for given in kept[1:]]
    assert found[0].sha256 == kept[1].sha256


def test_every_returned_id_survives_a_kill(store):
    store.open_state()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", APPEND_FOREVER, store.url],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    returned: list[int] = []
    for line in process.stdout:
        returned += [int(word) for word in line.split()]
        if len(returned) >= 60:
            break
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    returned += [
        int(word)
        for line in rest.splitlines(keepends=True)
        if line.endswith("\n")
        for word in line.split()
    ]
    process.wait()
    process.stdout.close()
    state = store.open_state()
    while state.follow(1000):
        pass
    assert set(state.raw(returned)) == set(returned)
    log = store.open_log()
    known = [entry.message_id for entry in log.recent_control_ids(0.0, 100_000)]
    assert set(returned) <= set(known)
    assert len(known) % 3 == 0, "a batch was stored in part"
