"""The open problems at the head of the board: within the channels, and cheap however large."""

from collections.abc import Collection
from pathlib import Path

import pytest
from stored import deliver

from engine.pipeline.states import State
from engine.runtime.desk import open_problems
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.open_problems import OpenProblems
from engine.runtime.desk.rights import Right, Viewer
from engine.store.problem_interface import ProblemRow
from engine.store.state.problems import ProblemTables

NOW = 1_790_000_000.0


def viewer(*channels: str) -> Viewer:
    found = frozenset(channels) if channels else None
    return Viewer(name="v", rights=frozenset({Right.SEE_MESSAGES}), channels=found)


def test_who_is_kept_to_channels_sees_theirs_and_they_are_counted_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'store'}"
    deliver(url, "m1", state=State.ERROR, channel="adt")
    looked: list[object] = []
    every = ProblemTables.all

    def counted(self: ProblemTables, channels: Collection[str] | None = None) -> list[ProblemRow]:
        looked.append(channels)
        return every(self, channels)

    monkeypatch.setattr(ProblemTables, "all", counted)
    desk = Desk(url)
    now = [NOW]
    desk.clock = lambda: now[0]
    board = OpenProblems(desk)
    assert [one.problem_id for one in board.seen_by(viewer()).newest] == [1]
    assert looked == []
    for _ in range(3):
        assert board.seen_by(viewer("oru")).newest == ()
        assert [one.problem_id for one in board.seen_by(viewer("adt")).newest] == [1]
    assert looked == [{"oru"}, {"adt"}]
    now[0] += open_problems.FRESH_SECONDS
    board.seen_by(viewer("adt"))
    assert looked[2:] == [{"adt"}]
    monkeypatch.setattr(open_problems, "OPEN_MAX", 0)
    assert not board.seen_by(viewer()).is_all
    desk.close()
