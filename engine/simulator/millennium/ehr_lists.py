"""Rim. Lists of the EHR API: code values, nomenclatures, personnel, locations, what is charted of
patients. Report 3.1.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.simulator.millennium.answers import Answer, RefusedError, json
from engine.simulator.millennium.chart import Record
from engine.simulator.millennium.code_values import CodeValue
from engine.simulator.millennium.elements import codings, dicts, reference_of
from engine.simulator.millennium.tables import DATA
from engine.simulator.millennium.tenant import Tenant

IDS_MAX = 50
FILTERS_MAX = 20
PAGE = 1000
FILTERS: Mapping[str, Callable[[CodeValue], str]] = {
    "cdfMeaning": lambda row: row.cdf_meaning,
    "cki": lambda row: row.cki,
    "conceptCki": lambda row: row.concept_cki,
}
NPI = "http://hl7.org/fhir/sid/us-npi"
NPI_POOL = "NPI Pool"
STAFF_POOL = "Staff Number Pool"
ALIAS_POOLS = 263
GROUPS = ("problem", "procedure", "drg")

Parameters = Sequence[tuple[str, str]]


def refused(status: int, code: str, message: str) -> RefusedError:
    """A refusal in the shape of the EHR API. The codes are our own: the real ones are unlisted."""
    return RefusedError(json({"code": code, "message": message}, status))


def paged(items: list[dict[str, Any]], parameters: Parameters) -> Answer:
    """A page of 1000, with `opc-next-page` while there is more."""
    page = dict(parameters).get("page", "0")
    if not page.isdigit():
        raise refused(400, "InvalidParameter", "page is what opc-next-page said")
    start = int(page)
    more = {"opc-next-page": str(start + PAGE)} if start + PAGE < len(items) else {}
    return json({"items": items[start : start + PAGE]}, headers=more)


# -- code values --


def code_value(tenant: Tenant, identity: str) -> Answer:
    """`GET codeValues/{id}`."""
    row = tenant.codes.get(identity)
    if row is None:
        raise refused(404, "NotFound", "there is no such code value")
    return json(_code_value(row))


def code_values(tenant: Tenant, parameters: Parameters) -> Answer:
    """`GET codeValues?codeSet=N` with filters of one kind, or `?id=` repeated."""
    sets = [value for name, value in parameters if name == "codeSet"]
    ids = [value for name, value in parameters if name == "id"]
    filters = [(name, value) for name, value in parameters if name in FILTERS]
    if bool(sets) == bool(ids) or len(sets) > 1 or (ids and filters):
        raise refused(400, "InvalidParameter", "exactly one of id and codeSet is expected")
    if ids:
        if len(ids) > IDS_MAX:
            raise refused(400, "InvalidParameter", f"at most {IDS_MAX} ids are expected")
        rows = [row for row in map(tenant.codes.get, ids) if row is not None]
        return json({"items": [_code_value(row) for row in rows]})
    if len({name for name, _ in filters}) > 1 or len(filters) > FILTERS_MAX:
        raise refused(
            400, "InvalidParameter", f"filters are of one kind, at most {FILTERS_MAX} values"
        )
    if not sets[0].isdigit():
        raise refused(400, "InvalidParameter", "codeSet is a number")
    found = list(tenant.codes.rows(int(sets[0])))
    if filters:
        wanted, read = {value for _, value in filters}, FILTERS[filters[0][0]]
        found = [row for row in found if read(row) in wanted]
    return paged([_code_value(row) for row in found], parameters)


def _code_value(row: CodeValue) -> dict[str, Any]:
    item = {
        "id": row.id,
        "codeSet": str(row.code_set),
        "display": row.display,
        "description": row.description,
        "definition": row.description,
        "cdfMeaning": row.cdf_meaning,
        "cki": row.cki,
        "conceptCki": row.concept_cki,
        "isActive": row.active,
        "isAuthenticated": True,
        "sequence": 0,
    }
    return {name: value for name, value in item.items() if value != ""}


# -- nomenclatures --


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    id: str
    group_type: str
    terminology: str
    code: str
    display: str
    concept_cki: str
    crossed: str


@cache
def _terms() -> Mapping[str, _Term]:
    with (DATA / "nomenclature.csv").open(encoding="utf-8", newline="") as lines:
        return {row["id"]: _Term(**row) for row in csv.DictReader(lines)}


def nomenclature(identity: str) -> Answer:
    """`GET nomenclatures/{id}`."""
    term = _terms().get(identity)
    if term is None:
        raise refused(404, "NotFound", "there is no such nomenclature")
    return json(
        {
            "id": term.id,
            "code": term.code,
            "displayName": term.display,
            "terminology": term.terminology,
            "conceptCki": term.concept_cki,
            "effectivePeriod": {"start": "2000-01-01T00:00:00Z"},
            "isActive": True,
            "isClientPreferred": False,
            "isVendorPreferred": True,
        }
    )


def nomenclatures(parameters: Parameters) -> Answer:
    """`GET nomenclatures?groupId=&groupType=problem|procedure|drg&search=`."""
    given = dict(parameters)
    if not all(given.get(name) for name in ("groupId", "groupType", "search")):
        raise refused(400, "InvalidParameter", "groupId, groupType and search are required")
    if given["groupType"] not in GROUPS:
        raise refused(400, "InvalidParameter", f"groupType is one of {', '.join(GROUPS)}")
    wanted = given["search"].casefold()
    found = [
        term
        for term in _terms().values()
        if term.group_type == given["groupType"]
        and (wanted in term.display.casefold() or term.code.casefold().startswith(wanted))
    ]
    return paged([_crossed(term) for term in found], parameters)


def _crossed(term: _Term) -> dict[str, Any]:
    other = _terms().get(term.crossed)
    crossed = [_summary(other)] if other is not None else []
    return {**_summary(term), "crossMappedNomenclatures": crossed}


def _summary(term: _Term) -> dict[str, Any]:
    return {"id": term.id, "code": term.code, "displayName": term.display}


# -- personnel, locations --


def person(tenant: Tenant, identity: str) -> Answer:
    """`GET personnel/{id}`."""
    record = tenant.chart.get("Practitioner", identity)
    if record is None:
        raise refused(404, "NotFound", "there is no such personnel member")
    return json(_person(tenant, record), headers={"ETag": record.etag})


def personnel(tenant: Tenant, parameters: Parameters) -> Answer:
    """`GET personnel` by ids, names or `localAliases=POOL$TYPE|VALUE`; all without any."""
    ids = {value for name, value in parameters if name in ("id", "ids")}
    aliases = [value for name, value in parameters if name == "localAliases"]
    given = {name: value.casefold() for name, value in parameters}
    if given.get("firstName") and not given.get("lastName"):
        raise refused(400, "InvalidParameter", "firstName needs lastName")
    wanted = [_alias(tenant, one) for one in aliases]
    found = []
    for record in tenant.chart.all("Practitioner"):
        name = (dicts(record.resource.get("name")) or [{}])[0]
        family = str(name.get("family", "")).casefold()
        first = " ".join(name.get("given", [])).casefold()
        fits = (
            (not ids or record.identity in ids)
            and (not wanted or any(one in _aliases(record) for one in wanted))
            and family.startswith(given.get("lastName", ""))
            and first.startswith(given.get("firstName", ""))
            and given.get("freeTextName", "") in f"{first} {family}"
        )
        if fits:
            found.append(_person(tenant, record))
    return paged(found, parameters)


def _alias(tenant: Tenant, text: str) -> tuple[str, str]:
    """(system, value) of `POOL$TYPE|VALUE`, the pool a value of code set 263. Refuses others."""
    pool, mark, rest = text.partition("$")
    kind, bar, value = rest.partition("|")
    row = tenant.codes.get(pool)
    if not (mark and bar and kind and value) or row is None or row.code_set != ALIAS_POOLS:
        raise refused(400, "InvalidParameter", "localAliases is POOL$TYPE|VALUE")
    return (NPI if kind == "NPI" and row.display == NPI_POOL else row.display, value)


def _aliases(record: Record) -> set[tuple[str, str]]:
    return {
        (str(one.get("system", STAFF_POOL)), str(one.get("value", "")))
        for one in dicts(record.resource.get("identifier"))
    }


def _person(tenant: Tenant, record: Record) -> dict[str, Any]:
    name = (dicts(record.resource.get("name")) or [{}])[0]
    pool = next(row for row in tenant.codes.rows(ALIAS_POOLS) if row.display == NPI_POOL)
    return {
        "id": record.identity,
        "isActive": record.resource.get("active", True),
        "isPhysician": True,
        "names": [{"firstName": " ".join(name.get("given", [])), "lastName": name.get("family")}],
        "aliases": [
            {"type": "NPI", "value": value, "aliasPool": {"id": pool.id, "display": pool.display}}
            for system, value in sorted(_aliases(record))
            if system == NPI
        ],
    }


def location(tenant: Tenant, identity: str) -> Answer:
    """`GET locations/{id}`."""
    if not identity.isdigit():
        raise refused(400, "InvalidParameter", "an id of a location is a number")
    record = tenant.chart.get("Location", identity)
    if record is None:
        raise refused(404, "NotFound", "there is no such location")
    resource = record.resource
    return json(
        {
            "id": record.identity,
            "name": resource.get("name", ""),
            "description": resource.get("name", ""),
            "status": str(resource.get("status", "active")).upper(),
            "effective": {"start": "2000-01-01T00:00:00Z"},
            "isPatientCareLocation": True,
            "organization": {"id": reference_of(resource.get("managingOrganization"))},
            "aliases": [
                {"type": "FSI", "value": one.get("value", "")}
                for one in dicts(resource.get("identifier"))
            ],
        }
    )


# -- what is charted of a patient --


def charted(tenant: Tenant, kind: str, parameters: Parameters) -> Answer:
    """`GET conditions?patientId=` or `allergies?patientId=`, or by `id` repeated; not both."""
    given = dict(parameters)
    patient = given.get("patientId") or given.get("patient") or ""
    ids = [value for name, value in parameters if name == "id"]
    if bool(patient) == bool(ids):
        raise refused(400, "InvalidParameter", "exactly one of patientId and id is expected")
    if patient:
        records = tenant.chart.of_patient(kind, patient)
    else:
        found = [tenant.chart.get(kind, one) for one in ids]
        records = [record for record in found if record is not None]
    return paged([_charted(record) for record in records], parameters)


def charted_one(tenant: Tenant, kind: str, identity: str) -> Answer:
    """`GET conditions/{id}` or `allergies/{id}`."""
    record = tenant.chart.get(kind, identity)
    if record is None:
        raise refused(404, "NotFound", "there is no such item")
    return json(_charted(record), headers={"ETag": record.etag})


def _charted(record: Record) -> dict[str, Any]:
    code = record.resource.get("code", {})
    first = (codings(code) or [{}])[0]
    return {
        "id": record.identity,
        "patientId": reference_of(record.resource.get("subject") or record.resource.get("patient")),
        "displayName": code.get("text") or first.get("display", ""),
        "code": first.get("code", ""),
    }
