"""Pure. An Observation as Millennium records one (reference 1.4, Observation C).

It has exactly one category, laboratory or vital-signs. A result that says none takes that of its
report, where the report is of a laboratory section; without either it is a laboratory result, as
that is what Millennium takes from ORU messages. Vital signs are quantities and name who took them.
"""

from typing import Any

from engine.millennium.resources.shaping import Shaped

Json = dict[str, Any]

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
VITAL_SIGNS, LABORATORY = "vital-signs", "laboratory"
FUNCTION = "http://hl7.org/fhir/StructureDefinition/event-performerFunction"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_FUNCTIONS = {LABORATORY: ("LA", "PPRF", "PRF", "OP", "AUTHEN"), VITAL_SIGNS: ("LA", "PPRF")}
_LOINC = "http://loinc.org"
_WITH_COMPONENTS = frozenset({"85354-9", "55284-4", "59408-5", "2708-6"})
"""Blood pressure and oxygen saturation: the panels whose components Millennium takes."""
_VITAL_CODES = frozenset(
    {
        "85353-1", "9279-1", "8867-4", "2708-6", "59408-5", "8310-5", "8331-1", "8302-2", "3137-7",
        "9843-4", "29463-7", "3141-9", "39156-5", "85354-9", "55284-4", "8480-6", "8462-4",
    }
)  # fmt: skip
"""The vital signs profile of R4, and the specific codes the public sandbox is reported to take."""
_LABORATORY_SECTIONS = frozenset(
    {
        "LAB", "BG", "BLB", "CG", "CH", "CP", "CTH", "GE", "HM", "ICU", "IMM", "MB", "MCB", "MYC",
        "OTH", "PAR", "SP", "SR", "TX", "URN", "VR", "laboratory",
    }
)  # fmt: skip
"""Of table 0074, those of a laboratory."""


def shape_observation(shaped: Shaped, report: Json | None) -> None:
    """Bring an Observation into the form of a create; what goes is reported in `shaped`.

    Args:
        shaped: the Observation.
        report: the DiagnosticReport it is a result of, where there is one.
    """
    observation = shaped.resource
    category = _category(observation, report)
    if category:
        observation["category"] = [{"coding": [{"system": CATEGORY, "code": category}]}]
    else:
        observation.pop("category", None)
    start = observation.pop("effectivePeriod", {}).get("start")
    if start and "effectiveDateTime" not in observation:
        observation["effectiveDateTime"] = start
    _one_range(observation)
    _quantity(observation)
    _performers(observation, category)
    codes = {one.get("code") for one in observation.get("code", {}).get("coding", ())}
    if "component" in observation and not codes & _WITH_COMPONENTS:
        del observation["component"]
        shaped.left_out.append("component")
    if category == VITAL_SIGNS:
        shaped.demanded.append("performer")
        if "valueQuantity" not in observation and "component" not in observation:
            shaped.lacking.append("valueQuantity of a vital sign")


def _category(observation: Json, report: Json | None) -> str:
    found = [
        str(coding.get("code"))
        for concept in observation.get("category", ())
        for coding in concept.get("coding", ())
        if coding.get("system") == CATEGORY
    ]
    for word in (VITAL_SIGNS, LABORATORY):
        if word in found:
            return word
    if found:
        return ""
    codings = observation.get("code", {}).get("coding", ())
    loinc = {coding.get("code") for coding in codings if coding.get("system") == _LOINC}
    if loinc & _VITAL_CODES:
        return VITAL_SIGNS
    sections = {
        str(coding.get("code"))
        for concept in (report or {}).get("category", ())
        for coding in concept.get("coding", ())
    }
    return LABORATORY if not sections or sections & _LABORATORY_SECTIONS else ""


def _one_range(observation: Json) -> None:
    """The first range; its text only where it has no limits (reference 1.4)."""
    ranges = observation.get("referenceRange", [])[:1]
    for one in ranges:
        if "low" in one or "high" in one:
            one.pop("text", None)
    if ranges:
        observation["referenceRange"] = ranges


def _quantity(observation: Json) -> None:
    """A code of a unit comes with its unit."""
    quantity = observation.get("valueQuantity")
    if isinstance(quantity, dict) and quantity.get("code"):
        quantity.setdefault("unit", quantity["code"])


def _performers(observation: Json, category: str) -> None:
    """Practitioners with a function that Millennium knows; one of a vital sign is its author."""
    people = [one for one in observation.get("performer", ()) if "reference" in one]
    for person in people:
        kept = [one for one in person.get("extension", ()) if _is_known(one, category)]
        if not kept and category == VITAL_SIGNS and len(people) == 1:
            author = {"coding": [{"system": _PARTICIPATION, "code": "LA"}]}
            kept = [{"url": FUNCTION, "valueCodeableConcept": author}]
        person.pop("extension", None)
        if kept:
            person["extension"] = kept
    observation.pop("performer", None)
    if people:
        observation["performer"] = people


def _is_known(extension: Json, category: str) -> bool:
    codings = extension.get("valueCodeableConcept", {}).get("coding", ())
    known = _FUNCTIONS.get(category, ())
    return extension.get("url") == FUNCTION and any(one.get("code") in known for one in codings)
