"""Rim. DocumentReference, its Binary, DiagnosticReport. Report 1.4."""

from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError
from engine.simulator.millennium.code_values import EVENT_CODES
from engine.simulator.millennium.elements import (
    codes_of,
    codings,
    dicts,
    is_proprietary,
    reference_of,
)
from engine.simulator.millennium.fields import event_code, one_of
from engine.simulator.millennium.rules.demands import be_one_of, have_time, need, stay
from engine.simulator.millennium.rules.scene import Scene, TypeRules

LOINC = "http://loinc.org"
TEXTS = ("text/plain", "text/richtext", "text/rtf", "text/html", "application/xml",
         "application/xhtml+xml")  # fmt: skip
CONTENT_TYPES = frozenset({"application/pdf", *(f"{one};charset=utf-8" for one in TEXTS)})
VOID = "entered-in-error"
CARDIOLOGY, PATHOLOGY = "LP29708-2", "LP7839-6"


def _create(scene: Scene, resource: Resource) -> Resource:
    be_one_of(resource["status"], "status", {"current"})
    be_one_of(resource["docStatus"], "docStatus", {"final", "amended"})
    return _filed(scene, resource)


def _filed(scene: Scene, resource: Resource) -> Resource:
    attachment = _attachment(resource)
    context = resource["context"]
    if not isinstance(context.get("period"), dict) or not context["period"].get("end"):
        raise RuleBrokenError("context.period.end is required", code="required")
    have_time(context["period"], "context.period")
    creation = attachment.get("creation", "")
    if creation and "T" not in creation:
        raise RuleBrokenError("content.attachment.creation needs a time")
    if len(dicts(context.get("encounter"))) > 1:
        raise RuleBrokenError("context.encounter expected at most 1 list item")
    filed = _type(scene, resource["type"])
    binary = _kept_binary(scene, attachment)
    shown = {name: one for name, one in attachment.items() if name != "data"}
    return {
        **resource,
        "type": filed,
        "date": resource.get("date", scene.instant),
        "content": [{"attachment": {**shown, "url": f"Binary/{binary}"}}],
    }


def _attachment(resource: Resource) -> dict[str, Any]:
    attachment: dict[str, Any] = one_of(resource, "content")["attachment"]
    need(attachment, "content.attachment", "contentType", "data")
    given = str(attachment["contentType"]).replace(" ", "").lower()
    if given not in CONTENT_TYPES:
        raise RuleBrokenError("content.attachment.contentType is not supported")
    return attachment


def _type(scene: Scene, concept: dict[str, Any]) -> dict[str, Any]:
    """As it is read: the event code and what it is mapped to."""
    listed = codings(concept)
    own = [one for one in listed if is_proprietary(one)]
    if len(own) > 1 or (not own and not listed):
        raise RuleBrokenError(f"type has codes of LOINC, or one of code set {EVENT_CODES}")
    if not own and any(one.get("system") != LOINC for one in listed):
        raise RuleBrokenError(f"type has codes of LOINC, or one of code set {EVENT_CODES}")
    filed = event_code(concept, scene.codes, "type") or {}
    row = scene.codes.get(str(filed.get("code", "")))
    standard = scene.codes.standard(row) if row is not None else None
    return {**concept, "coding": [filed, *([standard] if standard is not None else [])]}


def _kept_binary(scene: Scene, attachment: dict[str, Any]) -> str:
    record = scene.chart.add(
        "Binary",
        {
            "resourceType": "Binary",
            "contentType": attachment["contentType"],
            "data": attachment["data"],
        },
        f"XR-{scene.chart.next_number()}",
    )
    return record.identity


def _update(scene: Scene, before: Resource, after: Resource) -> Resource:
    be_one_of(after["status"], "status", {"current", VOID})
    be_one_of(after["docStatus"], "docStatus", {"final", "amended", VOID})
    stay(before, after, "subject")
    old, new = (
        [reference_of(one) for one in dicts(each["context"].get("encounter"))]
        for each in (before, after)
    )
    if old != new:
        raise RuleBrokenError("context.encounter cannot be changed")
    if str(_attachment(after)["contentType"]).lower().startswith("text/plain"):
        raise RuleBrokenError("text/plain is not supported on update")
    kept = _filed(scene, after)
    if VOID in (after["status"], after["docStatus"]):
        return {**kept, "status": VOID, "docStatus": VOID}
    return kept


def _report(_scene: Scene, resource: Resource) -> Resource:
    categories = codes_of(resource["category"])
    if CARDIOLOGY in categories:
        need(resource, "DiagnosticReport", "effectivePeriod")
    elif PATHOLOGY in categories:
        need(resource, "DiagnosticReport", "effectiveDateTime")
    else:
        raise RuleBrokenError(f"category must be one of {CARDIOLOGY}, {PATHOLOGY}")
    for name in ("identifier", "performer", "presentedForm"):
        need(resource, "DiagnosticReport", name)
    return resource


DOCUMENT = TypeRules(create=_create, update=_update)
REPORT = TypeRules(create=_report)
