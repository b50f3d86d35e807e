"""Pure. Relatives, insurances, appointments, medicines and charges in Millennium's form
(reference 1.4)."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from engine.millennium.resources.patient import (
    official_name,
    usable_contacts,
    usable_identifiers,
)
from engine.millennium.resources.shaping import Shaped

Json = dict[str, Any]

_PERSON = ("urn:engine:Patient/", "Patient/")
_PLACE = ("urn:engine:Location/", "Location/")
_BILL_CODES = {
    "http://www.ama-assn.org/go/cpt": "CPT",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": "HCPCS",
    "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes": "HCPCS",
    "urn:oid:2.16.840.1.113883.6.14": "HCPCS",
}
REASON_CHARACTERS_MAX = 255


def shape_related_person(shaped: Shaped) -> None:
    """One official name, one relationship, contacts whole."""
    person = shaped.resource
    name = official_name(shaped)
    person["name"] = [name] if name else []
    identifiers = usable_identifiers(shaped)
    person.pop("identifier", None)
    if identifiers:
        person["identifier"] = identifiers
    usable_contacts(shaped)
    person["relationship"] = person.get("relationship", [])[:1]


def shape_coverage(shaped: Shaped) -> None:
    """Who holds it and whom it covers are Patients; a holder who is a relative cannot be named."""
    coverage = shaped.resource
    subscriber = str(coverage.get("subscriber", {}).get("reference", ""))
    own = {str(one.get("code")) for one in coverage.get("relationship", {}).get("coding", ())}
    if not subscriber.startswith(_PERSON) and (not subscriber or own & {"self", "SELF", "SEL"}):
        coverage["subscriber"] = coverage.get("beneficiary", {})
    elif not subscriber.startswith(_PERSON):
        shaped.lacking.append("a subscriber who is a Patient; a relative cannot be one")


def shape_appointment(shaped: Shaped) -> None:
    """Booked needs a slot of Millennium's; without one the time is proposed.

    Patients and places take part; staff are Millennium's own business. A cancellation gives its
    reason.
    """
    appointment = shaped.resource
    if appointment.get("status") == "cancelled":
        if not appointment.get("cancelationReason"):
            shaped.lacking.append("cancelationReason of a cancelled appointment")
        return
    slots = [one for one in appointment.get("slot", ()) if _is_servers(one, "Slot/")]
    appointment.pop("slot", None)
    if slots:
        appointment["slot"] = slots[:1]
    booked = bool(slots) and appointment.get("status") == "booked"
    appointment["status"] = "booked" if booked else "proposed"
    status = "accepted" if booked else "needs-action"
    listed = [one.get("actor", {}) for one in appointment.get("participant", ())]
    actors = [one for start in (_PERSON, _PLACE) for one in listed if _refers(one, start)]
    appointment["participant"] = [{"actor": one, "status": status} for one in actors]
    if not booked:
        _propose(shaped, appointment, actors)
    for reason in appointment.get("reasonCode", ()):
        text = reason.get("text") or next(
            (one["display"] for one in reason.get("coding", ()) if one.get("display")), ""
        )
        reason["text"] = text[:REASON_CHARACTERS_MAX]


def _propose(shaped: Shaped, appointment: Json, actors: list[Json]) -> None:
    shaped.demanded.append("participant:Location")
    if not any(_refers(one, _PLACE) for one in actors):
        shaped.lacking.append("a Location that takes part in a proposed appointment")
    if not appointment.get("serviceType"):
        shaped.lacking.append("serviceType of a proposed appointment")
    start, end = appointment.get("start"), appointment.get("end")
    if start and end:
        appointment["requestedPeriod"] = [{"start": start, "end": end}]
    if not appointment.get("requestedPeriod"):
        shaped.lacking.append("start and end of a proposed appointment")


def _refers(actor: Json, start: tuple[str, ...]) -> bool:
    return str(actor.get("reference", "")).startswith(start)


def _is_servers(reference: Json, start: str) -> bool:
    """A reference with an id of Millennium's, which only the site's own maps can give."""
    return str(reference.get("reference", "")).startswith(start)


def shape_medication_request(shaped: Shaped) -> None:
    """Millennium takes medicines the patient reports; orders have no API."""
    request = shaped.resource
    if request.get("reportedBoolean") is not True:
        shaped.skipped = "only reported medicines are taken; send orders by MLLP"
        return
    medicine = request.get("medicationCodeableConcept", {})
    if len(medicine.get("coding", ())) > 1:
        known = [one for one in medicine["coding"] if one.get("system")]
        medicine["coding"] = (known or medicine["coding"])[:1]


def shape_charge(shaped: Shaped, code_systems: str) -> None:
    """A charge by one of the tenant's bill codes; a credit or correction names the charge it
    changes, which a message does not know."""
    charge = shaped.resource
    if charge.get("status") in ("aborted", "entered-in-error", "not-billable"):
        shaped.skipped = "credits name the charge of Millennium they take back; send them by MLLP"
        return
    charge["status"] = "unknown"
    codings = [
        {**coding, "system": f"{code_systems}/CodeSystem/BillCodes-{_BILL_CODES[coding['system']]}"}
        for coding in charge.get("code", {}).get("coding", ())
        if coding.get("system") in _BILL_CODES
    ]
    if codings:
        charge["code"] = {**charge["code"], "coding": codings[:1]}
    else:
        shaped.lacking.append("a code of CPT or HCPCS")
    reasons = charge.get("reason", ())
    if reasons:
        charge["reason"] = list(reasons)[:1]


def charge_parameters(charge: Json, once: str) -> Json:
    """The Parameters that `ChargeItem/$create` takes; its transaction id follows from the once-key.

    That the server knows repeats by it is not documented (reference 5.10): the ledger does.
    """
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "transactionId", "valueUuid": uuid5(NAMESPACE_URL, once).urn},
            {"name": "chargeItem", "resource": charge},
        ],
    }
