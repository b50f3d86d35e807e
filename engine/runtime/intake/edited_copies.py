"""Rim. Edited copies that people made in the console become messages: intake alone writes the log.

Each second it is asked whether any wait; those of its own channels are claimed and stored like
messages that came by themselves, without an answer to anybody. A copy whose claim is old is left:
it is claimed again, after the log was followed, so that none is stored twice.
"""

from collections.abc import Callable, Sequence

from engine.runtime.intake.intake import Intake
from engine.runtime.intake.reception import Reception
from engine.runtime.intake.state_thread import StateReader
from engine.store.interface import EditedCopy, Receipt

CLAIM_SECONDS = 120.0
"""Longer than any transaction of a store may take."""
STORE_WITHIN_SECONDS = 10.0


class EditedCopies:
    """Asks for edited copies and stores them.

    Args:
        intake: stores them.
        state: is asked.
        receptions: gives what takes messages now, one for each listener.
        monotonic: seconds, for the age of a claim.
        wall: the time of day, Unix seconds.
    """

    def __init__(
        self,
        intake: Intake,
        state: StateReader,
        *,
        receptions: Callable[[], Sequence[Reception]],
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._intake = intake
        self._state = state
        self._receptions = receptions
        self._monotonic = monotonic
        self._wall = wall
        self._asking = False

    def look(self) -> None:
        """Ask, unless an answer is still to come."""
        if self._asking or not self._intake.store_works:
            return
        names = [
            channel.name
            for reception in self._receptions()
            for channel in reception.channels
            if not channel.drained
        ]
        if not names:
            return
        self._asking = True
        asked_at = self._monotonic()
        answer = self._state.claim_copies(names, CLAIM_SECONDS)
        answer.addCallbacks(lambda copies: self._store(copies, asked_at), self._failed)

    def _store(self, copies: Sequence[EditedCopy], asked_at: float) -> None:
        self._asking = False
        if not copies or self._monotonic() - asked_at > STORE_WITHIN_SECONDS:
            return
        now = self._wall()
        receipts = [receipt for copy in copies if (receipt := self._receipt(copy, now)) is not None]
        if receipts:
            self._intake.append(receipts)

    def _receipt(self, copy: EditedCopy, now: float) -> Receipt | None:
        for reception in self._receptions():
            receipt = reception.take_copy(copy, now)
            if receipt is not None:
                return receipt
        return None

    def _failed(self, _failure: object) -> None:
        """The store does not answer: asked again in a second."""
        self._asking = False
