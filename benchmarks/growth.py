"""Does a full store slow the listener? Acknowledged rate and latency by how much is stored.

    python -m benchmarks.growth [--small 10000] [--large 2000000] [--rounds 5]

Two SQLite stores are filled with messages that went through their whole life, then the same
listener takes the same load on the one and on the other in turn, so that whatever else the machine
does falls on both. Filling two million takes some ten minutes and 11 GB.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks.intake import measure
from benchmarks.store import SAMPLES, append, work
from engine.store.open_store import open_log, open_state

STEP = 50_000
"""Messages appended before the worker's side catches up."""


def fill(url: str, messages: int) -> None:
    """Store messages, each processed, delivered and marked."""
    log, state = open_log(url), open_state(url)
    for number in range(0, messages, STEP):
        count = min(STEP, messages - number)
        lease = state.acquire("bench", 3600.0, 1.0)
        append(log, number, count, 50)
        work(state, lease, SAMPLES)
        state.release(lease)
    log.close()
    state.close()


def main() -> None:
    """Fill, measure in turn, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="growth-bench-", dir=".") as folder:
        urls = {
            count: f"sqlite:///{Path(folder).resolve()}/{count}"
            for count in (given.small, given.large)
        }
        for count, url in urls.items():
            fill(url, count)
        print(" senders     stored    rate/s   p50 us   p99 us  cpu us")
        for connections in (10, 100):
            runs: dict[int, list[dict[str, float]]] = {count: [] for count in urls}
            for _ in range(given.rounds):
                for count, url in urls.items():
                    runs[count].append(measure(url, connections, given.seconds))
            for count, found in runs.items():
                rate, p50, p99, cpu = (
                    statistics.median(run[name] for run in found)
                    for name in ("rate", "p50_us", "p99_us", "cpu_us")
                )
                print(
                    f"{connections:>8}{count:>11,}{rate:>10,.0f}{p50:>9,.0f}{p99:>9,.0f}{cpu:>8.1f}"
                )


if __name__ == "__main__":
    main()
