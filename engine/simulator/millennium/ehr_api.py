"""Rim. The EHR API of one tenant without its socket: code values. Report 3.1."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from engine.simulator.millennium.answers import Answer, RefusedError, insufficient_scope, json
from engine.simulator.millennium.code_values import CodeValue
from engine.simulator.millennium.scopes import EHR_NAMESPACES, EHR_SCOPE
from engine.simulator.millennium.tenant import Tenant

IDS_MAX = 50
FILTERS_MAX = 20
PAGE = 1000
FILTERS: Mapping[str, Callable[[CodeValue], str]] = {
    "cdfMeaning": lambda row: row.cdf_meaning,
    "cki": lambda row: row.cki,
    "conceptCki": lambda row: row.concept_cki,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EhrCall:
    """One call, after tenant and token have been seen to."""

    method: str
    namespace: str
    path: str
    """Below the namespace, from the date on."""
    query: str
    body: bytes
    scopes: frozenset[str]


def answer(tenant: Tenant, call: EhrCall) -> Answer:
    """What a call gets. Raises RefusedError."""
    if EHR_SCOPE + EHR_NAMESPACES[call.namespace] not in call.scopes:
        raise insufficient_scope()
    parameters = parse_qsl(call.query, keep_blank_values=True)
    if call.namespace == "codeSystem" and call.method == "GET":
        path = call.path.removeprefix("20240101/codeValues")
        if path != call.path:
            if path.startswith("/"):
                return _code_value(tenant, path[1:])
            if not path:
                return _code_values(tenant, parameters)
    raise refused(404, "NotFound", "there is no such operation")


def refused(status: int, code: str, message: str) -> RefusedError:
    """A refusal in the shape of the EHR API. The codes are our own: the real ones are unlisted."""
    return RefusedError(json({"code": code, "message": message}, status))


def _code_value(tenant: Tenant, identity: str) -> Answer:
    row = tenant.codes.get(identity)
    if row is None:
        raise refused(404, "NotFound", "there is no such code value")
    return json(_item(row))


def _code_values(tenant: Tenant, parameters: Sequence[tuple[str, str]]) -> Answer:
    sets = [value for name, value in parameters if name == "codeSet"]
    ids = [value for name, value in parameters if name == "id"]
    filters = [(name, value) for name, value in parameters if name in FILTERS]
    if bool(sets) == bool(ids) or len(sets) > 1 or (ids and filters):
        raise refused(400, "InvalidParameter", "exactly one of id and codeSet is expected")
    if ids:
        if len(ids) > IDS_MAX:
            raise refused(400, "InvalidParameter", f"at most {IDS_MAX} ids are expected")
        rows = [row for row in map(tenant.codes.get, ids) if row is not None]
        return json({"items": [_item(row) for row in rows]})
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
    return paged([_item(row) for row in found], parameters)


def paged(items: list[dict[str, Any]], parameters: Sequence[tuple[str, str]]) -> Answer:
    """A page of 1000, with `opc-next-page` while there is more."""
    page = dict(parameters).get("page", "0")
    if not page.isdigit():
        raise refused(400, "InvalidParameter", "page is what opc-next-page said")
    start = int(page)
    more = {"opc-next-page": str(start + PAGE)} if start + PAGE < len(items) else {}
    return json({"items": items[start : start + PAGE]}, headers=more)


def _item(row: CodeValue) -> dict[str, Any]:
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
