"""The same through HTTP: a console process, a signed-in person, whole pages."""

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.console.measuring import each
from benchmarks.console.questions import QUESTIONS, Feed
from benchmarks.console.site import Person, console, make_project, sign_in

BOARD_FRESH_SECONDS = 1.05
"""Who looks again sooner is given what was read a moment ago."""
BOARD_DRAWS = 60
_MESSAGE = re.compile(r"/messages/\d+")


def pages(url: str, feed: Feed, folder: Path, draws: int) -> dict[str, list[float]]:
    """Seconds of each search and page, by name."""
    make_project(folder, feed.channels)
    (cookie,) = sign_in(url, 1)
    with console(url, folder) as port:
        person = Person(port, cookie)
        found = {"board, the first look": each(_page_of(person), ["/"])}
        found |= _searches(person, feed, draws)
        found["problems"] = each(_page_of(person), ["/problems"] * draws)
        places = [_place(person, feed, number) for number in range(draws)]
        found["message"] = each(_page_of(person), places)
        found["board"] = []
        for _ in range(BOARD_DRAWS):
            time.sleep(BOARD_FRESH_SECONDS)
            found["board"] += each(_page_of(person), ["/"])
    return found


def _searches(person: Person, feed: Feed, draws: int) -> dict[str, list[float]]:
    found = {}
    for name, question in QUESTIONS.items():
        dice = random.Random(f"web {name}")
        texts = [question(feed, dice) for _ in range(draws)]
        person.ask("warm-up")
        found[name] = each(person.ask, texts)
    return found


def _page_of(person: Person) -> Callable[[str], None]:
    def load(path: str) -> None:
        status, _, page = person.get(path)
        if status != 200:
            raise SystemExit(f"{path} answered {status}: {page[:200]!r}")

    return load


def _place(person: Person, feed: Feed, number: int) -> str:
    """The address of some message."""
    _, place, page = person.ask(feed.draw(random.Random(number)).control_id)
    found = _MESSAGE.search(place or page.decode())
    if found is None:
        raise SystemExit("a message was not found by its control id")
    return found.group()
