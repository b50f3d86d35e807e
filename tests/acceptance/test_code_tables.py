"""A held message from its work list to its release, over a real node and its commands."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_site import Sender, Site, free_port, wait_for

from engine.pipeline.states import State
from engine.runtime.desk.message_log import open_message_log
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
    wait_for(lambda: states(site)["m2"] is State.SENT)
    assert states(site)["m1"] is State.SENT
    assert delivered(site) == ["male", "unknown", "female"]
    assert missing(site) == []
