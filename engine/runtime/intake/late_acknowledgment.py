"""Rim. Acknowledgments that wait for processing or delivery: step 12 of a message's path.

A channel that acknowledges on `transformed` or `delivered`, and a sender that asks for an
application acknowledgment in MSH-16, are told how processing ended. The state of the waiting
messages' runs is asked for a few times a second, all in one query, away from the reactor's thread.
What does not end in time is not answered at all: the sender resends, and the resent message takes
the same run's end as its answer.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from engine.hl7v2.acknowledgment import Outcome
from engine.hl7v2.header import Header
from engine.listeners.interface import Connection
from engine.listeners.reactor import Clock
from engine.pipeline.states import AcknowledgmentOutcome, State
from engine.runtime.intake.answers import Answers
from engine.runtime.intake.ordered_answers import OrderedAnswers, Slot
from engine.store.interface import StoreUnavailable
from engine.telemetry.events import AcknowledgmentTimedOut
from engine.telemetry.recorder import Recorder

POLL_SECONDS = 0.05
ASKED_MAX = 1000
"""Messages whose state is asked for in one query."""
WAITS_MAX = 50_000

RunStates = Mapping[int, tuple[State, Sequence[Mapping[str, Any]]]]
AskStates = Callable[[Sequence[int]], "Deferred[RunStates]"]
RecordOutcome = Callable[[int, AcknowledgmentOutcome, bytes], None]


class OnAnswer(Protocol):
    """Told that a parcel's part is answered; see `intake.Parcel`."""

    def __call__(self, payload: bytes, *, accepted: bool) -> None:
        """The answer, or b"" when there is none."""
        ...


@dataclass(slots=True, eq=False)
class LateWait:
    """One application acknowledgment that is owed."""

    message_id: int
    run_of: int
    """The message whose run decides: itself, or the first one when it is a duplicate."""
    header: Header
    channel: str
    connection: Connection
    deferred: bool
    """The channel acknowledges late; False: only MSH-16 asks."""
    delivered: bool
    """Wait for delivery, not only for processing."""
    deadline: float
    """On the reactor's clock."""
    slot: Slot | None = None
    """Its place among the answers of the connection; None in enhanced mode, where it goes apart."""
    part: OnAnswer | None = None
    """When it is part of a batch."""


class LateAcknowledgments:
    """All that wait, in order of arrival.

    Args:
        clock: for polling and deadlines.
        ask: the states of the latest runs of messages, by message id.
        answers: makes acknowledgments.
        ordered: puts them in the order of their connection.
        record: notes how the acknowledgment leg went.
        recorder: takes the events.
    """

    def __init__(
        self,
        clock: Clock,
        ask: AskStates,
        answers: Answers,
        ordered: OrderedAnswers,
        record: RecordOutcome,
        recorder: Recorder,
    ) -> None:
        self._clock = clock
        self._ask = ask
        self._answers = answers
        self._ordered = ordered
        self._record = record
        self._recorder = recorder
        self._waits: dict[LateWait, None] = {}
        self._round: deque[LateWait] = deque()
        """All of them in the order they are asked for next, and some that are over."""
        self._asking = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waits)

    def wait(self, wait: LateWait) -> None:
        """Owe one. Beyond the bound the oldest is given up: its sender resends."""
        if len(self._waits) >= WAITS_MAX:
            self._give_up(next(iter(self._waits)))
        self._waits[wait] = None
        self._round.append(wait)
        if not self._asking:
            self._asking = True
            self._clock.callLater(POLL_SECONDS, self._poll)

    def forget(self, connection: Connection) -> None:
        """A connection is gone: its acknowledgments are lost."""
        for wait in [found for found in self._waits if found.connection is connection]:
            del self._waits[wait]
            self._record(wait.message_id, AcknowledgmentOutcome.LOST, b"")

    def _poll(self) -> None:
        """Ask for the next ones, in turn, so that those that wait long hide no others."""
        now = self._clock.seconds()
        asked: list[LateWait] = []
        for _ in range(min(len(self._round), ASKED_MAX)):
            wait = self._round.popleft()
            if wait not in self._waits:
                continue
            if wait.deadline <= now:
                self._give_up(wait)
            else:
                asked.append(wait)
        self._round.extend(asked)
        if not asked:
            self._asking = bool(self._round)
            if self._asking:
                self._clock.callLater(POLL_SECONDS, self._poll)
            return
        ids = list(dict.fromkeys(wait.run_of for wait in asked))
        self._ask(ids).addCallbacks(self._take, self._not_known, callbackArgs=(asked,))

    def _take(self, states: RunStates, asked: Sequence[LateWait]) -> None:
        self._clock.callLater(POLL_SECONDS, self._poll)
        for wait in asked:
            state, problems = states.get(wait.run_of, (None, ()))
            outcome = outcome_of(state, problems, delivered=wait.delivered)
            if outcome is not None and wait in self._waits:
                self._answer(wait, outcome, problems)

    def _not_known(self, failure: Any) -> None:
        failure.trap(StoreUnavailable)
        self._clock.callLater(POLL_SECONDS * 10, self._poll)

    def _answer(
        self, wait: LateWait, outcome: Outcome, problems: Sequence[Mapping[str, Any]]
    ) -> None:
        self._waits.pop(wait, None)
        answer = self._answers.processed(wait.header, outcome, problems, late=wait.deferred)

        def sent(reached: bool) -> None:
            if answer.payload:
                lost = AcknowledgmentOutcome.SENT if reached else AcknowledgmentOutcome.LOST
                self._record(wait.message_id, lost, answer.payload)

        if wait.part is not None:
            wait.part(answer.payload, accepted=answer.accepted)
            sent(True)
        elif wait.slot is not None:
            self._ordered.fill(wait.slot, answer.payload, accepted=answer.accepted, sent=sent)
        elif answer.payload:
            sent(wait.connection.push(answer.payload))

    def _give_up(self, wait: LateWait) -> None:
        self._waits.pop(wait, None)
        self._recorder.record(
            AcknowledgmentTimedOut(channel=wait.channel, message_id=wait.message_id)
        )
        self._record(wait.message_id, AcknowledgmentOutcome.LOST, b"")
        if wait.part is not None:
            wait.part(b"", accepted=False)
        elif wait.slot is not None:
            self._ordered.skip(wait.slot)


def outcome_of(
    state: State | None, problems: Sequence[Mapping[str, Any]], *, delivered: bool
) -> Outcome | None:
    """What a run's state means for the acknowledgment; None while it is not decided.

    A run in ERROR whose diagnostics hold no error was transformed well and failed in delivery.
    """
    if state in (State.FILTERED, State.SENT):
        return Outcome.ACCEPTED
    if state is State.CANCELLED:
        return Outcome.REJECTED
    if state is State.ERROR:
        failed = delivered or any(found.get("severity") == "error" for found in problems)
        return Outcome.ERROR if failed else Outcome.ACCEPTED
    if not delivered and state is State.TRANSFORMED:
        return Outcome.ACCEPTED
    return None
