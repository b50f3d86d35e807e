"""What a document denies, does not know or limits keeps its meaning: the gates of safety."""

from pathlib import Path
from typing import Any

import pytest
from converted_documents import convert_document
from facts import holds

SAMPLE = Path(__file__).parents[2] / "samples" / "cda" / "negations-and-absences.xml"
RISK = "allergyintolerance-substanceExposureRisk"

MEANING = {
    "the patient does not have diabetes": (
        "Condition: code.coding[0].code=44054006; verificationStatus.coding[0].code=refuted;"
        " clinicalStatus=absent"
    ),
    "no known problems": (
        "Condition: code.coding[0].code=160245001; clinicalStatus.coding[0].code=active"
    ),
    "no known allergies": (
        "AllergyIntolerance: code.coding[0].code=716186003; verificationStatus.coding[0].code="
        "confirmed; extension=absent"
    ),
    "not allergic to peanuts": (
        "AllergyIntolerance: code.coding=absent; extension[0].url="
        f"http://hl7.org/fhir/StructureDefinition/{RISK};"
        " extension[0].extension[0].valueCodeableConcept.coding[0].code=256349002;"
        " extension[0].extension[1].valueCodeableConcept.coding[0].code=no-known-reaction-risk"
    ),
    "a vaccine was refused": (
        "Immunization: status=not-done; vaccineCode.coding[0].code=88;"
        " statusReason.coding[0].code=PATOBJ"
    ),
    "a procedure was refused": "Procedure: status=not-done; code.coding[0].code=73761001",
    "a medicine was refused": (
        "MedicationRequest: doNotPerform=true; reasonCode[0].coding[0].code=182897004"
    ),
    "takes no medicines": (
        "Composition: section[2].emptyReason.coding[0].code=nilknown; section[2].entry=absent"
    ),
    "has no implants": (
        "Composition: section[6].emptyReason.coding[0].code=nilknown; section[6].entry=absent"
    ),
    "not pregnant": (
        "Observation: code.coding[0].code=82810-3; valueCodeableConcept.coding[0].code=60001007;"
        " valueCodeableConcept.coding[1]=absent"
    ),
    "a problem is resolved": (
        "Condition: code.coding[0].code=233604007; clinicalStatus.coding[0].code=resolved;"
        " abatementDateTime=2014-02-20"
    ),
    "every four to six hours": (
        "MedicationRequest: dosageInstruction[0].timing.repeat.period=4;"
        " dosageInstruction[0].timing.repeat.periodMax=6;"
        " dosageInstruction[0].timing.repeat.periodUnit=h; doNotPerform=absent"
    ),
    "at bedtime": (
        "MedicationRequest: dosageInstruction[0].timing.repeat.when[0]=HS; doNotPerform=absent"
    ),
    "more than 500": "Observation: valueQuantity.value=500; valueQuantity.comparator=>",
    "a result that was not asked": (
        "Observation: code.coding[0].code=2160-0; dataAbsentReason.coding[0].code=not-asked;"
        " valueQuantity=absent"
    ),
    "a section without information": (
        "Composition: section[9].emptyReason.coding[0].code=unavailable; section[9].entry=absent"
    ),
    "a section that was not asked": (
        "Composition: section[10].emptyReason.coding[0].code=notasked; section[10].entry=absent"
    ),
}


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    return convert_document(SAMPLE.name, SAMPLE.read_bytes()).resources()


@pytest.mark.parametrize("meaning", MEANING)
def test_meaning_is_kept(meaning: str, resources: list[dict[str, Any]]) -> None:
    assert holds(resources, MEANING[meaning]), meaning


def test_nothing_denied_is_told_as_a_fact_too(resources: list[dict[str, Any]]) -> None:
    counts = {
        kind: sum(one["resourceType"] == kind for one in resources)
        for kind in ("Condition", "AllergyIntolerance", "Immunization", "Procedure")
    }
    assert counts == {"Condition": 3, "AllergyIntolerance": 2, "Immunization": 1, "Procedure": 1}
    assert sum(one["resourceType"] == "MedicationRequest" for one in resources) == 3
