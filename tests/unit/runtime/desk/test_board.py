"""The board: what is counted, what is kept, who sees what."""

from collections.abc import Callable
from typing import Any

import pytest
from stored_messages import START, StoredMessages

from engine.pipeline.states import State
from engine.runtime.desk.audit import AuditSearch
from engine.runtime.desk.board import Board
from engine.runtime.desk.board_day import LATE_SECONDS, SLOT_SECONDS, SLOTS
from engine.runtime.desk.control import ControlRefused, set_control
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.rights import NotAllowed, Viewer, everything
from engine.telemetry.health import Condition, Health, write_health

ADMISSION = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|{}|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\rPID|1||4711^^^NORTH^MR||Okafor^Adaeze||19870412|F\r"
    "PV1|1|I|3W^12^1\r"
)
CONFIGURED = {"adt": ("records",), "oru": ("records",)}

Viewers = Callable[..., Viewer]


@pytest.fixture
def three(messages: StoredMessages) -> list[int]:
    """Of three admissions one was sent, one failed, one waits."""
    found = [messages.receive(ADMISSION.format(number)) for number in range(3)]
    messages.process()
    messages.answer(found[0])
    messages.answer(found[1], b"422\n\n{}", State.ERROR)
    return found


def test_a_row_counts_the_day_and_says_what_is_wrong_now(
    desk: Desk, viewer: Viewers, three: list[int]
) -> None:
    rows, totals = Board(desk).rows(viewer(), CONFIGURED)
    assert [row.channel for row in rows] == ["adt", "oru"]
    adt, oru = rows
    assert (adt.received, adt.sent, adt.errors, adt.queued) == (3, 1, 1, 1)
    assert adt.state == "errors"
    assert len(adt.bars) == len(adt.failed_bars) == SLOTS
    assert (sum(adt.bars), sum(adt.failed_bars)) == (3, 1)
    assert adt.oldest_queued_at == START + 30.0
    assert (oru.received, oru.state) == (0, "waiting")
    assert (totals.errors, totals.queued) == (1, 1)


def test_a_viewer_sees_the_channels_of_the_scope_only(
    desk: Desk, viewer: Viewers, three: list[int]
) -> None:
    rows, totals = Board(desk).rows(viewer(channels=frozenset({"oru"})), CONFIGURED)
    assert [row.channel for row in rows] == ["oru"]
    assert totals.errors == 0
    with pytest.raises(NotAllowed):
        Board(desk).rows(viewer(rights=frozenset()), CONFIGURED)


def test_half_hours_that_are_over_are_read_once_and_leave_after_a_day(
    desk: Desk, viewer: Viewers, messages: StoredMessages, three: list[int]
) -> None:
    clock = [START + 60.0]
    desk.clock = lambda: clock[0]
    board = Board(desk)

    def bars() -> tuple[int, ...]:
        return board.rows(viewer(), CONFIGURED)[0][0].bars

    assert bars()[-1] == 3
    clock[0] += SLOT_SECONDS
    assert bars()[-2:] == (3, 0)
    messages.now = clock[0]
    messages.receive(ADMISSION.format(4))
    messages.process()
    clock[0] += SLOT_SECONDS
    assert bars()[-3:] == (3, 1, 0)
    assert Board(desk).rows(viewer(), CONFIGURED)[0][0].bars == bars()
    clock[0] += (SLOTS - 3) * SLOT_SECONDS
    assert bars()[:2] == (3, 1)
    clock[0] += 2 * SLOT_SECONDS
    assert sum(bars()) == 0


def test_rates_and_the_time_to_drain_are_of_the_last_minutes(
    desk: Desk, viewer: Viewers, three: list[int]
) -> None:
    desk.clock = lambda: START + 120.0
    row = Board(desk).rows(viewer(), CONFIGURED)[0][0]
    assert row.received_per_minute == pytest.approx(0.6)
    assert row.drain_seconds == pytest.approx(300.0)


def test_a_destination_shows_how_its_last_attempt_failed(
    desk: Desk, viewer: Viewers, three: list[int], tmp_path
) -> None:
    details = {
        "runs": "1",
        "destination adt/records": "open http-503",
        "destination oru/x": "closed",
    }
    write_health(
        tmp_path,
        Health(
            process="worker-1",
            pid=1,
            condition=Condition.READY,
            beat_at=desk.clock(),
            details=details,
        ),
    )
    board = Board(desk, tmp_path)
    rows, _ = board.rows(viewer(), CONFIGURED)
    assert [one.failure for one in rows[0].destinations] == ["http-503"]
    assert [one.failure for one in rows[1].destinations] == [""]
    (process,) = board.processes(everything("tests", "tests"))
    assert process.details == {"runs": "1"}


def test_a_wish_needs_the_right_a_reason_and_a_channel_of_the_scope_and_is_recorded(
    desk: Desk, viewer: Viewers, three: list[int]
) -> None:
    operator = viewer("operator")
    with pytest.raises(NotAllowed):
        set_control(desk, viewer("support"), "adt", "pause", "why")
    with pytest.raises(ControlRefused, match="say why"):
        set_control(desk, operator, "adt", "pause", " ")
    with pytest.raises(ControlRefused, match="run, pause, drain"):
        set_control(desk, operator, "adt", "stop", "why")
    with pytest.raises(ControlRefused, match="no channel"):
        set_control(desk, viewer("operator", channels=frozenset()), "adt", "pause", "why")
    set_control(desk, operator, "adt", "pause", "downtime of the server")
    rows, _ = Board(desk).rows(operator, CONFIGURED)
    assert rows[0].state == "paused"
    with desk.store() as store:
        (row,) = store.audit_rows(AuditSearch())
    assert (row.entry.act, row.entry.channel, row.entry.reason) == (
        "control",
        "adt",
        "downtime of the server",
    )


def test_a_refresh_reads_the_last_minutes_only_and_counts_the_same(
    desk: Desk,
    viewer: Viewers,
    messages: StoredMessages,
    three: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [START + 60.0]
    desk.clock = lambda: clock[0]
    board = Board(desk)
    board.rows(viewer(), CONFIGURED)
    for _ in range(4):
        clock[0] += LATE_SECONDS / 2
        messages.now = clock[0] - 90.0
        messages.receive(ADMISSION.format(clock[0]))
        messages.process()
        board.rows(viewer(), CONFIGURED)
    reads: list[tuple[float, float]] = []
    counted = MessageLog.counted

    def counting(self: MessageLog, since: float, until: float, slot: int) -> Any:
        reads.append((since, until))
        return counted(self, since, until, slot)

    monkeypatch.setattr(MessageLog, "counted", counting)
    clock[0] += 2.0
    (adt, _), _ = board.rows(viewer(), CONFIGURED)
    assert min(since for since, _ in reads) >= clock[0] - LATE_SECONDS - 60.0
    (again, _), _ = Board(desk).rows(viewer(), CONFIGURED)
    assert (adt.bars, adt.failed_bars, adt.received) == (again.bars, again.failed_bars, 7)
