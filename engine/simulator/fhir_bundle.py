"""Rim. Transactions and batches of the simulated FHIR server.

Of a transaction everything is validated and every condition resolved before anything is stored, so
nothing ever has to be undone. FHIR R4 http.html#trules.
"""

from dataclasses import dataclass
from typing import Any

from engine.simulator.fhir_memory import (
    FhirMemory,
    RefusedError,
    Reply,
    Resource,
    refuse,
    split_url,
)

ENTRIES_MAX = 5_000
_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3}


def run_bundle(memory: FhirMemory, bundle: Any, *, minimal: bool) -> Resource:
    """The answer Bundle. Raises RefusedError when a transaction is refused as a whole.

    Args:
        memory: the server's resources.
        bundle: the request as JSON.
        minimal: leave the resources out of the answer (`Prefer: return=minimal`).
    """
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise refuse(400, "invalid", "a Bundle is expected")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or len(entries) > ENTRIES_MAX:
        raise refuse(400, "too-costly", "the Bundle has too many entries")
    kind = bundle.get("type")
    if kind == "transaction":
        replies = _transaction(memory, entries)
    elif kind == "batch":
        replies = [_tried(memory, entry) for entry in entries]
    else:
        raise refuse(400, "invalid", "the Bundle is neither a transaction nor a batch")
    return {
        "resourceType": "Bundle",
        "type": f"{kind}-response",
        "entry": [_entry(reply, minimal=minimal) for reply in replies],
    }


def _entry(reply: Reply, *, minimal: bool) -> dict[str, Any]:
    response: dict[str, Any] = {"status": str(reply.status)}
    if reply.location:
        response["location"] = reply.location
    if reply.etag:
        response["etag"] = reply.etag
    body = reply.body
    if body is not None and reply.status >= 400:
        response["outcome"] = body
        return {"response": response}
    return (
        {"response": response}
        if minimal or body is None
        else {
            "resource": body,
            "response": response,
        }
    )


def _tried(memory: FhirMemory, entry: Any) -> Reply:
    try:
        return _run(memory, entry)
    except RefusedError as refused:
        return refused.reply


@dataclass(frozen=True, slots=True)
class _Resolved:
    """An entry of a transaction whose target is known."""

    method: str
    kind: str
    identity: str
    query: str
    unchanged: bool
    """A conditional create that found its resource."""


def _transaction(memory: FhirMemory, entries: list[Any]) -> list[Reply]:
    """All or nothing: whatever can be refused is found out before the first resource is stored."""
    names: dict[str, str] = {}
    resolved: list[_Resolved] = []
    for entry in entries:
        _validate(memory, entry)
        resolved.append(_resolve(memory, entry, names))
    resources = [_renamed(memory, entry.get("resource"), names) for entry in entries]
    replies: dict[int, Reply] = {}
    for position in sorted(range(len(entries)), key=lambda at: _ORDER[resolved[at].method]):
        replies[position] = _carry_out(memory, resolved[position], resources[position])
    return [replies[position] for position in range(len(entries))]


def _resolve(memory: FhirMemory, entry: Any, names: dict[str, str]) -> _Resolved:
    """Decide what an entry is about. Raises RefusedError for several matches."""
    request, full_url = entry["request"], entry.get("fullUrl")
    method = request["method"]
    kind, identity, query = split_url(request["url"])
    if method == "GET":
        if identity:
            memory.read(kind, identity)
        return _Resolved(method, kind, identity, query, unchanged=False)
    condition = query or request.get("ifNoneExist", "")
    found = memory.identify(kind, condition) if condition and not identity else None
    given = entry.get("resource", {}).get("id") if method == "PUT" else None
    identity = identity or found or given or memory.new_id()
    if isinstance(full_url, str):
        names[full_url] = f"{kind}/{identity}"
    unchanged = method == "POST" and found is not None
    memory.check_version(kind, identity, request.get("ifMatch", ""))
    return _Resolved(method, kind, identity, query, unchanged=unchanged)


def _carry_out(memory: FhirMemory, entry: _Resolved, resource: Any) -> Reply:
    if entry.method == "GET":
        if entry.identity:
            return memory.read(entry.kind, entry.identity)
        return memory.search(entry.kind, entry.query)
    if entry.method == "DELETE":
        return memory.delete(entry.kind, entry.identity)
    if entry.unchanged:
        return memory.keep(entry.kind, entry.identity)
    return memory.store(entry.kind, entry.identity, resource)


def _validate(memory: FhirMemory, entry: Any) -> None:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or request.get("method") not in _ORDER:
        raise refuse(400, "invalid", "an entry has no request")
    if not isinstance(request.get("url"), str):
        raise refuse(400, "invalid", "an entry has no URL")
    if request["method"] in ("POST", "PUT"):
        memory.check(split_url(request["url"])[0], entry.get("resource"))


def _renamed(memory: FhirMemory, value: Any, names: dict[str, str]) -> Any:
    """The value with references to entries and conditional references made `Type/id`."""
    if isinstance(value, dict):
        return {
            key: _reference(memory, item, names)
            if key == "reference" and isinstance(item, str)
            else _renamed(memory, item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_renamed(memory, item, names) for item in value]
    return value


def _reference(memory: FhirMemory, text: str, names: dict[str, str]) -> str:
    if text in names:
        return names[text]
    if text.startswith("urn:uuid:"):
        raise refuse(400, "not-found", "a reference names no entry of the Bundle")
    if "?" not in text:
        return text
    kind, _, query = split_url(text)
    found = memory.identify(kind, query)
    if found is None:
        raise refuse(412, "not-found", "a conditional reference matches nothing")
    return f"{kind}/{found}"


def _run(memory: FhirMemory, entry: Any) -> Reply:
    """One entry of a batch, by itself."""
    _validate(memory, entry)
    request = entry["request"]
    kind, identity, query = split_url(request["url"])
    resource = entry.get("resource")
    match request["method"]:
        case "POST":
            return memory.create(kind, resource, request.get("ifNoneExist", ""))
        case "PUT" if query:
            return memory.update_where(kind, query, resource)
        case "PUT":
            return memory.update(kind, identity, resource, request.get("ifMatch", ""))
        case "DELETE":
            return memory.delete(kind, identity)
        case _:
            return memory.search(kind, query) if query else memory.read(kind, identity)
