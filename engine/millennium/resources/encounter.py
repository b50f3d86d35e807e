"""Pure. An Encounter as Millennium creates one (reference 1.4, Encounter C).

The class is inferred by Millennium and never sent; a type is required. Where the message's own type
has no value, the patient class of table 0004 is asked for: Oracle lists that table among the
systems of Encounter.type. An Encounter has one serviceProvider or one location: the location where
its code in the tenant is known, else the provider; where the message knows neither as a reference,
the tenant's enrolling organization is the provider.
"""

from typing import Any

from engine.millennium.resources.shaping import Shaped

Json = dict[str, Any]

PATIENT_CLASS = "http://terminology.hl7.org/CodeSystem/v2-0004"
_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CLASSES = {"IMP": "I", "ACUTE": "I", "NONAC": "I", "AMB": "O", "EMER": "E", "PRENC": "P"}
"""Of v3-ActCode to table 0004, the reverse of the map of patient classes."""


def shape_encounter(shaped: Shaped, enrolling_organization: str) -> None:
    """Bring an Encounter into the form of a create; what goes is reported in `shaped`."""
    encounter = shaped.resource
    _class_as_type(encounter)
    _keep_current_location(encounter)
    encounter["identifier"] = [
        {key: item[key] for key in ("type", "system", "value", "period") if key in item}
        for item in encounter.get("identifier", ())
    ]
    places = [item.get("location", {}) for item in encounter.get("location", ())]
    known = [{"location": place} for place in places if "reference" in place]
    placed = [one for one in known if one["location"]["reference"].startswith("Location/")]
    if placed:
        encounter["location"] = placed
        encounter.pop("serviceProvider", None)
        return
    if "reference" not in encounter.get("serviceProvider", {}) and enrolling_organization:
        reference = f"Organization/{enrolling_organization}"
        encounter["serviceProvider"] = {"reference": reference}
    encounter.pop("location", None)
    if known:
        encounter["location"] = known


def _class_as_type(encounter: Json) -> None:
    """The class beside the codes of the type: what the type is told by where it has no value."""
    kind = _patient_class(encounter.pop("class", {}))
    if kind:
        first = encounter.setdefault("type", [{}])[0]
        first.setdefault("coding", []).append({"system": PATIENT_CLASS, "code": kind})


def _patient_class(coding: Json) -> str:
    code = str(coding.get("code", ""))
    if coding.get("system") == PATIENT_CLASS:
        return code
    return _CLASSES.get(code, "") if coding.get("system") == _ACT_CODE else ""


def _keep_current_location(encounter: Json) -> None:
    """Of several places the active one, which is where the patient is."""
    listed = encounter.get("location", [])
    active = [item for item in listed if item.get("status") == "active"]
    if listed:
        encounter["location"] = (active or listed)[:1]
