"""A store with messages that were really processed, by the workbench instead of a worker."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from engine.pipeline.answer_ids import answer_ids
from engine.pipeline.lane_keys import lane_keys, plan_lanes
from engine.pipeline.states import FailureClass, State
from engine.runtime.configuration import ProjectFiles, check_project, read_project
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.workbench import Workbench
from engine.runtime.intake.document_header import header_of
from engine.store.interface import NewDelivery, Outcome, Processed, Receipt, Run, StateBatch
from engine.store.open_store import open_log, open_state

ROOT = Path(__file__).parents[2]
START = 1_790_000_000.0


@cache
def shipped_bench() -> Workbench:
    """The workbench of the project in the repository."""
    loaded, problems = check_project(read_project(ROOT), check_maps=False)
    assert loaded is not None, problems
    return Workbench(loaded)


class OneConfiguration:
    """Stands for `Snapshots`: the project in the repository, kept under its own revision."""

    def current(self) -> ProjectFiles:
        return shipped_bench().loaded.files

    def read(self, revision: str) -> ProjectFiles:
        if revision != shipped_bench().loaded.revision:
            raise FileNotFoundError(revision)
        return self.current()

    for_dry_run = read


@cache
def shipped_benches() -> SharedBenches:
    """Workbenches on the project in the repository, its maps compiled once."""
    return SharedBenches(OneConfiguration())  # type: ignore[arg-type]


class StoredMessages:
    """Puts messages into a store, step by step.

    Args:
        url: of the store.
        bench: what processes them.
    """

    def __init__(self, url: str, bench: Workbench | None = None) -> None:
        self.bench = bench or shipped_bench()
        self.log = open_log(url)
        self.state = open_state(url)
        self.lease = self.state.acquire("tests", 3600.0, 1.0)
        self.now = START
        self.runs: dict[int, Run] = {}
        """By message."""
        self.deliveries: dict[int, list[int]] = {}
        """By message, in the order of the destinations."""

    def receive(self, raw: bytes | str, channel: str = "", **given: Any) -> int:
        """Store a message as intake does; returns its id."""
        data = raw.encode() if isinstance(raw, str) else raw
        header = header_of(data)
        self.now += 10.0
        values: dict[str, Any] = {
            "channel": channel or self.bench.choose(data).name,
            "received_at": self.now,
            "source": "mllp 10.1.4.7:51022",
            "sha256": hashlib.sha256(data).digest(),
            "control_id": header.control_id,
            "sender": f"{header.field(3)}|{header.field(4)}",
            "message_type": header.message_type,
            "version": header.version,
            "lanes": lane_keys(data, header, plan_lanes(())),
            "acknowledgment": b"MSH|^~\\&|\rMSA|AA|1\r",
            "acknowledgment_code": "AA",
            "revision": self.bench.loaded.revision,
        }
        (message_id,) = self.log.append([Receipt(raw=data, **(values | given))])
        return message_id

    def process(self, resource_ids: bool = True) -> None:
        """Process everything that waits, as a worker does."""
        while self.state.follow(1000):
            pass
        for run in self.state.new_runs(self.lease, 1000):
            raw = self.state.raw([run.message_id])[run.message_id]
            made = self.bench.convert(raw, run.channel).result
            slim = made.without_values()
            done = Processed(
                run_id=run.run_id,
                state=made.state,
                deliveries=tuple(
                    NewDelivery(
                        destination=one.destination, content_type=one.content_type, body=one.body
                    )
                    for one in made.outputs
                ),
                diagnostics=made.diagnostic_values(),
                search_keys=made.search_keys,
                resource_ids=slim.resource_ids if resource_ids else (),
                event_at=made.event_at,
            )
            found = self.commit(processed=(done,))
            self.runs[run.message_id] = run
            self.deliveries[run.message_id] = found.get(run.run_id, [])

    def answer(
        self,
        message_id: int,
        response: bytes = b"200\nX-Request-Id: req-1\n\n{}",
        state: State = State.SENT,
        *,
        position: int = 0,
        number: int = 1,
        **given: Any,
    ) -> None:
        """One attempt of a delivery of a message, with its answer."""
        delivery_id = self.deliveries[message_id][position]
        self.commit(started=(delivery_id,))
        self.now += 1.0
        failed = state is not State.SENT
        values: dict[str, Any] = {
            "started_at": self.now - 0.5,
            "finished_at": self.now,
            "status": response[:3].decode(),
            "failure_class": FailureClass.PERMANENT if failed else None,
            "failure_code": f"http-{response[:3].decode()}" if failed else "",
            "request": b"POST http://127.0.0.1:8090/fhir\nContent-Type: application/fhir+json",
            "response": response,
            "answer_ids": answer_ids(response, located=True),
        }
        outcome = Outcome(delivery_id=delivery_id, number=number, state=state, **(values | given))
        self.commit(outcomes=(outcome,))

    def take(self, raws: Sequence[bytes | str]) -> list[int]:
        """Receive, process and deliver messages."""
        ids = [self.receive(raw) for raw in raws]
        self.process()
        for message_id in ids:
            for position in range(len(self.deliveries.get(message_id, []))):
                self.answer(message_id, position=position)
        return ids

    def commit(self, **parts: Any) -> dict[int, list[int]]:
        return self.state.commit(StateBatch(lease=self.lease, now=self.now, **parts))

    def close(self) -> None:
        self.log.close()
        self.state.close()
