"""How long a dry run of a replay takes: every message processed again and compared.

    python -m benchmarks.dry_run [--messages 10000] [--processes 2] [--keep FOLDER]

A store is filled with the demo's feed, each message processed by its channel and delivered; then
the maps change (the gender of a patient is left out) and the dry run says what a replay would do,
as the console makes it: the preview of a drafted job, by as many processes as it would take. The
CPU is that of all of them. A folder that is named keeps the store for the next time.
"""

import argparse
import hashlib
import json
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from engine.hl7v2.header import peek
from engine.pipeline.states import State
from engine.runtime.configuration import ProjectFiles, check_project, read_project
from engine.runtime.desk.message_log import open_message_log
from engine.runtime.desk.preview_crew import crew_size
from engine.runtime.desk.preview_process import keep_preview
from engine.runtime.desk.workbench import Workbench
from engine.runtime.snapshots import Snapshots
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


def changed(files: ProjectFiles) -> ProjectFiles:
    """The same with a map changed."""
    name = "transforms/hl7v2/segments/PID_Patient.yaml"
    lines = files.transforms[name].splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("  gender:"))
    fields = {field: getattr(files, field) for field in files.__slots__}
    return ProjectFiles(**{**fields, "transforms": {**files.transforms, name: text}})


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


def cpu_seconds() -> float:
    """Of this process and of those it waited for."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, kinds))


def run(folder: Path, count: int, processes: int | None) -> None:
    """Fill unless it is filled, preview with the same and with changed maps, print."""
    url = f"sqlite:///{folder / 'store'}"
    known = folder / "messages.json"
    if not known.exists():
        known.write_text(json.dumps(fill(url, bench_of(HOME), count)))
    ids = json.loads(known.read_text())[:count]
    files = read_project(HOME)
    for name, tried in (("the same maps", files), ("a changed map", changed(files))):
        snapshots = Snapshots(folder / "configuration")
        snapshots.write(tried)
        with open_message_log(url) as log:
            job_id = log.draft_replay(ids, by="bench", now=time.time())
        wall, cpu = time.perf_counter(), cpu_seconds()
        found = keep_preview(url, snapshots, job_id, processes=processes)
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        size = crew_size(len(ids)) if processes is None else processes
        print(f"{len(ids):,} messages, {name}, {size} processes: {wall:.1f} s, {cpu:.1f} s of CPU")
        for line in found.lines() if found is not None else ():
            print(f"  {line[:150]}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--processes", type=int, help="as many as the console would take")
    parser.add_argument("--keep", type=Path, help="fill the store here once, and keep it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dry-run-bench-") as folder:
        kept = given.keep or Path(folder)
        (kept / "store").mkdir(parents=True, exist_ok=True)
        run(kept.resolve(), given.messages, given.processes)


if __name__ == "__main__":
    main()
