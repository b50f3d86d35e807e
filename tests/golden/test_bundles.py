"""Every sample message converts to the bundle that was reviewed row by row against the guide.

`pytest tests/golden --update` rewrites the expected files: read the difference before you
commit it.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B.bundle import Bundle
from shipped import shipped_program

from engine.channel.model import FhirDestinationConfig
from engine.fhir import checker
from engine.fhir.bundle import check_references, encode_bundle
from engine.hl7v2 import batch, groups, parser
from engine.mapping.compiler.compiler import Program
from engine.mapping.run import MapContext, MapResult

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples" / "hl7v2").rglob("*.hl7"))
EXPECTED = Path(__file__).parent / "hl7v2"
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities
CONTEXT = MapContext(
    time_zone="Europe/London",
    authorities={
        "NHS": "https://fhir.nhs.uk/Id/nhs-number",
        "NPI": "http://hl7.org/fhir/sid/us-npi",
        "NVMRN": "urn:oid:2.16.840.1.113883.19.4.10",
        "NVVISIT": "https://northvale.example.org/visit",
        "LABONE": "https://labone.example.org/order",
    },
    source_system="https://northvale.example.org",
)


@pytest.fixture(scope="module")
def program() -> Program:
    return shipped_program()


def convert(program: Program, raw: bytes) -> MapResult:
    message = parser.parse(raw).message
    assert message is not None
    return program.convert(groups.group(message), CONTEXT)


def body_of(result: MapResult) -> bytes:
    return encode_bundle(
        result.entries, interaction="transaction", identity="update", capabilities=CAPABILITIES
    ).body


def written(body: bytes) -> str:
    """The bytes that are sent, laid out; numbers keep their digits."""
    return msgspec.json.format(body, indent=2).decode() + "\n"


def sample_name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("sample", SAMPLES, ids=sample_name)
def test_sample_becomes_the_reviewed_bundle(sample: Path, program: Program, update: bool) -> None:
    expected = EXPECTED / sample.parent.name / f"{sample.stem}.json"
    made = written(body_of(convert(program, sample.read_bytes())))
    if update:
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(made, "utf-8")
    assert expected.exists(), "run pytest tests/golden --update and review the new file"
    assert made == expected.read_text("utf-8")


@pytest.mark.parametrize("sample", SAMPLES, ids=sample_name)
def test_bundle_is_valid_r4_and_complete(sample: Path, program: Program) -> None:
    result = convert(program, sample.read_bytes())
    for entry in result.entries:
        found = checker.check(entry.resource)
        assert found == (), (entry.resource["resourceType"], [str(one.place) for one in found])
    assert check_references(result.entries) == ()
    Bundle.model_validate_json(body_of(result))


@pytest.mark.parametrize("sample", SAMPLES, ids=sample_name)
def test_second_run_gives_the_same_bytes(sample: Path, program: Program) -> None:
    raw = sample.read_bytes()
    assert body_of(convert(program, raw)) == body_of(convert(program, raw))


@pytest.mark.parametrize("sample", SAMPLES, ids=sample_name)
def test_order_of_pid_3_repetitions_changes_no_id(sample: Path, program: Program) -> None:
    raw = sample.read_bytes()
    turned = with_pid_3_reversed(raw)
    first = {(e.resource["resourceType"], e.resource_id) for e in convert(program, raw).entries}
    second = {(e.resource["resourceType"], e.resource_id) for e in convert(program, turned).entries}
    assert first == second


def with_pid_3_reversed(raw: bytes) -> bytes:
    mark, repetition = raw[3:4], raw[5:6]
    segments = raw.split(b"\r")
    for index, segment in enumerate(segments):
        fields = segment.split(mark)
        if fields[0] == b"PID" and len(fields) > 3:
            fields[3] = repetition.join(reversed(fields[3].split(repetition)))
            segments[index] = mark.join(fields)
    return b"\r".join(segments)


def test_every_expected_bundle_has_its_sample() -> None:
    known = {sample_name(path) for path in SAMPLES}
    assert {sample_name(path) for path in EXPECTED.rglob("*.json")} <= known


STAY = (
    "ADT_A01/inpatient-full", "ADT_A02/transfer", "ADT_A12/cancel-transfer",
    "ADT_A08/update-with-nulls", "ADT_A03/discharge", "ADT_A13/cancel-discharge",
    "ORU_R01/chemistry",
)  # fmt: skip


def test_events_of_one_stay_are_about_one_patient_and_one_encounter(program: Program) -> None:
    for kind in ("Patient", "Encounter"):
        ids = {
            entry.resource_id
            for name in STAY
            for entry in convert(program, sample(name)).entries
            if entry.resource["resourceType"] == kind
        }
        assert len(ids) == 1, kind


def sample(name: str) -> bytes:
    return (ROOT / "samples" / "hl7v2" / f"{name}.hl7").read_bytes()


def made(program: Program, name: str, kind: str) -> list[dict[str, Any]]:
    entries = convert(program, sample(name)).entries
    return [entry.resource for entry in entries if entry.resource["resourceType"] == kind]


def test_cancelled_discharge_sends_pv1_45_and_has_no_end(program: Program) -> None:
    [encounter] = made(program, "ADT_A13/cancel-discharge", "Encounter")
    assert encounter["status"] == "in-progress"
    assert "end" not in encounter["period"]


def test_a28_with_pv1_2_n_makes_no_encounter(program: Program) -> None:
    assert made(program, "ADT_A28/person-add-no-visit-v28", "Encounter") == []


def test_a40_links_each_mrg_1_to_the_pid_of_its_own_group(program: Program) -> None:
    result = convert(program, sample("ADT_A40/merge-two-groups"))
    patients = {
        f"Patient/{entry.resource_id}": entry.resource
        for entry in result.entries
        if entry.resource["resourceType"] == "Patient"
    }
    pairs = {
        (number(patients[one["other"]["reference"]]), number(patient))
        for patient in patients.values()
        if patient.get("active") is False
        for one in patient["link"]
        if one["type"] == "replaced-by"
    }
    assert pairs == {("500001", "500011"), ("500001", "500012"), ("500002", "500022")}
    for survivor in patients.values():
        if "active" not in survivor:
            assert {one["type"] for one in survivor["link"]} == {"replaces"}


def number(patient: dict[str, Any]) -> str:
    return str(patient["identifier"][0]["value"])


@pytest.mark.parametrize(
    "fault", sorted((ROOT / "samples" / "faults").glob("*.hl7")), ids=lambda path: path.stem
)
def test_fault_is_reported_or_costs_only_what_is_wrong(fault: Path, program: Program) -> None:
    for raw in batch.split(fault.read_bytes()).messages or (fault.read_bytes(),):
        parsed = parser.parse(raw, repair_cp1252=True)
        if parsed.message is None:
            assert parsed.diagnostics
            continue
        result = program.convert(groups.group(parsed.message), CONTEXT)
        assert result.entries or result.diagnostics
        assert [one.code for one in result.diagnostics if one.code in ("T569", "T570")] == []
        for entry in result.entries:
            assert checker.check(entry.resource) == ()
        assert check_references(result.entries) == ()
