"""Rim. What a FHIR server complained about, pointed back to the element, its rule and the field it
came from.

A server names a place in the Bundle (`Bundle.entry[3].resource.gender`), in the resource
(`Patient.gender`), or by the entry whose answer failed. Its free text often quotes the resource,
so it is for viewers only who see values. FHIR R4 operationoutcome.html, bundle.html#transaction.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from engine.fhir import definitions
from engine.fhir.outcome import parse
from engine.mapping.trace import TraceRecord
from engine.runtime.desk.source_ids import SourceIds
from engine.runtime.desk.stored_text import json_values
from engine.runtime.desk.workbench import Traced

ERRORS_MAX = 50
WORDS_CHARACTERS_MAX = 1_000

_IN_ENTRY = re.compile(
    r"Bundle\.entry\[(\d{1,6})\](?:\.resource)?(?:\.ofType\(\w+\)|/\*[^*]*\*/)*\.?(.*)"
)
_PLACE = re.compile(r"[A-Za-z0-9_.\[\]]{0,200}")
_SERIOUS = frozenset({"fatal", "error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerError:
    """One issue of an answer."""

    severity: str
    code: str
    """R4 issue type."""
    words: str = field(repr=False)
    """The server's own; empty for who may not see values."""
    path: str
    """The element, as far as it is known: `Patient.gender`."""
    resource_id: str = ""
    rule: str = ""
    origin: str = ""
    """Where the element came from, in words."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Issue:
    entry: int | None
    expression: str
    raw: Mapping[str, Any]


def server_errors(
    response: bytes,
    sent: bytes,
    traced: Traced | None,
    ids: SourceIds,
    *,
    words: bool,
) -> list[ServerError]:
    """The errors in an answer.

    Args:
        response: as an attempt keeps it: status, headers, an empty line, body.
        sent: the Bundle or resource that was sent.
        traced: the conversion that made it; None where there is no trace.
        ids: names of the places of the message.
        words: give the server's words too.
    """
    bundle = next(json_values(sent), None)
    issues = (
        issue for body in json_values(response) if isinstance(body, dict) for issue in _issues(body)
    )
    return [
        _located(issue, bundle, traced, ids, words=words) for issue in islice(issues, ERRORS_MAX)
    ]


def _issues(body: Mapping[str, Any]) -> Iterator[_Issue]:
    """The issues of an outcome, or of the answers to the entries of a Bundle."""
    if body.get("resourceType") == "OperationOutcome":
        yield from _of_outcome(body, None)
    entries = body.get("entry") if body.get("resourceType") == "Bundle" else None
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        response = entry.get("response") if isinstance(entry, dict) else None
        outcome = response.get("outcome") if isinstance(response, dict) else None
        if isinstance(outcome, dict):
            yield from _of_outcome(outcome, number)


def _of_outcome(outcome: Mapping[str, Any], entry: int | None) -> Iterator[_Issue]:
    issues = outcome.get("issue")
    for issue in issues if isinstance(issues, list) else ():
        if not isinstance(issue, dict) or issue.get("severity") not in _SERIOUS:
            continue
        places = issue.get("expression") or issue.get("location")
        texts = [one for one in places if isinstance(one, str)] if isinstance(places, list) else []
        yield _Issue(entry=entry, expression=texts[0] if texts else "", raw=issue)


def _located(
    issue: _Issue, bundle: Any, traced: Traced | None, ids: SourceIds, *, words: bool
) -> ServerError:
    entry, rest = issue.entry, issue.expression
    match = _IN_ENTRY.fullmatch(issue.expression)
    if match is not None:
        entry, rest = int(match[1]), match[2]
    resource_type, resource_id = _resource_at(bundle, entry)
    path = _path(rest, resource_type)
    record = _record(traced, path, resource_id)
    plain = parse(orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue.raw]}))
    return ServerError(
        severity=plain[0].severity,
        code=plain[0].code,
        words=_words(issue.raw) if words else "",
        path=path,
        resource_id=record.resource_id if record is not None else resource_id,
        rule=f"{record.rule.place.file}:{record.rule.place.line}" if record is not None else "",
        origin=ids.paths(record.sources) if record is not None else "",
        sources=ids.ids(record.sources) if record is not None else (),
    )


def _resource_at(bundle: Any, entry: int | None) -> tuple[str, str]:
    """Type and id of a resource that was sent; empty where it is not known."""
    if not isinstance(bundle, dict):
        return "", ""
    if bundle.get("resourceType") != "Bundle":
        return str(bundle.get("resourceType", "")), str(bundle.get("id", ""))
    entries = bundle.get("entry")
    if entry is None or not isinstance(entries, list) or entry >= len(entries):
        return "", ""
    found = entries[entry] if isinstance(entries[entry], dict) else {}
    resource = found.get("resource")
    kind = resource.get("resourceType", "") if isinstance(resource, dict) else ""
    return str(kind), str(found.get("fullUrl", "")).removeprefix("urn:uuid:")


def _path(text: str, resource_type: str) -> str:
    """The element with its resource, as far as R4 knows it: what else is there may be a value."""
    if _PLACE.fullmatch(text) is None:
        return resource_type
    head, *steps = text.split(".")
    if head not in definitions.resource_types():
        head, steps = resource_type, [head, *steps]
    if not head:
        return ""
    while steps and definitions.element(head, ".".join(steps)) is None:
        steps.pop()
    return ".".join([head, *steps])


def _record(traced: Traced | None, path: str, resource_id: str) -> TraceRecord | None:
    """The nearest write of the element, or of what it stands in."""
    if traced is None or "." not in path:
        return None
    step = path
    while "." in step:
        for record in traced.trace.why(step):
            if resource_id in ("", record.resource_id):
                return record
        step = step.rpartition(".")[0]
    return None


def _words(issue: Mapping[str, Any]) -> str:
    details = issue.get("details")
    text = details.get("text") if isinstance(details, dict) else None
    told = [str(one) for one in (text, issue.get("diagnostics")) if isinstance(one, str)]
    return " ".join(told)[:WORDS_CHARACTERS_MAX]
