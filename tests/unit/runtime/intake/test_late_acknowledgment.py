"""Late acknowledgments: what a run's state means, and that waiting is bounded and fair."""

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from engine.hl7v2.acknowledgment import Outcome
from engine.hl7v2.header import peek
from engine.pipeline.states import AcknowledgmentOutcome, State
from engine.runtime.intake import late_acknowledgment
from engine.runtime.intake.answers import Answers, batch_answer
from engine.runtime.intake.late_acknowledgment import LateAcknowledgments, LateWait, outcome_of
from engine.runtime.intake.ordered_answers import WAITING_MAX, OrderedAnswers
from engine.store.interface import StoreUnavailable
from engine.telemetry.recorder import MemoryRecorder

ERROR = {"severity": "error", "code": "T520", "message": "no"}
WARNING = {"severity": "warning", "code": "T521", "message": "hm"}


@pytest.mark.parametrize(
    ("state", "problems", "transformed", "delivered"),
    [
        (None, (), None, None),
        (State.RECEIVED, (), None, None),
        (State.HELD, (), None, None),
        (State.FILTERED, (), Outcome.ACCEPTED, Outcome.ACCEPTED),
        (State.TRANSFORMED, (WARNING,), Outcome.ACCEPTED, None),
        (State.SENT, (), Outcome.ACCEPTED, Outcome.ACCEPTED),
        (State.ERROR, (ERROR,), Outcome.ERROR, Outcome.ERROR),
        (State.ERROR, (WARNING,), Outcome.ACCEPTED, Outcome.ERROR),
        (State.CANCELLED, (), Outcome.REJECTED, Outcome.REJECTED),
    ],
)
def test_what_a_run_s_state_means_for_the_acknowledgment(
    state: State | None,
    problems: Sequence[Any],
    transformed: Outcome | None,
    delivered: Outcome | None,
) -> None:
    assert outcome_of(state, problems, delivered=False) is transformed
    assert outcome_of(state, problems, delivered=True) is delivered


class Connection:
    source = "mllp x"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.holds: set[str] = set()

    def answer(self, payloads: Sequence[bytes], *, accepted: bool = True) -> bool:
        self.said += [payload.split(b"MSA|")[-1].decode().strip() for payload in payloads]
        return True

    def push(self, payload: bytes) -> bool:
        return self.answer((payload,))

    def skip(self) -> None:
        self.said.append("skipped")

    def abandon(self, reason: str) -> None:
        self.said.append(reason)

    def hold(self, reason: str) -> None:
        self.holds.add(reason)

    def release(self, reason: str) -> None:
        self.holds.discard(reason)


class Bench:
    def __init__(self) -> None:
        self.clock, self.connection, self.ordered = Clock(), Connection(), OrderedAnswers()
        self.states: dict[int, tuple[State, Sequence[Any]]] = {}
        self.failing = False
        self.recorded: list[tuple[int, AcknowledgmentOutcome]] = []
        self.late = LateAcknowledgments(
            self.clock,
            self.ask,
            Answers(0.0),
            self.ordered,
            lambda number, outcome, payload: self.recorded.append((number, outcome)),
            MemoryRecorder(),
        )

    def ask(self, message_ids: Sequence[int]) -> "Deferred[Any]":
        if self.failing:
            return fail(StoreUnavailable("told to"))
        return succeed({one: self.states[one] for one in message_ids if one in self.states})

    def wait(self, number: int, deadline: float = 25.0) -> None:
        header = peek(f"MSH|^~\\&|A|B|C|D|2026||ADT^A01|{number}|P|2.5.1\r".encode())
        slot = self.ordered.reserve(self.connection)
        self.late.wait(
            LateWait(
                message_id=number,
                run_of=number,
                header=header,
                channel="adt",
                connection=self.connection,
                deferred=True,
                delivered=True,
                deadline=deadline,
                slot=slot,
            )
        )

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.05] * int(seconds / 0.05 + 0.5))


def test_those_that_wait_long_do_not_hide_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_acknowledgment, "ASKED_MAX", 2)
    bench = Bench()
    for number in range(6):
        bench.wait(number)
    bench.states[5] = (State.SENT, ())
    bench.pass_time(1)
    assert len(bench.late) == 5


def test_a_store_that_does_not_answer_is_asked_again() -> None:
    bench = Bench()
    bench.failing = True
    bench.wait(1)
    bench.pass_time(2)
    bench.failing = False
    bench.states[1] = (State.SENT, ())
    bench.pass_time(2)
    assert bench.connection.said == ["AA|1"]


def test_what_takes_too_long_is_skipped_in_its_place() -> None:
    bench = Bench()
    bench.wait(1, deadline=1.0)
    bench.wait(2)
    bench.states[2] = (State.SENT, ())
    bench.pass_time(0.5)
    assert bench.connection.said == []
    bench.pass_time(1.5)
    assert bench.connection.said == ["skipped", "AA|2"]
    outcomes = {1: AcknowledgmentOutcome.LOST, 2: AcknowledgmentOutcome.SENT}
    assert dict(bench.recorded) == outcomes


def test_waiting_is_bounded_by_giving_up_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_acknowledgment, "WAITS_MAX", 3)
    bench = Bench()
    for number in range(5):
        bench.wait(number)
    assert len(bench.late) == 3
    assert bench.connection.said == ["skipped", "skipped"]


def test_polling_ends_when_nothing_waits_and_begins_again() -> None:
    bench = Bench()
    for number in (1, 2):
        bench.states[number] = (State.SENT, ())
        bench.wait(number)
        bench.pass_time(1)
    assert bench.connection.said == ["AA|1", "AA|2"]
    assert bench.clock.getDelayedCalls() == []


def test_a_sender_with_too_many_waiting_answers_is_held() -> None:
    ordered, connection = OrderedAnswers(), Connection()
    slots = [ordered.reserve(connection) for _ in range(WAITING_MAX + 1)]
    assert connection.holds == {"late"}
    ordered.fill(slots[0], b"MSA|0")
    assert connection.holds == set()
    assert ordered.waiting(connection) == WAITING_MAX


def test_answers_that_are_ready_wait_for_those_before_them() -> None:
    ordered, connection = OrderedAnswers(), Connection()
    first, second, third = (ordered.reserve(connection) for _ in range(3))
    ordered.fill(third, b"MSA|3")
    ordered.fill(first, b"MSA|1")
    assert connection.said == ["1"]
    ordered.skip(second)
    assert connection.said == ["1", "skipped", "3"]
    assert connection not in ordered


def test_an_answer_to_a_connection_that_is_gone_is_lost() -> None:
    ordered, connection = OrderedAnswers(), Connection()
    first, second = ordered.reserve(connection), ordered.reserve(connection)
    reached: list[bool] = []
    ordered.fill(second, b"MSA|2", sent=reached.append)
    ordered.forget(connection)
    assert reached == [False]
    ordered.fill(first, b"MSA|1")
    assert connection.said == []


def test_the_answer_to_a_batch_is_a_batch_when_it_came_in_one() -> None:
    assert batch_answer((b"BHS|^~\\&",), (b"A\r", b"", b"B\r")) == b"BHS|^~\\&\rA\rB\rBTS|2\r"
    assert batch_answer((), (b"A\r", b"B\r")) == b"A\rB\r"
    assert batch_answer((b"BHS|^~\\&",), (b"",)) == b""
