"""A held message from its work list to its release, over a real node and its commands."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_site import Sender, Site, free_port, wait_for

from engine.pipeline.states import State
from engine.runtime.desk.message_log import open_message_log
from engine.simulator.millennium.options import CLIENT_SECRET
from engine.store.interface import Search

pytestmark = pytest.mark.acceptance

TABLE = "transforms/Sex.csv"
FILES = {
    "transforms/ADT_A01.yaml": """\
map: ADT_A01
from: ADT_A01
to: Bundle
for: [ADT^A01]
rules:
  - PID -> PID[Patient] as patient
""",
    "transforms/PID_Patient.yaml": """\
map: PID[Patient]
from: PID
to: Patient
key: ["PID-3[1].1"]
rules:
  gender: PID-8 -> table Sex unmapped=hold
""",
    TABLE: """\
source_code,source_system,target_code,target_system,target_display,comment
F,,female,http://hl7.org/fhir/administrative-gender,Female,
M,,male,http://hl7.org/fhir/administrative-gender,Male,
""",
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    yield found
    found.end()


def start(site: Site) -> int:
    port = free_port()
    (site.home / "channels/adt.yaml").write_text(
        f"""\
channel: adt
listener: {{mllp: {{port: {port}}}}}
transform: {{source_system: "urn:oid:1.2.3"}}
destinations:
  - file: {{name: out, path: out, pattern: "{{message_id}}.json", content: bundle}}
""",
        encoding="utf-8",
    )
    site.start()
    return port


def message(control_id: str, patient: str, sex: str) -> bytes:
    return (
        f"MSH|^~\\&|REG|NORTH|E|H|20260105083000-0600||ADT^A01^ADT_A01|{control_id}|P|2.5.1\r"
        f"EVN|A01|20260105083000-0600\rPID|1||{patient}||||19870412|{sex}\rPV1|1|I\r"
    ).encode()


def engine(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    options = ["--home", str(site.home)] if words[0] != "log" else []
    if words[:2] == ("tables", "missing") or words[0] == "reload":
        options += ["--store", site.store_url]
    return subprocess.run(
        [sys.executable, "-m", "engine", *words, *options],
        cwd=site.home,
        capture_output=True,
        text=True,
        check=False,
    )


def states(site: Site) -> dict[str, State | None]:
    with open_message_log(site.store_url) as log:
        return {row.control_id: row.state for row in log.search(Search(limit=100))}


def missing(site: Site) -> list[dict[str, object]]:
    found = engine(site, "tables", "missing", "--format", "ndjson")
    return [json.loads(line) for line in found.stdout.splitlines()]


def delivered(site: Site) -> list[str]:
    """The genders delivered, in the order of delivery."""
    files = sorted((site.home / "out").glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
    bundles = [json.loads(file.read_bytes()) for file in files]
    return [bundle["entry"][0]["resource"]["gender"] for bundle in bundles]


def test_a_code_is_missing_added_and_its_message_released_before_what_waited(site: Site) -> None:
    sender = Sender(start(site))
    for number, (patient, sex) in enumerate((("A", "U"), ("A", "F"), ("B", "M")), 1):
        assert sender.ask(message(f"m{number}", patient, sex)) is not None
    sender.close()
    wait_for(lambda: states(site).get("m3") is State.SENT)
    wait_for(lambda: states(site)["m1"] is State.HELD)
    assert states(site)["m2"] is State.RECEIVED
    (entry,) = missing(site)
    assert (entry["table"], entry["code"], entry["where"]) == ("Sex", "U", "PID-8")
    assert (entry["sender"], entry["count"]) == ("REG|NORTH", 1)

    site.kill()
    site.start()
    wait_for(lambda: states(site)["m1"] is State.HELD)
    assert states(site)["m2"] is State.RECEIVED

    refused = engine(site, "tables", "add", "Sex", "F=other")
    assert (refused.returncode, "has a row already" in refused.stderr) == (1, True)
    added = engine(site, "tables", "add", "Sex", "U=unknown", "--display", "Unknown")
    assert added.returncode == 0, added.stderr
    system = "http://hl7.org/fhir/administrative-gender"
    assert (site.home / TABLE).read_text() == FILES[TABLE] + f"U,,unknown,{system},Unknown,\n"
    assert engine(site, "reload").returncode == 0
    site.kill()
    site.start()
    wait_for(lambda: states(site)["m2"] is State.SENT)
    assert states(site)["m1"] is State.SENT
    assert delivered(site) == ["male", "unknown", "female"]
    assert missing(site) == []


# -- the same with a code value of a simulated tenant --

ENVIRONMENT = """\
environment: demo
class: sandbox
tenants:
  main:
    class: sandbox
    tenant: sandbox
    fhir: http://127.0.0.1:{port}/r4/{{tenant}}
    ehr_api: http://127.0.0.1:{port}/{{tenant}}
    authorization: {{client_id: engine, secret: "${{secret:env:MILLENNIUM_SECRET}}"}}
    enrolling_organization: "675844"
    snapshot: codevalues/snapshots/demo.csv
