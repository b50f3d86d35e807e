"""A console in memory for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from consoles import Clock, Site

from engine.runtime.desk.desk import Desk
from engine.telemetry.recorder import MemoryRecorder
from engine.web.console import Console, ConsoleSettings


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def make(url: str = "", settings: ConsoleSettings | None = None) -> Site:
        url = url or f"sqlite:///{tmp_path / 'store'}"
        clock = Clock()
        recorder = MemoryRecorder()
        desk = Desk(url, clock=clock)
        found = Site(
            console=Console(desk, settings or ConsoleSettings(), recorder),
            recorder=recorder,
            clock=clock,
            url=url,
        )
        made.append(found)
        return found

    yield make
    for one in made:
        for client in one.clients:
            client.close()
        one.desk.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()
