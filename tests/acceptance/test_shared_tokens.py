"""Several worker processes, one client: one token among them, whatever happens to it or to them."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from millennium_site import MillenniumSite, receipts

from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.options import CLIENT_SECRET, SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator

pytestmark = pytest.mark.acceptance

PATIENTS = 200
WORKERS = 3


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[MillenniumSimulator]:
    async with MillenniumSimulator(SimulatorOptions()) as found:
        yield found


@pytest_asyncio.fixture
async def site(tmp_path: Path, simulator: MillenniumSimulator) -> AsyncIterator[MillenniumSite]:
    found = MillenniumSite.at(tmp_path, simulator)
    yield found
    found.end()


def start_workers(site: MillenniumSite, count: int = WORKERS) -> None:
    for number in range(count):
        site.start(f"worker-{number + 1}", share=1 / count)


def asked(simulator: MillenniumSimulator) -> int:
    return simulator.paths["POST token"]


async def test_two_hundred_deliveries_of_three_processes_ask_for_one_token(
    site: MillenniumSite, simulator: MillenniumSimulator
):
    # Slow enough that all of them are there before the first token is.
    simulator.faults.set([FaultRule(fault=Kind.LATENCY, seconds=2.0, path="/tenants/*")])
    site.receive(receipts(PATIENTS, 1))
    start_workers(site)
    await site.until(lambda: site.counts() == (PATIENTS, 0))
    assert asked(simulator) == 1
    stored = b"".join(each.read_bytes() for each in (site.folder / "data").glob("state.db*"))
    assert CLIENT_SECRET.encode() not in stored
    assert not any(token.encode() in stored for token in simulator.tokens._tokens)


async def test_a_token_revoked_under_way_is_asked_for_once_more(
    site: MillenniumSite, simulator: MillenniumSimulator
):
    site.receive(receipts(PATIENTS, 1))
    start_workers(site)
    await site.until(lambda: site.counts()[0] >= PATIENTS // 4)
    simulator.faults.set([FaultRule(fault=Kind.TOKEN_REVOKED, path="/r4/*", times=1)])
    await site.until(lambda: site.counts() == (PATIENTS, 0))
    assert asked(simulator) == 2


async def test_when_the_process_that_asks_is_killed_another_asks(
    site: MillenniumSite, simulator: MillenniumSimulator
):
    simulator.faults.set([FaultRule(fault=Kind.HANG, seconds=10, path="/tenants/*", times=1)])
    site.receive(receipts(PATIENTS, 1))
    first = site.start("worker-1", share=0.5)
    await site.until(lambda: asked(simulator) == 1)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    start_workers(site, 2)  # the first anew, as its node does
    await site.until(lambda: site.counts() == (PATIENTS, 0))
    assert asked(simulator) == 2
