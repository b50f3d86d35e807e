"""Rim. Encounter: the class is inferred, the place is an organization or one location, little can
be changed afterwards. Report 1.4.
"""

from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError
from engine.simulator.millennium.elements import codes_of, codings, dicts
from engine.simulator.millennium.rules.demands import have_time
from engine.simulator.millennium.rules.scene import Scene, TypeRules

NOT_CREATED = frozenset({"cancelled", "entered-in-error"})
V2_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
ACT_CODES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
FIN, VISIT = 1077, 1079
VISIT_CODES = frozenset({"VN", "AN", "VISITID"})
REASON_SYSTEMS = (
    "http://hl7.org/fhir/sid/icd-10",
    "http://snomed.info/sct",
    "http://hl7.org/fhir/sid/icd-9",
)
EXTENSIONS = (
    "payment-collection-status",
    "estimated-financial-responsibility-amount",
    "custom-attribute",
)
CLASSES = {"INPATIENT": "IMP", "EMERGENCY": "EMER", "OBSERVATION": "OBSENC"}
"""Meaning of the type's code value -> class; AMB for all others."""


def _create(scene: Scene, resource: Resource) -> Resource:
    if resource["status"] in NOT_CREATED:
        raise RuleBrokenError("an encounter is not created with this status")
    locations = dicts(resource.get("location"))
    if ("serviceProvider" in resource) == bool(locations) or len(locations) > 1:
        raise RuleBrokenError("either serviceProvider or one location is expected")
    have_time(resource.get("period"), "period")
    for coding in codings(resource.get("reasonCode")):
        if not str(coding.get("system", "")).startswith(REASON_SYSTEMS):
            raise RuleBrokenError("reasonCode is of ICD or SNOMED CT, or text")
    _extensions(resource)
    kept = {name: value for name, value in resource.items() if name != "class"}
    kept["class"] = _class(scene, resource)
    for one in dicts(kept.get("identifier")):
        one["use"] = "usual"
        one["type"] = _identifier_type(scene, one.get("type"))
    return kept


def _identifier_type(scene: Scene, concept: Any) -> Any:
    """FIN NBR and VISITID are all that is kept; FIN NBR where nothing else is said."""
    visit = scene.codes.shipped(VISIT)
    chosen = codes_of(concept)
    own = visit if chosen & {visit["code"], "VISITID"} else scene.codes.shipped(FIN)
    code = "VN" if own is visit else "AN"
    v2 = {"system": V2_TYPES, "code": code, "userSelected": False}
    return {"coding": [own, v2], "text": own["display"]}


def _class(scene: Scene, resource: Resource) -> dict[str, Any]:
    for code in codes_of(resource.get("type")):
        row = scene.codes.get(code)
        if row is not None and row.cdf_meaning in CLASSES:
            return {"system": ACT_CODES, "code": CLASSES[row.cdf_meaning]}
    return {"system": ACT_CODES, "code": "AMB"}


def _extensions(resource: Resource) -> None:
    for extension in dicts(resource.get("extension")):
        if not str(extension.get("url", "")).endswith(EXTENSIONS):
            raise RuleBrokenError("an extension of the encounter is not supported")


def _patched(_scene: Scene, resource: Resource, _operations: list[dict[str, Any]]) -> None:
    if not resource.get("type"):
        raise RuleBrokenError("type is required", code="required")
    _extensions(resource)
    period = resource.get("period", {})
    if period.get("start") and period.get("end") and period["end"] < period["start"]:
        raise RuleBrokenError("period.end is before period.start")


RULES = TypeRules(create=_create, patch=_patched, listed=frozenset({"type"}))
