"""Versions of a document through a worker on both stores: the newest one's statements stay."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest_asyncio
from versioned import channel_config, channel_plan, document, message

from engine.cda.header import read_header
from engine.cda.reader import is_document
from engine.destinations.interface import AttemptResult, Outgoing, Presence, Settlement
from engine.hl7v2.header import peek
from engine.pipeline.document_keys import document_lanes
from engine.pipeline.lane_keys import plan_lanes
from engine.pipeline.process import process
from engine.pipeline.response import Classification
from engine.pipeline.states import FailureClass, State
from engine.runtime.intake.document_header import as_header
from engine.runtime.worker.plans import ChannelWork, Plans
from engine.runtime.worker.store_turn import StoreThread
from engine.runtime.worker.worker import Worker, WorkerSettings
from engine.store.interface import Receipt, RunDetail
from engine.telemetry.recorder import MemoryRecorder

REFUSED = Classification(FailureClass.PERMANENT, "http-422")
TAKEN = Classification(None, "http-200")


@dataclass
class Ehr:
    """Keeps what it is sent, as a server would; refuses as told."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuses: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.opened.set()

    async def send(self, outgoing: Outgoing) -> AttemptResult:
        await self.opened.wait()
        if self.refuses:
            self.refuses -= 1
            return AttemptResult(classification=REFUSED, status="422")
        for entry in orjson.loads(outgoing.body)["entry"]:
            self.kept[entry["request"]["url"]] = entry["resource"]
        return AttemptResult(classification=TAKEN, status="200")

    def settlement(self, _outgoing: Outgoing) -> Settlement:
        return Settlement.REPEAT

    async def probe(self, _outgoing: Outgoing) -> Presence:
        return Presence.UNKNOWABLE

    async def close(self) -> None:
        pass

    @property
    def problem(self) -> str:
        """The version whose statement the server shows; empty without one."""
        found = [one for one in self.kept.values() if one["resourceType"] == "Condition"]
        return found[0]["code"]["coding"][0]["code"][-1] if found else ""

    @property
    def references(self) -> dict[str, str]:
        """Document to the status of its DocumentReference."""
        found = [one for one in self.kept.values() if one["resourceType"] == "DocumentReference"]
        return {
            one["masterIdentifier"]["value"]: one["status"]
            for one in found
            if one.get("masterIdentifier", {}).get("value", "").startswith("D")
        }


class Feed:
    """A store, a server, and workers that process documents by the shipped maps."""

    def __init__(self, store: Any, job: Callable[..., Any]) -> None:
        self.store = store
        self.log = store.open_log()
        self.state = store.open_state()
        self.ehr = Ehr()
        self.job = job
        self.workers: list[tuple[Worker, asyncio.Task[None], StoreThread]] = []

    def receive(self, *raws: bytes) -> list[int]:
        return self.log.append([_receipt(raw) for raw in raws])

    def start(self, *, shares: Sequence[float] = (1.0,)) -> None:
        prepared = channel_plan(embedded_documents="convert")

        def processed(raw: bytes, received_at: float, newer: Any = None) -> Any:
            return process(raw, prepared, received_at=received_at, newer=newer)

        plans = Plans(
            channels={"documents": ChannelWork(config=channel_config(), process=processed)}
        )
        for number, share in enumerate(shares):
            thread = StoreThread(self.store.open_state)
            settings = WorkerSettings(
                owner=f"w{number}", share=share, poll_seconds=0.005, look_around_seconds=0.02
            )
            worker = Worker(
                thread, settings, lambda _: "", MemoryRecorder(), opening=lambda *_: self.ehr
            )
            worker.use(plans)
            self.workers.append((worker, asyncio.create_task(worker.run()), thread))

    async def stop(self) -> None:
        while self.workers:
            worker, task, thread = self.workers.pop()
            self.ehr.opened.set()
            worker.stop()
            await task
            thread.close()

    async def die(self) -> None:
        """As kill -9: nothing is finished, marked or given back."""
        while self.workers:
            _, _, thread = self.workers.pop()
            for other in asyncio.all_tasks() - {asyncio.current_task()}:
                other.cancel()
            await asyncio.sleep(0)
            thread.close()

    def replay(self, *message_ids: int, force: bool = False) -> None:
        self.state.create_job(self.job(*message_ids, overwrite_newer=force, state="waiting"))

    def last_run(self, message_id: int) -> RunDetail:
        return self.state.message(message_id).runs[-1]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110  the store is polled, it has no events
                await asyncio.sleep(0.005)

    async def until_done(self, *message_ids: int, runs: int = 1) -> None:
        def done() -> bool:
            found = [self.state.message(one) for one in message_ids]
            return all(
                len(one.runs) >= runs
                and one.runs[-1].state in (State.SENT, State.ERROR, State.CANCELLED)
                for one in found
            )

        await self.until(done)

    def told(self, message_id: int) -> list[str]:
        return [one["code"] for one in self.last_run(message_id).diagnostics]


