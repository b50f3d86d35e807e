"""A site with one Millennium tenant: real worker processes, a simulator, patients to register."""

import hashlib
import time
from pathlib import Path

from worker_site import WorkerSite

from engine.runtime.configuration import read_project
from engine.simulator.millennium.options import CLIENT_SECRET
from engine.simulator.millennium.server import MillenniumSimulator
from engine.store.interface import Receipt

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


class MillenniumSite(WorkerSite):
    """A site with one environment."""

    def configure(self, channel: str) -> None:
        (self.folder / "environments").mkdir(exist_ok=True)
        (self.folder / "environments" / "sim.yaml").write_text(ENVIRONMENT, encoding="utf-8")
        (self.folder / "channels" / "channel.yaml").write_text(channel, encoding="utf-8")
        self.data.snapshots.write(read_project(self.folder))

    @classmethod
    def at(cls, folder: Path, simulator: MillenniumSimulator) -> "MillenniumSite":
        """A site whose tenant is this simulator."""
        found = cls(folder, CHANNEL, "")
        found.environment |= {
            "MILLENNIUM_PORT": str(simulator.port),
            "MILLENNIUM_SECRET": CLIENT_SECRET,
        }
        return found


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


def receipts(patients: int, rounds: int) -> list[Receipt]:
    """Each patient once in each round."""
    found = []
    for number in range(rounds):
        for patient in range(patients):
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
