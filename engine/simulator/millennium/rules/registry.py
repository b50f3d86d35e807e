"""Rim. The rules of each type that has some beyond its list of fields."""

from collections.abc import Mapping

from engine.simulator.millennium.rules import (
    documents,
    encounter,
    exchanges,
    medicines,
    observation,
    patient,
    people,
    problems,
    scheduling,
)
from engine.simulator.millennium.rules.scene import TypeRules

PLAIN = TypeRules()

RULES: Mapping[str, TypeRules] = {
    "AllergyIntolerance": problems.ALLERGY,
    "Appointment": scheduling.APPOINTMENT,
    "Basic": exchanges.TRANSACTION,
    "Communication": exchanges.COMMUNICATION,
    "Condition": problems.CONDITION,
    "Coverage": exchanges.COVERAGE,
    "DiagnosticReport": documents.REPORT,
    "DocumentReference": documents.DOCUMENT,
    "Encounter": encounter.RULES,
    "FamilyMemberHistory": problems.FAMILY_HISTORY,
    "Immunization": medicines.IMMUNIZATION,
    "MedicationRequest": medicines.MEDICATION_REQUEST,
    "Observation": observation.RULES,
    "Organization": people.ORGANIZATION,
    "Patient": patient.RULES,
    "Practitioner": people.PRACTITIONER,
    "Procedure": problems.PROCEDURE,
    "Provenance": exchanges.PROVENANCE,
    "QuestionnaireResponse": exchanges.ANSWERS,
    "RelatedPerson": people.RELATED_PERSON,
    "Slot": scheduling.SLOT,
}


def rules_of(kind: str) -> TypeRules:
    """The rules of a type; those of its fields alone when it has no others."""
    return RULES.get(kind, PLAIN)