def _receipt(raw: bytes) -> Receipt:
    facts = read_header(raw) if is_document(raw) else None
    header = as_header(facts, raw) if facts is not None else peek(raw)
    lanes = document_lanes(facts, header, plan_lanes(())) if facts is not None else None
    return Receipt(
        channel="documents",
        received_at=1000.0,
        source="test",
        raw=raw,
        sha256=hashlib.sha256(raw).digest(),
        control_id=header.control_id,
        message_type=header.message_type,
        lanes=lanes if lanes is not None else ("patient N100",),
    )


@pytest_asyncio.fixture
async def feed(store: Any, job: Callable[..., Any]) -> AsyncIterator[Feed]:
    found = Feed(store, job)
    yield found
    await found.stop()


async def test_the_older_version_that_comes_late_is_kept_and_writes_nothing_over(
    feed: Feed,
) -> None:
    newer, late = feed.receive(document(2, replaces=1), document(1))
    feed.start()
    await feed.until_done(newer, late)
    assert feed.ehr.problem == "2"
    assert feed.ehr.references == {"D1": "superseded", "D2": "current"}
    assert feed.ehr.kept[_url(feed, "D1")]["content"][0]["attachment"]["data"]
    assert (feed.last_run(late).state, feed.told(late)) == (State.SENT, ["S734"])
    assert str(newer) in feed.last_run(late).diagnostics[0]["message"]


async def test_in_any_order_the_newest_is_what_the_server_shows(feed: Feed) -> None:
    versions = [document(number) for number in range(1, 6)]
    random.Random(7).shuffle(versions)
    ids = feed.receive(*versions)
    feed.start()
    await feed.until_done(*ids)
    assert feed.ehr.problem == "5"
    assert feed.ehr.references["D5"] == "current"


async def test_without_a_set_the_document_that_names_another_is_newer(feed: Feed) -> None:
    ids = feed.receive(document(2, set_id="", replaces=1), document(1, set_id=""))
    feed.start()
    await feed.until_done(*ids)
    assert feed.ehr.problem == "2"
    assert feed.told(ids[1]) == ["S734"]


async def test_without_set_and_name_the_last_that_came_counts(feed: Feed) -> None:
    ids = feed.receive(document(2, set_id=""), document(1, set_id=""))
    feed.start()
    await feed.until_done(*ids)
    assert feed.ehr.problem == "1"


async def test_two_workers_keep_the_newest(feed: Feed) -> None:
    raws = [
        document(number, patient=f"N{who}", set_id=f"S{who}")
        for who in range(6)
        for number in (3, 1, 2)
    ]
    ids = feed.receive(*raws)
    feed.start(shares=(0.5, 0.5))
    await feed.until_done(*ids)
    late = [one for one in ids if feed.told(one) == ["S734"]]
    assert late == [one for index, one in enumerate(ids) if index % 3]
    await feed.stop()


async def test_a_late_version_inside_a_message_leaves_the_message(feed: Feed) -> None:
    newer, late = feed.receive(document(2), message(document(1)))
    feed.start()
    await feed.until_done(newer, late)
    assert feed.ehr.problem == "2"
    assert "S734" in feed.told(late)
    assert len([one for one in feed.ehr.kept.values() if one["resourceType"] == "Patient"]) == 1


async def test_a_replay_leaves_the_newest_whichever_is_replayed(feed: Feed) -> None:
    ids = feed.receive(document(1), document(2, replaces=1))
    feed.start()
    await feed.until_done(*ids)
    assert feed.ehr.problem == "2"
    feed.replay(ids[0])
    await feed.until_done(ids[0], runs=2)
    assert (feed.last_run(ids[0]).state, feed.told(ids[0])) == (State.SENT, ["S734"])
    assert feed.ehr.problem == "2"
    feed.ehr.kept.clear()
    feed.replay(*ids)
    await feed.until_done(ids[0], runs=3)
    await feed.until_done(ids[1], runs=2)
    assert feed.last_run(ids[1]).state is State.SENT
    assert feed.ehr.problem == "2"
    assert feed.ehr.references == {"D1": "superseded", "D2": "current"}


async def test_the_newest_is_replayed_though_an_older_one_came_after_it(feed: Feed) -> None:
    ids = feed.receive(document(2), document(1))
    feed.start()
    await feed.until_done(*ids)
    feed.ehr.kept.clear()
    feed.replay(ids[0])
    await feed.until_done(ids[0], runs=2)
    assert feed.last_run(ids[0]).state is State.SENT
    assert feed.ehr.problem == "2"


