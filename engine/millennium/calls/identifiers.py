"""Pure. Business identifiers of a resource, best first, and its second factor."""

from typing import Any

from engine.fhir.entries import Entry

Json = dict[str, Any]

TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_OLD_TYPES = "http://hl7.org/fhir/v2/0203"


def identifiers_of(entry: Entry) -> list[Json]:
    """`{"system", "value", "type"}` of those that can be asked for: without a system none can.

    The one that the maps chose as the resource's own comes first.
    """
    found: list[Json] = []
    resource = entry.resource
    listed = resource.get("identifier", [])
    for item in listed if isinstance(listed, list) else [listed]:
        if item.get("system") and item.get("value"):
            one = {"system": item["system"], "value": item["value"]}
            kind = _type_of(item)
            found.append({**one, "type": kind} if kind else one)
    master = resource.get("masterIdentifier", {})
    if master.get("system") and master.get("value"):
        found.insert(0, {"system": master["system"], "value": master["value"]})
    if entry.identifier is not None:
        best = entry.identifier
        if not any((one["system"], one["value"]) == best for one in found) and all(best):
            found.append({"system": best[0], "value": best[1]})
        found.sort(key=lambda one: (one["system"], one["value"]) != best)
    return found


def _type_of(identifier: Json) -> str:
    for coding in identifier.get("type", {}).get("coding", ()):
        if coding.get("system") in (TYPES, _OLD_TYPES) and coding.get("code"):
            return str(coding["code"])
    return ""


def second_factor(resource: Json) -> Json:
    """What a resource found by an identifier is compared in, so that a number sent wrongly finds
    nobody else (reference 5)."""
    if resource["resourceType"] == "Encounter":
        reference = str(resource.get("subject", {}).get("reference", ""))
        name = reference.removeprefix("urn:engine:")
        return {"subject": name} if name else {}
    if resource["resourceType"] != "Patient":
        return {}
    names = resource.get("name", ())
    official = [name for name in names if name.get("use") == "official"] or names
    family = next((name["family"] for name in official if name.get("family")), "")
    found = {
        "birthDate": str(resource.get("birthDate", "")),
        "family": str(family).upper(),
        "gender": str(resource.get("gender", "")),
    }
    return {key: text for key, text in found.items() if text}
