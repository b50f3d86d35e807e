"""People who search all the time, until standard input ends; then how it went, as JSON.

python -m benchmarks.console.people --port 8001 --pause 1 --messages 1000000 < cookies
"""

import argparse
import json
import random
import select
import sys
import threading
import time

from benchmarks.console.measuring import percentile
from benchmarks.console.questions import Feed, shuffled
from benchmarks.console.site import Person


def search_on(
    person: Person, feed: Feed, pause: float, over: threading.Event, took: list[float]
) -> None:
    """One of them."""
    dice = random.Random()
    while not over.wait(pause * dice.uniform(0.5, 1.5)):
        text = shuffled(feed, dice)
        began = time.perf_counter()
        person.ask(text)
        took.append(time.perf_counter() - began)


def main() -> None:
    """Let them search."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pause", type=float, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--channels", type=int, required=True)
    parser.add_argument("--end", type=float, required=True)
    given = parser.parse_args()
    feed = Feed(count=given.messages, end=given.end, channels=given.channels)
    cookies = sys.stdin.readline().split()
    over = threading.Event()
    took: list[float] = []
    threads = [
        threading.Thread(
            target=search_on, args=(Person(given.port, one), feed, given.pause, over, took)
        )
        for one in cookies
    ]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    select.select([sys.stdin], [], [])
    over.set()
    seconds = time.perf_counter() - began
    for thread in threads:
        thread.join()
    print(
        json.dumps(
            {
                "rate": len(took) / seconds,
                "p50_ms": percentile(took, 0.5) * 1e3,
                "p95_ms": percentile(took, 0.95) * 1e3,
            }
        )
    )


if __name__ == "__main__":
    main()
