"""Pure. The best of a resource's identifiers, whatever the order in which they were sent.

A Patient is known by many numbers. Ids and conditional requests need one of them, and the same one
for every message, so position must not matter: the type decides, then the system, then the value.
Types: HL7 table 0203, https://terminology.hl7.org/CodeSystem-v2-0203.html.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

IDENTIFIER_PRIORITY: dict[str, int] = {
    code: rank
    for rank, code in enumerate(
        ("MR", "MRN", "PI", "PT", "NI", "PN", "NPI", "VN", "AN", "PRN", "DN", "EI", "FILL", "PLAC")
    )
}
"""Types of table 0203 from best to least; an unknown type comes after them, no type last."""
_OLD = 100
_NONE: Mapping[str, int] = MappingProxyType({})


def identifiers_of(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """The resource's identifiers, none when it has none or its type has a single one."""
    found = resource.get("identifier")
    if isinstance(found, dict):
        return [found]
    return found if isinstance(found, list) else []


def _rank(identifier: dict[str, Any], preferred: Mapping[str, int]) -> tuple[int, str, str, str]:
    codings = identifier.get("type", {}).get("coding", ())
    codes = [coding.get("code", "") for coding in codings]
    unknown = len(IDENTIFIER_PRIORITY) + (0 if any(codes) else 1)
    rank = min((IDENTIFIER_PRIORITY.get(code, unknown) for code in codes), default=unknown)
    if preferred:
        named = [preferred[one] for one in (*codes, identifier.get("system")) if one in preferred]
        rank = min(named) - len(preferred) if named else rank
    if identifier.get("use") == "old":
        rank += _OLD  # a number that is no longer in use is known to few
    system = identifier.get("system") or identifier.get("assigner", {}).get("display", "")
    return (rank, "" if "system" in identifier else "~", system, identifier.get("value", ""))


def identifier_key(
    resource: dict[str, Any], preferred: Mapping[str, int] = _NONE
) -> tuple[str, str] | None:
    """The key of `key=identifier`: system (or assigner) and value of the best identifier.

    The best is chosen by type, then by system and value, so the order of repetitions does not
    matter. `preferred` are types and systems that go before, with their rank.
    """
    ranks = [_rank(one, preferred) for one in identifiers_of(resource) if one.get("value")]
    if not ranks:
        return None
    _, _, system, value = min(ranks)
    return (system, value)


def best_identifier(
    identifiers: Any, preferred: Mapping[str, int] = _NONE
) -> tuple[str, str] | None:
    """(system, value) of the best identifier that has both, for conditional forms."""
    listed = identifiers if isinstance(identifiers, list) else [identifiers]
    whole = [one for one in listed if one.get("value") and one.get("system")]
    if not whole:
        return None
    if len(whole) == 1:
        return (whole[0]["system"], whole[0]["value"])
    _, _, system, value = min(_rank(one, preferred) for one in whole)
    return (system, value)
