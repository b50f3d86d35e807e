"""Rim. Condition, AllergyIntolerance, FamilyMemberHistory, Procedure: what is known of a patient.
A PUT replaces: what it leaves out is removed. Report 1.4.
"""

from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError
from engine.simulator.millennium.elements import codes_of, dicts
from engine.simulator.millennium.fields import one_of
from engine.simulator.millennium.rules.demands import (
    at_most,
    be_one_of,
    first_chosen,
    keep_notes,
    need,
    refer_to,
    stay,
)
from engine.simulator.millennium.rules.scene import Scene, TypeRules

DIAGNOSIS, PROBLEM = "encounter-diagnosis", "problem-list-item"
WITHDRAWN = frozenset({"entered-in-error", "refuted"})
CATEGORIES = ("medication", "food", "environment")
"""Of those given, the first of these is kept."""


def _condition(_scene: Scene, resource: Resource) -> Resource:
    if codes_of(resource.get("verificationStatus")) & WITHDRAWN:
        raise RuleBrokenError("a condition is not created withdrawn")
    _condition_rules(resource)
    return {**resource, "code": first_chosen(resource["code"])}


def _condition_rules(resource: Resource) -> None:
    codes = codes_of([one_of(resource, "category")])
    if not codes & {DIAGNOSIS, PROBLEM}:
        raise RuleBrokenError(f"category must be one of {DIAGNOSIS}, {PROBLEM}")
    at_most(resource, "note")
    if DIAGNOSIS not in codes:
        return
    need(resource, "Condition", "encounter")
    if "clinicalStatus" in resource and codes_of(resource["clinicalStatus"]) != {"active"}:
        raise RuleBrokenError("an encounter diagnosis is active")
    if any(name.startswith("abatement") for name in resource):
        raise RuleBrokenError("an encounter diagnosis has no abatement")


def _condition_update(_scene: Scene, before: Resource, after: Resource) -> Resource:
    withdrawn = codes_of(after.get("verificationStatus")) & WITHDRAWN
    if not withdrawn:
        need(after, "Condition", "clinicalStatus")
    _condition_rules(after)
    stay(before, after, "subject")
    keep_notes(before, after)
    return {**after, "code": first_chosen(after["code"])}


def _allergy(_scene: Scene, resource: Resource) -> Resource:
    categories = resource.get("category", [])
    if "biologic" in categories:
        raise RuleBrokenError("category biologic is not supported")
    for reaction in dicts(resource.get("reaction")):
        one_of(reaction, "manifestation")
    kept = [one for one in CATEGORIES if one in categories][:1]
    resource = {name: value for name, value in resource.items() if name != "category"}
    return {
        **resource,
        **({"category": kept} if kept else {}),
        "code": first_chosen(resource["code"]),
    }


def _allergy_update(scene: Scene, before: Resource, after: Resource) -> Resource:
    if "entered-in-error" not in codes_of(after.get("verificationStatus")):
        need(after, "AllergyIntolerance", "clinicalStatus")
    stay(before, after, "code", "patient")
    keep_notes(before, after)
    old, new = _manifestations(before), _manifestations(after)
    if old and new and old != new:
        raise RuleBrokenError("reaction.manifestation cannot be changed")
    return {**_allergy(scene, after), "code": before["code"]}


def _manifestations(resource: Resource) -> list[Any]:
    return [
        (sorted(codes_of(one)), one.get("text"))
        for reaction in dicts(resource.get("reaction"))
        for one in dicts(reaction.get("manifestation"))
    ]


def _family_update(_scene: Scene, before: Resource, after: Resource) -> Resource:
    stay(before, after, "patient", "relationship")
    return after


def _procedure(_scene: Scene, resource: Resource) -> Resource:
    be_one_of(resource["status"], "status", {"completed"})
    for performer in dicts(resource.get("performer")):
        refer_to(performer.get("actor"), "performer.actor", "Practitioner")
    if "performedPeriod" in resource:
        return {name: one for name, one in resource.items() if name != "performedDateTime"}
    return resource


CONDITION = TypeRules(create=_condition, update=_condition_update)
ALLERGY = TypeRules(create=_allergy, update=_allergy_update)
FAMILY_HISTORY = TypeRules(update=_family_update)
PROCEDURE = TypeRules(create=_procedure)
