"""Rim. How one search parameter is compared with one resource. FHIR R4 search.html."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from engine.simulator.millennium.answers import Resource, outcome
from engine.simulator.millennium.chart import Record
from engine.simulator.millennium.elements import as_list, codes_of, dicts

PATHS = {
    "patient": ("subject", "patient", "beneficiary", "participant.actor"),
    "subject": ("subject",),
    "encounter": ("encounter", "context.encounter", "context"),
    "-encounter": ("extension.valueReference",),
    "context": ("context",),
    "account": ("account",),
    "practitioner": ("participant.actor",),
    "location": ("participant.actor", "location.location"),
    "-location": ("schedule",),
    "organization": ("managingOrganization",),
    "target": ("target",),
    "owned-by": ("ownedBy",),
    "recipient": ("recipient",),
    "performer": ("performer.actor",),
    "actor": ("provision.actor.reference",),
    "schedule.actor": ("schedule",),
    "-guarantor": ("guarantor.party",),
    "code": ("code", "component.code"),
    "category": ("category",),
    "status": ("status",),
    "-status": ("status",),
    "clinical-status": ("clinicalStatus",),
    "intent": ("intent",),
    "gender": ("gender",),
    "active": ("active",),
    "type": ("type",),
    "service-type": ("serviceType",),
    "target-disease": ("protocolApplied.targetDisease",),
    "-physicalType": ("physicalType",),
    "name": ("name", "name.family", "name.given"),
    "family": ("name.family",),
    "given": ("name.given",),
    "address": ("address.city", "address.state", "address.postalCode", "address.line"),
    "address-city": ("address.city",),
    "address-state": ("address.state",),
    "address-postalcode": ("address.postalCode",),
    "phone": ("telecom",),
    "email": ("telecom",),
    "birthdate": ("birthDate",),
    "date": ("effectiveDateTime", "effectivePeriod", "period", "occurrenceDateTime", "start",
             "performedDateTime", "performedPeriod", "date"),
    "-date-or-req-period": ("start", "requestedPeriod"),
    "period": ("context.period",),
    "start": ("start",),
    "received": ("received",),
    "target-date": ("target.dueDate",),
    "effective-time": ("effectiveDateTime", "effectivePeriod"),
    "-timing-boundsPeriod": ("dosageInstruction.timing.repeat.boundsPeriod",),
}  # fmt: skip
"""Parameter -> where its values are."""
REFERENCES = frozenset(
    {"patient", "subject", "encounter", "-encounter", "context", "account", "practitioner",
     "location", "-location", "organization", "target", "owned-by", "recipient", "performer",
     "actor", "schedule.actor", "-guarantor"}
)  # fmt: skip
STRINGS = frozenset(
    {"name", "family", "given", "address", "address-city", "address-state", "address-postalcode"}
)
DATES = frozenset(
    {"birthdate", "date", "-date-or-req-period", "period", "start", "received", "target-date",
     "effective-time", "-timing-boundsPeriod"}
)  # fmt: skip
PREFIXES = ("eq", "ge", "le", "gt", "lt")
ALIASES = frozenset({"Location"})
"""Types whose identifier search names an alias by its source instead of a system."""


def is_plain(kind: str, name: str) -> bool:
    """Whether an identifier parameter is `system|value`, as the index has it."""
    return name == "identifier" and kind not in ALIASES


def compares(record: Record, name: str, value: str) -> bool:
    """Whether a record fits a parameter. Refuses a value of the wrong form with 400."""
    name, _, modifier = name.partition(":")
    resource = record.resource
    if name == "_id":
        return record.identity in value.split(",")
    if name == "_lastUpdated":
        moment = datetime.fromtimestamp(record.updated_at, UTC).isoformat()
        return _dated([moment], value)
    if name == "identifier":
        return _aliased(resource, value) if record.kind in ALIASES else _identified(resource, value)
    found = list(_values(resource, name))
    if name in REFERENCES:
        wanted = {_id(one) for one in value.split(",")}
        named = {_id(str(one.get("reference", ""))) for one in found if isinstance(one, dict)}
        return bool(wanted & named)
    if name in STRINGS:
        return _starts(found, value, exact=modifier == "exact")
    if name in DATES:
        return _dated(found, value)
    if name in ("phone", "email"):
        return any(
            one.get("system") == name and _digits(one.get("value")) == _digits(value)
            for one in dicts(found)
        )
    return any(_token(one, each) for one in found for each in value.split(","))


def _values(resource: Resource, name: str) -> Iterator[Any]:
    for path in PATHS.get(name, (name,)):
        values: list[Any] = [resource]
        for step in path.split("."):
            values = [
                each for one in values if isinstance(one, dict) for each in as_list(one.get(step))
            ]
        yield from values


def _id(reference: str) -> str:
    return reference.rpartition("/")[2]


def _digits(value: Any) -> str:
    text = str(value)
    digits = "".join(filter(str.isdigit, text))
    return digits if digits and "@" not in text else text.casefold()


def _identified(resource: Resource, value: str) -> bool:
    system, mark, code = value.rpartition("|")
    if not code:
        raise outcome(400, "invalid", "identifier needs a value")
    return any(
        one.get("value") == code and (not mark or not system or one.get("system") == system)
        for one in dicts(resource.get("identifier"))
    )


def _aliased(resource: Resource, value: str) -> bool:
    """`source|alias`: the source is a code value of set 73, which the identifier's type has."""
    source, mark, alias = value.partition("|")
    return bool(mark) and any(
        one.get("value") == alias and source in codes_of(one.get("type"))
        for one in dicts(resource.get("identifier"))
    )