async def test_a_person_may_send_the_older_version_all_the_same(feed: Feed) -> None:
    ids = feed.receive(document(2), document(1))
    feed.start()
    await feed.until_done(*ids)
    feed.replay(ids[1], force=True)
    await feed.until_done(ids[1], runs=2)
    assert feed.ehr.problem == "1"
    assert feed.told(ids[1]) == []


async def test_a_version_that_failed_is_no_newer_one(feed: Feed) -> None:
    feed.ehr.refuses = 1
    (newer,) = feed.receive(document(2))
    feed.start()
    await feed.until_done(newer)
    assert feed.last_run(newer).state is State.ERROR
    (older,) = feed.receive(document(1))
    await feed.until_done(older)
    assert feed.ehr.problem == "1"
    feed.replay(newer)
    await feed.until_done(newer, runs=2)
    assert feed.ehr.problem == "2"


async def test_a_failed_delivery_that_is_released_is_left_to_the_newer_version(feed: Feed) -> None:
    feed.ehr.refuses = 1
    (older,) = feed.receive(document(1))
    feed.start()
    await feed.until_done(older)
    (newer,) = feed.receive(document(2))
    await feed.until_done(newer)
    (failed,) = feed.last_run(older).deliveries
    assert feed.state.settle([failed.delivery_id], State.QUEUED, "anna") == 1
    await feed.until(lambda: feed.last_run(older).state is State.CANCELLED)
    (given_up,) = feed.last_run(older).deliveries
    assert given_up.attempts[-1].failure_code == "newer-delivered"
    assert f"message {newer}" in given_up.attempts[-1].response.decode()
    assert feed.ehr.problem == "2"
    feed.replay(older, force=True)
    await feed.until_done(older, runs=2)
    assert feed.ehr.problem == "1"


async def test_a_failed_delivery_of_the_newest_version_is_released(feed: Feed) -> None:
    (older,) = feed.receive(document(1))
    feed.start()
    await feed.until_done(older)
    feed.ehr.refuses = 1
    (newer,) = feed.receive(document(2))
    await feed.until_done(newer)
    (failed,) = feed.last_run(newer).deliveries
    feed.state.settle([failed.delivery_id], State.QUEUED, "anna")
    await feed.until(lambda: feed.last_run(newer).state is State.SENT)
    assert feed.ehr.problem == "2"


async def test_a_version_on_its_way_counts_even_if_its_worker_dies(feed: Feed) -> None:
    feed.ehr.opened.clear()
    ids = feed.receive(document(2), document(1))
    feed.start()
    await feed.until(
        lambda: (
            feed.state.message(ids[1]).runs[-1:] != ()
            and feed.last_run(ids[1]).state is State.TRANSFORMED
        )
    )
    await feed.die()
    feed.ehr = Ehr()
    feed.start()
    await feed.until_done(*ids)
    assert feed.ehr.problem == "2"


def test_the_store_knows_what_was_delivered_in_the_same_channel(
    log: Any, worker: Any, receipt: Callable[..., Any], job: Callable[..., Any]
) -> None:
    log.append([receipt(channel=name) for name in ("here", "here", "there", "here")])
    runs = worker.runs()
    ids = [run.message_id for run in runs]
    key = ("series", "1.2^S1 of N100")
    for run in runs[:3]:
        worker.transform(run, search_keys=(key, ("version", "2 of 1.2^S1")))
    known = worker.state.known_versions(runs[3].run_id, (key,))
    assert [one.message_id for one in known] == ids[:2]
    assert ("version", "2 of 1.2^S1") in known[0].keys
    (delivery,) = worker.state.message(ids[0]).runs[0].deliveries
    worker.attempt(delivery.delivery_id, State.ERROR)
    known = worker.state.known_versions(runs[3].run_id, (key,))
    assert [one.message_id for one in known] == [ids[1]]
    assert [one.message_id for one in worker.state.known_versions(runs[1].run_id, (key,))] == []
    assert worker.state.known_versions(999, (key,)) == []


def test_who_may_overwrite_newer_data_is_told_nothing_of_it(
    log: Any, worker: Any, receipt: Callable[..., Any], job: Callable[..., Any]
) -> None:
    ids = log.append([receipt(), receipt()])
    key = ("replaces", "1.1^D1")
    for run in worker.runs():
        worker.send(run, search_keys=(key,))
    for force, known in ((True, None), (False, [ids[1]])):
        worker.state.advance_job(worker.state.create_job(job(ids[0], overwrite_newer=force)), 1)
        (replay,) = worker.runs()
        found = worker.state.known_versions(replay.run_id, (key,))
        assert (found and [one.message_id for one in found]) == known
        worker.send(replay)


def _url(feed: Feed, name: str) -> str:
    return next(
        url
        for url, one in feed.ehr.kept.items()
        if one.get("masterIdentifier", {}).get("value") == name
    )
