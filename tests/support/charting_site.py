"""Workers with a Millennium destination on a store, fed with calls that are composed already."""

import asyncio
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from charting import body as body_of
from charting import (
    destination_config,
    find_encounter,
    find_patient,
    record_observation,
    register_encounter,
    register_patient,
    secret,
)

from engine.channel.model import ChannelConfig, MllpListenerConfig, RetryPolicy
from engine.destinations.opening import open_destination
from engine.millennium.calls.body import CONTENT_TYPE
from engine.pipeline.result import Output, ProcessResult
from engine.pipeline.states import State
from engine.runtime.worker.plans import ChannelWork, Plans
from engine.runtime.worker.store_ledger import StoreLedger
from engine.runtime.worker.store_turn import StoreThread
from engine.runtime.worker.worker import Worker, WorkerSettings
from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.server import MillenniumSimulator
from engine.store.interface import MessageDetail, Receipt, Search, StateStore
from engine.store.open_store import open_log, open_state
from engine.telemetry.recorder import MemoryRecorder

CHANNEL = "adt"
HURRIED = RetryPolicy(
    initial_seconds=0.005, maximum_seconds=0.05, factor=1.5, breaker_failures=1_000_000
)
WAIT_SECONDS = 120


@dataclass
class ChartingSite:
    """A store, a simulator and workers."""

    url: str
    simulator: MillenniumSimulator
    options: dict[str, Any] = field(default_factory=dict)
    bodies: dict[bytes, bytes] = field(default_factory=dict)
    workers: list[tuple[Worker, "asyncio.Task[None]", StoreThread]] = field(default_factory=list)
    recorder: MemoryRecorder = field(default_factory=MemoryRecorder)

    def __post_init__(self) -> None:
        self.log = open_log(self.url)
        self.config = destination_config(self.simulator, **{"retry": HURRIED, **self.options})

    @property
    def state(self) -> StateStore:
        if not hasattr(self, "_state"):
            self._state = open_state(self.url)
        return self._state

    def receive(self, *messages: tuple[str, tuple[dict[str, Any], ...]]) -> list[int]:
        """Messages as (lane, calls); their ids."""
        receipts = []
        for lane, calls in messages:
            raw = b"message %d" % len(self.bodies)
            self.bodies[raw] = body_of(*calls)
            receipts.append(
                Receipt(
                    channel=CHANNEL,
                    received_at=1000.0,
                    source="test",
                    raw=raw,
                    sha256=hashlib.sha256(raw).digest(),
                    control_id=raw.decode(),
                    message_type="ADT^A01",
                    lanes=(lane,),
                )
            )
        return self.log.append(receipts)

    def _process(self, raw: bytes, _received_at: float) -> ProcessResult:
        output = Output(destination="chart", content_type=CONTENT_TYPE, body=self.bodies[raw])
        return ProcessResult(state=State.TRANSFORMED, outputs=(output,))

    def start(self, owner: str = "w0", share: float = 1.0) -> Worker:
        """A worker of its own store connection, as a process would have."""
        store = StoreThread(lambda: open_state(self.url))
        settings = WorkerSettings(
            owner=owner, share=share, poll_seconds=0.002, look_around_seconds=0.01
        )
        opening = partial(open_destination, ledger=StoreLedger(store))
        worker = Worker(store, settings, secret, self.recorder, opening=opening)
        config = ChannelConfig(
            name=CHANNEL,
            file="adt.yaml",
            listener=MllpListenerConfig(port=1),
            destinations=(self.config,),
        )
        work = ChannelWork(config=config, process=self._process)
        worker.use(Plans(channels={CHANNEL: work}))
        self.workers.append((worker, asyncio.create_task(worker.run()), store))
        return worker

    async def stop(self) -> None:
        """End the workers as they should end."""
        while self.workers:
            worker, task, store = self.workers.pop()
            worker.stop()
            await task
            store.close()

    async def die(self) -> None:
        """As kill -9: nothing is finished, marked or given back."""
        while self.workers:
            worker, task, store = self.workers.pop()
            for other in asyncio.all_tasks() - {asyncio.current_task()}:
                other.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await worker._outlets.close()  # as the system closes a dead process's sockets
            store.close()

    async def close(self) -> None:
        await self.stop()
        self.log.close()
        if hasattr(self, "_state"):
            self._state.close()

    def detail(self, message_id: int) -> MessageDetail:
        found = self.state.message(message_id)
        assert found is not None
        return found

    def delivery_state(self, message_id: int) -> State | None:
        """Of the latest delivery; None before there is one."""
        runs = self.detail(message_id).runs
        if not runs or not runs[-1].deliveries:
            return None
        return runs[-1].deliveries[-1].state

    def codes(self, message_id: int) -> list[str]:
        """Failure codes of its attempts."""
        deliveries = self.detail(message_id).runs[-1].deliveries
        return [one.failure_code for one in deliveries[-1].attempts]

    def unfinished(self) -> int:
        """Messages that are not SENT."""
        stats = [one for one in self.state.stats() if one.channel == CHANNEL]
        return len(self.bodies) - (stats[0].sent if stats else 0)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition():  # noqa: ASYNC110  the store is polled, it has no events
                await asyncio.sleep(0.02)

    async def until_sent(self) -> None:
        """Every message is SENT; tells what is left when it is not."""
        try:
            await self.until(lambda: not self.unfinished())
        except TimeoutError:
            rows = self.state.search(Search(limit=1000))
            left = [
                (row.message_id, row.deliveries, row.codes)
                for row in rows
                if row.state is not State.SENT
            ]
            raise AssertionError(f"not sent: {left[:20]}") from None


