"""How long a dry run of a replay takes: every message processed again and compared.

    python -m benchmarks.dry_run [--messages 10000]

A store is filled with the demo's feed, each message processed by its channel and delivered; then
the maps change (the gender of a patient is left out) and the dry run says what a replay would do.
One process, one core.
"""

import argparse
import hashlib
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from engine.hl7v2.header import peek
from engine.pipeline.states import State
from engine.runtime.configuration import check_project, read_project
from engine.runtime.desk.message_log import open_message_log
from engine.runtime.desk.replay_preview import preview
from engine.runtime.desk.workbench import Workbench
from engine.simulator.hospital import Hospital
from engine.store.interface import NewDelivery, Outcome, Processed, Receipt, StateBatch, StateStore
from engine.store.open_store import open_log, open_state

HOME = Path(__file__).resolve().parents[1]
TURN = 100


def bench_of(home: Path) -> Workbench:
    """The project's channels."""
    loaded, problems = check_project(read_project(home))
    if loaded is None:
        raise SystemExit("\n".join(map(str, problems)))
    return Workbench(loaded)


def changed_bench() -> Workbench:
    """The same with a map changed."""
    files = read_project(HOME)
    name = "transforms/hl7v2/segments/PID_Patient.yaml"
    lines = files.transforms[name].splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("  gender:"))
    changed = {**files.transforms, name: text}
    loaded, problems = check_project(
        type(files)(**{**{f: getattr(files, f) for f in files.__slots__}, "transforms": changed}),
        check_maps=False,
    )
    if loaded is None:
        raise SystemExit("\n".join(map(str, problems)))
    return Workbench(loaded)


def fill(url: str, bench: Workbench, count: int) -> list[int]:
    """Store messages of the demo's feed, processed and delivered."""
    log, state = open_log(url), open_state(url)
    feed = Hospital(seed=1, start=datetime(2026, 1, 5, tzinfo=UTC)).messages()
    ids: list[int] = []
    raws: dict[int, tuple[bytes, str]] = {}
    while len(ids) < count:
        sent = [next(feed) for _ in range(TURN)]
        taken = [
            (one.payload, bench.choose(one.payload).name) for one in sent if one.mistake is None
        ]
        taken = taken[: count - len(ids)]
        made = log.append([receipt(raw, channel) for raw, channel in taken])
        raws.update(zip(made, taken, strict=True))
        ids += made
        work(state, bench, raws)
    log.close()
    state.close()
    return ids


def receipt(raw: bytes, channel: str) -> Receipt:
    """As intake stores it."""
    header = peek(raw)
    return Receipt(
        channel=channel,
        received_at=time.time(),
        source="bench",
        raw=raw,
        sha256=hashlib.sha256(raw).digest(),
        control_id=header.control_id or "",
        message_type=f"{header.message_code}^{header.trigger_event}",
    )


def work(state: StateStore, bench: Workbench, raws: dict[int, tuple[bytes, str]]) -> None:
    """Process and deliver what is new."""
    lease = state.acquire("bench", 3600.0, 1.0)
    state.follow(10_000)
    runs = state.new_runs(lease, 10_000)
    processed = []
    for run in runs:
        raw, channel = raws.pop(run.message_id)
        result = bench.convert(raw, channel, received_at=run.received_at).result
        processed.append(
            Processed(
                run_id=run.run_id,
                state=result.state,
                deliveries=tuple(
                    NewDelivery(
                        destination=one.destination, content_type=one.content_type, body=one.body
                    )
                    for one in result.outputs
                ),
                search_keys=result.search_keys,
                event_at=result.event_at,
            )
        )
    now = time.time()
    created = state.commit(StateBatch(lease=lease, processed=processed, now=now))
    delivery_ids = [one for found in created.values() for one in found]
    state.commit(StateBatch(lease=lease, started=delivery_ids, now=now))
    outcomes = [
        Outcome(delivery_id=one, number=1, started_at=now, finished_at=now, state=State.SENT)
        for one in delivery_ids
    ]
    state.commit(StateBatch(lease=lease, outcomes=outcomes, now=now))


def main() -> None:
    """Fill, preview with the same and with changed maps, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=10_000)
    count = parser.parse_args().messages
    with tempfile.TemporaryDirectory(prefix="dry-run-bench-") as folder:
        url = f"sqlite:///{folder}"
        same = bench_of(HOME)
        ids = fill(url, same, count)
        for name, bench in (("the same maps", same), ("a changed map", changed_bench())):
            with open_message_log(url) as log:
                wall, cpu = time.perf_counter(), time.process_time()
                found = preview(log, lambda _revision, bench=bench: bench, ids)
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(f"{len(ids):,} messages, {name}: {wall:.1f} s, {cpu:.1f} s of CPU")
            for line in found.lines():
                print(f"  {line[:150]}")


if __name__ == "__main__":
    main()
