"""Pure. The shaper of each resource type: what its rules as data cannot say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.millennium.resources.encounter import shape_encounter
from engine.millennium.resources.observation import shape_observation
from engine.millennium.resources.patient import shape_patient
from engine.millennium.resources.shaping import Shaped

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What shaping one resource may need of its message and its tenant."""

    enrolling_organization: str = ""
    reports: Mapping[str, Json] = field(default_factory=dict)
    """Name of an Observation to the DiagnosticReport it is a result of."""


Shaper = Callable[[Shaped, str, Surroundings], None]
"""Given the resource, its name in the message and its surroundings."""

SHAPERS: Mapping[str, Shaper] = {
    "Patient": lambda shaped, _name, around: shape_patient(shaped, around.enrolling_organization),
    "Encounter": lambda shaped, _name, around: shape_encounter(
        shaped, around.enrolling_organization
    ),
    "Observation": lambda shaped, name, around: shape_observation(shaped, around.reports.get(name)),
}


def apply_shaper(shaped: Shaped, name: str, around: Surroundings) -> None:
    """Bring a resource into the form of a create, as far as its type has a form of its own."""
    shaper = SHAPERS.get(shaped.kind)
    if shaper is not None:
        shaper(shaped, name, around)
