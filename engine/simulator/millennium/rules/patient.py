"""Rim. Patient: registration at an enrolling organization, and elements with ids that patches
name. Report 1.4.
"""

from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError
from engine.simulator.millennium.elements import codes_of, dicts, reference_of
from engine.simulator.millennium.rules.demands import at_most, have_time, need, refer_to
from engine.simulator.millennium.rules.scene import Scene, TypeRules

TEXT_MAX = 100
GIVEN_MAX = 2
V2_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
MRN, CMRN = 10, 2
NUMBERED = {
    "identifier": "CI-{}-0",
    "name": "CI-{}-1",
    "telecom": "CI-PH-{}-0",
    "address": "CI-AD-{}-0",
    "generalPractitioner": "CI-GP-{}-0",
}
"""Lists whose elements get an id, and its form."""
PREFERENCE = "communication-preference"


def _create(scene: Scene, resource: Resource) -> Resource:
    identifiers = _identifiers(resource)
    _names(resource)
    if resource.get("active", True) is not True:
        raise RuleBrokenError("active may only be true")
    for contact in dicts(resource.get("telecom")):
        need(contact, "telecom", "system", "use", "value")
    for address in dicts(resource.get("address")):
        need(address, "address", "use")
        if "text" in address:
            raise RuleBrokenError("address.text is not supported")
    at_most(resource, "communication")
    for doctor in resource.get("generalPractitioner", []):
        refer_to(doctor, "generalPractitioner", "Practitioner")
    kept = {**resource, "active": True, "identifier": identifiers}
    _complete(scene, kept)
    return kept


def _identifiers(resource: Resource) -> list[dict[str, Any]]:
    enrolling, kept = 0, []
    for one in dicts(resource.get("identifier")):
        if "assigner" in one:
            if set(one) != {"assigner"} or not reference_of(one["assigner"], "Organization"):
                raise RuleBrokenError(
                    "the identifier of the enrolling organization has assigner.reference alone"
                )
            enrolling += 1
            continue
        need(one, "identifier", "type", "system", "value")
        if "use" in one:
            raise RuleBrokenError("identifier.use is not supported")
        have_time(one.get("period"), "identifier.period")
        kept.append(one)
    if enrolling != 1:
        raise RuleBrokenError("exactly one identifier names the enrolling organization")
    return kept


def _names(resource: Resource) -> None:
    official = 0
    for name in dicts(resource.get("name")):
        need(name, "name", "use")
        if "text" in name:
            raise RuleBrokenError("name.text is not supported")
        if name["use"] == "official":
            official += 1
            need(name, "name", "family", "given")
            if "end" in name.get("period", {}):
                raise RuleBrokenError("the official name has no period.end")
        for part, most in (("given", GIVEN_MAX), ("prefix", 1), ("suffix", 1)):
            if len(name.get(part, [])) > most:
                raise RuleBrokenError(f"name.{part} expected at most {most} list items")
        texts = [name.get("family", ""), *name.get("given", [])]
        if any(len(text) > TEXT_MAX for text in texts):
            raise RuleBrokenError(f"a part of name is longer than {TEXT_MAX} characters")
    if official != 1:
        raise RuleBrokenError("exactly one name has the use official")


def _patched(scene: Scene, resource: Resource, operations: list[dict[str, Any]]) -> None:
    """Names are changed at index 0 alone; what was added is checked and gets an id."""
    for operation in operations:
        path = operation["path"].strip("/").split("/")
        if path[0] == "name" and path[1] != "0":
            raise RuleBrokenError("only the first name can be changed")
    for contact in dicts(resource.get("telecom")):
        need(contact, "telecom", "system", "value")
    for one in dicts(resource.get("identifier")):
        need(one, "identifier", "value")
        have_time(one.get("period"), "identifier.period")
    _complete(scene, resource)


def _complete(scene: Scene, resource: Resource) -> None:
    """Ids for elements without one, and identifier types as they are read."""
    for name, form in NUMBERED.items():
        for element in dicts(resource.get(name)):
            if "id" not in element:
                element["id"] = form.format(scene.chart.next_number())
    for extension in dicts(resource.get("extension")):
        if PREFERENCE in str(extension.get("url", "")) and "id" not in extension:
            extension["id"] = f"CI-CP-{scene.chart.next_number()}"
    for one in dicts(resource.get("identifier")):
        one["use"] = "usual"
        one["type"] = _identifier_type(scene, one.get("type"))


def _identifier_type(scene: Scene, concept: Any) -> Any:
    """MRN and CMRN are read with the code value and the v2 code, which is MR for both."""
    chosen = codes_of(concept)
    for number in (CMRN, MRN):
        own = scene.codes.shipped(number)
        if own["code"] in chosen or (number == MRN and "MR" in chosen):
            v2 = {"system": V2_TYPES, "code": "MR", "display": "Medical record number"}
            return {"coding": [own, {**v2, "userSelected": False}], "text": own["display"]}
    return concept


RULES = TypeRules(create=_create, patch=_patched)
