"""Pure. The fast gate of the hot path: what is surely valid passes, the rest asks the checker.

The definitions become a JSON Schema per resource type (`fhir.gate_schema`), which a validator
written in Rust applies to the values as they are. The schema accepts only what is surely valid, so
the gate cannot be more lenient than the checker; when it says no, the checker decides.

Measured on 33 resources of an ORU, all from the same definitions: this 0.13 ms, tables of checks in
Python 0.24 ms, structs of msgspec 0.26 ms (without choices and empty objects), `checker.check`
1.7 ms. `benchmarks/check.py` measures it.

The types that messages make share one validator: its datatypes and patterns then stay in the
processor's caches while a message goes by (23 resources between the other steps of a message:
120 us, with a validator per type 200 us).
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from jsonschema_rs import Draft4Validator

from engine.fhir.checker import check
from engine.fhir.gate_schema import PERIOD_KEYWORD, schema_by_type
from engine.fhir.invariants import VALUE_RULES

GATES_MAX = 200
"""R4 has 146 resource types; that of a rare one is made when it first occurs, in about 10 ms."""

OFTEN_TOGETHER = frozenset(
    {"Account", "AllergyIntolerance", "Appointment", "CarePlan", "CareTeam", "Composition"}
    | {"Condition", "Coverage", "Device", "DiagnosticReport", "DocumentReference", "Encounter"}
    | {"EpisodeOfCare", "FamilyMemberHistory", "Goal", "Immunization", "Location", "Medication"}
    | {"MedicationAdministration", "MedicationDispense", "MedicationRequest", "MessageHeader"}
    | {"MedicationStatement", "Observation", "Organization", "Patient", "Practitioner"}
    | {"PractitionerRole", "Procedure", "Provenance", "RelatedPerson", "Schedule"}
    | {"ServiceRequest", "Slot", "Specimen", "Task"}
)
"""What messages and documents make: one gate for all, made in about 100 ms and 25 MB."""


def is_valid(resource: dict[str, Any]) -> bool:
    """True when `checker.check` finds no error, most often without asking it."""
    return is_surely_valid(resource) or not check(resource)


def is_surely_valid(resource: dict[str, Any]) -> bool:
    """The gate alone: True is a promise that the checker finds no error, False says nothing."""
    try:
        resource_type = resource["resourceType"]
        if not _gate(resource_type)({resource_type: resource}):
            return False
    except (KeyError, TypeError, ValueError):  # no such type, or not JSON values
        return False
    rules = VALUE_RULES.get(resource_type)
    return rules is None or all(rule.fault(resource) is None for rule in rules)


def _gate(resource_type: str) -> Callable[[Any], bool]:
    """Says whether the one value of an object is a resource of the type that is its key."""
    return _common_gate() if resource_type in OFTEN_TOGETHER else _rare_gate(resource_type)


@lru_cache(maxsize=1)
def _common_gate() -> Callable[[Any], bool]:
    return _compiled(sorted(OFTEN_TOGETHER))


@lru_cache(maxsize=GATES_MAX)
def _rare_gate(resource_type: str) -> Callable[[Any], bool]:
    return _compiled([resource_type])


def _compiled(resource_types: Iterable[str]) -> Callable[[Any], bool]:
    keywords: dict[str, Any] = {PERIOD_KEYWORD: _PeriodKeyword}
    return Draft4Validator(schema_by_type(resource_types), keywords=keywords).is_valid


class _PeriodKeyword:
    """R4's per-1 inside the validator."""

    def __init__(self, parent_schema: Any, value: Any, schema_path: Any) -> None:
        """The validator tells where the keyword stands; nothing depends on it."""

    def validate(self, instance: Any) -> None:
        """Raise ValueError when the start is after the end."""
        for rule in VALUE_RULES["Period"]:
            if rule.fault(instance) is not None:
                raise ValueError(rule.key)
