"""Every sample document converts to the bundle that was reviewed against the guide (cda/REVIEW.md).

`pytest tests/golden --update` rewrites the expected files: read the difference before you
commit it.
"""

from pathlib import Path

import msgspec
import pytest
from converted_documents import ConvertedDocument, convert_document
from fhir.resources.R4B.bundle import Bundle

from engine.fhir import checker
from engine.fhir.bundle import check_references
from engine.mapping.run import MapContext

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples" / "cda").glob("*.xml"))
EXPECTED = Path(__file__).parent / "cda"
CONTEXT = MapContext(time_zone="America/Chicago", source_system="https://northvale.example.org")
FAULTS = {
    "real-life-faults": {"D309", "D321", "T561", "T564"},
}
"""What is said of a sample; of all others nothing."""


def convert(sample: Path) -> ConvertedDocument:
    return convert_document(sample.name, sample.read_bytes(), CONTEXT)


def written(body: bytes) -> str:
    """The bytes that are sent, laid out; numbers keep their digits."""
    return msgspec.json.format(body, indent=2).decode() + "\n"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_sample_becomes_the_reviewed_bundle(sample: Path, update: bool) -> None:
    expected = EXPECTED / f"{sample.stem}.json"
    made = written(convert(sample).body)
    if update:
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(made, "utf-8")
    assert expected.exists(), "run pytest tests/golden --update and review the new file"
    assert made == expected.read_text("utf-8")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_bundle_is_valid_r4_and_complete(sample: Path) -> None:
    made = convert(sample)
    assert made.result is not None
    for entry in made.result.entries:
        found = checker.check(entry.resource)
        assert found == (), (entry.resource["resourceType"], [str(one.place) for one in found])
    assert check_references(made.entries) == ()
    Bundle.model_validate_json(made.body)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_nothing_of_a_sample_is_lost_and_only_its_faults_are_reported(sample: Path) -> None:
    made = convert(sample)
    assert made.result is not None
    said = {one.code for one in (*made.diagnostics, *made.result.diagnostics)}
    assert said == FAULTS.get(sample.stem, set())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_second_run_gives_the_same_bytes(sample: Path) -> None:
    assert convert(sample).body == convert(sample).body


def test_every_expected_bundle_has_its_sample() -> None:
    known = {path.stem for path in SAMPLES}
    assert {path.stem for path in EXPECTED.glob("*.json")} <= known


def test_newer_version_replaces_the_older_and_shares_its_ids() -> None:
    older, newer = (
        convert(ROOT / "samples" / "cda" / f"{name}.xml")
        for name in ("ccd-rich", "ccd-newer-version")
    )
    for kind in ("Patient", "Condition", "MedicationRequest", "AllergyIntolerance", "Encounter"):
        ids = [{one["id"] for one in made.of_type(kind)} for made in (older, newer)]
        assert ids[0] == ids[1] != set(), kind
    composition = newer.of_type("Composition")[0]
    replaced = composition["relatesTo"][0]
    assert replaced["code"] == "replaces"
    assert replaced["targetIdentifier"] == older.of_type("Composition")[0]["identifier"]


def test_document_without_a_structured_body_keeps_its_attachment() -> None:
    made = convert(ROOT / "samples" / "cda" / "unstructured-pdf.xml")
    document = made.of_type("DocumentReference")[0]
    types = [one["attachment"].get("contentType") for one in document["content"]]
    assert "application/pdf" in types
