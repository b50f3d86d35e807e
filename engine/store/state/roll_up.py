"""Rim. The state of a run, from the states of its deliveries."""

from collections.abc import Iterable, Sequence

from engine.pipeline.states import FINAL_STATES, State
from engine.store.database import EACH_DELIVERY, Ids, Transaction

_STATES = f"SELECT each.value, d.state, d.aside FROM {EACH_DELIVERY}"

DeliveryState = tuple[str, int]
"""A delivery's state, and 1 when its lane does not wait for it."""


def roll_up(states: Iterable[str]) -> State:
    """The run's state: what is left to do first, then what is wrong, then SENT.

    A run that waits for a person is HELD; PARKED when the rest waits for what it refers to; ERROR
    only when nothing is open; CANCELLED when a delivery was given up and no other is open or
    failed.
    """
    found = set(states)
    if found & {State.QUEUED, State.PENDING}:
        return State.TRANSFORMED
    if found & {State.HELD, State.UNKNOWN}:
        return State.HELD
    if State.PARKED in found:
        return State.PARKED
    if State.ERROR in found:
        return State.ERROR
    if State.CANCELLED in found:
        return State.CANCELLED
    return State.SENT


def is_open(state: State) -> int:
    """1 while the run's lane waits for it, as the column `open` has it."""
    return 0 if state in FINAL_STATES or state is State.PARKED else 1


def roll_up_run(deliveries: Sequence[DeliveryState]) -> tuple[State, int]:
    """The run's state, and whether its lane waits for it: for what stands aside it does not."""
    state = roll_up(found for found, _ in deliveries)
    if not any(aside for _, aside in deliveries):
        return state, is_open(state)
    return state, is_open(roll_up(found for found, aside in deliveries if not aside))


def delivery_states(
    transaction: Transaction, run_ids: Iterable[int]
) -> dict[int, list[DeliveryState]]:
    """The states of the deliveries of each run."""
    found: dict[int, list[DeliveryState]] = {}
    for run_id, state, aside in transaction.rows(_STATES, Ids(run_ids)):
        found.setdefault(run_id, []).append((state, aside))
    return found
