"""Rim. Secure messages of the EHR API: the only writes it has. Report 3.1.

The exact status of a success is not documented; here it is 201 for a message and 200 for a status.
"""

from typing import Any

import orjson

from engine.simulator.millennium.answers import Answer, Resource, json
from engine.simulator.millennium.ehr_lists import Parameters, paged, refused
from engine.simulator.millennium.elements import dicts
from engine.simulator.millennium.tenant import Tenant

KIND = "PatientMessage"
"""Messages are kept in the chart under this name, which no FHIR path reaches."""
REQUIRED = ("content", "messageSender", "patientId")
STATUSES = ("UNREAD", "OPENED", "DELETED")
MESSAGES_MAX = 100


def sent_items(tenant: Tenant, parameters: Parameters) -> Answer:
    """`GET patientMessages/sentItems?patientId=`."""
    patient = dict(parameters).get("patientId", "")
    if not patient:
        raise refused(400, "InvalidParameter", "patientId is required")
    found = [record.resource for record in tenant.chart.of_patient(KIND, patient)]
    return paged([_item(one) for one in found], parameters)


def send(tenant: Tenant, body: bytes) -> Answer:
    """`POST patientMessages/sentItems`."""
    details = _decoded(body)
    for name in REQUIRED:
        if not details.get(name):
            raise refused(400, "InvalidParameter", f"{name} is required")
    patient = str(details["patientId"])
    if tenant.chart.get("Patient", patient) is None:
        raise refused(404, "NotFound", "there is no such patient")
    message: Resource = {
        "resourceType": KIND,
        "subject": {"reference": f"Patient/{patient}"},
        "status": "UNREAD",
        "details": details,
    }
    record = tenant.chart.add(KIND, message, why="send")
    return json({"id": record.identity}, 201)


def update_status(tenant: Tenant, body: bytes) -> Answer:
    """`POST actions/updatePatientMessageStatus`: of up to 100 messages of one patient."""
    order = _decoded(body)
    messages = dicts(order.get("messages"))
    if order.get("status") not in STATUSES or not order.get("patientId"):
        raise refused(400, "InvalidParameter", "patientId and a known status are required")
    if not 0 < len(messages) <= MESSAGES_MAX:
        raise refused(400, "InvalidParameter", f"1 to {MESSAGES_MAX} messages are expected")
    records = [tenant.chart.get(KIND, str(one.get("id", ""))) for one in messages]
    owner = {"reference": f"Patient/{order['patientId']}"}
    if any(one is None or one.resource["subject"] != owner for one in records):
        raise refused(404, "NotFound", "a message is not one of this patient")
    for record in records:
        if record is not None:
            tenant.chart.replace(record, {**record.resource, "status": order["status"]}, "status")
    return json({})


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise refused(400, "InvalidParameter", "the body is not a JSON object")
    return found


def _item(message: Resource) -> dict[str, Any]:
    details = message["details"]
    return {"id": message["id"], "status": message["status"], "subject": details.get("subject", "")}
