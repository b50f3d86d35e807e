"""Rim. Which parameters a search of a type may and must name together; 400 otherwise. Report
1.6 and the vendor's page of each type.
"""

from collections.abc import Sequence

from engine.simulator.millennium.answers import RefusedError, outcome, plain
from engine.simulator.millennium.options import Errors
from engine.simulator.millennium.tables import ResourceType

SINGLE = frozenset(
    {"identifier", "name", "family", "given", "phone", "email", "address-postalcode", "gender"}
)
"""Parameters of a patient search given once, with one value."""
DATED = frozenset({"patient", "practitioner", "location"})
"""Of these an appointment search names one, and a date with it."""
BOTH_NEEDED = frozenset({"Practitioner", "Person"})
"""Types whose identifier search names system and value."""

Pairs = Sequence[tuple[str, str]]


def check(kind: ResourceType, pairs: Pairs, errors: Errors) -> None:
    """Refuse a search that names too little, or too much."""
    names = [plain_name(name) for name, _ in pairs]
    known = {name for name, (_, value) in zip(names, pairs, strict=True) if value}
    if not known & set(kind.needs):
        raise _nothing_supported(kind, errors)
    if kind.name == "Patient":
        _patient(names, pairs)
    elif kind.name == "Appointment" and "_id" not in known:
        if len([name for name in names if name in DATED]) > 1:
            raise _invalid("patient, practitioner and location exclude each other")
        if not known & {"date", "-date-or-req-period"}:
            raise _invalid("date or -date-or-req-period is required")
    elif kind.name == "Observation":
        _observation(known, pairs)
    elif kind.name == "ChargeItem" and "_id" not in known:
        if dict(pairs).get("-status") != "billable":
            raise _invalid("-status is required to be billable")
    elif kind.name in BOTH_NEEDED:
        for name, value in pairs:
            if name == "identifier" and not all(value.partition("|")):
                raise _invalid("identifier needs a system and a value")


def _patient(names: Sequence[str], pairs: Pairs) -> None:
    for name, value in pairs:
        once = plain_name(name)
        if once in SINGLE and (names.count(once) > 1 or "," in value):
            raise _invalid(f"{once} may be given once, with one value")
        if once == "birthdate" and "T" in value:
            raise _invalid("birthdate has no time")


def _observation(known: set[str], pairs: Pairs) -> None:
    if {"date", "_lastUpdated"} <= known:
        raise _invalid("date and _lastUpdated exclude each other")
    for name, value in pairs:
        if name == "code" and not all("|" in one for one in value.split(",")):
            raise _invalid("each code needs a system")


def _invalid(text: str) -> RefusedError:
    return outcome(400, "invalid", text)


def _nothing_supported(kind: ResourceType, errors: Errors) -> RefusedError:
    if errors is Errors.DOCUMENTED:
        return plain(400, "no supported search parameters provided")
    allowed = ", ".join(kind.needs)
    return _invalid(f"at least one of these parameters is required: {allowed}")


def plain_name(name: str) -> str:
    """A parameter without its modifier."""
    return name.partition(":")[0]
