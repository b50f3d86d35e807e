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
_UNKNOWN = len(IDENTIFIER_PRIORITY)
_UNTYPED = _UNKNOWN + 1
_OLD = 100
_NONE: Mapping[str, int] = MappingProxyType({})


def identifiers_of(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """The resource's identifiers, none when it has none or its type has a single one."""
    found = resource.get("identifier")
    if isinstance(found, dict):
        return [found]
    return found if isinstance(found, list) else []


def _rank(identifier: dict[str, Any], preferred: Mapping[str, int]) -> tuple[int, str, str, str]:
    rank = _UNTYPED
    codings = identifier.get("type", {}).get("coding", ())
    for coding in codings:
        if code := coding.get("code"):
            rank = min(rank, IDENTIFIER_PRIORITY.get(code, _UNKNOWN))
    if preferred:
        codes = [coding.get("code", "") for coding in codings]
        words = (*codes, identifier.get("system"))
        wanted = [preferred[one] for one in words if one in preferred]
        rank = min(wanted) - len(preferred) if wanted else rank
    if identifier.get("use") == "old":
        rank += _OLD  # a number that is no longer in use is known to few
    named = "" if "system" in identifier else "~"
    return (rank, named, _system(identifier), identifier.get("value", ""))


def _system(identifier: dict[str, Any]) -> str:
    """The system, else what its assigner is called."""
    found: str = identifier.get("system") or identifier.get("assigner", {}).get("display", "")
    return found


def identifier_key(
    resource: dict[str, Any], preferred: Mapping[str, int] = _NONE
) -> tuple[str, str] | None:
    """The key of `key=identifier`: system (or assigner) and value of the best identifier.

    The best is chosen by type, then by system and value, so the order of repetitions does not
    matter. `preferred` are types and systems that go before, with their rank.
    """
    valued = [one for one in identifiers_of(resource) if one.get("value")]
    if not valued:
        return None
    if len(valued) == 1:
        return (_system(valued[0]), valued[0]["value"])
    _, _, system, value = min([_rank(one, preferred) for one in valued])
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
    _, _, system, value = min([_rank(one, preferred) for one in whole])
    return (system, value)
