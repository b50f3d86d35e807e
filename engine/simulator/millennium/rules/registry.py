"""Rim. The rules of each type that has some beyond its list of fields."""

from collections.abc import Mapping

from engine.simulator.millennium.rules import encounter, observation, patient
from engine.simulator.millennium.rules.scene import TypeRules

PLAIN = TypeRules()

RULES: Mapping[str, TypeRules] = {
    "Patient": patient.RULES,
    "Encounter": encounter.RULES,
    "Observation": observation.RULES,
}


def rules_of(kind: str) -> TypeRules:
    """The rules of a type; those of its fields alone when it has no others."""
    return RULES.get(kind, PLAIN)
