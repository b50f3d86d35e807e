"""Pure. Relatives, insurances, medicines and charges in Millennium's form (reference 1.4)."""

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
_BILL_CODES = {
    "http://www.ama-assn.org/go/cpt": "CPT",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": "HCPCS",
    "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes": "HCPCS",
    "urn:oid:2.16.840.1.113883.6.14": "HCPCS",
}


SCHEDULES = ("CDM_SCHED", "CPT", "HCPCS", "PROCCODE")
"""Of bill codes, as Millennium documents them."""
_NO_CHARGE = {
    "aborted": "a credit names the charge of Millennium it takes back, by its id and version, which"
    " no message has; send it by MLLP",
    "entered-in-error": "a charge that is taken back is named by its id in Millennium; send it by"
    " MLLP",
    "not-billable": "a payment needs the tenant's alias, the method and the account of a card, and"
    " an adjustment has no API; send them by MLLP",
}
"""Status that FT1-6 gives -> why there is no call for it (reference 1.4)."""


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
    """A charge by one of the tenant's bill codes; what takes back or pays one is not told."""
    charge = shaped.resource
    reason = _NO_CHARGE.get(str(charge.get("status", "")))
    if reason is not None:
        shaped.skipped = reason
        return
    charge["status"] = "unknown"
    codings = [
        {**coding, "system": f"{code_systems}/CodeSystem/BillCodes-{schedule}"}
        for coding in charge.get("code", {}).get("coding", ())
        if (schedule := _schedule(str(coding.get("system", ""))))
    ]
    if codings:
        charge["code"] = {**charge["code"], "coding": codings[:1]}
    else:
        shaped.lacking.append("a bill code: of CPT, HCPCS or a schedule of the tenant")
    reasons = charge.get("reason", ())
    if reasons:
        charge["reason"] = list(reasons)[:1]


def _schedule(system: str) -> str:
    """The bill code schedule of a coding system; empty for one that is none.

    The tenant's own schedules are named by the maps of a site: `BillCodes-CDM_SCHED`.
    """
    name = system.rpartition("/")[2].removeprefix("BillCodes-")
    return (
        name if f"BillCodes-{name}" in system and name in SCHEDULES else _BILL_CODES.get(system, "")
    )


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
