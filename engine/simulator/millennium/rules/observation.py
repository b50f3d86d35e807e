"""Rim. Observation: laboratory results and vital signs, filed under an event code. Report 1.4."""

from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError
from engine.simulator.millennium.elements import codes_of, dicts, patient_of
from engine.simulator.millennium.fields import event_code, one_of
from engine.simulator.millennium.rules.demands import at_most, be_one_of, refer_to
from engine.simulator.millennium.rules.scene import Scene, TypeRules

VITALS, LABS = "vital-signs", "laboratory"
STATUSES = frozenset({"final", "amended", "corrected"})
CHANGED = frozenset({"amended", "corrected"})
LAB_VALUES = frozenset(
    {"valueQuantity", "valueCodeableConcept", "valueString", "valueAttachment", "valueDateTime"}
)
FUNCTIONS = {VITALS: frozenset({"LA"}), LABS: frozenset({"LA", "PPRF", "PRF", "OP", "AUTHEN"})}
COMPONENTS = frozenset({"8480-6", "8462-4", "2708-6", "59408-5", "3151-8", "3150-6"})
"""Blood pressure and pulse oximetry."""
UNITS = "http://unitsofmeasure.org"


def _create(scene: Scene, resource: Resource) -> Resource:
    be_one_of(resource["status"], "status", STATUSES)
    category = _category(resource)
    if "effectiveDateTime" not in resource:
        raise RuleBrokenError("effectiveDateTime is required", code="required")
    _value(resource, category)
    _performers(resource, category)
    _details(resource)
    return {
        **resource,
        "code": _code(scene, resource.get("code")),
        "issued": resource.get("issued", scene.instant),
    }


def _category(resource: Resource) -> str:
    codes = codes_of([one_of(resource, "category")])
    found = next((one for one in (VITALS, LABS) if one in codes), "")
    if not found:
        raise RuleBrokenError(
            "category must be one of laboratory, vital-signs, or imaging",
            code="invalid",
            observed_status=422,
        )
    return found


def _value(resource: Resource, category: str) -> None:
    given = [name for name in resource if name.startswith("value")]
    components = dicts(resource.get("component"))
    if any(not codes_of(one.get("code")) & COMPONENTS for one in components):
        raise RuleBrokenError("components are those of blood pressure and pulse oximetry")
    if not given and not components:
        raise RuleBrokenError("value[x] is required", code="required")
    allowed = LAB_VALUES if category == LABS else {"valueQuantity"}
    if any(name not in allowed for name in given):
        raise RuleBrokenError("value[x] is of a type that is not supported for the category")
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, dict):
        named = [name for name in ("unit", "system", "code") if name in quantity]
        if named and len(named) < 3:
            raise RuleBrokenError("valueQuantity needs unit, system and code together")


def _performers(resource: Resource, category: str) -> None:
    for performer in dicts(resource.get("performer")):
        refer_to(performer, "performer", "Practitioner")
        functions = {
            code
            for extension in dicts(performer.get("extension"))
            for code in codes_of(extension.get("valueCodeableConcept"))
        }
        if functions - FUNCTIONS[category]:
            raise RuleBrokenError("the function of a performer is not supported")


def _details(resource: Resource) -> None:
    at_most(resource, "interpretation")
    at_most(resource, "referenceRange")
    for one in dicts(resource.get("referenceRange")):
        if "text" in one and ("low" in one or "high" in one):
            raise RuleBrokenError("referenceRange has low and high, or text")
        if "normal" not in codes_of(one.get("type") or {"coding": [{"code": "normal"}]}):
            raise RuleBrokenError("referenceRange.type is normal")


def _code(scene: Scene, concept: Any) -> dict[str, Any]:
    """As it is read: the event code and the LOINC it is mapped to."""
    own = event_code(concept, scene.codes, "code")
    if own is None:
        raise RuleBrokenError("code has no coding", code="invalid")
    row = scene.codes.get(own["code"])
    standard = scene.codes.standard(row) if row is not None else None
    text = concept.get("text") or own.get("display", "")
    coding = [own, {**standard, "userSelected": False}] if standard is not None else [own]
    return {"coding": coding, **({"text": text} if text else {})}


def _update(scene: Scene, before: Resource, after: Resource) -> Resource:
    be_one_of(after["status"], "status", CHANGED)
    if _category(before) != _category(after):
        raise RuleBrokenError("category cannot be changed")
    if patient_of(before) != patient_of(after):
        raise RuleBrokenError("subject cannot be changed")
    category = _category(after)
    given = dicts(after.get("identifier"))
    if category == VITALS and given != dicts(before.get("identifier")):
        raise RuleBrokenError("identifier is to be the server's for vital signs")
    kept = _create(scene, after)
    if _own(kept) != _own(before):
        raise RuleBrokenError("code cannot be changed")
    return {**kept, "identifier": before.get("identifier", [])}


def _own(resource: Resource) -> str:
    return str(resource["code"]["coding"][0].get("code", ""))


def _identified(scene: Scene, resource: Resource) -> Resource:
    """A new observation with the identifier the server gives."""
    kept = _create(scene, resource)
    number = scene.chart.next_number()
    identifier = {"system": "https://fhir.cerner.com/ceuuid", "value": f"CE{number}-{number}"}
    return {**kept, "identifier": [identifier]}


RULES = TypeRules(create=_identified, update=_update)
