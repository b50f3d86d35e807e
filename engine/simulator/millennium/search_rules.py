"""Rim. Which parameters a search of a type may and must name together; 400 otherwise. Report 1.6
and the vendor's page of each type.
"""

from collections.abc import Callable, Mapping, Sequence

from engine.simulator.millennium.answers import RefusedError, outcome, plain
from engine.simulator.millennium.options import Errors
from engine.simulator.millennium.tables import ResourceType

SINGLE = frozenset(
    {"identifier", "name", "family", "given", "phone", "email", "address-postalcode", "gender"}
)
"""Parameters of a patient search given once, with one value."""
DATED = frozenset({"patient", "practitioner", "location"})
"""Of these an appointment search names one, and a date with it."""
BOUNDS = ("ge", "gt", "le", "lt")

Pairs = Sequence[tuple[str, str]]


def check(kind: ResourceType, pairs: Pairs, errors: Errors) -> None:
    """Refuse a search that names too little, or too much."""
    named = {plain_name(name) for name, value in pairs if value}
    if not named & set(kind.needs):
        raise _nothing_supported(kind, errors)
    demand = _DEMANDS.get(kind.name)
    if demand is not None:
        demand(named, pairs)


def _patient(_named: set[str], pairs: Pairs) -> None:
    names = [plain_name(name) for name, _ in pairs]
    for name, value in pairs:
        once = plain_name(name)
        if once in SINGLE and (names.count(once) > 1 or "," in value):
            raise _invalid(f"{once} may be given once, with one value")
        if once == "birthdate" and "T" in value:
            raise _invalid("birthdate has no time")


def _appointment(named: set[str], pairs: Pairs) -> None:
    if "_id" in named:
        return
    if len([name for name, _ in pairs if plain_name(name) in DATED]) > 1:
        raise _invalid("patient, practitioner and location exclude each other")
    dates = _values(pairs, "date") + _values(pairs, "-date-or-req-period")
    if not dates:
        raise _invalid("date or -date-or-req-period is required")
    _bounded(dates, "date")


def _observation(named: set[str], pairs: Pairs) -> None:
    if {"date", "_lastUpdated"} <= named:
        raise _invalid("date and _lastUpdated exclude each other")
    for value in _values(pairs, "code"):
        if not all("|" in one for one in value.split(",")):
            raise _invalid("each code needs a system")


def _immunization(named: set[str], pairs: Pairs) -> None:
    if {"date", "_lastUpdated"} <= named:
        raise _invalid("date and _lastUpdated exclude each other")
    if any(not value.startswith(("ge", "le")) for value in _values(pairs, "date")):
        raise _invalid("date has the prefix ge or le")


def _document(_named: set[str], pairs: Pairs) -> None:
    period = _values(pairs, "period")
    if period and sorted(value[:2] for value in period) != ["ge", "lt"]:
        raise _invalid("period is given twice, with ge and with lt")
    if len({"T" in value for value in period}) > 1:
        raise _invalid("both ends of period have a time, or neither")


def _procedure(_named: set[str], pairs: Pairs) -> None:
    _bounded(_values(pairs, "date"), "date")


def _charge(named: set[str], pairs: Pairs) -> None:
    if "_id" not in named and _values(pairs, "-status") != ["billable"]:
        raise _invalid("-status is required to be billable")


def _both(_named: set[str], pairs: Pairs) -> None:
    for value in _values(pairs, "identifier"):
        if not all(value.partition("|")):
            raise _invalid("identifier needs a system and a value")


_DEMANDS: Mapping[str, Callable[[set[str], Pairs], None]] = {
    "Appointment": _appointment,
    "ChargeItem": _charge,
    "DocumentReference": _document,
    "Immunization": _immunization,
    "Observation": _observation,
    "Patient": _patient,
    "Person": _both,
    "Practitioner": _both,
    "Procedure": _procedure,
}


def _values(pairs: Pairs, wanted: str) -> list[str]:
    return [value for name, value in pairs if plain_name(name) == wanted and value]


def _bounded(values: Sequence[str], name: str) -> None:
    """A date of these searches has a prefix and a time."""
    if any(not value.startswith(BOUNDS) or "T" not in value for value in values):
        raise _invalid(f"{name} has a prefix and a time")


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
