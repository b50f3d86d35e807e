"""Rim. Reading parts of a resource that may hold anything: patient, identifiers, codings and the
key that tells two resources about the same thing.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from engine.simulator.millennium.answers import Resource

PROPRIETARY = (
    "https://fhir.cerner.com/",
    "https://fhir.ca.cerner.com/",
    "https://fhir.au.cerner.com/",
)


def as_list(value: Any) -> list[Any]:
    """The value as a list: itself, alone, or empty when it is not there."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects among the values of a field."""
    return [one for one in as_list(value) if isinstance(one, dict)]


def reference_of(value: Any, kind: str = "") -> str:
    """The id a Reference names; empty when it names none of the type."""
    text = value.get("reference", "") if isinstance(value, dict) else ""
    if not isinstance(text, str):
        return ""
    found, _, identity = text.partition("?")[0].rpartition("/")
    return identity if not kind or found.rpartition("/")[2] == kind else ""


def patient_of(resource: Resource) -> str:
    """The id of the patient a resource is about; empty for none."""
    if resource.get("resourceType") == "Patient":
        return str(resource.get("id", ""))
    for name in ("subject", "patient", "beneficiary"):
        found = reference_of(resource.get(name), "Patient")
        if found:
            return found
    for participant in dicts(resource.get("participant")):
        found = reference_of(participant.get("actor"), "Patient")
        if found:
            return found
    return ""


def tokens_of(resource: Resource) -> list[str]:
    """`system|value` of each identifier."""
    return [
        f"{one.get('system', '')}|{one['value']}"
        for one in dicts(resource.get("identifier"))
        if isinstance(one.get("value"), str)
    ]


def codings(concept: Any) -> list[dict[str, Any]]:
    """The codings of a CodeableConcept, or of each of a list of them."""
    return [coding for one in dicts(concept) for coding in dicts(one.get("coding"))]


def codes_of(concept: Any) -> set[str]:
    """The codes, whatever their system."""
    return {str(coding["code"]) for coding in codings(concept) if "code" in coding}


def is_proprietary(coding: dict[str, Any]) -> bool:
    """Whether a coding is of the tenant's own code sets."""
    return str(coding.get("system", "")).startswith(PROPRIETARY)


def all_coding_lists(value: Any) -> Iterator[list[dict[str, Any]]]:
    """Every `coding` array anywhere in a resource."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name == "coding" and isinstance(part, list):
                yield dicts(part)
            else:
                yield from all_coding_lists(part)
    elif isinstance(value, list):
        for part in value:
            yield from all_coding_lists(part)


def business_keys(resource: Resource) -> list[str]:
    """What tells that two resources are about one thing: identifiers, else what, of whom, when;
    nothing for what says none of it, such as a Binary.

    Keys carry values of the simulated chart; they are shown by the simulator's own pages alone.
    """
    kind = str(resource.get("resourceType", ""))
    tokens = tokens_of(resource)
    if tokens and kind not in ("Observation", "DocumentReference"):
        return [f"{kind} {token}" for token in tokens]
    whom = patient_of(resource)
    what = _first_code(resource.get("code") or resource.get("vaccineCode") or resource.get("type"))
    when = str(
        resource.get("effectiveDateTime")
        or resource.get("occurrenceDateTime")
        or resource.get("onsetDateTime")
        or resource.get("performedDateTime")
        or resource.get("start")
        or ""
    )
    if kind == "DocumentReference":
        period = resource.get("context", {}).get("period", {})
        data = str([dicts(one.get("attachment")) for one in dicts(resource.get("content"))])
        digest = hashlib.sha256(data.encode()).hexdigest()[:12]
        when = f"{period.get('end', '')} {digest}"
    return [f"{kind} {whom}|{what}|{when}"] if whom or what or when else []


def _first_code(concept: Any) -> str:
    """The proprietary code where there is one: it is the one every write ends with."""
    found = codings(concept)
    chosen = next((one for one in found if is_proprietary(one)), found[0] if found else {})
    text = next((one.get("text", "") for one in dicts(concept)), "")
    return str(chosen.get("code") or text)