# -- a feed that can be counted --


@dataclass(frozen=True)
class Feed:
    """Messages, and what must be at the service once all are delivered."""

    messages: tuple[tuple[str, tuple[dict[str, Any], ...]], ...]
    mrns: tuple[str, ...]
    results: int
    """Of each patient."""


def feed(seed: int, *, patients: int = 12, results: int = 4) -> Feed:
    """Admissions, demographics and results of some patients, shuffled, each patient's in order."""
    dice = random.Random(seed)
    queues = {
        f"{seed}{number:04}": _of_patient(f"{seed}{number:04}", results)
        for number in range(patients)
    }
    messages = []
    while queues:
        mrn = dice.choice(sorted(queues))
        messages.append((mrn, queues[mrn].pop(0)))
        if not queues[mrn]:
            del queues[mrn]
    mrns = tuple(f"{seed}{number:04}" for number in range(patients))
    return Feed(messages=tuple(messages), mrns=mrns, results=results)


def _of_patient(mrn: str, results: int) -> list[tuple[dict[str, Any], ...]]:
    fin = f"F{mrn}"
    found: list[tuple[dict[str, Any], ...]] = [
        (register_patient(mrn, event_at=_minute(0)), register_encounter(fin, mrn))
    ]
    for number in range(results):
        quantity = {
            "value": number + 1,
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        }
        result = record_observation(
            f"{mrn}-{number}", mrn, fin, resource={"valueQuantity": quantity}
        )
        found.append((find_patient(mrn), find_encounter(fin, mrn), result))
        home = [{"system": "phone", "use": "home", "value": f"555-{number:04}"}]
        moved = register_patient(mrn, resource={"telecom": home}, event_at=_minute(number + 1))
        found.append((moved,))
    return found


def _minute(number: int) -> str:
    return f"2026-01-05T14:{number:02}:00Z"


def storm(seed: int) -> list[FaultRule]:
    """A fifth of creates commits and drops the connection; a fifth of calls gets 429 or 503.

    Discovery is spared: after a 503 of it nobody asks for a token within the minute.
    """
    drops = [
        FaultRule(
            fault=Kind.DROP_AFTER_COMMIT, method="POST", path=f"*/{kind}", share=0.2, seed=seed + at
        )
        for at, kind in enumerate(("Patient", "Encounter", "Observation"))
    ]
    busy = [
        FaultRule(
            fault=Kind.STATUS, status=status, path="/r4/*/[A-Z]*", share=0.1, seed=seed + status
        )
        for status in (429, 503)
    ]
    return [*busy, *drops]


@dataclass(frozen=True)
class Count:
    """What came of a feed."""

    missing: int
    doubled: int
    out_of_order: int
    """Patients whose results or demographics were not written in the order of their messages."""


def count(simulator: MillenniumSimulator, wanted: Feed) -> Count:
    """Compare the service with what must be there."""
    (tenant,) = simulator.tenants.values()
    missing = doubled = out_of_order = 0
    people = _by_number(tenant.chart.all("Patient"))
    visits = _by_number(tenant.chart.all("Encounter"))
    for mrn in wanted.mrns:
        for found in (people.get(mrn, []), visits.get(f"F{mrn}", [])):
            missing += not found
            doubled += max(0, len(found) - 1)
        if not people.get(mrn):
            continue
        subject = f"Patient/{people[mrn][0].identity}"
        values = [
            record.resource["valueQuantity"]["value"]
            for record in tenant.chart.all("Observation")
            if record.resource["subject"]["reference"] == subject
        ]
        told = list(range(1, wanted.results + 1))
        missing += len(set(told) - set(values))
        doubled += len(values) - len(set(values))
        phone = people[mrn][0].resource["telecom"][-1]["value"]
        out_of_order += values != told or phone != f"555-{wanted.results - 1:04}"
    return Count(missing=missing, doubled=doubled, out_of_order=out_of_order)


def _by_number(records: Any) -> dict[str, Sequence[Any]]:
    found: dict[str, Any] = {}
    for record in records:
        for identifier in record.resource["identifier"]:
            if "value" in identifier:
                found.setdefault(identifier["value"], []).append(record)
    return found
