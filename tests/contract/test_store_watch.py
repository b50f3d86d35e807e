"""Rhythms and alerts on both databases; two that watch at once agree."""

import time

import pytest

from engine.pipeline.rhythm import HourRhythm
from engine.pipeline.states import State
from engine.store.watch_interface import BEGAN, ENDED


@pytest.fixture
def watch(state):
    return state.watch


def test_rhythms_are_kept_by_one_of_two_that_learned_the_same(store, watch):
    hours = {5: HourRhythm(longest_seconds=60.0, usual_seconds=20.0, weeks=1)}
    assert watch.keep_rhythm("adt", hours, 0.0, 100.0)
    other = store.open_state().watch
    assert not other.keep_rhythm("adt", {}, 0.0, 100.0)
    later = {5: HourRhythm(longest_seconds=90.0, usual_seconds=30.0, weeks=2)}
    assert other.keep_rhythm("adt", later, 100.0, 200.0)
    assert watch.rhythms() == {"adt": later}
    assert watch.learned() == {"adt": 200.0}


def test_arrivals_and_errors_are_read_from_the_counters(log, worker, receipt, watch):
    now = time.time()
    log.append([receipt(received_at=now), receipt(received_at=now), receipt(received_at=now)])
    runs = worker.runs()
    worker.fail(runs[0])
    (delivery_id,) = worker.transform(runs[1])
    worker.attempt(delivery_id, State.ERROR, failure_code="http-422")
    minute = int(now) // 60 * 60
    assert watch.arrivals(now - 600, now + 60) == {"adt_in": [float(minute)]}
    assert watch.arrivals(now + 60, now + 600) == {}
    assert watch.errors(now - 900) == {"adt_in": (2, 3)}


def test_an_alert_begins_once_is_brought_up_to_date_and_ends_once(store, watch):
    other = store.open_state().watch
    assert watch.begin_alert("queue", "adt", "5 wait", 10.0)
    assert not other.begin_alert("queue", "adt", "9 wait", 20.0)
    (lasting,) = watch.alerts(since=100.0)
    assert (lasting.said, lasting.began_at, lasting.ended_at) == ("9 wait", 10.0, None)
    assert other.end_alert("queue", "adt", 30.0)
    assert not watch.end_alert("queue", "adt", 31.0)
    assert watch.alerts(since=100.0) == []
    assert watch.begin_alert("queue", "adt", "again", 40.0)
    assert [one.began_at for one in watch.alerts(since=0.0)] == [40.0, 10.0]


def test_each_change_is_given_to_one_teller_and_again_when_nobody_was_told(store, watch):
    other = store.open_state().watch
    watch.begin_alert("disk", "/data", "3% is free", 10.0)
    (first,) = watch.take_untold(now=11.0, retry_at=100.0)
    assert list(other.take_untold(now=12.0, retry_at=100.0)) == []
    (again,) = other.take_untold(now=101.0, retry_at=200.0)
    assert again.alert_id == first.alert_id
    other.mark_told(again.alert_id, BEGAN)
    assert list(watch.take_untold(now=500.0, retry_at=600.0)) == []
    watch.end_alert("disk", "/data", 510.0)
    (over,) = watch.take_untold(now=511.0, retry_at=600.0)
    assert over.ended_at == 510.0
    watch.mark_told(over.alert_id, ENDED)
    assert list(watch.take_untold(now=900.0, retry_at=901.0)) == []
