"""Pure. The shaper of each resource type: what its rules as data cannot say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.millennium.resources import administrative, clinical, documents
from engine.millennium.resources.appointment import shape_appointment
from engine.millennium.resources.encounter import shape_encounter
from engine.millennium.resources.observation import shape_observation
from engine.millennium.resources.patient import shape_patient
from engine.millennium.resources.shaping import Shaped

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What shaping a resource may need of its message and its tenant."""

    enrolling_organization: str = ""
    code_systems: str = ""
    """Root of the tenant's code systems, `https://fhir.cerner.com/TENANT`."""
    reports: Mapping[str, Json] = field(default_factory=dict)
    """Name of an Observation to the DiagnosticReport it is a result of."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Reference to an Organization to its name."""


Shaper = Callable[[Shaped, str, Surroundings], None]
"""Given the resource, its name in the message and its surroundings."""


def _alone(shaper: Callable[[Shaped], None]) -> Shaper:
    return lambda shaped, _name, _around: shaper(shaped)


SHAPERS: Mapping[str, Shaper] = {
    "AllergyIntolerance": _alone(clinical.shape_allergy),
    "Appointment": _alone(shape_appointment),
    "ChargeItem": lambda shaped, _name, around: administrative.shape_charge(
        shaped, around.code_systems
    ),
    "Condition": _alone(clinical.shape_condition),
    "Coverage": _alone(administrative.shape_coverage),
    "DiagnosticReport": _alone(documents.shape_report),
    "DocumentReference": _alone(documents.shape_document),
    "Encounter": lambda shaped, _name, around: shape_encounter(
        shaped, around.enrolling_organization
    ),
    "Immunization": lambda shaped, _name, around: clinical.shape_immunization(shaped, around.names),
    "MedicationRequest": _alone(administrative.shape_medication_request),
    "Observation": lambda shaped, name, around: shape_observation(shaped, around.reports.get(name)),
    "Patient": lambda shaped, _name, around: shape_patient(shaped, around.enrolling_organization),
    "Procedure": _alone(clinical.shape_procedure),
    "RelatedPerson": _alone(administrative.shape_related_person),
}


def apply_shaper(shaped: Shaped, name: str, around: Surroundings) -> None:
    """Bring a resource into the form of a create, as far as its type has a form of its own."""
    shaper = SHAPERS.get(shaped.kind)
    if shaper is not None:
        shaper(shaped, name, around)
