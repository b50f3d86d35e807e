"""Rim. Scopes of system accounts: what calls need, in both syntaxes of SMART, and what a grant
lacks.

Values in, values out. Inside, a scope is what it permits: (resource type, letter) with the letters
of SMART v2, c r u d s; a scope of another kind stands for itself. Report section 1.3 (interactions
and scopes of each resource), section 2 (v1 `system/Patient.read`, v2 `system/Patient.crus`: the
suffix is exactly as advertised for the resource; a search needs `s` besides `r`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

Permission = tuple[str, str]
"""(`Patient`, `c`), or (a scope of another kind, ``)."""
Permissions = frozenset[Permission]


class Syntax(StrEnum):
    """The version of SMART App Launch whose scopes a client is registered with."""

    V1 = "v1"
    V2 = "v2"


LETTERS: Mapping[str, str] = {
    "read": "r",
    "search": "s",
    "create": "c",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "operation": "c",
    "register": "rscu",
}
"""Of each interaction; an operation here is one that makes something (ChargeItem)."""
READS_TOO: Mapping[Permission, str] = {
    ("Observation", "update"): "r",
    ("DocumentReference", "update"): "r",
}
"""Writes that need the scope to read as well (report section 2)."""
COMPANIONS: Mapping[Permission, Permission] = {
    ("Basic", "c"): ("FinancialTransaction", "c"),
    ("Binary", "r"): ("DocumentReference", "r"),
}
"""What is granted only together with another (report section 1.3)."""
_SCOPE = re.compile(r"system/([A-Za-z]+)\.([a-z]+)\Z")
_ORDER = "cruds"
_WORDS: Mapping[str, str] = {"read": "rs", "write": "cud"}
_ADVERTISED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("Patient", "Encounter", "RelatedPerson", "Appointment", "Communication"),
            *("MedicationRequest", "Observation", "Condition", "AllergyIntolerance"),
            *("Immunization", "FamilyMemberHistory", "DocumentReference"),
        ),
        "crus",
    ),
    **dict.fromkeys(("Slot", "QuestionnaireResponse"), "rus"),
    **dict.fromkeys(
        (
            *("DiagnosticReport", "Procedure", "Organization", "Practitioner", "Provenance"),
            "ChargeItem",
        ),
        "crs",
    ),
    "Coverage": "cruds",
    "Basic": "c",
    "FinancialTransaction": "c",
    "Binary": "r",
    "Media": "r",
}
"""The suffix of v2 where discovery does not say; all others are `rs`."""


def needed(interactions: Iterable[tuple[str, str]]) -> Permissions:
    """What (resource type, interaction) pairs need; an interaction not known here needs nothing.

    Args:
        interactions: interaction is a key of LETTERS, or an operation such as `$create`.
    """
    found: set[Permission] = set()
    for kind, interaction in interactions:
        word = "operation" if interaction.startswith("$") else interaction
        letters = LETTERS.get(word, "") + READS_TOO.get((kind, interaction), "")
        found.update((kind, letter) for letter in letters)
    found.update(COMPANIONS[one] for one in tuple(found) if one in COMPANIONS)
    return frozenset(found)


def permissions(scopes: Iterable[str]) -> Permissions:
    """What granted scopes permit, of either syntax."""
    return _letters(scopes, lambda _kind, word: _WORDS[word])


def needs(scopes: Iterable[str]) -> Permissions:
    """What must be granted where these scopes are asked for.

    `write` of v1 demands of v2 only what there is for the type: of a Patient to create and update,
    not to delete.
    """
    return _letters(scopes, _of_type)


def _of_type(kind: str, word: str) -> str:
    known = _ADVERTISED.get(kind, "rs")
    return "".join(letter for letter in _WORDS[word] if letter in known) or _WORDS[word]


def _letters(scopes: Iterable[str], of_word: Callable[[str, str], str]) -> Permissions:
    found: set[Permission] = set()
    for scope in scopes:
        match = _SCOPE.match(scope)
        if match and match[2] in _WORDS:
            found.update((match[1], letter) for letter in of_word(match[1], match[2]))
        elif match and set(match[2]) <= set(_ORDER):
            found.update((match[1], letter) for letter in match[2])
        else:
            found.add((scope, ""))
    return frozenset(found)


def rendered(
    wanted: Permissions, syntax: Syntax, advertised: Iterable[str] = ()
) -> tuple[str, ...]:
    """The scopes to ask for, in order.

    Args:
        wanted: what must be permitted.
        syntax: of the scopes to write.
        advertised: `scopes_supported` of discovery: of a resource, the shortest that permits what
            is wanted is taken as it stands.
    """
    kinds: dict[str, set[str]] = {}
    opaque: set[str] = set()
    for kind, letter in wanted:
        if letter:
            kinds.setdefault(kind, set()).add(letter)
        else:
            opaque.add(kind)
    found: list[str] = []
    offered = _offered(advertised)
    for kind, letters in kinds.items():
        if syntax is Syntax.V1:
            found += [f"system/{kind}.{word}" for word in _WORDS if letters & set(_WORDS[word])]
        else:
            found.append(f"system/{kind}.{_suffix(kind, letters, offered.get(kind, ()))}")
    return (*sorted(found), *sorted(opaque))


def _offered(advertised: Iterable[str]) -> dict[str, list[str]]:
    """Resource type to the v2 suffixes that are advertised for it."""
    found: dict[str, list[str]] = {}
    for scope in advertised:
        match = _SCOPE.match(scope)
        if match and match[2] not in _WORDS:
            found.setdefault(match[1], []).append(match[2])
    return found


def _suffix(kind: str, letters: set[str], offered: Iterable[str]) -> str:
    fitting = [one for one in offered if letters <= set(one)]
    if fitting:
        return min(fitting, key=len)
    known = _ADVERTISED.get(kind, "rs")
    chosen = letters if offered else letters | set(known)
    return "".join(letter for letter in _ORDER if letter in chosen)


def described(lacking: Permissions, syntax: Syntax) -> str:
    """Permissions in words of a person's registration: `system/Patient.crus`, v1 or v2."""
    kinds: dict[str, str] = {}
    for kind, letter in lacking:
        kinds[kind] = kinds.get(kind, "") + letter
    if syntax is Syntax.V1:
        return ", ".join(rendered(lacking, syntax))
    shown = [
        f"system/{kind}.{''.join(one for one in _ORDER if one in letters)}" if letters else kind
        for kind, letters in kinds.items()
    ]
    return ", ".join(sorted(shown))
