"""The worker on a real SQLite store, with destinations and processing of the test's own."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pytest
import pytest_asyncio

from engine.channel.model import (
    ChannelConfig,
    DestinationConfig,
    FhirDestinationConfig,
    MllpListenerConfig,
    RetryPolicy,
)
from engine.destinations.interface import (
    AttemptResult,
    Destination,
    Outgoing,
    Presence,
    SecretSource,
    Settlement,
)
from engine.pipeline.response import Classification
from engine.pipeline.result import FHIR_JSON, Output, ProcessResult
from engine.pipeline.states import FailureClass, Origin, State
from engine.runtime.worker import outlet as outlet_module
from engine.runtime.worker import worker as worker_module
from engine.runtime.worker.plans import ChannelWork, Plans
from engine.runtime.worker.store_turn import StoreThread
from engine.runtime.worker.worker import Worker, WorkerSettings
from engine.store.interface import (
    Control,
    LeaseLost,
    Log,
    MessageDetail,
    Receipt,
    ReplayJob,
    StateBatch,
    StateStore,
    StoreUnavailable,
)
from engine.store.open_store import open_log, open_state
from engine.telemetry.events import DeliveryFailed
from engine.telemetry.recorder import MemoryRecorder

SENT = Classification(None, "http-200")
DOWN = Classification(FailureClass.TRANSIENT, "http-503")
LOST = Classification(FailureClass.AMBIGUOUS, "timeout")
REFUSED = Classification(FailureClass.PERMANENT, "http-422")
AT_ONCE = RetryPolicy(initial_seconds=0.0, jitter=0.0, breaker_failures=1000)


@dataclass
class FakeDestination:
    """Answers as told, and remembers what it was sent."""

    answers: list[Classification] = field(default_factory=list)
    """Taken from the front; SENT when there is none."""
    sent: list[Outgoing] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    way: Settlement = Settlement.REPEAT
    presence: Presence = Presence.UNKNOWABLE
    probes: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    running_max: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def send(self, outgoing: Outgoing) -> AttemptResult:
        self.sent.append(outgoing)
        self.running += 1
        self.running_max = max(self.running, self.running_max)
        await self.gate.wait()
        self.running -= 1
        answer = self.answers.pop(0) if self.answers else SENT
        if answer.accepted:
            self.taken.append(outgoing.body)
        return AttemptResult(classification=answer, status="200" if answer.accepted else "")

    def settlement(self, outgoing: Outgoing) -> Settlement:
        return self.way

    async def probe(self, outgoing: Outgoing) -> Presence:
        self.probes += 1
        return self.presence

    async def close(self) -> None:
        pass


def destination(name: str = "ehr", retry: RetryPolicy = AT_ONCE, **more: int) -> DestinationConfig:
    return FhirDestinationConfig(name=name, url="http://127.0.0.1:1/fhir", retry=retry, **more)  # type: ignore[arg-type]


@dataclass
class Engine:
    """A store, a worker that runs when told, and what stands around it."""

    url: str
    log: Log
    fakes: dict[str, FakeDestination] = field(default_factory=dict)
    configs: tuple[DestinationConfig, ...] = (destination(),)
    result: Callable[[bytes], ProcessResult] | None = None
    workers: list[tuple[Worker, "asyncio.Task[None]", StoreThread]] = field(default_factory=list)
    recorder: MemoryRecorder = field(default_factory=MemoryRecorder)
    wrap: Callable[[StateStore], StateStore] = lambda state: state

    @cached_property
    def reader(self) -> StateStore:
        return open_state(self.url, readonly=True)

    def receive(self, *bodies: str, lanes: tuple[str, ...] = ("patient 1",)) -> list[int]:
        receipts = [
            Receipt(
                channel="adt",
                received_at=1000.0,
                source="test",
                raw=body.encode(),
                sha256=hashlib.sha256(body.encode()).digest(),
                control_id=body,
                message_type="ADT^A01",
                lanes=lanes,
                revision="r0",
            )
            for body in bodies
        ]
        return self.log.append(receipts)

    def process(self, raw: bytes, _received_at: float) -> ProcessResult:
        if self.result is not None:
            return self.result(raw)
        outputs = tuple(
            Output(destination=config.name, content_type=FHIR_JSON, body=raw)
            for config in self.configs
        )
        return ProcessResult(state=State.TRANSFORMED, outputs=outputs)

    def plans(self) -> Plans:
        config = ChannelConfig(
            name="adt",
            file="adt.yaml",
            listener=MllpListenerConfig(port=1),
            destinations=self.configs,
        )
        return Plans(channels={"adt": ChannelWork(config=config, process=self.process)})

    def earlier_plans(self, revision: str) -> Plans:
        """As it was at revision r0: messages were passed on in capitals."""
        if revision != "r0":
            raise FileNotFoundError(revision)
        now = self.plans().channels["adt"]

        def process(raw: bytes, received_at: float) -> ProcessResult:
            return now.process(raw.upper(), received_at)

        return Plans(revision="r0", channels={"adt": replace(now, process=process)})

    def opening(self, config: DestinationConfig, _secrets: SecretSource) -> Destination:
        return self.fakes.setdefault(config.name, FakeDestination())

    def start(self, owner: str = "w0", **settings: float) -> Worker:
        store = StoreThread(lambda: self.wrap(open_state(self.url)))
        options = {"poll_seconds": 0.005, "look_around_seconds": 0.02, **settings}
        worker = Worker(
            store,
            WorkerSettings(owner=owner, **options),  # type: ignore[arg-type]
            lambda _reference: "",
            self.recorder,
            opening=self.opening,
            earlier=self.earlier_plans,
        )
        worker.use(self.plans())
        self.workers.append((worker, asyncio.create_task(worker.run()), store))
        return worker

    async def stop(self) -> None:
        while self.workers:
            worker, task, store = self.workers.pop()
            worker.stop()
            for fake in self.fakes.values():
                fake.gate.set()
            await task
            store.close()

    async def die(self) -> None:
        """As kill -9: nothing is finished, marked or given back."""
        while self.workers:
            _, task, store = self.workers.pop()
            for other in asyncio.all_tasks() - {asyncio.current_task()}:
                other.cancel()
            await asyncio.gather(task, return_exceptions=True)
            store.close()
        self.fakes.clear()

    def detail(self, message_id: int) -> MessageDetail:
        found = self.reader.message(message_id)
        assert found is not None
        return found

    def states(self, message_id: int) -> list[tuple[State, list[State]]]:
        return [
            (run.state, [each.state for each in run.deliveries])
            for run in self.detail(message_id).runs
        ]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110  the store is polled, it has no events
                await asyncio.sleep(0.005)

    async def until_states(self, message_id: int, *wanted: tuple[State, list[State]]) -> None:
        try:
            await self.until(lambda: self.states(message_id) == list(wanted))
        except TimeoutError:
            assert self.states(message_id) == list(wanted)


def taken(engine: Engine, name: str = "ehr") -> list[str]:
    return [body.decode() for body in engine.fakes[name].taken] if name in engine.fakes else []


@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}"
    else:
        url = request.getfixturevalue("make_postgresql_store")()
    log = open_log(url)
    found = Engine(url, log)
    yield found
    await found.stop()
    found.reader.close()
    log.close()


ALL_SENT = (State.SENT, [State.SENT])


async def test_message_is_processed_delivered_and_marked(engine: Engine) -> None:
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until_states(message, ALL_SENT)
    (run,) = engine.detail(message).runs
    (attempt,) = run.deliveries[0].attempts
    assert (attempt.number, attempt.state, attempt.status) == (1, State.SENT, "200")
    assert engine.fakes["ehr"].sent[0].control_id == "m1"


async def test_lane_is_delivered_in_order_one_at_a_time(engine: Engine) -> None:
    ids = engine.receive(*(f"m{number}" for number in range(30)))
    engine.start()
    await engine.until_states(ids[-1], ALL_SENT)
    assert taken(engine) == [f"m{number}" for number in range(30)]
    assert engine.fakes["ehr"].running_max == 1


async def test_lanes_are_delivered_beside_each_other_up_to_the_limit(engine: Engine) -> None:
    engine.configs = (destination(concurrency_max=3),)
    engine.fakes["ehr"] = FakeDestination()
    engine.fakes["ehr"].gate.clear()
    for number in range(6):
        engine.receive(f"m{number}", lanes=(f"patient {number}",))
    engine.start()
    await engine.until(lambda: engine.fakes["ehr"].running == 3)
    engine.fakes["ehr"].gate.set()
    await engine.until(lambda: len(taken(engine)) == 6)
    assert engine.fakes["ehr"].running_max == 3


async def test_merge_waits_for_both_lanes_and_both_wait_for_it(engine: Engine) -> None:
    engine.receive("a1", lanes=("A",))
    engine.receive("b1", lanes=("B",))
    engine.receive("merge", lanes=("A", "B"))
    engine.receive("a2", lanes=("A",))
    (last,) = engine.receive("b2", lanes=("B",))
    engine.start()
    await engine.until_states(last, ALL_SENT)
    await engine.until(lambda: len(taken(engine)) == 5)
    assert sorted(taken(engine)[:2]) == ["a1", "b1"]
    assert taken(engine)[2] == "merge"


async def test_transient_failure_is_tried_again_before_the_next_of_the_lane(
    engine: Engine,
) -> None:
    engine.fakes["ehr"] = FakeDestination(answers=[DOWN, DOWN])
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(second, ALL_SENT)
    assert [out.control_id for out in engine.fakes["ehr"].sent] == ["m1", "m1", "m1", "m2"]
    attempts = engine.detail(first).runs[0].deliveries[0].attempts
    assert [attempt.failure_code for attempt in attempts] == ["http-503", "http-503", ""]


async def test_lane_that_waits_for_its_next_attempt_stops_no_other(engine: Engine) -> None:
    engine.configs = (destination(retry=RetryPolicy(initial_seconds=3600.0)),)
    engine.fakes["ehr"] = FakeDestination(answers=[DOWN])
    (waiting,) = engine.receive("m1", lanes=("A",))
    engine.start()
    await engine.until_states(waiting, (State.TRANSFORMED, [State.QUEUED]))
    (other,) = engine.receive("m2", lanes=("B",))
    await engine.until_states(other, ALL_SENT)


async def test_destination_that_is_down_stops_no_other(engine: Engine) -> None:
    slow = RetryPolicy(initial_seconds=3600.0)
    engine.configs = (destination("down", retry=slow), destination("up"))
    engine.fakes["down"] = FakeDestination(answers=[DOWN])
    first, second = engine.receive("m1", "m2")
    engine.start()
    both = (State.TRANSFORMED, [State.QUEUED, State.SENT])
    await engine.until_states(first, both)
    await engine.until_states(second, both)


async def test_refused_message_is_an_error_and_the_lane_goes_on(engine: Engine) -> None:
    engine.fakes["ehr"] = FakeDestination(answers=[REFUSED])
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(second, ALL_SENT)
    assert engine.states(first) == [(State.ERROR, [State.ERROR])]
    told = [event for event in engine.recorder.events if isinstance(event, DeliveryFailed)]
    assert [(event.message_id, event.code) for event in told] == [(first, "http-422")]


async def test_refused_message_holds_its_lane_where_the_policy_says_block(engine: Engine) -> None:
    engine.configs = (destination(retry=replace(AT_ONCE, on_error="block")),)
    engine.fakes["ehr"] = FakeDestination(answers=[REFUSED])
    first, second = engine.receive("m1", "m2")
    (other,) = engine.receive("m3", lanes=("B",))
    engine.start()
    await engine.until_states(other, ALL_SENT)
    await engine.until_states(first, (State.HELD, [State.HELD]))
    assert engine.states(second)[0][1] == [State.QUEUED]
    delivery = engine.detail(first).runs[0].deliveries[0].delivery_id
    operator = open_state(engine.url)
    operator.settle([delivery], State.QUEUED, "ann")
    operator.close()
    await engine.until_states(second, ALL_SENT)
    assert taken(engine) == ["m3", "m1", "m2"]


async def test_lost_answer_is_repeated_where_twice_is_as_good_as_once(engine: Engine) -> None:
    engine.fakes["ehr"] = FakeDestination(answers=[LOST])
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until_states(message, ALL_SENT)
    assert [out.possibly_sent for out in engine.fakes["ehr"].sent] == [False, True]
    assert engine.detail(message).runs[0].deliveries[0].possibly_sent


@pytest.mark.parametrize(
    ("presence", "state", "sends"),
    [
        (Presence.PRESENT, State.SENT, 1),
        (Presence.ABSENT, State.SENT, 2),
        (Presence.UNKNOWABLE, State.UNKNOWN, 1),
    ],
)
async def test_lost_answer_is_asked_about_where_it_can_be(
    engine: Engine, presence: Presence, state: State, sends: int
) -> None:
    engine.fakes["ehr"] = FakeDestination(answers=[LOST], way=Settlement.ASK, presence=presence)
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until(lambda: [state] in [found for _, found in engine.states(message)])
    assert len(engine.fakes["ehr"].sent) == sends


async def test_lost_answer_waits_for_a_person_and_its_lane_with_it(engine: Engine) -> None:
    engine.fakes["ehr"] = FakeDestination(answers=[LOST], way=Settlement.PERSON)
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(first, (State.HELD, [State.UNKNOWN]))
    assert engine.states(second)[0][1] in ([], [State.QUEUED])
    delivery = engine.detail(first).runs[0].deliveries[0].delivery_id
    operator = open_state(engine.url)
    operator.settle([delivery], State.SENT, "ann")
    operator.close()
    await engine.until_states(second, ALL_SENT)
    assert [out.control_id for out in engine.fakes["ehr"].sent] == ["m1", "m2"]


async def test_filtered_failed_and_held_runs_are_written(engine: Engine) -> None:
    states = {b"f": State.FILTERED, b"e": State.ERROR, b"h": State.HELD}
    engine.result = lambda raw: ProcessResult(state=states[raw])
    ids = [engine.receive(body.decode(), lanes=(body.decode(),))[0] for body in states]
    engine.start()
    for message, state in zip(ids, states.values(), strict=True):
        await engine.until_states(message, (state, []))


@dataclass
class Holding:
    """Processing that holds some messages, and remembers what it was given."""

    held: set[bytes]
    seen: list[bytes] = field(default_factory=list)

    def __call__(self, raw: bytes) -> ProcessResult:
        self.seen.append(raw)
        if raw in self.held:
            return ProcessResult(state=State.HELD)
        output = Output(destination="ehr", content_type=FHIR_JSON, body=raw)
        return ProcessResult(state=State.TRANSFORMED, outputs=(output,))


async def test_run_held_in_processing_blocks_its_lane_until_it_is_replayed(
    engine: Engine,
) -> None:
    processing = Holding({b"m1"})
    engine.result = processing
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(first, (State.HELD, []))
    assert engine.states(second) == [(State.RECEIVED, [])]
    processing.held.clear()
    replay(engine, first)
    await engine.until_states(second, ALL_SENT)
    assert taken(engine) == ["m1", "m2"]


def replay(
    engine: Engine,
    *message_ids: int,
    origin: Origin = Origin.REPLAY,
    revision: str = "",
    **more: int,
) -> int:
    state = open_state(engine.url)
    job = ReplayJob(
        job_id=0,
        created_at=0.0,
        created_by="ann",
        reason="test",
        message_ids=message_ids,
        origin=origin,
        destinations=(),
        rate_per_second=more.get("rate_per_second", 0),
        stop_after_failures=more.get("stop_after_failures", 0),
        overwrite_newer=bool(more.get("overwrite_newer", False)),
        revision=revision,
        state="waiting",
        started=0,
        succeeded=0,
        failed=0,
    )
    job_id = state.create_job(job)
    state.close()
    return job_id


async def test_replay_processes_the_stored_bytes_again(engine: Engine) -> None:
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until_states(message, ALL_SENT)
    replay(engine, message)
    await engine.until_states(message, ALL_SENT, ALL_SENT)
    assert taken(engine) == ["m1", "m1"]
    assert engine.detail(message).runs[1].origin is Origin.REPLAY


@pytest.mark.parametrize("revision", ["then", "r0"])
async def test_replay_processes_on_the_configuration_of_the_time(
    engine: Engine, revision: str
) -> None:
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(second, ALL_SENT)
    replay(engine, first, second, revision=revision)
    await engine.until_states(second, ALL_SENT, ALL_SENT)
    assert taken(engine) == ["m1", "m2", "M1", "M2"]


async def test_replay_on_a_configuration_that_is_not_kept_is_an_error(engine: Engine) -> None:
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until_states(message, ALL_SENT)
    replay(engine, message, revision="gone")
    await engine.until_states(message, ALL_SENT, (State.ERROR, []))
    assert [one["code"] for one in engine.detail(message).runs[1].diagnostics] == ["S732"]


async def test_resend_sends_the_stored_output_without_processing(engine: Engine) -> None:
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until_states(message, ALL_SENT)
    engine.result = lambda _raw: ProcessResult(state=State.ERROR)
    replay(engine, message, origin=Origin.RESEND)
    await engine.until_states(message, ALL_SENT, ALL_SENT)
    assert taken(engine) == ["m1", "m1"]


def patient_bundle(raw: bytes) -> ProcessResult:
    """The patient 1 as the message says, found by the search key mrn 1."""
    text = b'{"entry":[{"resource":{"said":"%s"},"request":{"method":"PUT","url":"Patient/1"}}]}'
    output = Output(destination="ehr", content_type=FHIR_JSON, body=text % raw)
    return ProcessResult(
        state=State.TRANSFORMED, outputs=(output,), search_keys=(("mrn", "1"),), event_at=1.0
    )


@pytest.mark.parametrize("origin", [Origin.REPLAY, Origin.RESEND])
async def test_replay_does_not_put_older_data_over_newer(engine: Engine, origin: Origin) -> None:
    engine.result = patient_bundle
    first, second = engine.receive("old", "new")
    engine.start()
    await engine.until_states(second, ALL_SENT)
    job_id = replay(engine, first, origin=origin)
    await engine.until_states(first, ALL_SENT, (State.CANCELLED, [State.CANCELLED]))
    (attempt,) = engine.detail(first).runs[1].deliveries[0].attempts
    assert attempt.failure_code == "newer-delivered"
    assert attempt.response == f"not sent: message {second} delivered newer Patient/1".encode()
    (job,) = engine.reader.jobs([job_id])
    assert (job.state, job.succeeded, job.failed, job.left_out) == ("done", 0, 0, 1)


async def test_replay_of_both_sends_both_in_their_order(engine: Engine) -> None:
    engine.result = patient_bundle
    first, second = engine.receive("old", "new")
    engine.start()
    await engine.until_states(second, ALL_SENT)
    replay(engine, first, second)
    await engine.until_states(second, ALL_SENT, ALL_SENT)
    await engine.until_states(first, ALL_SENT, ALL_SENT)


async def test_replay_overwrites_newer_data_where_its_job_says_so(engine: Engine) -> None:
    engine.result = patient_bundle
    first, second = engine.receive("old", "new")
    engine.start()
    await engine.until_states(second, ALL_SENT)
    replay(engine, first, overwrite_newer=1)
    await engine.until_states(first, ALL_SENT, ALL_SENT)


async def test_what_a_person_asked_for_or_failed_before_is_sent_in_full(engine: Engine) -> None:
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until_states(message, ALL_SENT)
    for runs, origin in enumerate((Origin.REPLAY, Origin.RESEND), 2):
        replay(engine, message, origin=origin)
        await engine.until_states(message, *[ALL_SENT] * runs)
    engine.fakes["ehr"].answers.append(DOWN)
    (other,) = engine.receive("m2")
    await engine.until_states(other, ALL_SENT)
    sent = [(out.control_id, out.in_full) for out in engine.fakes["ehr"].sent]
    assert sent == [("m1", False), ("m1", True), ("m1", True), ("m2", False), ("m2", True)]


async def test_replay_job_stops_after_its_failures(engine: Engine) -> None:
    ids = engine.receive("m1", "m2", "m3")
    engine.start()
    await engine.until_states(ids[-1], ALL_SENT)
    engine.result = lambda _raw: ProcessResult(state=State.ERROR)
    job_id = replay(engine, *ids, stop_after_failures=1, rate_per_second=1)

    def stopped() -> bool:
        return engine.reader.jobs([job_id])[0].state == "stopped"

    await engine.until(stopped)


async def test_paused_channel_is_processed_and_not_delivered(engine: Engine) -> None:
    operator = open_state(engine.url)
    operator.set_control(Control(channel="adt", mode="pause", reason="", by="ann", at=0.0))
    engine.start()
    await engine.until(lambda: bool(engine.workers) and engine.workers[0][0].in_hand is not None)
    await asyncio.sleep(0.1)
    (message,) = engine.receive("m1")
    await engine.until_states(message, (State.TRANSFORMED, [State.QUEUED]))
    operator.set_control(Control(channel="adt", mode="run", reason="", by="ann", at=0.0))
    operator.close()
    await engine.until_states(message, ALL_SENT)


async def test_message_whose_bytes_are_damaged_is_an_error(engine: Engine) -> None:
    receipt = Receipt(channel="adt", received_at=1.0, source="test", raw=b"m1", sha256=b"\0" * 32)
    (message,) = engine.log.append([receipt])
    engine.start()
    await engine.until_states(message, (State.ERROR, []))
    assert engine.detail(message).runs[0].diagnostics[0]["code"] == "S724"
    assert taken(engine) == []


# -- stops and faults --


async def test_stop_ends_what_is_in_flight_and_begins_nothing_more(engine: Engine) -> None:
    engine.fakes["ehr"] = FakeDestination()
    engine.fakes["ehr"].gate.clear()
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until(lambda: engine.fakes["ehr"].running == 1)
    await engine.stop()
    assert engine.states(first) == [ALL_SENT]
    assert engine.states(second)[0][1] in ([], [State.QUEUED])


async def test_delivery_in_flight_at_a_crash_is_marked_possibly_sent_and_repeated(
    engine: Engine,
) -> None:
    engine.fakes["ehr"] = FakeDestination()
    engine.fakes["ehr"].gate.clear()
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until(lambda: engine.fakes["ehr"].running == 1)
    await engine.die()
    assert engine.states(first) == [(State.TRANSFORMED, [State.PENDING])]
    engine.start()
    await engine.until_states(second, ALL_SENT)
    assert [(out.control_id, out.possibly_sent) for out in engine.fakes["ehr"].sent] == [
        ("m1", True),
        ("m2", False),
    ]


async def test_work_left_by_a_crash_is_taken_up_in_order(engine: Engine) -> None:
    engine.configs = (destination(retry=RetryPolicy(initial_seconds=1.0, jitter=0.0)),)
    engine.fakes["ehr"] = FakeDestination(answers=[DOWN])
    ids = engine.receive(*(f"m{number}" for number in range(5)))
    engine.start()
    await engine.until_states(ids[-1], (State.TRANSFORMED, [State.QUEUED]))
    await engine.die()
    engine.start()
    await engine.until_states(ids[-1], ALL_SENT)
    assert taken(engine) == [f"m{number}" for number in range(5)]


async def test_lane_blocked_by_a_held_run_stays_blocked_after_a_crash(engine: Engine) -> None:
    processing = Holding({b"m1"})
    engine.result = processing
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(first, (State.HELD, []))
    await engine.die()
    engine.start()
    await engine.until(lambda: processing.seen.count(b"m1") == 2)
    await engine.until_states(first, (State.HELD, []))
    (other,) = engine.receive("m3", lanes=("B",))
    await engine.until_states(other, ALL_SENT)
    assert engine.states(second) == [(State.RECEIVED, [])]
    processing.held.clear()
    replay(engine, first)
    await engine.until_states(second, ALL_SENT)
    assert taken(engine) == ["m3", "m1", "m2"]


async def test_reload_releases_a_held_run_in_its_place(engine: Engine) -> None:
    processing = Holding({b"m1", b"m3"})
    engine.result = processing
    first, second = engine.receive("m1", "m2")
    third, fourth = engine.receive("m3", "m4", lanes=("B",))
    worker = engine.start()
    await engine.until_states(first, (State.HELD, []))
    await engine.until_states(third, (State.HELD, []))
    processing.held.discard(b"m1")
    worker.use(engine.plans())
    await engine.until_states(second, ALL_SENT)
    await engine.until(lambda: processing.seen.count(b"m3") == 2)
    await engine.until_states(third, (State.HELD, []))
    assert engine.states(first) == [ALL_SENT]
    assert engine.states(fourth) == [(State.RECEIVED, [])]
    assert taken(engine) == ["m1", "m2"]
    processing.held.clear()
    worker.use(engine.plans())
    await engine.until_states(fourth, ALL_SENT)
    assert taken(engine) == ["m1", "m2", "m3", "m4"]


async def test_held_run_whose_cause_is_gone_is_released_by_the_next_start(engine: Engine) -> None:
    processing = Holding({b"m1"})
    engine.result = processing
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(first, (State.HELD, []))
    await engine.die()
    processing.held.clear()
    engine.start()
    await engine.until_states(second, ALL_SENT)
    assert engine.states(first) == [ALL_SENT]
    assert taken(engine) == ["m1", "m2"]


async def test_replay_and_reload_at_once_deliver_a_held_message_in_its_place(
    engine: Engine,
) -> None:
    processing = Holding({b"m1"})
    engine.result = processing
    first, second = engine.receive("m1", "m2")
    worker = engine.start()
    await engine.until_states(first, (State.HELD, []))
    processing.held.clear()
    replay(engine, first)
    worker.use(engine.plans())
    await engine.until_states(second, ALL_SENT)
    await engine.until(lambda: len(engine.states(first)) == 2)
    await engine.until(lambda: engine.states(first)[1] == ALL_SENT)
    assert taken(engine)[0] == "m1"
    assert engine.states(first)[0] in [ALL_SENT, (State.CANCELLED, [])]


async def test_lane_blocked_by_an_unknown_delivery_stays_blocked_after_a_crash(
    engine: Engine,
) -> None:
    engine.fakes["ehr"] = FakeDestination(answers=[LOST], way=Settlement.PERSON)
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(first, (State.HELD, [State.UNKNOWN]))
    await engine.die()
    engine.start()
    (other,) = engine.receive("m3", lanes=("B",))
    await engine.until_states(other, ALL_SENT)
    await engine.until(lambda: engine.states(second)[0][1] == [State.QUEUED])
    replay(engine, first)
    await engine.until_states(second, ALL_SENT)
    assert taken(engine) == ["m3", "m1", "m2"]


async def test_replay_that_fails_or_is_given_up_frees_the_lane(engine: Engine) -> None:
    engine.fakes["ehr"] = FakeDestination(answers=[LOST, LOST], way=Settlement.PERSON)
    first, second = engine.receive("m1", "m2")
    (third, fourth) = engine.receive("m3", "m4", lanes=("B",))
    engine.start()
    await engine.until_states(first, (State.HELD, [State.UNKNOWN]))
    await engine.until_states(third, (State.HELD, [State.UNKNOWN]))
    good = engine.result
    engine.result = lambda raw: (
        ProcessResult(state=State.ERROR)
        if raw == b"m1"
        else ProcessResult(
            state=State.TRANSFORMED,
            outputs=(Output(destination="ehr", content_type=FHIR_JSON, body=raw),),
        )
    )
    replay(engine, first)
    await engine.until_states(second, ALL_SENT)
    engine.result = good
    operator = open_state(engine.url)
    delivery = engine.detail(third).runs[0].deliveries[0].delivery_id
    operator.settle([delivery], State.CANCELLED, "ann")
    operator.close()
    await engine.until_states(fourth, ALL_SENT)
    assert taken(engine) == ["m2", "m4"]


class FailingStore:
    """Passes calls on, and fails commits as told."""

    def __init__(self, state: StateStore, faults: list[tuple[type[Exception], bool]]) -> None:
        self._state = state
        self._faults = faults
        """(exception, whether the commit happens all the same)."""

    def commit(self, batch: StateBatch) -> dict[int, list[int]]:
        if batch.outcomes and self._faults:
            fault, written = self._faults.pop(0)
            if written:
                self._state.commit(batch)
            raise fault
        return self._state.commit(batch)

    def __getattr__(self, name: str) -> object:
        return getattr(self._state, name)


@pytest.mark.parametrize("written", [False, True])
async def test_mark_is_retried_and_never_the_delivery_when_the_store_fails(
    engine: Engine, written: bool
) -> None:
    faults: list[tuple[type[Exception], bool]] = [(StoreUnavailable, written)] * 2
    engine.wrap = lambda state: FailingStore(state, faults)  # type: ignore[return-value]
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until(lambda: faults == [])
    await engine.until_states(message, ALL_SENT)
    assert taken(engine) == ["m1"]


async def test_lost_lease_starts_over_and_writes_what_was_delivered(engine: Engine) -> None:
    faults: list[tuple[type[Exception], bool]] = [(LeaseLost, False)]
    engine.wrap = lambda state: FailingStore(state, faults)  # type: ignore[return-value]
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(second, ALL_SENT)
    await engine.until_states(first, ALL_SENT)
    assert taken(engine) == ["m1", "m2"]


async def test_two_workers_share_the_lanes_and_keep_every_order(engine: Engine) -> None:
    ids = []
    for number in range(40):
        lanes = (f"p{number % 8}",) if number % 5 else (f"p{number % 8}", f"p{(number + 3) % 8}")
        ids += engine.receive(f"{number}", lanes=lanes)
    engine.start("w0", share=0.5)
    engine.start("w1", share=0.5)
    for message in ids:
        await engine.until_states(message, ALL_SENT)
    order = [int(body) for body in taken(engine)]
    assert sorted(order) == list(range(40))
    for lane in range(8):
        mine = [
            number
            for number in order
            if number % 8 == lane or (number % 5 == 0 and (number + 3) % 8 == lane)
        ]
        assert mine == sorted(mine)


async def test_queue_beyond_what_is_kept_in_memory_is_delivered_in_order(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet_module, "LOADED_MAX", 5)
    monkeypatch.setattr(outlet_module, "RELOAD_AT", 3)
    monkeypatch.setattr(outlet_module, "RELOAD_COUNT", 4)
    engine.fakes["ehr"] = FakeDestination()
    engine.fakes["ehr"].gate.clear()
    ids = [engine.receive(f"{number}", lanes=(f"p{number % 3}",))[0] for number in range(40)]
    worker = engine.start()
    await engine.until(lambda: engine.states(ids[-1]) == [(State.TRANSFORMED, [State.QUEUED])])
    assert worker.in_hand["deliveries"] == 5
    ids += [engine.receive(f"{number}", lanes=(f"p{number % 3}",))[0] for number in range(40, 50)]
    engine.fakes["ehr"].gate.set()
    for message in ids:
        await engine.until_states(message, ALL_SENT)
    order = [int(body) for body in taken(engine)]
    assert sorted(order) == list(range(50))
    for lane in range(3):
        mine = [number for number in order if number % 3 == lane]
        assert mine == sorted(mine)


async def test_bytes_read_ahead_of_a_blocked_lane_leave_room_for_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RAW_BYTES_MAX", 20)
    engine.result = lambda raw: (
        ProcessResult(state=State.HELD)
        if raw == b"held"
        else ProcessResult(
            state=State.TRANSFORMED,
            outputs=(Output(destination="ehr", content_type=FHIR_JSON, body=raw),),
        )
    )
    engine.receive("held", *(f"waiting {number}" for number in range(30)), lanes=("A",))
    engine.start()
    ids = [engine.receive(f"other {number}", lanes=("B",))[0] for number in range(10)]
    await engine.until_states(ids[-1], ALL_SENT)


async def test_fault_of_the_engine_itself_is_recorded_and_the_work_goes_on(
    engine: Engine,
) -> None:
    faults: list[tuple[type[Exception], bool]] = [(RuntimeError, True)]
    engine.wrap = lambda state: FailingStore(state, faults)  # type: ignore[return-value]
    first, second = engine.receive("m1", "m2")
    engine.start()
    await engine.until_states(second, ALL_SENT)
    assert [type(event).__name__ for event in engine.recorder.events].count("ErrorCaught") == 1
    assert taken(engine) == ["m1", "m2"]
    assert engine.states(first) == [ALL_SENT]


async def test_breaker_keeps_every_lane_from_a_destination_that_is_down(engine: Engine) -> None:
    policy = RetryPolicy(initial_seconds=0.0, breaker_failures=3, breaker_seconds=3600.0)
    engine.configs = (destination(retry=policy),)
    engine.fakes["ehr"] = FakeDestination(answers=[DOWN] * 1000)
    ids = [engine.receive(f"m{number}", lanes=(f"p{number}",))[0] for number in range(30)]
    engine.start()
    await engine.until(
        lambda: "BreakerOpened" in [type(event).__name__ for event in engine.recorder.events]
    )
    await engine.until_states(ids[-1], (State.TRANSFORMED, [State.QUEUED]))
    in_flight_at_most = 16
    assert len(engine.fakes["ehr"].sent) <= 3 + in_flight_at_most


# -- configuration --


async def test_outage_is_told_to_the_store_and_ended(engine: Engine) -> None:
    retry = RetryPolicy(initial_seconds=0.0, jitter=0.0, breaker_failures=1, breaker_seconds=0.01)
    engine.configs = (destination(retry=retry),)
    engine.fakes["ehr"] = FakeDestination(answers=[DOWN])
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until_states(message, ALL_SENT)
    await engine.until(
        lambda: [one.ended_at is None for one in engine.reader.problems.outages(0.0)] == [False]
    )
    (outage,) = engine.reader.problems.outages(0.0)
    assert (outage.destination, outage.code) == ("ehr", "http-503")


async def test_delivery_to_a_destination_that_is_gone_is_held(engine: Engine) -> None:
    engine.configs = (destination("old", retry=RetryPolicy(initial_seconds=3600.0)),)
    engine.fakes["old"] = FakeDestination(answers=[DOWN])
    (message,) = engine.receive("m1")
    worker = engine.start()
    await engine.until_states(message, (State.TRANSFORMED, [State.QUEUED]))
    engine.configs = (destination("new"),)
    worker.use(engine.plans())
    await engine.until_states(message, (State.HELD, [State.HELD]))
    attempts = engine.detail(message).runs[0].deliveries[0].attempts
    assert attempts[-1].failure_code == "destination-gone"
    assert taken(engine, "new") == []


async def test_delivery_found_for_a_destination_that_is_gone_is_held(engine: Engine) -> None:
    engine.configs = (destination("old", retry=RetryPolicy(initial_seconds=3600.0)),)
    engine.fakes["old"] = FakeDestination(answers=[DOWN])
    (message,) = engine.receive("m1")
    engine.start()
    await engine.until_states(message, (State.TRANSFORMED, [State.QUEUED]))
    await engine.die()
    engine.configs = (destination("new"),)
    engine.start()
    await engine.until_states(message, (State.HELD, [State.HELD]))


async def test_message_goes_to_the_destinations_of_the_time_it_is_processed(
    engine: Engine,
) -> None:
    worker = engine.start()
    (first,) = engine.receive("m1")
    await engine.until_states(first, ALL_SENT)
    engine.configs = (destination("ehr"), destination("second"))
    worker.use(engine.plans())
    (later,) = engine.receive("m2")
    await engine.until_states(later, (State.SENT, [State.SENT, State.SENT]))
    assert taken(engine, "second") == ["m2"]
