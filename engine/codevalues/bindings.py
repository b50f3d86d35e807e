"""Pure. Which code sets the elements of FHIR take on the Ignite API.

Documented by the vendor (proprietary codes and systems of the R4 API, report 1.7): numbers of code
sets are the same for all tenants.
"""

from collections.abc import Mapping

BINDINGS: Mapping[str, tuple[int, ...]] = {
    "Account.identifier.type": (28200,),
    "Account.type": (18736,),
    "Appointment.cancelationReason": (14229,),
    "Appointment.participant.type": (14250,),
    "Appointment.serviceType": (14249,),
    "Condition.severity": (12022,),
    "DiagnosticReport.code": (72,),
    "DocumentReference.type": (72,),
    "Encounter.hospitalization.admitSource": (2,),
    "Encounter.hospitalization.dietPreference": (18,),
    "Encounter.hospitalization.dischargeDisposition": (19,),
    "Encounter.hospitalization.specialCourtesy": (67, 16),
    "Encounter.identifier.type": (319,),
    "Encounter.participant.type": (333,),
    "Encounter.priority": (3,),
    "Encounter.serviceType": (34,),
    "Encounter.type": (71,),
    "Immunization.reportOrigin": (30200,),
    "Immunization.route": (4001,),
    "Immunization.site": (97,),
    "Immunization.statusReason": (30440,),
    "Immunization.vaccineCode": (72,),
    "Location.identifier.type": (73,),
    "Location.physicalType": (222,),
    "Medication.form": (4002,),
    "MedicationRequest.courseOfTherapyType": (4009,),
    "MedicationRequest.dosageInstruction.asNeededCodeableConcept": (4005,),
    "MedicationRequest.dosageInstruction.route": (4001,),
    "MedicationRequest.dosageInstruction.site": (1028,),
    "MedicationRequest.dosageInstruction.timing.code": (4003,),
    "MedicationRequest.statusReason": (1309, 4001970),
    "NutritionOrder.foodPreferenceModifier": (6102, 6103),
    "NutritionOrder.oralDiet.fluidConsistencyType": (100123,),
    "NutritionOrder.oralDiet.schedule.code": (4003,),
    "NutritionOrder.oralDiet.texture.modifier": (100197,),
    "NutritionOrder.supplement.type": (6107,),
    "Observation.code": (72,),
    "Observation.component.code": (72,),
    "Observation.component.interpretation": (52,),
    "Observation.interpretation": (52,),
    "Organization.identifier.type": (334,),
    "Organization.type": (278,),
    "Patient.communication.language": (36,),
    "Patient.contact.relationship": (351,),
    "Patient.identifier.type": (4,),
    "Patient.maritalStatus": (38,),
    "Procedure.performer.function": (388,),
    "RelatedPerson.communication.language": (36,),
    "RelatedPerson.relationship": (40, 351),
    "ServiceRequest.asNeededCodeableConcept": (4005,),
    "ServiceRequest.bodySite": (1028, 14045),
    "ServiceRequest.category": (6000,),
    "ServiceRequest.code": (200,),
}
"""Element to the code sets it takes. Choices of a type are written without `[x]`."""

REGISTRY_SETS = frozenset({73, 263})
"""Named by the registry: contributor sources and alias pools."""
LOCATION_SETS = frozenset({220})
"""Location codes, which are the ids of Locations."""
DOCUMENTED_SETS = REGISTRY_SETS | LOCATION_SETS | frozenset(
    number for numbers in BINDINGS.values() for number in numbers
) | frozenset({
    200, 16127, 18934, 24451, 27137, 4002640, 4003106, 12033, 14002,
})  # fmt: skip
"""All code sets with a use here; elements of the last line are not told apart."""


def code_sets_of(element: str) -> tuple[int, ...]:
    """The code sets of an element, empty where none is documented.

    Args:
        element: `Observation.code`; indexes and the types of a choice do not matter.
    """
    path = ".".join(part.partition("[")[0] for part in element.split("."))
    return BINDINGS.get(path, ())
