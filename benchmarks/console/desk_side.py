"""The console's questions asked of the desk itself, in this process, without HTTP and pages."""

import random
import time
from pathlib import Path

from benchmarks.console.measuring import each
from benchmarks.console.questions import QUESTIONS, Feed
from engine.runtime.desk.board import Board
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.finding import Wanted, find
from engine.runtime.desk.problems import problems
from engine.runtime.desk.rights import everything

VIEWER = everything("bench", "command bench")


class Clock:
    """Goes on by itself, and by more when it is told to."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def searches(url: str, feed: Feed, draws: int) -> dict[str, list[float]]:
    """Seconds of each search, by question."""
    desk = Desk(url)
    found = {}
    for name, question in QUESTIONS.items():
        dice = random.Random(name)
        texts = [question(feed, dice) for _ in range(draws)]
        find(desk, VIEWER, Wanted(text="warm-up"))
        found[name] = each(lambda text: find(desk, VIEWER, Wanted(text=text)), texts)
    desk.close()
    return found


def boards(url: str, channels: int, draws: int) -> tuple[float, list[float]]:
    """Seconds of the first look, which reads the day, and of later ones, each by itself."""
    clock = Clock()
    desk = Desk(url, clock=clock)
    board = Board(desk, Path())
    configured = {f"feed_{number:03d}": ("records",) for number in range(channels)}

    def look(_: int) -> None:
        clock.ahead += 2.0
        board.rows(VIEWER, configured)

    (first,) = each(look, [0])
    later = each(look, range(draws))
    desk.close()
    return first, later


def problem_lists(url: str, draws: int) -> list[float]:
    """Seconds of each look at the list."""
    desk = Desk(url)
    took = each(lambda _: problems(desk, VIEWER), range(draws))
    desk.close()
    return took
