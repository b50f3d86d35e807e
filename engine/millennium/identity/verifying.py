"""Pure. Is what the service has under this number the one the message means? And who took its
place?

A number that was typed wrongly finds somebody. So a resource that was found by an identifier is
compared in a second factor before anything is written to it (report section 5, step 3).
"""

import unicodedata
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class MatchPolicy(StrEnum):
    """How sure one must be that a patient found by number is the one meant."""

    STRICT = "strict"
    """Birth date, family name and gender: all that the message says, and at least two."""
    STANDARD = "standard"
    """The birth date and one of family name and gender; without a birth date both of these."""
    IDENTIFIER = "identifier"
    """The number alone."""


class Match(StrEnum):
    """What a comparison came to."""

    SAME = "same"
    OTHER = "other"
    UNSURE = "unsure"
    """Too little can be compared."""


def compare(verify: Json, resource: Json, policy: MatchPolicy) -> Match:
    """Compare the second factor of a call with what the service has.

    Args:
        verify: of the call. A Patient's: birthDate, family, gender. An Encounter's: subject, the
            ids of its patient, those merged into it too. Empty for types that have none.
        resource: the service's copy.
        policy: of the destination.
    """
    match resource.get("resourceType"):
        case "Patient" if policy is not MatchPolicy.IDENTIFIER:
            return _compare_patient(verify, resource, policy)
        case "Encounter" if "subject" in verify:
            found = reference_id(resource.get("subject"), "Patient")
            if not found:
                return Match.UNSURE
            return Match.SAME if found in verify["subject"] else Match.OTHER
        case _:
            return Match.SAME


def _compare_patient(verify: Json, resource: Json, policy: MatchPolicy) -> Match:
    found = _factors(verify, resource)
    agreeing = {name for name, same in found.items() if same}
    if policy is MatchPolicy.STRICT:
        if len(agreeing) < len(found):
            return Match.OTHER
        return Match.SAME if len(agreeing) > 1 else Match.UNSURE
    if found.get("birthDate") is False:
        return Match.OTHER
    if "birthDate" in agreeing:
        if len(agreeing) > 1:
            return Match.SAME
        return Match.OTHER if len(found) > 1 else Match.UNSURE
    if agreeing == {"family", "gender"}:
        return Match.SAME
    return Match.OTHER if len(agreeing) < len(found) else Match.UNSURE


def _factors(verify: Json, resource: Json) -> dict[str, bool]:
    """Name of each factor that both sides have, and whether they agree in it."""
    found: dict[str, bool] = {}
    ours, theirs = verify.get("birthDate"), resource.get("birthDate")
    if ours and theirs and isinstance(theirs, str):
        found["birthDate"] = _same_date(ours, theirs)
    ours, theirs = verify.get("gender"), resource.get("gender")
    if ours and theirs and "unknown" not in (ours, theirs):
        found["gender"] = ours == theirs
    families = {plain_name(name["family"]) for name in _names(resource)}
    if verify.get("family") and families:
        found["family"] = plain_name(verify["family"]) in families
    return found


def _names(resource: Json) -> list[Json]:
    """Names with a family name."""
    names = resource.get("name")
    listed = names if isinstance(names, list) else []
    return [
        name
        for name in listed
        if isinstance(name, dict) and isinstance(name.get("family"), str) and name["family"]
    ]


def _same_date(ours: str, theirs: str) -> bool:
    """Equal as far as both say it: a birth date may be a year only."""
    return ours.startswith(theirs) or theirs.startswith(ours)


def plain_name(name: str) -> str:
    """A name by its letters alone: no accents, case, spaces, hyphens or apostrophes."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def successor(resource: Json) -> str:
    """Id of the resource this one was combined into; empty when it stands for itself.

    A Patient says so by `link` (replaced-by), an Encounter by status unknown and `partOf` (report
    section 5).
    """
    kind = resource.get("resourceType")
    if kind == "Patient":
        links = resource.get("link")
        for link in links if isinstance(links, list) else []:
            if isinstance(link, dict) and link.get("type") == "replaced-by":
                return reference_id(link.get("other"), "Patient")
    if kind == "Encounter" and resource.get("status") == "unknown":
        return reference_id(resource.get("partOf"), "Encounter")
    return ""


def reference_id(reference: object, kind: str) -> str:
    """The id in a reference to a resource of a kind, relative or with its root; else empty."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(text, str):
        return ""
    head, _, found = text.rpartition("/")
    return found if head == kind or head.endswith(f"/{kind}") else ""
