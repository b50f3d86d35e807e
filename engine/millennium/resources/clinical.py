"""Pure. Problems, allergies, vaccinations and procedures in Millennium's form (reference 1.4)."""

from collections.abc import Mapping
from typing import Any

from engine.millennium.resources.shaping import Shaped, has_time

Json = dict[str, Any]

DIAGNOSIS = "encounter-diagnosis"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_CATEGORIES = ("medication", "food", "environment")
"""Of an allergy: Millennium keeps one, the first of these."""


def shape_condition(shaped: Shaped) -> None:
    """A diagnosis of a visit is active and names the visit; only a problem ends."""
    condition = shaped.resource
    if DIAGNOSIS not in _codes(condition.get("category", ())):
        return
    if "clinicalStatus" not in condition and _may_be_active(condition):
        condition["clinicalStatus"] = {"coding": [{"system": _CLINICAL, "code": "active"}]}
    if "active" not in _codes([condition.get("clinicalStatus", {})]):
        shaped.lacking.append("clinicalStatus active of a diagnosis of a visit")
    shaped.demanded.append("encounter")
    for key in [key for key in condition if key.startswith("abatement")]:
        del condition[key]
        shaped.left_out.append(key)


def _may_be_active(condition: Json) -> bool:
    status = _codes([condition.get("verificationStatus", {})])
    return not status & {"refuted", "entered-in-error"}


def _codes(concepts: Any) -> set[str]:
    return {str(coding.get("code")) for concept in concepts for coding in concept.get("coding", ())}


def shape_allergy(shaped: Shaped) -> None:
    """One category is kept; a biologic is none that Millennium takes."""
    allergy = shaped.resource
    said = allergy.pop("category", ())
    kept = next((one for one in _CATEGORIES if one in said), None)
    if kept is not None:
        allergy["category"] = [kept]
    if len(said) > (kept is not None):
        shaped.left_out.append("category")


def shape_immunization(shaped: Shaped, names: Mapping[str, str]) -> None:
    """The manufacturer by its name; an origin only of what another reported.

    Args:
        shaped: the Immunization.
        names: reference to the name of the organization it is to.
    """
    immunization = shaped.resource
    if immunization.get("primarySource") is True:
        immunization.pop("reportOrigin", None)
    maker = immunization.pop("manufacturer", {})
    name = maker.get("display") or names.get(maker.get("reference", ""))
    if name:
        immunization["manufacturer"] = {"display": name}
    elif maker:
        shaped.left_out.append("manufacturer")


def shape_procedure(shaped: Shaped) -> None:
    """A period has both ends, else its start stands as the time."""
    procedure = shaped.resource
    period = procedure.get("performedPeriod")
    if period is None or (period.get("start") and period.get("end")):
        return
    del procedure["performedPeriod"]
    if has_time(period.get("start")):
        procedure.setdefault("performedDateTime", period["start"])
