"""Two real workers and a simulated FHIR server: a thin message wipes nothing, `""` deletes."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from worker_site import WorkerSite

from engine.simulator.fhir_server import FhirServer
from engine.store.interface import Receipt

pytestmark = pytest.mark.acceptance

CHANNEL = """\
channel: hospital
listener: {mllp: {port: 2575}}
transform:
  source_system: "urn:oid:1.2.3"
  authorities: {NVMRN: "urn:oid:1.2.3.4", NVSTAFF: "urn:oid:1.2.3.5"}
senders:
  - when: MSH-9.2 = "A08"
    updates: {Patient: merge}
destinations:
  - fhir: {name: ehr, url: "${env:FHIR_URL}", retry: {initial_seconds: 0.1}}
"""
PATIENTS = 8
ATTENDING = "1001^Osei^Ama^^^^^^NVSTAFF"


def header(kind: str, number: int) -> str:
    return f"MSH|^~\\&|REG|NORTHVALE|E|H|20260105083000-0600||{kind}|C{number}|P|2.5.1\r"


def admission(number: int) -> str:
    return (
        header("ADT^A01^ADT_A01", number) + "EVN|A01|20260105083000-0600\r"
        f"PID|1||N{number}^^^NVMRN^MR||Fairbrother{number}^Elspeth||19580617|F"
        f"|||4 Mill Lane^^Northvale||555-{number}^PRN^PH|555-99{number}^WPN^PH\r"
        f"PV1|1|I|4W^12^A||||{ATTENDING}\r"
    )


def result(number: int) -> str:
    return (
        header("ORU^R01^ORU_R01", number + 100)
        + f"PID|1||N{number}^^^NVMRN^MR||Fairbrother{number}\r"
        f"PV1|1|I|||||{ATTENDING}\r"
        "OBR|1||F1|2951-2^Sodium^LN|||20260105080000-0600|||||||||||||||||||F\r"
        "OBX|1|NM|2951-2^Sodium^LN||140|mmol/L|||||F\r"
    )


def update(number: int) -> str:
    return (
        header("ADT^A08^ADT_A01", number + 200) + "EVN|A08|20260106083000-0600\r"
        f'PID|1||N{number}^^^NVMRN^MR||||||||||""\r'
        "PV1|1|I\r"
    )


def receipts(messages: list[str], kind: str) -> list[Receipt]:
    return [
        Receipt(
            channel="hospital",
            received_at=1_700_000_000.0 + at,
            source="test",
            raw=text.encode(),
            sha256=hashlib.sha256(text.encode()).digest(),
            control_id=f"{kind}{at}",
            sender="REG|NORTHVALE",
            message_type=kind,
            version="2.5.1",
            lanes=(f"patient {at}",),
        )
        for at, text in enumerate(messages)
    ]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[FhirServer, int]]:
    found = FhirServer()
    runner = web.AppRunner(found.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield found, runner.addresses[0][1]
    await runner.cleanup()


@pytest_asyncio.fixture
async def site(tmp_path: Path, server: tuple[FhirServer, int]) -> AsyncIterator[WorkerSite]:
    found = WorkerSite(tmp_path, CHANNEL, f"http://127.0.0.1:{server[1]}/fhir")
    yield found
    found.end()


def patients(server: FhirServer) -> list[dict[str, Any]]:
    found = [
        server.memory.read("Patient", one).body for one in server.memory.matches("Patient", "")
    ]
    return [one for one in found if one is not None]


async def test_a_thin_result_keeps_the_address_and_a_null_deletes_the_number(
    site: WorkerSite, server: tuple[FhirServer, int]
) -> None:
    fhir, _ = server
    site.receive(receipts([admission(number) for number in range(PATIENTS)], "ADT^A01"))
    site.start("worker-1", 0.5)
    site.start("worker-2", 0.5)
    await site.until(lambda: site.counts() == (PATIENTS, 0))
    site.receive(receipts([result(number) for number in range(PATIENTS)], "ORU^R01"))
    await site.until(lambda: site.counts() == (2 * PATIENTS, 0))
    found = patients(fhir)
    assert len(found) == PATIENTS
    assert all(one["address"][0]["city"] == "Northvale" for one in found)  # PID-11
    assert all(len(one["telecom"]) == 2 for one in found)  # PID-13, PID-14
    site.receive(receipts([update(number) for number in range(PATIENTS)], "ADT^A08"))
    await site.until(lambda: site.counts() == (3 * PATIENTS, 0))
    found = patients(fhir)
    assert all([each["use"] for each in one["telecom"]] == ["work"] for one in found)  # PID-13
    assert all(one["birthDate"] == "1958-06-17" for one in found)  # PID-7
    (doctor,) = fhir.memory.matches("Practitioner", "")  # PV1-7, once for all
    assert fhir.memory.read("Practitioner", doctor).body
