"""Rim. What a node does with its store before any lane runs: bring the tables up to date, let the
state catch up with the log.

Messages that were acknowledged a moment before a crash are in the log and perhaps not yet in the
state; they become runs here, so that lanes begin with everything that was received before.
"""

from collections.abc import Callable

from engine.store.open_store import migrate, open_state

FOLLOW_COUNT = 5_000


def recover_store(url: str, progress: Callable[[int], None]) -> int:
    """Migrate, then make runs for all of the log that has none; how many.

    Args:
        url: of the store.
        progress: told how many there are so far, for long catch-ups.

    Raises:
        StoreUnavailable: the store cannot be opened or brought up to date.
    """
    migrate(url)
    state = open_state(url)
    caught_up = 0
    try:
        while made := state.follow(FOLLOW_COUNT):
            caught_up += made
            progress(caught_up)
    finally:
        state.close()
    return caught_up
