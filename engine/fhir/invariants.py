"""Pure. R4's own rules between elements (constraints such as `pat-1`), for what messages become.

Most are about which elements are there together; they are checked on names alone, so the fast gate
can keep its answers per set of names. The rest look at values. Left out: rules about conformance
resources, rules that R4 only recommends, and ait-1, which would cost an allergy its existence for
want of a status: the maps set the status, and their tests say so.
FHIR R4 4.0.1, the constraints of each type.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

STATUS_SYSTEMS = "http://terminology.hl7.org/CodeSystem/"
ENDED = frozenset({"inactive", "resolved", "remission"})


class Relation(Enum):
    """What a rule says of its names."""

    ANY = "one of {names} is needed"
    NEEDS = "{first} needs {second}"
    EXCLUDES = "{first} and {second} exclude each other"
    TOGETHER = "{first} and {second} come together"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """A rule over the names of the elements that are there."""

    key: str
    """R4's key of the constraint."""
    relation: Relation
    names: tuple[str, ...]
    """Element names, a choice by its name without the type."""
    at: str
    """The element that is missing or one too many; empty: the object as a whole."""

    def holds(self, present: Set[str]) -> bool:
        """Whether it holds for an object with these elements."""
        if self.relation is Relation.ANY:
            return any(name in present for name in self.names)
        first, second = self.names
        if self.relation is Relation.NEEDS:
            return first not in present or second in present
        if self.relation is Relation.EXCLUDES:
            return first not in present or second not in present
        return (first in present) == (second in present)

    @property
    def text(self) -> str:
        """The rule in words."""
        first, second, *_ = (*self.names, "")
        return self.relation.value.format(names=", ".join(self.names), first=first, second=second)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule:
    """A rule over values."""

    key: str
    fault: Callable[[dict[str, Any]], str | None]
    """The path of the fault below the object, or None. Must bear any JSON value."""
    text: str


def _any_of(key: str, *names: str) -> NameRule:
    return NameRule(key=key, relation=Relation.ANY, names=names, at="")


def _needs(key: str, name: str, other: str, at: str) -> NameRule:
    return NameRule(key=key, relation=Relation.NEEDS, names=(name, other), at=at)


def _not_both(key: str, name: str, other: str) -> NameRule:
    return NameRule(key=key, relation=Relation.EXCLUDES, names=(name, other), at=name)


def _together(key: str, name: str, other: str) -> NameRule:
    return NameRule(key=key, relation=Relation.TOGETHER, names=(name, other), at="")


_UNIT_CODE = _needs("qty-3", "code", "system", at="code")

NAME_RULES: dict[str, tuple[NameRule, ...]] = {
    "Age": (_UNIT_CODE,),
    "Appointment": (_together("app-2", "start", "end"),),
    "Appointment.participant": (_any_of("app-1", "type", "actor"),),
    "Attachment": (_needs("att-1", "data", "contentType", at="contentType"),),
    "CarePlan.activity": (_not_both("cpl-3", "detail", "reference"),),
    "Composition.section": (
        _any_of("cmp-1", "text", "entry", "section"),
        _not_both("cmp-2", "emptyReason", "entry"),
    ),
    "Condition.evidence": (_any_of("con-2", "code", "detail"),),
    "Condition.stage": (_any_of("con-1", "summary", "assessment"),),
    "Consent": (_any_of("ppc-1", "policy", "policyRule"),),
    "ContactPoint": (_needs("cpt-2", "value", "system", at="system"),),
    "Count": (_UNIT_CODE,),
    "CoverageEligibilityResponse.insurance.item": (
        _any_of("ces-1", "category", "productOrService"),
        _not_both("ces-1", "category", "productOrService"),
    ),
    "Distance": (_UNIT_CODE,),
    "Duration": (_UNIT_CODE,),
    "FamilyMemberHistory": (
        _not_both("fhs-1", "age", "born"),
        _needs("fhs-2", "estimatedAge", "age", at="estimatedAge"),
    ),
    "Goal.target": (_needs("gol-1", "detail", "measure", at="detail"),),
    "Immunization.education": (_any_of("imm-1", "documentType", "reference"),),
    "InsurancePlan": (_any_of("ipn-1", "identifier", "name"),),
    "List": (_not_both("lst-1", "emptyReason", "entry"),),
    "MedicationAdministration.dosage": (_any_of("mad-1", "dose", "rate"),),
    "Observation": (_not_both("obs-6", "dataAbsentReason", "value"),),
    "Observation.referenceRange": (_any_of("obs-3", "low", "high", "text"),),
    "Organization": (_any_of("org-1", "identifier", "name"),),
    "Patient.contact": (_any_of("pat-1", "name", "telecom", "address", "organization"),),
    "Quantity": (_UNIT_CODE,),
    "Ratio": (
        _together("rat-1", "numerator", "denominator"),
        _any_of("rat-1", "numerator", "extension"),
    ),
    "ServiceRequest": (_needs("prr-1", "orderDetail", "code", at="orderDetail"),),
    "Timing.repeat": (
        _needs("tim-1", "duration", "durationUnit", at="duration"),
        _needs("tim-2", "period", "periodUnit", at="period"),
        _needs("tim-6", "periodMax", "period", at="periodMax"),
        _needs("tim-7", "durationMax", "duration", at="durationMax"),
        _needs("tim-8", "countMax", "count", at="countMax"),
        _not_both("tim-10", "when", "timeOfDay"),
    ),
}
"""Type to rules over element names (a choice by its name without the type)."""


