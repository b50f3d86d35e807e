"""Rim. After the commit: every message of it is answered, now, later or together with its batch.

The common case, an answer known now on a connection where nothing waits, is a list per connection
and one write. Everything else goes through `OrderedAnswers`, which keeps the order of messages.
"""

from collections import Counter
from collections.abc import Sequence

from engine.channel.model import Acknowledge
from engine.hl7v2.acknowledgment import Mode, mode
from engine.listeners.interface import Connection
from engine.listeners.reactor import Clock
from engine.pipeline.states import AcknowledgmentOutcome, Verdict
from engine.runtime.intake.answers import Answers
from engine.runtime.intake.late_acknowledgment import AskStates, LateAcknowledgments, LateWait
from engine.runtime.intake.ordered_answers import OrderedAnswers
from engine.runtime.intake.reception import Taken
from engine.runtime.intake.waiting import Waiting
from engine.telemetry.events import AcknowledgmentsLost, FaultStored, MessagesStored
from engine.telemetry.recorder import Recorder

_SENT = AcknowledgmentOutcome.SENT
_LOST = AcknowledgmentOutcome.LOST

AckOutcome = tuple[int, AcknowledgmentOutcome, bytes]


class Answering:
    """Answers what was stored, and notes how it went.

    Args:
        answers: makes acknowledgments.
        clock: the reactor.
        recorder: takes the events.
        ask_states: asks for the states of runs.
    """

    def __init__(
        self, answers: Answers, clock: Clock, recorder: Recorder, ask_states: AskStates
    ) -> None:
        self.ordered = OrderedAnswers()
        self.late = LateAcknowledgments(
            clock, ask_states, answers, self.ordered, self._note_late, recorder
        )
        self._clock = clock
        self._recorder = recorder
        self._outcomes: list[AckOutcome] = []
        self._stored: Counter[tuple[str, str]] = Counter()
        self._lost: Counter[str] = Counter()

    def forget(self, connection: Connection) -> None:
        """A connection is gone: what waits on it is lost."""
        if connection in self.ordered:
            self.ordered.forget(connection)
        if len(self.late):
            self.late.forget(connection)

    def take_outcomes(self) -> list[AckOutcome]:
        """How acknowledgments went since the last call, for the log."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def report(self) -> None:
        """Turn counts into events."""
        stored, self._stored = self._stored, Counter()
        for (channel, verdict), count in stored.items():
            self._recorder.record(MessagesStored(channel=channel, verdict=verdict, count=count))
        lost, self._lost = self._lost, Counter()
        for channel, count in lost.items():
            self._recorder.record(AcknowledgmentsLost(channel=channel, count=count))

    def answer(self, accepted: Sequence[tuple[Waiting, Taken]], ids: Sequence[int]) -> None:
        """Answer the messages of one commit, which have these message ids."""
        groups: dict[Connection, tuple[list[bytes], list[int], str]] = {}
        refused: set[Connection] = set()
        stored = self._stored
        ordered = self.ordered
        for (one, taken), message_id in zip(accepted, ids, strict=True):
            receipt, answer, connection = taken.receipt, taken.answer, one.connection
            stored[receipt.channel, receipt.verdict.value] += 1
            if receipt.runnable and taken.channel is not None:
                taken.channel.duplicates.remember(
                    receipt.sender,
                    receipt.control_id,
                    receipt.sha256,
                    message_id,
                    receipt.received_at,
                )
            elif receipt.verdict is Verdict.FAULT:
                self._note_fault(taken, message_id)
            if answer.late or one.parcel is not None or connection in ordered:
                self._answer_in_order(one, taken, message_id)
                continue
            group = groups.get(connection)
            if group is None:
                group = groups[connection] = ([], [], receipt.channel)
            group[0].append(answer.payload)
            group[1].append(message_id)
            if not answer.accepted:
                refused.add(connection)
        for connection, (payloads, message_ids, channel) in groups.items():
            reached = connection.answer(payloads, accepted=connection not in refused)
            if not reached:
                self._lost[channel] += len(payloads)
            outcome = _SENT if reached else _LOST
            for message_id, payload in zip(message_ids, payloads, strict=True):
                if payload:
                    self._outcomes.append((message_id, outcome, b""))

    def _answer_in_order(self, one: Waiting, taken: Taken, message_id: int) -> None:
        """An answer that comes later, is part of a batch's, or has such a one before it."""
        answer = taken.answer
        original = taken.header is None or mode(taken.header) is Mode.ORIGINAL
        waits = answer.late and not (original and answer.payload)
        if one.parcel is not None:
            if waits and original:
                self._wait(one, taken, message_id, part=True)
                return
            one.parcel.add(answer.payload, accepted=answer.accepted)
            self._note(message_id, answer.payload, reached=True)
        else:
            slot = self.ordered.reserve(one.connection)
            if waits and original:
                self._wait(one, taken, message_id).slot = slot
                return
            self.ordered.fill(
                slot,
                answer.payload,
                accepted=answer.accepted,
                sent=lambda reached: self._note(message_id, answer.payload, reached=reached),
            )
        if waits:
            self._wait(one, taken, message_id)

    def _wait(self, one: Waiting, taken: Taken, message_id: int, *, part: bool = False) -> LateWait:
        channel, header = taken.channel, taken.header
        if channel is None or header is None:
            raise ValueError("only messages of a channel are acknowledged late")
        wait = LateWait(
            message_id=message_id,
            run_of=taken.receipt.duplicate_of or message_id,
            header=header,
            channel=channel.name,
            connection=one.connection,
            deferred=channel.late,
            delivered=channel.config.acknowledge is Acknowledge.DELIVERED,
            deadline=self._clock.seconds() + channel.config.acknowledge_timeout_seconds,
            part=one.parcel.add if part and one.parcel is not None else None,
        )
        self.late.wait(wait)
        return wait

    def _note(self, message_id: int, payload: bytes, *, reached: bool) -> None:
        if payload:
            self._outcomes.append((message_id, _SENT if reached else _LOST, b""))

    def _note_late(self, message_id: int, outcome: AcknowledgmentOutcome, payload: bytes) -> None:
        self._outcomes.append((message_id, outcome, payload))

    def _note_fault(self, taken: Taken, message_id: int) -> None:
        receipt = taken.receipt
        code = str(receipt.diagnostics[0]["code"]) if receipt.diagnostics else ""
        self._recorder.record(
            FaultStored(
                channel=receipt.channel,
                code=code,
                message_id=message_id,
                peer=_loggable(receipt.source),
            )
        )


def _loggable(source: str) -> str:
    """Where a message came from, for the log: without file names, which may name a patient."""
    return "directory" if source.startswith("directory ") else source
