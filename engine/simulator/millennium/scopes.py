"""Rim. Scopes of system accounts in both syntaxes of SMART, and what each interaction needs.
Report 2.
"""

from collections.abc import Collection, Iterable
from functools import cache

from engine.simulator.millennium.options import Smart
from engine.simulator.millennium.tables import resource_types

EHR_SCOPE = "oraclehealth:millennium:"
EHR_NAMESPACES = {
    "codeSystem": "code-system",
    "nomenclature": "nomenclature",
    "personnel": "personnel",
    "location": "location",
    "condition": "condition",
    "allergy": "allergy",
    "chiefComplaint": "chief-complaint",
    "recipient": "recipient",
    "message": "message",
}
"""Namespace of the EHR API -> the last word of its scope."""

LETTERS = {"read": "r", "search": "s", "create": "c", "update": "u", "patch": "u", "delete": "d"}
READS_TOO = frozenset({("Observation", "update"), ("DocumentReference", "update")})
"""Writes that need the scope to read as well."""
BINARY_SOURCES = ("Communication", "DiagnosticReport", "DocumentReference")
"""A Binary is read with its own scope and one of these."""


@cache
def all_scopes(smart: Smart) -> tuple[str, ...]:
    """Every system scope there is in a syntax, and those of the EHR API."""
    found: list[str] = []
    for kind in resource_types().values():
        if not kind.scope:
            continue
        if smart is Smart.V2:
            found.append(f"system/{kind.name}.{kind.scope}")
            continue
        if set(kind.scope) & set("rs"):
            found.append(f"system/{kind.name}.read")
        if set(kind.scope) & set("cud"):
            found.append(f"system/{kind.name}.write")
    found.append("system/FinancialTransaction." + ("c" if smart is Smart.V2 else "write"))
    found += [EHR_SCOPE + word for word in EHR_NAMESPACES.values()]
    return tuple(found)


def permits(scopes: Iterable[str], kind: str, letter: str) -> bool:
    """Whether a grant lets one letter (c r u d s) be done to a type."""
    prefix = f"system/{kind}."
    for scope in scopes:
        if not scope.startswith(prefix):
            continue
        suffix = scope[len(prefix) :]
        if suffix == "read":
            if letter in "rs":
                return True
        elif suffix == "write":
            if letter in "cud":
                return True
        elif letter in suffix:
            return True
    return False


def permits_interaction(scopes: Collection[str], kind: str, interaction: str) -> bool:
    """Whether a grant lets an interaction with a type happen."""
    if not permits(scopes, kind, LETTERS[interaction]):
        return False
    if (kind, interaction) in READS_TOO:
        return permits(scopes, kind, "r")
    if kind == "Binary":
        return any(permits(scopes, source, "r") for source in BINARY_SOURCES)
    if kind == "Basic":
        return permits(scopes, "FinancialTransaction", "c")
    return True
