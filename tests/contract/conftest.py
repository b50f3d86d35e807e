"""The stores that the contract runs against, and short ways to make what goes into them."""

import hashlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from charting import Charting

from engine.pipeline.states import Origin, State
from engine.runtime.worker.store_turn import StoreThread
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator
from engine.store.interface import (
    LaneLease,
    Log,
    NewDelivery,
    Outcome,
    Processed,
    Receipt,
    ReplayJob,
    Run,
    StateBatch,
    StateStore,
)
from engine.store.open_store import open_log, open_state

BODY = b'{"resourceType":"Bundle","type":"transaction","entry":[]}'


@dataclass
class Store:
    """A store under test: opens logs and states and closes them all at the end."""

    url: str
    opened: list[Any] = field(default_factory=list)

    def open_log(self) -> Log:
        return self._kept(open_log(self.url))

    def open_state(self, readonly: bool = False) -> StateStore:
        return self._kept(open_state(self.url, readonly=readonly))

    def _kept(self, found: Any) -> Any:
        self.opened.append(found)
        return found

    def close(self) -> None:
        for found in reversed(self.opened):
            found.close()

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new store, once per database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'store'}"
    else:
        url = request.getfixturevalue("make_postgresql_store")()
    found = Store(url=url)
    yield found
    found.close()


@pytest.fixture
def log(store: Store) -> Log:
    return store.open_log()


@pytest.fixture
def state(store: Store, log: Log) -> StateStore:
    return store.open_state()


@pytest.fixture
def receipt() -> Callable[..., Receipt]:
    """Makes a receipt; each has its own control id and bytes unless told otherwise."""
    numbers = itertools.count(1)

    def make(**given: Any) -> Receipt:
        number = next(numbers)
        raw = given.pop("raw", b"MSH|^~\\&|LAB|GH|||||ADT^A01|%d|P|2.5\r" % number)
        values: dict[str, Any] = {
            "channel": "adt_in",
            "received_at": time.time(),
            "source": "mllp 127.0.0.1:50000",
            "sha256": hashlib.sha256(raw).digest(),
            "control_id": f"C{number}",
            "sender": "LAB|GH",
            "message_type": "ADT^A01",
            "version": "2.5",
            "lanes": (f"P{number}",),
            "acknowledgment": b"MSH|^~\\&\rMSA|AA|%d\r" % number,
            "acknowledgment_code": "AA",
            "revision": "r1",
        }
        return Receipt(raw=raw, **(values | given))

    return make


class Worker:
    """A worker as the tests play it: one lease, and the steps of a message's life."""

    def __init__(self, state: StateStore, owner: str = "worker-1", share: float = 1.0) -> None:
        self.state = state
        self.owner = owner
        self.share = share
        self.lease: LaneLease = state.acquire(owner, 30.0, share)

    def runs(self, limit: int = 1000) -> list[Run]:
        self.state.follow(1000)
        return self.state.new_runs(self.lease, limit)

    def commit(self, **parts: Any) -> dict[int, list[int]]:
        now = time.time()
        return self.state.commit(StateBatch(lease=self.lease, now=now, **parts))

    def transform(
        self, run: Run, *destinations: str, body: bytes = BODY, **given: Any
    ) -> list[int]:
        """Process a run with one delivery per destination; returns the delivery ids."""
        deliveries = tuple(
            NewDelivery(destination=name, content_type="application/fhir+json", body=body)
            for name in destinations or ("fhir",)
        )
        done = Processed(run_id=run.run_id, state=State.TRANSFORMED, deliveries=deliveries, **given)
        return self.commit(processed=(done,))[run.run_id]

    def fail(self, run: Run, code: str = "T500", state: State = State.ERROR) -> None:
        """End a run in processing."""
        diagnostics = ({"code": code, "severity": "error", "message": "bad"},)
        done = Processed(run_id=run.run_id, state=state, diagnostics=diagnostics)
        self.commit(processed=(done,))

    def attempt(self, delivery_id: int, state: State, number: int = 1, **given: Any) -> None:
        """Start and end one attempt."""
        self.commit(started=(delivery_id,))
        self.end(delivery_id, state, number, **given)

    def end(self, delivery_id: int, state: State, number: int = 1, **given: Any) -> None:
        now = time.time()
        values: dict[str, Any] = {"started_at": now, "finished_at": now}
        outcome = Outcome(delivery_id=delivery_id, number=number, state=state, **(values | given))
        self.commit(outcomes=(outcome,))

    def send(self, run: Run, *destinations: str, **given: Any) -> list[int]:
        """The whole good life of a run."""
        delivery_ids = self.transform(run, *destinations, **given)
        for delivery_id in delivery_ids:
            self.attempt(delivery_id, State.SENT, status="201", response=b"HTTP/1.1 201")
        return delivery_ids


@pytest.fixture
def new_worker() -> Callable[..., Worker]:
    return Worker


@pytest.fixture
def worker(state: StateStore) -> Worker:
    return Worker(state)


@pytest.fixture
def job() -> Callable[..., ReplayJob]:
    """Makes a replay job."""

    def make(*message_ids: int, **given: Any) -> ReplayJob:
        values: dict[str, Any] = {
            "job_id": 0,
            "created_at": time.time(),
            "created_by": "anna",
            "reason": "map fixed",
            "message_ids": message_ids,
            "origin": Origin.REPLAY,
            "destinations": (),
            "rate_per_second": 100.0,
            "stop_after_failures": 0,
            "state": "waiting",
            "started": 0,
            "succeeded": 0,
            "failed": 0,
        }
        return ReplayJob(**(values | given))

    return make


@pytest_asyncio.fixture
async def open_chart(store: Store) -> AsyncIterator[Callable[..., Charting]]:
    """Opens Millennium destinations on one store and one simulated service."""
    opened: list[Charting] = []
    async with MillenniumSimulator(SimulatorOptions()) as simulator:

        def make(**options: Any) -> Charting:
            found = Charting(simulator, StoreThread(lambda: open_state(store.url)), options)
            opened.append(found)
            return found

        yield make
        for one in opened:
            await one.close()
            one.store.close()


@pytest.fixture
def chart(open_chart: Callable[..., Charting]) -> Charting:
    """A Millennium destination."""
    return open_chart()
