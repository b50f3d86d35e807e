"""Rim. RelatedPerson, Organization, Practitioner: who a patient has to do with. Report 1.4."""

from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError
from engine.simulator.millennium.elements import codings, dicts
from engine.simulator.millennium.fields import one_of
from engine.simulator.millennium.rules.demands import need
from engine.simulator.millennium.rules.scene import Scene, TypeRules

NUMBERED = ("identifier", "name", "telecom", "address", "relationship")
"""Lists of a related person whose elements get an id."""


def _related(scene: Scene, resource: Resource) -> Resource:
    for relation in dicts(resource["relationship"]):
        if len(codings(relation)) != 1:
            raise RuleBrokenError("relationship expected exactly 1 coding")
    official = [one for one in dicts(resource["name"]) if one.get("use") == "official"]
    if len(official) != 1:
        raise RuleBrokenError("exactly one name has the use official")
    need(official[0], "name", "family", "given")
    _number(scene, resource)
    return {**resource, "active": resource.get("active", True)}


def _related_patched(scene: Scene, resource: Resource, operations: list[dict[str, Any]]) -> None:
    if any(one["path"].startswith("/name/") and one["path"][6] != "0" for one in operations):
        raise RuleBrokenError("only the first name can be changed")
    if not dicts(resource.get("relationship")):
        raise RuleBrokenError("relationship is required", code="required")
    _number(scene, resource)


def _number(scene: Scene, resource: Resource) -> None:
    for name in NUMBERED:
        for element in dicts(resource.get(name)):
            element.setdefault("id", f"CI-{name[:2].upper()}-{scene.chart.next_number()}-0")


def _organization(scene: Scene, resource: Resource) -> Resource:
    name = str(resource["name"]).casefold()
    for record in scene.chart.all("Organization"):
        if str(record.resource.get("name", "")).casefold() == name:
            raise RuleBrokenError("name is another organization's")
    return {**resource, "active": resource.get("active", True)}


def _practitioner(_scene: Scene, resource: Resource) -> Resource:
    need(one_of(resource, "name"), "name", "family", "given")
    return {**resource, "active": resource.get("active", True)}


RELATED_PERSON = TypeRules(create=_related, patch=_related_patched)
ORGANIZATION = TypeRules(create=_organization)
PRACTITIONER = TypeRules(create=_practitioner)
