"""Rim. The state of a run, from the states of its deliveries."""

from collections.abc import Iterable

from engine.pipeline.states import FINAL_STATES, State
from engine.store.database import EACH_DELIVERY, Ids, Transaction

_STATES = f"SELECT each.value, d.state FROM {EACH_DELIVERY}"


def roll_up(states: Iterable[str]) -> State:
    """The run's state: what is left to do first, then what is wrong, then SENT.

    A run that waits for a person is HELD; ERROR only when nothing is open; CANCELLED when a
    delivery was given up and no other is open or failed.
    """
    found = set(states)
    if found & {State.QUEUED, State.PENDING}:
        return State.TRANSFORMED
    if found & {State.HELD, State.UNKNOWN}:
        return State.HELD
    if State.ERROR in found:
        return State.ERROR
    if State.CANCELLED in found:
        return State.CANCELLED
    return State.SENT


def is_open(state: State) -> int:
    """1 while the run's lane waits for it, as the column `open` has it."""
    return 0 if state in FINAL_STATES else 1


def delivery_states(transaction: Transaction, run_ids: Iterable[int]) -> dict[int, list[str]]:
    """The states of the deliveries of each run."""
    found: dict[int, list[str]] = {}
    for run_id, state in transaction.rows(_STATES, Ids(run_ids)):
        found.setdefault(run_id, []).append(state)
    return found
