"""Our tables for documents against the concept maps of HL7's C-CDA on FHIR guide.

Every row of the guide is in a table of ours with the same target, or our row says why not.
"""

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAPS = ROOT.parent / "shared" / "corpora" / "ccda-on-fhir-ig" / "concept_maps.tsv"
TABLES = ROOT / "transforms" / "cda" / "tables"

OURS = {
    "CF-AddressUse": ("AddressUse", "AddressType"),
    "CF-AdministrativeGender": ("Gender",),
    "CF-AllergyIntoleranceCategory": ("AllergyCategory",),
    "CF-AllergyIntoleranceType": ("AllergyType",),
    "CF-AllergyStatus": ("AllergyStatus",),
    "CF-ConditionClinicalStatus": ("ConditionClinical", "ConcernStatus"),
    "CF-Criticality": ("AllergyCriticality",),
    "CF-EncounterStatus": ("EncounterStatus",),
    "CF-ImmunizationStatus": ("ImmunizationStatus",),
    "CF-MedActivityMood": ("MedicationIntent",),
    "CF-MedicationStatus": ("MedicationStatus",),
    "CF-NameUse": ("NameUse",),
    "CF-NoKnownAllergies": ("NoKnownAllergy",),
    "CF-NullFlavorDataAbsentReason": ("NullFlavorReason",),
    "CF-ProblemCategory": ("ConditionCategory",),
    "CF-ProblemStatus": ("ProblemStatus",),
    "CF-ProcedureStatus": ("ProcedureStatus",),
    "CF-ResultReportStatus": ("ReportStatus",),
    "CF-ResultStatus": ("ObservationStatus",),
    "CF-Severity": ("ReactionSeverity",),
    "CF-TelecomUse": ("TelecomUse",),
}
"""Concept map of the guide to tables of ours; `CF-TelecomType` is rules of TEL[ContactPoint]."""

pytestmark = pytest.mark.skipif(not MAPS.exists(), reason="the guide is not here")


def _guide() -> list[dict[str, str]]:
    with MAPS.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row["map"].startswith("CF-")]


def _table(name: str) -> list[dict[str, str]]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_concept_map_to_fhir_has_a_table() -> None:
    assert {row["map"] for row in _guide()} - {"CF-TelecomType"} == set(OURS)


@pytest.mark.parametrize("name", sorted(OURS))
def test_targets_are_the_guides_or_the_row_says_why_not(name: str) -> None:
    ours: dict[str, list[dict[str, str]]] = {}
    for table in OURS[name]:
        for row in _table(table):
            ours.setdefault(row["source_code"], []).append(row)
    otherwise = [
        row["source_code"]
        for row in _guide()
        if row["map"] == name
        and not any(
            one["target_code"] == row["target_code"] or one["comment"]
            for one in ours.get(row["source_code"], ())
        )
    ]
    assert otherwise == []