"""
RESULTS = """\
channel: oru
listener: {{mllp: {{port: {port}}}}}
route: {{MSH-9.1: ORU}}
transform:
  time_zone: America/Chicago
  source_system: "urn:oid:1.2.3"
  authorities: {{NORTH: "urn:oid:2.16.840.1.113883.3.9999.1.4"}}
destinations:
  - millennium:
      name: chart
      tenant: main
      calls: [patient.register, observation.record]
      contributor_source: LAB_A
"""
ALIASES = "codevalues/aliases/LAB_A/72.csv"
HEAD = "alias,system,alias_meaning,target,display,comment\n"


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    port = free_port()
    monkeypatch.setenv("MILLENNIUM_SECRET", CLIENT_SECRET)
    command = [sys.executable, "-m", "engine", "simulate", "millennium", "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: is_open(port))
    yield port
    process.terminate()
    process.wait(20)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def result(control_id: str, test: str) -> bytes:
    return (
        f"MSH|^~\\&|LAB|NORTH|E|H|20260105091500-0600||ORU^R01^ORU_R01|{control_id}|P|2.5.1\r"
        "PID|1||4711^^^NORTH^MR||Okafor^Adaeze^^^^^L||19870412|F\r"
        f"OBR|1|O{control_id}^REG|F{control_id}^LAB|PANEL^Panel^L|||20260105080000-0600"
        f"{'|' * 15}20260105090000-0600||LAB|F\r"
        f"OBX|1|NM|{test}||4.1|mmol/L^^UCUM|||||F|||20260105080000-0600\r"
    ).encode()


def charted(port: int) -> int:
    """How many results the tenant has."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_simulator/counts") as answer:
        found = json.loads(answer.read())
    return int(found["resources"]["sandbox"].get("Observation", 0))


@pytest.mark.timeout(600)
def test_a_code_without_a_value_waits_for_its_alias_and_then_reaches_the_chart(
    site: Site, simulator: int
) -> None:
    for name in FILES:
        (site.home / name).unlink()
    (site.home / "transforms").rmdir()  # the library that ships is used
    port = free_port()
    (site.home / "environments").mkdir()
    (site.home / "environments/demo.yaml").write_text(ENVIRONMENT.format(port=simulator))
    (site.home / "channels/oru.yaml").write_text(RESULTS.format(port=port))
    table = site.home / ALIASES
    table.parent.mkdir(parents=True)
    table.write_text(HEAD + "NA,,,cki:CKI.EC!80002,Sodium,\n")
    taken = engine(site, "tables", "snapshot", "--code-sets", "72,71")
    assert taken.returncode == 0, taken.stderr
    before = charted(simulator)

    site.start()
    sender = Sender(port)
    assert sender.ask(result("r1", "K^Potassium Level^L")) is not None
    assert sender.ask(result("r2", "NA^Sodium^L")) is not None
    sender.close()
    wait_for(lambda: states(site).get("r1") is State.HELD)
    wait_for(lambda: states(site).get("r2") is State.RECEIVED)
    (entry,) = missing(site)
    assert (entry["table"], entry["code"], entry["code_set"]) == ("LAB_A/72", "K", 72)
    assert (entry["where"], entry["suggestion"]) == ("Observation.code", "cki:CKI.EC!80001")
    assert charted(simulator) == before

    wrong = engine(site, "tables", "add", "LAB_A/72", "K=21705101")
    assert (wrong.returncode, "inactive" in wrong.stderr) == (1, True)
    added = engine(site, "tables", "add", "LAB_A/72", "K=21704910")
    assert added.stdout == f"{ALIASES}:2: K,,,cki:CKI.EC!80001,,\n"
    assert engine(site, "reload").returncode == 0
    wait_for(lambda: states(site)["r2"] is State.SENT)
    assert states(site)["r1"] is State.SENT
    assert charted(simulator) == before + 2
    assert missing(site) == []
