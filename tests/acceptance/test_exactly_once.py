"""Exactly once to a service that knows no idempotency: lost answers, refusals, several workers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from charting import (
    find_encounter,
    find_patient,
    record_observation,
    register_encounter,
    register_patient,
)
from charting_site import ChartingSite, Count, count, feed, storm
from simulated import patient

from engine.pipeline.states import State
from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator
from engine.store.interface import StateStore


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[MillenniumSimulator]:
    async with MillenniumSimulator(SimulatorOptions()) as found:
        yield found


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store'}"
    made: str = request.getfixturevalue("make_postgresql_store")()
    return made


@pytest_asyncio.fixture
async def site(url: str, simulator: MillenniumSimulator) -> AsyncIterator[ChartingSite]:
    found = ChartingSite(url, simulator)
    yield found
    await found.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_lost_answers_and_refusals_leave_one_of_each_and_the_order_of_each_patient(
    simulator: MillenniumSimulator, tmp_path: Path, seed: int
):
    site = ChartingSite(f"sqlite:///{tmp_path / 'store'}", simulator)
    wanted = feed(seed)
    simulator.faults.set(storm(seed))
    site.receive(*wanted.messages)
    site.start()
    await site.until_sent()
    struck = simulator.faults.struck
    await site.close()
    assert count(simulator, wanted) == Count(missing=0, doubled=0, out_of_order=0)
    assert struck > 20


async def test_two_workers_that_meet_a_new_patient_at_once_make_one(
    site: ChartingSite, simulator: MillenniumSimulator
):
    simulator.faults.set([FaultRule(fault=Kind.LATENCY, seconds=0.02, method="POST", share=0.5)])
    mrns = [f"N{number}" for number in range(10)]
    for mrn in mrns:
        site.receive(*[(f"{mrn} feed {feed_}", (register_patient(mrn),)) for feed_ in range(4)])
    site.start("w1", share=0.5)
    site.start("w2", share=0.5)
    await site.until_sent()
    (tenant,) = simulator.tenants.values()
    numbers = [
        identifier["value"]
        for record in tenant.chart.all("Patient")
        for identifier in record.resource["identifier"]
        if identifier.get("value") in mrns
    ]
    assert sorted(numbers) == sorted(mrns)
    posts = [one for one in simulator.requests if one.method == "POST" and "Patient" in one.path]
    assert len(posts) == len(mrns)


async def test_a_result_before_its_visit_waits_beside_its_lane_and_survives_a_restart(
    site: ChartingSite, simulator: MillenniumSimulator
):
    late = find_patient(), find_encounter(), record_observation(fin="V1")
    first, result = site.receive(("4711", (register_patient(),)), ("4711", late))
    site.start()
    await site.until(lambda: site.delivery_state(result) is State.PARKED)
    assert site.delivery_state(first) is State.SENT
    await site.die()
    (visit,) = site.receive(("4711", (register_patient(), register_encounter())))
    site.start()
    await site.until_sent()
    assert site.delivery_state(visit) is State.SENT
    (tenant,) = simulator.tenants.values()
    (found,) = tenant.chart.all("Observation")
    assert found.resource["encounter"]["reference"].startswith("Encounter/")


async def test_a_result_whose_visit_never_comes_is_held_and_its_lane_goes_on(
    url: str, simulator: MillenniumSimulator
):
    site = ChartingSite(url, simulator, {"park_seconds": 0.001})
    late = find_patient(), find_encounter(), record_observation(fin="V1")
    _, result = site.receive(("4711", (register_patient(),)), ("4711", late))
    site.start()
    await site.until(lambda: site.delivery_state(result) is State.HELD)
    (run,) = site.detail(result).runs
    assert site.codes(result)[-1] == "reference-missing"
    (visit,) = site.receive(("4711", (register_patient(), register_encounter())))
    await site.until(lambda: site.delivery_state(visit) is State.SENT)
    state: StateStore = site.state
    state.settle([run.deliveries[0].delivery_id], State.QUEUED, "anna", "registered now")
    await site.until_sent()
    await site.close()


async def test_ambiguity_is_held_for_a_person_and_other_lanes_go_on(
    site: ChartingSite, simulator: MillenniumSimulator
):
    (tenant,) = simulator.tenants.values()
    for number in ("77", "78"):
        tenant.chart.add("Patient", {**patient(), "id": number}, number, why="seed")
    doubtful, other = site.receive(
        ("4711", (register_patient(),)), ("0815", (register_patient("0815"),))
    )
    site.start()
    await site.until(lambda: site.delivery_state(doubtful) is State.HELD)
    await site.until(lambda: site.delivery_state(other) is State.SENT)
    assert site.codes(doubtful) == ["identity-ambiguous"]
    tenant.chart.combine(tenant.chart.get("Patient", "78"), tenant.chart.get("Patient", "77"))
    (run,) = site.detail(doubtful).runs
    site.state.settle([run.deliveries[0].delivery_id], State.QUEUED, "anna", "combined")
    await site.until_sent()


class Holding(MillenniumSimulator):
    """Carries creates of patients out, and holds their answers back until told."""

    def __init__(self) -> None:
        super().__init__(SimulatorOptions())
        self.gate = asyncio.Event()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        answer = await super()._serve(request)
        if request.method == "POST" and request.path.endswith("/Patient"):
            await self.gate.wait()
        return answer


async def test_a_worker_killed_between_create_and_record_adopts_after_the_restart(url: str):
    async with Holding() as simulator:
        site = ChartingSite(url, simulator)
        (tenant,) = simulator.tenants.values()
        (message,) = site.receive(("4711", (register_patient(), register_encounter())))
        site.start()
        await site.until(lambda: len(list(tenant.chart.all("Patient"))) == 2)
        simulator.gate.set()
        await site.die()
        site.start()
        await site.until_sent()
        assert len(list(tenant.chart.all("Patient"))) == 2, "the seeded one, and ours once"
        assert site.delivery_state(message) is State.SENT
        posts = [one for one in simulator.requests if one.method == "POST"]
        assert sum(one.path.endswith("/Patient") for one in posts) == 1
        await site.close()
