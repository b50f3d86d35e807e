"""Real worker processes, killed again and again while they register patients at Millennium.

Promised: one patient and one visit for each number, whatever was in flight at a kill, and the
newest demographics of each.
"""

import hashlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from worker_site import WorkerSite

from engine.runtime.configuration import read_project
from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.options import CLIENT_SECRET, SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator
from engine.store.interface import Receipt

pytestmark = pytest.mark.acceptance

MRN = "urn:oid:2.16.840.1.113883.3.9999.1.4"
FIN = "urn:oid:2.16.840.1.113883.3.9999.1.5"
CHANNEL = f"""\
channel: adt
listener: {{mllp: {{port: 2575}}}}
transform:
  source_system: "urn:oid:1.2.3"
  time_zone: Europe/Berlin
  authorities: {{NORTH: "{MRN}", NORTHV: "{FIN}"}}
destinations:
  - millennium:
      name: chart
      tenant: main
      when: MSH-9.2 in ("A01", "A08")
      calls: [patient.register, encounter.register]
      unmapped: {{Encounter.type: fixed 3319000}}
      timeout_seconds: 5
      retry: {{initial_seconds: 0.1, breaker_failures: 1000}}
"""
ENVIRONMENT = """\
environment: sim
class: sandbox
tenants:
  main:
    class: sandbox
    tenant: sandbox
    fhir: http://127.0.0.1:${env:MILLENNIUM_PORT}/r4/{tenant}
    authorization: {client_id: engine, secret: "${secret:env:MILLENNIUM_SECRET}"}
    enrolling_organization: "675844"
"""
PATIENTS = 12
ROUNDS = 6
KILLS = 6


class MillenniumSite(WorkerSite):
    """A site with one environment."""

    def configure(self, channel: str) -> None:
        (self.folder / "environments").mkdir(exist_ok=True)
        (self.folder / "environments" / "sim.yaml").write_text(ENVIRONMENT, encoding="utf-8")
        (self.folder / "channels" / "channel.yaml").write_text(channel, encoding="utf-8")
        self.data.snapshots.write(read_project(self.folder))


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[MillenniumSimulator]:
    async with MillenniumSimulator(SimulatorOptions()) as found:
        yield found


@pytest_asyncio.fixture
async def site(tmp_path: Path, simulator: MillenniumSimulator) -> AsyncIterator[MillenniumSite]:
    found = MillenniumSite(tmp_path, CHANNEL, "")
    found.environment |= {
        "MILLENNIUM_PORT": str(simulator.port),
        "MILLENNIUM_SECRET": CLIENT_SECRET,
    }
    yield found
    found.end()


def message(patient: int, number: int) -> bytes:
    event = "A01" if number == 0 else "A08"
    moment = f"2026010508{number:02}00-0600"
    return (
        f"MSH|^~\\&|REG|N|E|H|{moment}||ADT^{event}^ADT_A01|C{patient}-{number}|P|2.5.1\r"
        f"EVN|{event}|{moment}\r"
        f"PID|1||K{patient:03}^^^NORTH^MR||Okafor^Adaeze||19870412|F|||"
        f"1 Mill Lane^^Town{number:03}^^12345^^H\r"
        f"PV1|1|I|MED{'|' * 16}VN{patient:03}^^^NORTHV^VN{'|' * 25}{moment}\r"
    ).encode()


def receipts() -> list[Receipt]:
    found = []
    for number in range(ROUNDS):
        for patient in range(PATIENTS):
            raw = message(patient, number)
            found.append(
                Receipt(
                    channel="adt",
                    received_at=time.time(),
                    source="test",
                    raw=raw,
                    sha256=hashlib.sha256(raw).digest(),
                    control_id=f"C{patient}-{number}",
                    message_type="ADT^A01",
                    version="2.5.1",
                    lanes=(f"K{patient:03}",),
                )
            )
    return found


async def test_killed_workers_leave_one_patient_and_one_visit_for_each_number(
    site: MillenniumSite, simulator: MillenniumSimulator
):
    simulator.faults.set([FaultRule(fault=Kind.LATENCY, seconds=0.03, path="/r4/*/[A-Z]*")])
    site.receive(receipts())
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
