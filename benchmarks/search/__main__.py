"""How fast the search box answers with many messages stored, audit and facets included.

    python -m benchmarks.search [--messages 200000] [--store sqlite:///FOLDER | postgresql://...]

Without --store a SQLite store is filled in a folder beside and removed at the end; a store that is
named is filled when it is empty, and kept. A million messages take some five minutes and 3 GB.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.search.cost import mark_cost
from benchmarks.search.stored import SECONDS_BETWEEN, START, Facts, Filler, facts
from engine.pipeline.states import State
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.finding import Wanted, find
from engine.runtime.desk.rights import everything
from engine.runtime.desk.thread import thread
from engine.store.interface import Search
from engine.store.open_store import open_state

ROUNDS = 40


def queries() -> dict[str, Callable[[Facts], Wanted]]:
    """What people ask, by a word; each for a message that is there."""
    return {
        "newest": lambda _: Wanted(),
        "control id": lambda one: Wanted(text=one.control_id),
        "MRN": lambda one: Wanted(text=one.mrn),
        "mrn: type:": lambda one: Wanted(text=f"mrn:{one.mrn} type:{one.message_type}"),
        "visit": lambda one: Wanted(text=one.visit),
        "order number": lambda one: Wanted(text=one.order),
        "FHIR id": lambda one: Wanted(text=f"Patient/{one.resource_ids[0]}"),
        "FHIR id of a patient": lambda one: Wanted(text=f"Patient/{one.resource_ids[-4]}"),
        "request id": lambda one: Wanted(text=f"request:{one.request_id}"),
        "nothing like it": lambda one: Wanted(text=f"unknown-{one.number}"),
        "whole message": lambda one: Wanted(text=one.raw.decode().replace("\r", "\n")),
        "status:ERROR": lambda _: Wanted(text="status:ERROR"),
        "errors of a channel": lambda one: Wanted(text=f"status:ERROR channel:{one.channel}"),
        "code:": lambda one: Wanted(text=f"code:{one.failed or 'T512'}"),
        "channel and type": lambda one: Wanted(
            text=f"channel:{one.channel} type:{one.message_type}"
        ),
        "page in the middle": lambda one: Wanted(before=one.number or 1),
        "status:DUPLICATE": lambda _: Wanted(text="status:DUPLICATE"),
        "last day": lambda _: Wanted(text="since:24h"),
        "PID-8:X of a patient": lambda one: Wanted(text=f"PID-8:X mrn:{one.mrn}"),
        "PID-8:X, unbounded": lambda _: Wanted(text="PID-8:X"),
        "facet errors": lambda _: Wanted(filters=Search(states=(State.ERROR,))),
    }


def measure(desk: Desk, total: int, rounds: int) -> None:
    """Ask and print."""
    viewer = everything("benchmark", "benchmark")
    chance = random.Random(7)
    print(f"{total:,} messages stored; milliseconds, of our own CPU in the last column")
    print(f"{'query':<24}{'found':>8}{'p50':>8}{'p95':>8}{'cpu':>8}")
    everywhere: list[tuple[float, float]] = []
    for name, query in queries().items():
        times: list[tuple[float, float]] = []
        counted = 0
        for _ in range(rounds):
            wanted = query(facts(chance.randrange(total), total))
            found, spent = timed(lambda wanted=wanted: find(desk, viewer, wanted))  # type: ignore[misc]
            counted = max(counted, found.counted)
            times.append(spent)
        everywhere += times
        show(name, times, counted)
    numbers = [chance.randrange(1, total) for _ in range(rounds)]
    times = [timed(lambda one=one: thread(desk, viewer, one, "patient"))[1] for one in numbers]  # type: ignore[misc]
    show("thread of a patient", times, 0)
    show("all of them", everywhere, 0)


def timed(work: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    """What comes of it, and its milliseconds: of the clock, of our CPU."""
    began, cpu = time.perf_counter(), time.process_time()
    found = work()
    spent = (time.perf_counter() - began, time.process_time() - cpu)
    return found, (spent[0] * 1000, spent[1] * 1000)


def show(name: str, times: Sequence[tuple[float, float]], counted: int) -> None:
    """One line."""
    clock = [one for one, _ in times]
    cpu = statistics.median(one for _, one in times)
    p95 = statistics.quantiles(clock, n=20)[-1]
    print(f"{name:<24}{counted or '':>8}{statistics.median(clock):>8.1f}{p95:>8.1f}{cpu:>8.1f}")


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--store", default="")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    mark_cost()
    with tempfile.TemporaryDirectory(prefix="search-bench-", dir=".") as folder:
        url = given.store or f"sqlite:///{Path(folder).resolve()}/store"
        state = open_state(url)
        empty = not state.search(Search(limit=1))
        state.close()
        began = time.perf_counter()
        if empty:
            for count in Filler(url, given.messages).fill():
                print(f"\r{count:,} stored", end="", flush=True)
            print(f"\rfilled in {time.perf_counter() - began:,.0f} s")
        newest = START + given.messages * SECONDS_BETWEEN
        desk = Desk(url, clock=lambda: newest)
        measure(desk, given.messages, given.rounds)
        desk.close()


if __name__ == "__main__":
    main()
