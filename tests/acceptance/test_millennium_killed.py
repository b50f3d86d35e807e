"""Real worker processes, killed again and again while they register patients at Millennium.

Promised: one patient and one visit for each number, whatever was in flight at a kill, and the
newest demographics of each.
"""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from millennium_site import FIN, MRN, MillenniumSite, receipts

from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator

pytestmark = pytest.mark.acceptance

PATIENTS = 12
ROUNDS = 6
KILLS = 6


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[MillenniumSimulator]:
    async with MillenniumSimulator(SimulatorOptions()) as found:
        yield found


@pytest_asyncio.fixture
async def site(tmp_path: Path, simulator: MillenniumSimulator) -> AsyncIterator[MillenniumSite]:
    found = MillenniumSite.at(tmp_path, simulator)
    yield found
    found.end()


async def test_killed_workers_leave_one_patient_and_one_visit_for_each_number(
    site: MillenniumSite, simulator: MillenniumSimulator
):
    simulator.faults.set([FaultRule(fault=Kind.LATENCY, seconds=0.03, path="/r4/*/[A-Z]*")])
    site.receive(receipts(PATIENTS, ROUNDS))
    (tenant,) = simulator.tenants.values()
    process = site.start()
    for kill in range(1, KILLS + 1):
        wanted = kill * PATIENTS * ROUNDS // (KILLS + 2)
        await site.until(lambda wanted=wanted: site.counts()[0] >= wanted)  # type: ignore[misc]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process = site.start()
    await site.until(lambda: site.counts() == (PATIENTS * ROUNDS, 0))
    for kind, system, prefix in (("Patient", MRN, "K"), ("Encounter", FIN, "VN")):
        values = [
            identifier["value"]
            for record in tenant.chart.all(kind)
            for identifier in record.resource["identifier"]
            if identifier.get("system") == system and identifier["value"].startswith(prefix)
        ]
        assert sorted(values) == [f"{prefix}{number:03}" for number in range(PATIENTS)]
    towns = {
        record.resource["address"][0]["city"]
        for record in tenant.chart.all("Patient")
        if "address" in record.resource
    }
    assert towns == {f"Town{ROUNDS - 1:03}"}
