"""The state of a run from those of its deliveries."""

import itertools

import pytest

from engine.pipeline.states import State
from engine.store.state.roll_up import is_open, roll_up


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([State.SENT], State.SENT),
        ([State.SENT, State.SENT], State.SENT),
        ([State.SENT, State.QUEUED], State.TRANSFORMED),
        ([State.ERROR, State.PENDING], State.TRANSFORMED),
        ([State.HELD, State.QUEUED], State.TRANSFORMED),
        ([State.UNKNOWN, State.ERROR], State.HELD),
        ([State.HELD, State.SENT], State.HELD),
        ([State.ERROR, State.SENT], State.ERROR),
        ([State.ERROR, State.CANCELLED], State.ERROR),
        ([State.CANCELLED, State.SENT], State.CANCELLED),
    ],
)
def test_what_is_left_to_do_comes_before_what_is_wrong(states, expected):
    assert roll_up(states) is expected
    assert roll_up(reversed(states)) is expected


def test_a_run_is_open_exactly_while_a_delivery_is():
    ends = (State.SENT, State.ERROR, State.CANCELLED)
    waits = (State.QUEUED, State.PENDING, State.HELD, State.UNKNOWN)
    for states in itertools.product((*ends, *waits), repeat=2):
        assert is_open(roll_up(states)) == int(bool(set(states) & set(waits)))


def test_final_states_leave_the_lane_free():
    open_states = {state for state in State if is_open(state)}
    assert {State.RECEIVED, State.TRANSFORMED, State.HELD} <= open_states
    assert not open_states & {State.SENT, State.FILTERED, State.ERROR, State.CANCELLED}
