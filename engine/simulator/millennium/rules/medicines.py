"""Rim. Immunization and MedicationRequest. Report 1.4."""

from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError
from engine.simulator.millennium.elements import codings, dicts, is_proprietary
from engine.simulator.millennium.rules.demands import at_most, be_one_of, need, refer_to, stay
from engine.simulator.millennium.rules.scene import Scene, TypeRules


def _immunization(scene: Scene, resource: Resource) -> Resource:
    """With an encounter it is charted, without one it is staged."""
    need(resource, "Immunization", "occurrenceDateTime")
    if "reportOrigin" in resource and resource.get("primarySource") is True:
        raise RuleBrokenError("reportOrigin and primarySource true exclude each other")
    for performer in dicts(resource.get("performer")):
        refer_to(performer.get("actor"), "performer.actor", "Practitioner", "Organization")
    at_most(resource, "note")
    primary = resource.get("primarySource", "reportOrigin" not in resource)
    return {
        **resource,
        "vaccineCode": _vaccine(scene, resource["vaccineCode"]),
        "primarySource": primary,
    }


def _vaccine(scene: Scene, concept: dict[str, Any]) -> dict[str, Any]:
    """As it is read: with the event code and the CVX code, where one is mapped to the other."""
    for coding in codings(concept):
        code, system = str(coding.get("code", "")), str(coding.get("system", ""))
        own = is_proprietary(coding)
        row = scene.codes.get(code) if own else scene.codes.mapped(system, code)
        if row is not None:
            other = scene.codes.standard(row)
            both = [scene.codes.coding(row), *([other] if other is not None else [])]
            return {**concept, "coding": both}
    return concept


def _immunization_update(scene: Scene, before: Resource, after: Resource) -> Resource:
    if after.get("primarySource") is True:
        raise RuleBrokenError("primarySource must not be true")
    stay(before, after, "patient")
    return _immunization(scene, {**after, "primarySource": False})


def _request(_scene: Scene, resource: Resource) -> Resource:
    be_one_of(resource["status"], "status", {"active"})
    be_one_of(resource["intent"], "intent", {"order", "plan"})
    if resource.get("reportedBoolean") is not True:
        raise RuleBrokenError("reportedBoolean must be true: documented medications alone")
    concept = resource.get("medicationCodeableConcept")
    if not isinstance(concept, dict):
        raise RuleBrokenError("medicationCodeableConcept is required", code="required")
    if len(codings(concept)) > 1 or not (codings(concept) or concept.get("text")):
        raise RuleBrokenError("medicationCodeableConcept has text or one coding")
    return resource


def _request_patched(_scene: Scene, resource: Resource, _operations: list[dict[str, Any]]) -> None:
    be_one_of(resource.get("status"), "status", {"stopped", "cancelled"})


IMMUNIZATION = TypeRules(create=_immunization, update=_immunization_update)
MEDICATION_REQUEST = TypeRules(create=_request, patch=_request_patched)