def _starts(found: list[Any], value: str, *, exact: bool) -> bool:
    texts = [one for one in found if isinstance(one, str)]
    if exact:
        return value in texts
    return any(one.casefold().startswith(value.casefold()) for one in texts)


def _token(found: Any, wanted: str) -> bool:
    system, mark, code = wanted.rpartition("|")
    if isinstance(found, dict):
        codings = dicts(found.get("coding")) or ([found] if "code" in found else [])
        return any(
            str(one.get("code", "")) == code and (not mark or one.get("system", "") == system)
            for one in codings
        )
    plain = str(found).lower() if isinstance(found, bool) else str(found)
    return plain == code


def _dated(found: list[Any], value: str) -> bool:
    prefix = value[:2] if value[:2] in PREFIXES else ""
    text = value.removeprefix(prefix)
    low, high = _range(text)
    return any(_compared(prefix or "eq", _span(one), low, high) for one in found if one)


def _span(value: Any) -> tuple[datetime, datetime]:
    """From when to when something was."""
    if isinstance(value, dict):
        start, end = value.get("start"), value.get("end")
        return (
            _range(str(start))[0] if start else datetime.min.replace(tzinfo=UTC),
            _range(str(end))[1] if end else datetime.max.replace(tzinfo=UTC),
        )
    return _range(str(value))


def _compared(prefix: str, span: tuple[datetime, datetime], low: datetime, high: datetime) -> bool:
    start, end = span
    match prefix:
        case "ge":
            return end >= low
        case "gt":
            return end > high
        case "le":
            return start <= high
        case "lt":
            return start < low
        case _:
            return start >= low and end <= high


def _range(text: str) -> tuple[datetime, datetime]:
    """First and last instant that a FHIR date or dateTime means. Refuses others with 400."""
    try:
        if "T" in text:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return moment, moment
        parts = [int(part) for part in text.split("-")]
        year, month, day = (*parts, 0, 0)[:3]
        low = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            high = low.replace(hour=23, minute=59, second=59, microsecond=999_999)
        elif month:
            high = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        else:
            high = datetime(year + 1, 1, 1, tzinfo=UTC)
    except (OverflowError, ValueError):
        raise outcome(400, "invalid", "a date is not one FHIR allows") from None
    return low, high
