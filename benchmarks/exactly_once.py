"""Exactly once: seeded runs against the simulated Millennium with lost answers and refusals.

`python -m benchmarks.exactly_once --seeds 20` feeds a worker (or two) with admissions, demographics
and results, while the service commits and then drops the connection on a fifth of all creates and
answers 429 or 503 on a fifth of all calls. It prints what the service holds at the end. The feed,
the faults and the count are those of `tests/acceptance/test_exactly_once.py`.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from charting_site import ChartingSite, Count, count, feed, storm

from benchmarks.tables import markdown_table
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator

HEAD = ("seed", "messages", "creates", "requests", "faults", "missing", "doubled", "disordered",
        "seconds")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One seeded run."""

    seed: int
    messages: int
    creates: int
    requests: int
    faults: int
    found: Count
    seconds: float

    @property
    def row(self) -> tuple[str, ...]:
        """As a row of the table."""
        found = self.found
        counts = (self.messages, self.creates, self.requests, self.faults)
        results = (found.missing, found.doubled, found.out_of_order)
        return (
            str(self.seed),
            *(f"{one:,}" for one in counts),
            *map(str, results),
            f"{self.seconds:.1f}",
        )


async def run(seed: int, patients: int, workers: int) -> Run:
    """One run on a fresh SQLite store and a fresh service."""
    wanted = feed(seed, patients=patients, results=5)
    with tempfile.TemporaryDirectory() as folder:
        async with MillenniumSimulator(SimulatorOptions()) as simulator:
            site = ChartingSite(f"sqlite:///{folder}/store", simulator)
            simulator.faults.set(storm(seed))
            site.receive(*wanted.messages)
            began = time.monotonic()
            for number in range(workers):
                site.start(f"w{number}", share=1 / workers)
            await site.until_sent()
            seconds = time.monotonic() - began
            await site.close()
            return Run(
                seed=seed,
                messages=len(wanted.messages),
                creates=patients * (2 + wanted.results),
                requests=sum(simulator.paths.values()),
                faults=simulator.faults.struck,
                found=count(simulator, wanted),
                seconds=seconds,
            )


def main() -> int:
    """Run all seeds; 1 when something was missing, doubled or out of order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--patients", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    runs = []
    for seed in range(1, given.seeds + 1):
        found = asyncio.run(run(seed, given.patients, given.workers))
        runs.append(found)
        print(" ".join(found.row), flush=True)
    print(markdown_table(HEAD, (one.row for one in runs)))
    good = Count(missing=0, doubled=0, out_of_order=0)
    return 0 if all(one.found == good for one in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
