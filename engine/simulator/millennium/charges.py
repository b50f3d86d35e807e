"""Rim. The operations of ChargeItem: charge, credit, modify. Report 1.4.

Whether a charge repeated with the same transactionId is made again is not documented; here it is.
"""

from typing import Any

from engine.simulator.millennium.answers import Resource, RuleBrokenError, not_found
from engine.simulator.millennium.chart import Record
from engine.simulator.millennium.elements import codings, dicts, reference_of
from engine.simulator.millennium.fields import (
    check_codings,
    check_form,
    check_modifiers,
    check_references,
)
from engine.simulator.millennium.rules.demands import be_one_of, need, refer_to
from engine.simulator.millennium.rules.scene import Scene

BILL_CODES = "/CodeSystem/BillCodes-"
SCHEDULES = ("CDM_SCHED", "CPT", "HCPCS", "PROCCODE")
TRANSACTION = "urn:engine:simulator:transaction"
"""System of the identifier that keeps the transactionId, for the admin paths."""
REPLACING = "replacing"


def create(scene: Scene, body: Any) -> Record:
    """`$create`: a charge event. Answered 200, and its Location names no id."""
    parameters = _parameters(body)
    charge = _charge(scene, parameters)
    need(charge, "chargeItem", "occurrenceDateTime", "quantity")
    return _kept(scene, charge, parameters, "charge")


def modify(scene: Scene, body: Any) -> Record:
    """`$modify`: a new charge item in the place of another."""
    parameters = _parameters(body)
    charge = _charge(scene, parameters)
    replaced = next(
        (
            reference_of(one.get("valueReference"), "ChargeItem")
            for one in dicts(charge.get("extension"))
            if str(one.get("url", "")).endswith(REPLACING)
        ),
        "",
    )
    before = scene.chart.get("ChargeItem", replaced)
    if before is None:
        raise RuleBrokenError("the extension replacing refers to no ChargeItem", code="required")
    record = _kept(scene, charge, parameters, "modify")
    _offset(scene, before, record)
    return record


def credit(scene: Scene, identity: str, body: Any) -> Record:
    """`{id}/$credit`: an item that offsets another."""
    parameters = _parameters(body)
    before = scene.chart.get("ChargeItem", identity)
    if before is None:
        raise not_found()
    need(parameters, "parameter", "versionId", "subject", "context")
    if str(parameters["versionId"]) != before.etag:
        raise RuleBrokenError("versionId is not that of the charge item")
    refer_to(parameters["subject"], "subject", "Patient")
    refer_to(parameters["context"], "context", "Encounter")
    copied = {name: one for name, one in before.resource.items() if name != "identifier"}
    record = _kept(scene, copied, parameters, "credit")
    _offset(scene, before, record)
    return record


def _parameters(body: Any) -> dict[str, Any]:
    """Name -> value of each parameter; `transactionId` is there."""
    resource = check_form(body, "Parameters")
    check_modifiers(resource)
    found: dict[str, Any] = {}
    for one in dicts(resource.get("parameter")):
        value = next((one[name] for name in one if name.startswith("value")), None)
        found[str(one.get("name", ""))] = one.get("resource", value)
    need(found, "parameter", "transactionId")
    return found


def _charge(scene: Scene, parameters: dict[str, Any]) -> Resource:
    charge = parameters.get("chargeItem")
    if not isinstance(charge, dict) or charge.get("resourceType") != "ChargeItem":
        raise RuleBrokenError("parameter.chargeItem is required", code="required")
    need(charge, "chargeItem", "status", "subject", "context", "code")
    be_one_of(charge["status"], "chargeItem.status", {"unknown"})
    refer_to(charge["subject"], "chargeItem.subject", "Patient")
    refer_to(charge["context"], "chargeItem.context", "Encounter")
    check_codings({"code": charge["code"]}, scene.codes)
    check_references({"subject": charge["subject"], "context": charge["context"]}, scene.chart)
    systems = [str(one.get("system", "")) for one in codings(charge["code"])]
    if not any(f"{BILL_CODES}{one}" in system for system in systems for one in SCHEDULES):
        raise RuleBrokenError("chargeItem.code is of a bill code schedule")
    return charge


def _kept(scene: Scene, charge: Resource, parameters: dict[str, Any], why: str) -> Record:
    transaction = {"system": TRANSACTION, "value": str(parameters["transactionId"])}
    kept = {**charge, "status": "billable", "identifier": [transaction]}
    kept.pop("id", None)
    return scene.chart.add("ChargeItem", kept, why=why)


def _offset(scene: Scene, before: Record, record: Record) -> None:
    """The item that was credited or replaced names what offsets it."""
    offset = {
        "url": "https://fhir-ehr.cerner.com/r4/StructureDefinition/offset-by",
        "valueReference": {"reference": f"ChargeItem/{record.identity}"},
    }
    extensions = [*before.resource.get("extension", []), offset]
    scene.chart.replace(before, {**before.resource, "extension": extensions}, "offset")
