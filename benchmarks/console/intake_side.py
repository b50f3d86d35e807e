"""Does intake feel the console? The same load in turn with nobody and with ten people searching."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.console.questions import Feed
from benchmarks.console.site import console, make_project, sign_in
from benchmarks.intake import measure

PEOPLE = 10
PAUSES = {"nobody searches": None, "ten search, each once in 2 s": 2.0, "ten, without a pause": 0.0}


@contextmanager
def searching(
    port: int, cookies: Sequence[str], feed: Feed, pause: float
) -> Iterator[dict[str, float]]:
    """Let people search for the length of the block; how it went is known after it."""
    found: dict[str, float] = {}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.console.people", "--port", str(port)),
            *("--pause", str(pause), "--messages", str(feed.count)),
            *("--channels", str(feed.channels), "--end", str(feed.end)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(" ".join(cookies) + "\n")
    process.stdin.flush()
    yield found
    said, _ = process.communicate()
    found.update(json.loads(said))


def rounds(
    url: str, feed: Feed, folder: Path, *, count: int, seconds: float
) -> Mapping[tuple[int, str], Sequence[Mapping[str, float]]]:
    """(senders, who searches) to the figures of each round, taken in turn."""
    make_project(folder, feed.channels)
    cookies = sign_in(url, PEOPLE)
    found: dict[tuple[int, str], list[Mapping[str, float]]] = {}
    with console(url, folder) as port:
        for senders in (10, 100):
            for _ in range(count):
                for name, pause in PAUSES.items():
                    if pause is None:
                        figures = measure(url, senders, seconds)
                    else:
                        with searching(port, cookies, feed, pause) as went:
                            figures = measure(url, senders, seconds)
                        figures |= {f"search_{key}": value for key, value in went.items()}
                    found.setdefault((senders, name), []).append(figures)
    return found


def median(figures: Sequence[Mapping[str, float]], name: str) -> float:
    """Of one figure over the rounds."""
    return statistics.median(one.get(name, 0.0) for one in figures)
