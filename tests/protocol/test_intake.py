"""Intake over a real listener and a real log: nothing is acknowledged before it is stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import Bench, channel, message, open_log

from engine.channel.model import (
    Acknowledge,
    DuplicatePolicy,
    MllpListenerConfig,
    RouteConfig,
)
from engine.listeners.directory import FileExchange
from engine.mllp import encode_frame
from engine.pipeline.states import State, Verdict
from engine.runtime.intake import intake as intake_module
from engine.runtime.intake import reception
from engine.telemetry.events import (
    AcknowledgmentTimedOut,
    ErrorCaught,
    FaultStored,
    ReadingPaused,
    StoreFailed,
    StoreResumed,
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    log = open_log(tmp_path)
    yield Bench(log)
    log.close()


def test_messages_of_one_turn_are_stored_in_one_commit_and_then_acknowledged(bench: Bench) -> None:
    bench.start(channel())
    one, two = bench.connect(), bench.connect()
    one.send(message("1"), message("2"))
    two.send(message("3"))
    assert one.received() == []
    bench.turn()
    assert bench.log.commits == [3]
    assert one.codes() == [("AA", "1"), ("AA", "2")]  # MSA-1, MSA-2
    assert two.codes() == [("AA", "3")]


def test_a_receipt_holds_what_the_log_promises(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    (receipt,) = bench.stored()
    assert receipt.raw == message("1")
    assert receipt.source == "mllp 10.0.0.1:50000"
    assert (receipt.control_id, receipt.sender) == ("1", "ADT|NORTH")  # MSH-10, MSH-3 and MSH-4
    assert (receipt.message_type, receipt.version) == ("ADT^A01", "2.5.1")  # MSH-9, MSH-12
    assert receipt.lanes == ("patient 12345",)  # PID-3.1
    assert receipt.acknowledgment == sender.received()[0]
    assert (receipt.acknowledgment_code, receipt.revision) == ("AA", "rev1")


def test_acknowledgments_of_pipelined_messages_keep_the_order_of_the_messages(
    bench: Bench,
) -> None:
    bench.start(channel())
    sender = bench.connect()
    for number in range(0, 30, 3):
        sender.send(*(message(str(number + more)) for more in range(3)))
        bench.turn()
    assert [control_id for _, control_id in sender.codes()] == [str(n) for n in range(30)]


def test_how_the_acknowledgment_went_is_recorded(bench: Bench) -> None:
    bench.start(channel())
    here, gone = bench.connect(), bench.connect()
    here.send(message("1"))
    gone.send(message("2"))
    gone.leave()
    bench.turn()
    bench.intake.housekeep()
    assert bench.log.outcomes == {1: "sent", 2: "lost"}


def test_a_failing_store_acknowledges_nothing_and_closes_the_connections_that_wait(
    bench: Bench,
) -> None:
    bench.start(channel())
    waiting, quiet = bench.connect(), bench.connect()
    bench.log.failing = True
    waiting.send(message("1"))
    bench.turn()
    assert waiting.received() == []
    assert waiting.closed
    assert not quiet.closed
    assert bench.recorder.of(StoreFailed)


def test_while_the_store_is_down_nobody_is_let_in_and_who_sends_is_closed(bench: Bench) -> None:
    bench.start(channel())
    first, quiet = bench.connect(), bench.connect()
    bench.log.failing = True
    first.send(message("1"))
    bench.turn()
    assert bench.connect().connection is None
    quiet.send(message("2"))
    assert quiet.closed
    assert quiet.received() == []


def test_intake_resumes_by_itself_when_the_store_does(bench: Bench) -> None:
    bench.start(channel())
    bench.log.failing = True
    first = bench.connect()
    first.send(message("1"))
    bench.turn()
    bench.pass_time(20)
    assert bench.connect().connection is None
    bench.log.failing = False
    bench.pass_time(5)
    assert bench.recorder.of(StoreResumed)
    again = bench.connect()
    again.send(message("1"))
    bench.turn()
    assert again.codes() == [("AA", "1")]


def test_a_message_whose_commit_was_in_doubt_is_known_when_it_is_sent_again(bench: Bench) -> None:
    bench.start(channel())
    bench.log.fail_after_commit = True
    first = bench.connect()
    first.send(message("1"))
    bench.turn()
    assert first.received() == []
    bench.log.failing = False
    bench.pass_time(1)
    again = bench.connect()
    again.send(message("1"))
    bench.turn()
    assert again.codes() == [("AA", "1")]
    assert [receipt.verdict for receipt in bench.stored()] == [Verdict.NEW, Verdict.DUPLICATE]
    assert bench.stored()[1].runnable is False


def test_a_resent_message_gets_the_stored_acknowledgment_again_after_a_row_is_written(
    bench: Bench,
) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    first = sender.received()
    bench.pass_time(5)
    sender.send(message("1"))
    bench.turn()
    assert sender.received() == first
    original, again = bench.stored()
    assert (again.verdict, again.duplicate_of, again.runnable) == (Verdict.DUPLICATE, 1, False)
    assert again.acknowledgment == original.acknowledgment


def test_a_duplicate_within_one_turn_is_found_too(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(message("1"), message("1"), message("2"))
    bench.turn()
    assert sender.codes() == [("AA", "1"), ("AA", "1"), ("AA", "2")]
    verdicts = [receipt.verdict for receipt in bench.stored()]
    assert verdicts == [Verdict.NEW, Verdict.DUPLICATE, Verdict.NEW]


@pytest.mark.parametrize(
    ("policy", "code", "runnable"),
    [("accept", "AA", True), ("reject", "AR", False), ("hold", "AA", False)],
)
def test_the_same_control_id_with_other_bytes_follows_the_channel_s_policy(
    bench: Bench, policy: str, code: str, runnable: bool
) -> None:
    bench.start(channel(duplicates=DuplicatePolicy(different=policy)))
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    sender.send(message("1", text="X"))
    bench.turn()
    assert [found for found, _ in sender.codes()] == ["AA", code]
    second = bench.stored()[1]
    assert (second.verdict, second.duplicate_of) == (Verdict.CONFLICT, 1)
    assert second.runnable is runnable
    assert [problem["code"] for problem in second.diagnostics] == ["S740"]


def test_control_ids_are_known_again_after_a_restart(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    bench.start(channel())
    bench.intake.recover(0.0)
    again = bench.connect()
    again.send(message("1"))
    bench.turn()
    assert bench.stored()[1].verdict is Verdict.DUPLICATE


def test_bytes_without_msh_are_kept_as_a_fault_and_answered_with_an_error(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(b"\x00\xffgarbage")
    bench.turn()
    assert sender.codes() == [("AE", "")]
    (receipt,) = bench.stored()
    assert (receipt.verdict, receipt.runnable) == (Verdict.FAULT, False)
    assert receipt.raw == b"\x00\xffgarbage"
    assert receipt.channel == "adt"
    assert not sender.closed


def test_a_frame_that_is_too_large_is_kept_in_part_refused_and_closed(bench: Bench) -> None:
    bench.start(channel(listener=MllpListenerConfig(port=2575, frame_bytes_max=500)))
    sender = bench.connect()
    sender.send(message("7", text="x" * 1000))
    bench.turn()
    assert sender.codes() == [("AR", "7")]
    assert sender.closed
    (receipt,) = bench.stored()
    assert receipt.verdict is Verdict.FAULT
    assert len(receipt.raw) < 1100
    assert receipt.diagnostics[0]["code"] == "M102"


def test_a_half_frame_is_kept_and_not_answered(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.connection.dataReceived(b"\x0b" + message("1")[:40])
    sender.leave()
    bench.turn()
    assert sender.received() == []
    assert bench.stored()[0].diagnostics[0]["code"] == "M105"


def test_other_connections_are_unharmed_by_garbage(bench: Bench) -> None:
    bench.start(channel())
    bad, good = bench.connect(), bench.connect()
    bad.connection.dataReceived(b"\xff" * 100)
    good.send(message("1"))
    bench.turn()
    assert good.codes() == [("AA", "1")]
    assert bad.closed


def routed() -> list[object]:
    return [
        channel(name="adt", route=RouteConfig(fields=(("MSH-9.1", ("ADT",)),))),
        channel(name="lab", route=RouteConfig(fields=(("MSH-9.1", ("ORU",)),))),
    ]


def test_one_port_serves_many_channels(bench: Bench) -> None:
    bench.start(*routed())  # type: ignore[arg-type]
    sender = bench.connect()
    sender.send(message("1", "ORU^R01"), message("2", "ADT^A01"))
    bench.turn()
    assert [receipt.channel for receipt in bench.stored()] == ["lab", "adt"]


def test_a_message_no_channel_takes_is_refused_and_kept_under_the_listener(bench: Bench) -> None:
    bench.start(*routed())  # type: ignore[arg-type]
    sender = bench.connect()
    sender.send(message("1", "SIU^S12"))
    bench.turn()
    (answer,) = sender.received()
    assert b"MSA|AR|1" in answer
    assert b"|200^" in answer  # ERR-3, table 0357
    (receipt,) = bench.stored()
    assert (receipt.channel, receipt.verdict) == ("mllp x:2575", Verdict.FAULT)


def test_a_batch_is_split_and_answered_in_one_frame(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(b"BHS|^~\\&|A\r" + message("1") + message("2") + b"BTS|2\r", message("3"))
    bench.turn()
    bench.turn()
    batch, single = sender.received()
    assert batch.startswith(b"BHS|")
    assert batch.endswith(b"BTS|2\r")
    assert [b"MSA|AA|1" in batch, b"MSA|AA|2" in batch] == [True, True]
    assert b"MSA|AA|3" in single
    assert [receipt.control_id for receipt in bench.stored()] == ["1", "2", "3"]


def test_a_wrong_count_in_a_batch_is_noted_with_its_first_message(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(b"BHS|^~\\&|A\r" + message("1") + message("2") + b"BTS|5\r")
    bench.turn()
    first, second = bench.stored()
    assert [problem["code"] for problem in first.diagnostics] == ["H260"]
    assert second.diagnostics == ()


def test_a_large_batch_leaves_room_for_others_in_every_turn(bench: Bench) -> None:
    bench.start(channel())
    bulk, live = bench.connect(), bench.connect()
    bulk.send(b"".join(message(f"B{number}") for number in range(500)))
    bench.turn()
    live.send(message("L1"))
    bench.turn()
    assert live.codes() == [("AA", "L1")]
    assert bulk.received() == []
    for _ in range(5):
        bench.turn()
    (answer,) = bulk.received()
    assert answer.count(b"MSA|AA|B") == 500


def test_reading_pauses_while_too_much_waits_and_goes_on_after_the_commit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "WAITING_MESSAGES_MAX", 3)
    bench.start(channel())
    sender = bench.connect()
    sender.send(*(message(str(number)) for number in range(5)))
    assert sender.transport.producerState == "paused"
    bench.turn()
    assert sender.transport.producerState == "producing"
    assert len(sender.codes()) == 5
    assert bench.recorder.of(ReadingPaused)


def test_a_drained_channel_takes_nothing_and_closes_who_sends(bench: Bench) -> None:
    bench.start(channel())
    bench.channels[0].drained = True
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    assert sender.received() == []
    assert sender.closed
    assert bench.stored() == []


# -- enhanced mode and late acknowledgments --


def test_enhanced_mode_gets_the_accept_acknowledgment_at_once(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(message("1", accept="AL", application="NE"))
    bench.turn()
    assert sender.codes() == [("CA", "1")]


def test_enhanced_mode_without_wishes_gets_nothing(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(message("1", accept="NE", application="NE"), message("2"))
    bench.turn()
    assert sender.codes() == [("AA", "2")]


def test_the_application_acknowledgment_follows_processing(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    sender.send(message("1", accept="AL", application="AL"))
    bench.turn()
    assert sender.codes() == [("CA", "1")]
    bench.states[1] = (State.RECEIVED, ())
    bench.pass_time(1)
    assert sender.codes() == []
    bench.states[1] = (State.TRANSFORMED, ())
    bench.pass_time(1)
    assert sender.codes() == [("AA", "1")]


def test_a_channel_that_acknowledges_on_transformed_says_how_it_went(bench: Bench) -> None:
    bench.start(channel(acknowledge=Acknowledge.TRANSFORMED))
    sender = bench.connect()
    sender.send(message("1"), message("2"))
    bench.turn()
    assert sender.received() == []
    problem = {"code": "T520", "severity": "error", "message": "no", "path": "PID-8"}
    bench.states[2] = (State.ERROR, (problem,))
    bench.pass_time(1)
    assert sender.received() == []  # the answer to 1 comes first
    bench.states[1] = (State.TRANSFORMED, ())
    bench.pass_time(1)
    first, second = sender.received()
    assert b"MSA|AA|1" in first
    assert b"MSA|AE|2" in second
    assert b"ERR|" in second


def test_a_channel_that_acknowledges_on_delivered_waits_for_the_delivery(bench: Bench) -> None:
    bench.start(channel(acknowledge=Acknowledge.DELIVERED))
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    bench.states[1] = (State.TRANSFORMED, ())
    bench.pass_time(1)
    assert sender.codes() == []
    bench.states[1] = (State.SENT, ())
    bench.pass_time(1)
    assert sender.codes() == [("AA", "1")]
    bench.intake.housekeep()
    assert bench.log.outcomes == {1: "sent"}


def test_a_late_acknowledgment_that_does_not_come_in_time_is_not_sent_later(bench: Bench) -> None:
    bench.start(channel(acknowledge=Acknowledge.DELIVERED, acknowledge_timeout_seconds=5.0))
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    bench.pass_time(6)
    bench.states[1] = (State.SENT, ())
    bench.pass_time(2)
    assert sender.received() == []
    assert bench.recorder.of(AcknowledgmentTimedOut)


def test_a_resent_message_takes_the_end_of_the_first_one_s_run(bench: Bench) -> None:
    bench.start(channel(acknowledge=Acknowledge.DELIVERED, acknowledge_timeout_seconds=5.0))
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    bench.pass_time(6)
    sender.send(message("1"))
    bench.turn()
    bench.states[1] = (State.SENT, ())
    bench.pass_time(1)
    assert sender.codes() == [("AA", "1")]
    assert [receipt.runnable for receipt in bench.stored()] == [True, False]


def test_a_sender_that_leaves_before_its_late_acknowledgment_is_recorded_as_lost(
    bench: Bench,
) -> None:
    bench.start(channel(acknowledge=Acknowledge.TRANSFORMED))
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    sender.leave()
    bench.states[1] = (State.SENT, ())
    bench.pass_time(1)
    bench.intake.housekeep()
    assert bench.log.outcomes == {1: "lost"}


def test_a_slow_sender_s_slices_make_the_same_messages(bench: Bench) -> None:
    bench.start(channel())
    sender = bench.connect()
    for byte in encode_frame(message("1")):
        sender.connection.dataReceived(bytes([byte]))
        bench.pass_time(0.1)
    assert sender.codes() == [("AA", "1")]


def test_a_message_the_engine_fails_on_is_kept_and_refused_and_harms_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.start(channel())

    def fail(*_: object) -> tuple[str, ...]:
        raise ZeroDivisionError("PID|1||SECRET")

    sender, other = bench.connect(), bench.connect()
    with monkeypatch.context() as patch:
        patch.setattr(reception, "lane_keys", fail)
        sender.send(message("1"))
        bench.turn()
    other.send(message("2"))
    bench.turn()
    assert sender.codes() == [("AR", "1")]
    assert other.codes() == [("AA", "2")]
    kept = bench.stored()[0]
    assert (kept.verdict, kept.raw) == (Verdict.FAULT, message("1"))
    assert kept.diagnostics[0]["code"] == "S746"
    (event,) = bench.recorder.of(ErrorCaught)
    assert "SECRET" not in str(event)


def test_when_answering_fails_nobody_waits_for_ever(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.start(channel())

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bench.intake._answering, "answer", fail)
    sender = bench.connect()
    sender.send(message("1"))
    bench.turn()
    assert sender.closed
    assert sender.received() == []


def test_the_name_of_a_file_is_stored_and_not_logged(bench: Bench) -> None:
    bench.start(channel())

    def settle(answer: bytes, accepted: bool | None) -> None:
        assert accepted is False

    exchange = FileExchange("directory /in/DOE-JANE.hl7", settle)
    bench.sink.receive(exchange, b"no message")
    bench.turn()
    assert bench.stored()[0].source == "directory /in/DOE-JANE.hl7"
    (event,) = bench.recorder.of(FaultStored)
    assert "DOE" not in str(event)
