"""Rim. Appointment and Slot: booked into a slot or proposed for a period, and the steps of its
status. Report 1.4.
"""

from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError, nothing
from engine.simulator.millennium.elements import dicts, reference_of
from engine.simulator.millennium.fields import one_of
from engine.simulator.millennium.rules.demands import at_most, be_one_of, need, refer_to
from engine.simulator.millennium.rules.scene import Scene, TypeRules

REASON_MAX = 255
STEPS = {
    "proposed": frozenset({"booked", "cancelled"}),
    "booked": frozenset({"arrived", "checked-in", "cancelled"}),
    "arrived": frozenset({"checked-in", "cancelled"}),
    "checked-in": frozenset({"fulfilled", "cancelled"}),
}
"""Status -> those it can be changed to."""
PATCHED = frozenset({"arrived", "checked-in", "cancelled", "booked"})
"""Those a patch may name."""


def _create(scene: Scene, resource: Resource) -> Resource:
    be_one_of(resource["status"], "status", {"booked", "proposed"})
    _reasons(resource)
    _no_types(resource)
    patients = _participants(resource, "Patient")
    locations = _participants(resource, "Location")
    if patients != 1:
        raise RuleBrokenError("participant expected exactly 1 Patient")
    if resource["status"] == "booked":
        _accepted(resource, "accepted")
        return {**resource, **_booking(scene, resource)}
    _accepted(resource, "needs-action")
    one_of(resource, "serviceType")
    one_of(resource, "requestedPeriod")
    if not locations:
        raise RuleBrokenError("participant expected at least 1 Location")
    return resource


def _participants(resource: Resource, kind: str) -> int:
    found = 0
    for participant in dicts(resource["participant"]):
        refer_to(participant["actor"], "participant.actor", "Patient", "Location")
        found += bool(reference_of(participant["actor"], kind))
    return found


def _accepted(resource: Resource, status: str) -> None:
    for participant in dicts(resource["participant"]):
        be_one_of(participant["status"], "participant.status", {status})


def _reasons(resource: Resource) -> None:
    at_most(resource, "reasonCode")
    for reason in dicts(resource.get("reasonCode")):
        need(reason, "reasonCode", "text")
        if len(reason["text"]) > REASON_MAX:
            raise RuleBrokenError(f"reasonCode.text is longer than {REASON_MAX} characters")


def _no_types(resource: Resource) -> None:
    if any("type" in one for one in dicts(resource["participant"])):
        raise RuleBrokenError("participant.type is not supported")


def _booking(scene: Scene, resource: Resource) -> dict[str, Any]:
    """Take the slot: 409 when somebody has it. Start and end are the slot's."""
    identity = reference_of(one_of(resource, "slot"), "Slot")
    slot = scene.chart.get("Slot", identity)
    if slot is None:
        raise RuleBrokenError("slot refers to no Slot of this tenant", code="not-found")
    if slot.resource["status"] != "free":
        raise nothing(409)
    scene.chart.replace(slot, {**slot.resource, "status": "busy"}, "booking")
    return {name: slot.resource[name] for name in ("start", "end") if name in slot.resource}


def _patched(scene: Scene, resource: Resource, operations: list[dict[str, Any]]) -> None:
    record = scene.chart.get("Appointment", str(resource.get("id", "")))
    before = record.resource if record is not None else {}
    done = {(one["op"], one["path"]) for one in operations}
    changed = ("replace", "/status") in done
    status = str(resource["status"]) if changed else ""
    if changed:
        be_one_of(status, "status", PATCHED)
        if status not in STEPS.get(str(before.get("status")), frozenset()):
            raise RuleBrokenError("the status cannot be changed to this one now")
    _coupled(done, status)
    moved = ("replace", "/slot") in done
    if moved and before.get("status") != "booked":
        raise RuleBrokenError("the slot of a booked appointment alone can be replaced")
    _reasons(resource)
    _video(operations)
    if status == "booked" or moved:
        resource.update(_booking(scene, resource))
    if status == "cancelled" or moved:
        _free(scene, before)


def _coupled(done: set[tuple[str, str]], status: str) -> None:
    """Operations that are patched together, or not at all."""
    if (status == "booked") != (("add", "/slot") in done):
        raise RuleBrokenError("a slot and the status booked are patched together")
    if ("add", "/reasonCode") in done and status != "booked":
        raise RuleBrokenError("a reason is patched together with the status booked")
    if (status == "cancelled") != (("add", "/cancelationReason") in done):
        raise RuleBrokenError("the status cancelled and cancelationReason are patched together")


def _video(operations: list[dict[str, Any]]) -> None:
    """Links of a video visit are added together or replaced together."""
    links = [one for one in operations if one["path"].startswith("/contained/")]
    if len({one["op"] for one in links}) > 1:
        raise RuleBrokenError("links of a video visit are added, or replaced, not both")
    if links and len(links) < 4:
        raise RuleBrokenError("the links of a video visit are patched all together")


def _free(scene: Scene, resource: Resource) -> None:
    for one in dicts(resource.get("slot")):
        slot = scene.chart.get("Slot", reference_of(one, "Slot"))
        if slot is not None and slot.resource["status"] == "busy":
            scene.chart.replace(slot, {**slot.resource, "status": "free"}, "booking")


def _slot_patched(_scene: Scene, resource: Resource, _operations: list[dict[str, Any]]) -> None:
    be_one_of(resource.get("status"), "status", {"free", "busy", "busy-tentative"})


APPOINTMENT = TypeRules(create=_create, patch=_patched)
SLOT = TypeRules(patch=_slot_patched)