def _period(value: dict[str, Any]) -> str | None:
    """Times are compared when both are of the same precision; R4 leaves the rest undecided."""
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return None
    if len(start) <= len("2024-01-31"):
        return "end" if len(start) == len(end) and start > end else None
    try:
        return "end" if datetime.fromisoformat(start) > datetime.fromisoformat(end) else None
    except (ValueError, TypeError):  # a leap second, or a time against a date
        return None


def _has_coding(value: Any, system: str, codes: Set[str]) -> bool:
    codings = value.get("coding") if isinstance(value, dict) else None
    return any(
        isinstance(coding, dict)
        and coding.get("system") == STATUS_SYSTEMS + system
        and isinstance(coding.get("code"), str)
        and coding["code"] in codes
        for coding in (codings if isinstance(codings, list) else [])
    )


_ERROR = frozenset({"entered-in-error"})


def _allergy_status(value: dict[str, Any]) -> str | None:
    wrong = _has_coding(value.get("verificationStatus"), "allergyintolerance-verification", _ERROR)
    return "clinicalStatus" if wrong and "clinicalStatus" in value else None


def _condition_status(value: dict[str, Any]) -> str | None:
    wrong = _has_coding(value.get("verificationStatus"), "condition-ver-status", _ERROR)
    return "clinicalStatus" if wrong and "clinicalStatus" in value else None


def _condition_end(value: dict[str, Any]) -> str | None:
    if _has_coding(value.get("clinicalStatus"), "condition-clinical", ENDED):
        return None
    return next((key for key in value if key.lstrip("_").startswith("abatement")), None)


def _organization_use(name: str) -> Callable[[dict[str, Any]], str | None]:
    def fault(value: dict[str, Any]) -> str | None:
        items = value.get(name)
        for index, item in enumerate(items if isinstance(items, list) else []):
            if isinstance(item, dict) and item.get("use") == "home":
                return f"{name}[{index}].use"
        return None

    return fault


def _on_behalf(value: dict[str, Any]) -> str | None:
    """The type of a member is known by a reference such as `PractitionerRole/1`."""
    items = value.get("participant")
    for index, item in enumerate(items if isinstance(items, list) else []):
        member = item.get("member") if isinstance(item, dict) and "onBehalfOf" in item else None
        reference = member.get("reference") if isinstance(member, dict) else None
        kind = reference.rpartition("/")[0] if isinstance(reference, str) else ""
        if kind and kind.rpartition("/")[2] != "Practitioner":
            return f"participant[{index}].onBehalfOf"
    return None


VALUE_RULES: dict[str, tuple[ValueRule, ...]] = {
    "AllergyIntolerance": (
        ValueRule(key="ait-2", fault=_allergy_status, text="no status of what was an error"),
    ),
    "CareTeam": (
        ValueRule(key="ctm-1", fault=_on_behalf, text="only a Practitioner acts on behalf"),
    ),
    "Condition": (
        ValueRule(key="con-5", fault=_condition_status, text="no status of what was an error"),
        ValueRule(key="con-4", fault=_condition_end, text="what has an end is not active"),
    ),
    "Organization": (
        ValueRule(key="org-2", fault=_organization_use("address"), text="no address is a home"),
        ValueRule(key="org-3", fault=_organization_use("telecom"), text="no telecom is a home's"),
    ),
    "Period": (ValueRule(key="per-1", fault=_period, text="the start is not after the end"),),
}
"""Type to rules over values."""
