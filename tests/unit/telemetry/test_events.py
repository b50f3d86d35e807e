"""Events become lines and counts, and carry nothing that was not declared."""

import io
import json
from dataclasses import fields

from engine.telemetry import events
from engine.telemetry.events import ConnectionClosed, Event, Level, MessagesStored
from engine.telemetry.logs import EventLog, error_caught
from engine.telemetry.metrics import Meter
from engine.telemetry.recorder import MemoryRecorder, ProcessRecorder


def all_events() -> list[type[Event]]:
    return [
        found
        for found in vars(events).values()
        if isinstance(found, type) and issubclass(found, Event) and found is not Event
    ]


def test_every_label_is_a_field_of_its_event() -> None:
    for kind in all_events():
        assert set(kind.labels) <= {field.name for field in fields(kind)}, kind


def test_counter_names_are_unique_and_end_as_prometheus_wants() -> None:
    names = [kind.counter for kind in all_events() if kind.counter]
    assert len(names) == len(set(names))
    assert all(name.endswith("_total") for name in names)


def test_an_event_becomes_one_json_line_with_its_declared_fields_only() -> None:
    stream = io.StringIO()
    EventLog("intake", stream=stream, level=Level.DEBUG).write(
        ConnectionClosed(listener="mllp 127.0.0.1:2575", peer="10.0.0.1:5", reason="idle")
    )
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "ConnectionClosed",
        "level": "debug",
        "process": "intake",
        "listener": "mllp 127.0.0.1:2575",
        "peer": "10.0.0.1:5",
        "reason": "idle",
    }


def test_an_event_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    log = EventLog("intake", stream=stream, level=Level.INFO)
    log.write(MessagesStored(channel="adt", verdict="new", count=3))
    assert stream.getvalue() == ""


def test_an_exception_is_reduced_to_class_and_place() -> None:
    try:
        raise ValueError("PID|1||12345^^^HOSP||DOE^JANE")
    except ValueError as error:
        event = error_caught(error)
    assert event.error == "ValueError"
    assert "DOE" not in str(event)


def test_a_counter_grows_by_the_count_of_its_event() -> None:
    meter = Meter()
    recorder = ProcessRecorder(EventLog("intake", stream=io.StringIO()), meter)
    recorder.record(MessagesStored(channel="adt", verdict="new", count=3))
    recorder.record(MessagesStored(channel="adt", verdict="new", count=2))
    labels = {"channel": "adt", "verdict": "new"}
    assert meter.registry.get_sample_value("engine_messages_received_total", labels) == 5


def test_the_memory_recorder_finds_events_by_class() -> None:
    recorder = MemoryRecorder()
    event = MessagesStored(channel="adt", verdict="new", count=3)
    recorder.record(event)
    assert recorder.of(MessagesStored) == [event]
    assert recorder.of(ConnectionClosed) == []
