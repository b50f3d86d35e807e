"""CPU of loading the library for messages that ships: `python benchmarks/load.py`.

Reading, checking and compiling every map, each round in a process of its own because dictionaries
and patterns are kept once they were asked for; and what a command pays that needs one map. Goal:
below 2 s for all. `--most SECONDS` makes it fail above that.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 5
ROOT = Path(__file__).resolve().parent.parent
ONE = "ADT_A01"


def main() -> int:
    """Print the table; 1 when all maps together take longer than asked for."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    arguments.add_argument("--most", type=float, default=None, help="seconds allowed for all maps")
    arguments.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.once:
        print(" ".join(f"{one:.6f}" for one in once()))
        return 0
    command = [sys.executable, __file__, "--once"]
    rounds = [
        [float(one) for one in subprocess.check_output(command, cwd=ROOT, text=True).split()]
        for _ in range(options.rounds)
    ]
    read, check, one_map, the_rest = (
        statistics.median(column) for column in zip(*rounds, strict=True)
    )
    for text, seconds in (
        ("read all maps and tables", read),
        ("check them", check),
        (f"compile {ONE} and what it calls", one_map),
        ("compile all others", the_rest),
        (f"a command that converts one {ONE}", read + check + one_map),
        ("all", read + check + one_map + the_rest),
    ):
        print(f"{text:<42} {seconds * 1000:7.0f} ms")
    everything = read + check + one_map + the_rest
    return 1 if options.most is not None and everything > options.most else 0


def once() -> list[float]:
    """CPU seconds of each part, in a fresh process."""
    from engine.mapping.checker.checker import check_library
    from engine.mapping.compiler.variant import MESSAGE, make_variant
    from engine.runtime.configuration import message_library, read_project, uncollected

    files = read_project(ROOT)
    marks = [time.process_time()]
    with uncollected():
        library, _ = message_library(files)
        marks.append(time.process_time())
        check_library(library)
        marks.append(time.process_time())
    variant = make_variant(library, traced=False)
    variant.function(ONE, MESSAGE)
    marks.append(time.process_time())
    variant.whole()
    marks.append(time.process_time())
    return [after - before for before, after in itertools.pairwise(marks)]


if __name__ == "__main__":
    sys.exit(main())
