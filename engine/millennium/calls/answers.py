"""Pure. What an answer to a call means: its class by status and kind of API, never by its words.

Millennium answers errors in four shapes: an OperationOutcome, plain text, the gateway's JSON
`{code, message}`, or nothing (reference 1.5). The class follows from the status alone, with one
exception that is structure and not words: a 500 whose OperationOutcome says `required` is about the
data the server holds, and no later attempt helps. Known phrases only make the explanation better;
free text of a server may quote a patient and is never passed on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from engine.fhir.outcome import Issue, parse
from engine.millennium.calls.model import IGNITE, AnswerClass, CallPreset, Interaction

BODY_BYTES_MAX = 64_000
"""Of a body, this much is looked at."""
REQUIRED = "required"

_STATUSES: Mapping[int, AnswerClass] = {
    400: AnswerClass.REJECTED,  # field reports: rule violations that are documented as 422
    401: AnswerClass.AUTHORIZATION,
    404: AnswerClass.MISSING,
    408: AnswerClass.RETRY,
    409: AnswerClass.CONFLICT,
    410: AnswerClass.MISSING,
    413: AnswerClass.REJECTED,
    421: AnswerClass.RETRY,
    422: AnswerClass.REJECTED,
    423: AnswerClass.RETRY,  # locked by another user
    424: AnswerClass.REJECTED,  # an operation of the server's own that the change needs failed
    425: AnswerClass.RETRY,
    429: AnswerClass.RETRY,
}
"""Of the others, 4xx and 3xx are configuration, 5xx is retried."""
_MAY_BE_MADE = (500, 502, 504)
"""After one of these a create may have been made: it is looked for before it is made again."""

_OF_CLASS: Mapping[AnswerClass, str] = {
    AnswerClass.CONFLICT: "somebody changed the resource since it was read",
    AnswerClass.MISSING: "Millennium does not know the resource",
    AnswerClass.AUTHORIZATION: "the token is missing, expired or revoked",
    AnswerClass.CONFIGURATION: "the request is not allowed or not understood",
    AnswerClass.REJECTED: "a rule of Millennium is violated",
    AnswerClass.RETRY: "Millennium could not do it now",
    AnswerClass.UNKNOWN: "Millennium did not say whether it was made",
    AnswerClass.DONE: "taken",
}
_OF_STATUS: Mapping[int, str] = {
    406: "the API answers no such media type",
    412: "the call was sent without If-Match: a fault of the call",
    423: "the resource is locked by another user of Millennium",
    424: "a step of Millennium's own that the change needs failed, such as its link to a visit",
    429: "too many requests at once",
}
_PHRASES: tuple[tuple[str, str, str], ...] = (
    ("insufficient_scope", "scope", "the token lacks a scope for this resource: see preflight"),
    ("insufficient-scopes", "scope", "the token lacks a scope for this resource: see preflight"),
    (
        "tenant not valid",
        "tenant",
        "the tenant is unknown, or the application is not enabled there",
    ),
    ("forbidden resource", "privilege", "the account may not use this resource: its privileges"),
    (
        "cannot contain proprietary and standard codes",
        "mixed-codings",
        "a coding array holds proprietary and standard codes together",
    ),
    ("expected exactly 1 list item", "list-length", "a list must have exactly one item"),
    ("no supported search parameters", "search", "the search lacks a parameter that is required"),
    ("too many requests", "throttled", "too many requests at once"),
)
"""What is looked for in a body (small letters), a word for it, and how it is explained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, classified."""

    kind: AnswerClass
    code: str
    """Of a bounded vocabulary: `http-422-mixed-codings`, `http-500-required`."""
    explanation: str
    """In words, without anything the server wrote."""
    elements: tuple[str, ...] = ()
    """Elements of the resource it is about, such as `Observation.code`, as far as it says."""


def classify_answer(
    preset: CallPreset, status: int, headers: Mapping[str, str], body: bytes
) -> Answer:
    """Classify an answer.

    Args:
        preset: the plain call that was made.
        status: the HTTP status.
        headers: with names in small letters.
        body: as much as was kept.
    """
    if status in preset.expected.statuses or 200 <= status < 300:
        return _success(preset, status, headers)
    issues = parse(body[:BODY_BYTES_MAX])
    kind = _class_of(preset, status, issues)
    word, explanation = _phrase(body)
    code = f"http-{status}"
    if status == 500 and kind is AnswerClass.REJECTED:
        word, explanation = REQUIRED, "the server holds a record that lacks a required element"
    elements = tuple(dict.fromkeys(path for issue in issues for path in issue.expression))
    return Answer(
        kind=kind,
        code=f"{code}-{word}" if word else code,
        explanation=explanation or _OF_STATUS.get(status) or _OF_CLASS[kind],
        elements=elements,
    )


def _success(preset: CallPreset, status: int, headers: Mapping[str, str]) -> Answer:
    missing = [name for name in preset.expected.headers if not headers.get(name)]
    created = preset.interaction is Interaction.CREATE
    kind = AnswerClass.DONE
    code = f"http-{status}"
    if "location" in missing and created:
        kind, code = AnswerClass.UNKNOWN, f"{code}-no-location"
    elif status not in preset.expected.statuses and created:
        kind, code = AnswerClass.UNKNOWN, f"{code}-unexpected"
    return Answer(kind=kind, code=code, explanation=_OF_CLASS[kind])


def _class_of(preset: CallPreset, status: int, issues: tuple[Issue, ...]) -> AnswerClass:
    own = dict(preset.classify).get(status)
    if own is not None:
        return AnswerClass(own)
    if status == 404 and preset.api == IGNITE and "{id}" not in preset.path:
        return AnswerClass.CONFIGURATION  # the type itself, or the root, is unknown
    known = _STATUSES.get(status)
    if known is not None:
        return known
    if status < 500:
        return AnswerClass.CONFIGURATION
    if status == 500 and any(issue.code == REQUIRED for issue in issues):
        return AnswerClass.REJECTED
    creates = preset.interaction in (Interaction.CREATE, Interaction.OPERATION)
    return AnswerClass.UNKNOWN if creates and status in _MAY_BE_MADE else AnswerClass.RETRY


def _phrase(body: bytes) -> tuple[str, str]:
    text = body[:BODY_BYTES_MAX].decode("utf-8", "replace").lower()
    for phrase, word, explanation in _PHRASES:
        if phrase in text:
            return word, explanation
    return "", ""


def captured(preset: CallPreset, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """What an answer is to be remembered by, as the call's `capture` says; absent parts left out.

    Args:
        preset: the plain call that was made.
        headers: with names in small letters.
        body: the whole body, where the call takes something of it.
    """
    found: dict[str, str] = {}
    content: Any = None
    for name, where in preset.capture:
        if where == "location.id":
            value: Any = (
                headers.get("location", "").partition("?")[0].rstrip("/").rpartition("/")[2]
            )
            value = "" if value.startswith("$") else value
        elif where.startswith("header."):
            value = headers.get(where.removeprefix("header."), "")
        else:
            content = _json(body) if content is None else content
            value = _inside(content, where.split(".")[1:])
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            found[name] = str(value)
    return found


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}


def _inside(value: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
