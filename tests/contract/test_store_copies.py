"""Edited copies: kept, claimed by one, and known as the message they became."""

import time

import pytest

from engine.pipeline.states import State
from engine.store.interface import EditedCopy


def a_copy(parent=1, **given):
    values = {
        "created_at": time.time(),
        "channel": "adt_in",
        "parent_message_id": parent,
        "author": "m.ruiz",
        "reason": "sex was X",
        "changes": ("PID-8",),
        "raw": b"MSH|^~\\&|copy\r",
    }
    return EditedCopy(**(values | given))


def test_a_copy_waits_until_it_is_claimed_and_only_one_gets_it(state, store):
    copy_id = state.copies.add(a_copy())
    assert state.copies.any_waiting()
    assert state.copies.claim(["other"], 60.0) == []
    (found,) = state.copies.claim(["adt_in", "other"], 60.0)
    assert (found.copy_id, found.raw, found.changes) == (copy_id, a_copy().raw, ("PID-8",))
    other = store.open_state()
    assert other.copies.claim(["adt_in"], 60.0) == []
    assert not other.copies.any_waiting()


def test_a_claim_that_is_over_may_be_made_again(state):
    state.copies.add(a_copy())
    assert state.copies.claim(["adt_in"], -1.0)
    assert state.copies.any_waiting()
    assert state.copies.claim(["adt_in"], 60.0)


def test_following_the_log_tells_which_message_a_copy_became(state, log, receipt, worker):
    (parent,) = log.append([receipt()])
    copy_id = state.copies.add(a_copy(parent))
    (copy,) = state.copies.claim(["adt_in"], -1.0)
    (message_id,) = log.append([receipt(raw=copy.raw, source=copy.source, control_id="C")])
    worker.runs()
    assert state.copies.claim(["adt_in"], 60.0) == []
    found = state.copies.find(copy_id)
    assert (found.message_id, found.raw) == (message_id, b"")
    assert state.message(message_id).copy.author == "m.ruiz"
    assert [one.message_id for one in state.message(parent).copies] == [message_id]
    assert state.message(parent).copy is None


def test_a_copy_runs_like_any_message(state, log, receipt, worker):
    (parent,) = log.append([receipt(control_id="SAME")])
    state.copies.add(a_copy(parent))
    (copy,) = state.copies.claim(["adt_in"], 60.0)
    (message_id,) = log.append([receipt(raw=copy.raw, source=copy.source, control_id="SAME")])
    runs = {run.message_id: run for run in worker.runs()}
    worker.send(runs[message_id], "fhir")
    assert state.run_states([message_id])[message_id][0] is State.SENT


def test_the_duplicate_check_does_not_take_a_copy_for_the_senders_message(log, receipt):
    first, _ = log.append(
        [receipt(control_id="SAME"), receipt(control_id="SAME", source=a_copy(1).source)]
    )
    found = list(log.recent_control_ids(0.0, 100))
    assert [one.message_id for one in found] == [first]


@pytest.mark.parametrize(
    "source", ["edited copy ", "edited copy x of message 1", "mllp 10.1.1.1:2"]
)
def test_other_sources_are_no_copies(state, log, receipt, worker, source):
    state.copies.add(a_copy())
    log.append([receipt(source=source)])
    worker.runs()
    assert state.copies.any_waiting()


def test_copies_go_with_old_messages(state, log, receipt, worker):
    copy_id = state.copies.add(a_copy())
    (copy,) = state.copies.claim(["adt_in"], 60.0)
    old = time.time() - 1000
    log.append([receipt(source=copy.source, received_at=old)])
    worker.send(worker.runs()[0], "fhir")
    log.append([receipt()])
    worker.runs()
    state.purge(time.time() - 10, ())
    assert state.copies.find(copy_id) is None
