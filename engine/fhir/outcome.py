"""Pure. OperationOutcome both ways: what a server answered, and what we answer.

Of a server's answer only severity, issue type and element path are kept. Its free text (details,
diagnostics, narrative) often quotes the resource it refused, so it is never taken into a value that
could be shown or logged; the whole answer is stored with the attempt, where patients' data belongs.
FHIR R4 4.0.1, https://hl7.org/fhir/R4/operationoutcome.html.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from engine.diagnostics import Diagnostic, Severity
from engine.fhir import definitions

ISSUES_MAX = 50
EXPRESSIONS_MAX = 10
UNKNOWN = "unknown"

_PATH = re.compile("[A-Z][A-Za-z]{0,63}(?:\\.[a-zA-Z]{1,64}(?:\\[(?:[0-9]{1,6}|x)\\])?){0,20}")
_SEVERITIES = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "information",
}
_ISSUE_TYPES = {
    "F601": "structure",
    "F602": "structure",
    "F603": "required",
    "F604": "structure",
    "F605": "structure",
    "F606": "structure",
    "F607": "structure",
    "F608": "structure",
    "F609": "value",
    "F610": "code-invalid",
    "F611": "value",
    "F612": "value",
    "F613": "invariant",
    "F614": "structure",
    "F615": "too-long",
    "F616": "too-long",
    "F617": "invariant",
    "F618": "invariant",
    "F619": "invariant",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue of a server's OperationOutcome, without its free text."""

    severity: str
    """fatal, error, warning or information."""
    code: str
    """R4 issue type, such as `processing` or `duplicate`; `unknown` when it is none."""
    expression: tuple[str, ...] = ()
    """Element paths, as far as R4 knows them."""


def parse(body: bytes) -> tuple[Issue, ...]:
    """The issues of an answer; empty when the body is no OperationOutcome in JSON. Never raises."""
    try:
        outcome = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError):
        return ()
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return ()
    issues = outcome.get("issue")
    if not isinstance(issues, list):
        return ()
    return tuple(_issue(found) for found in issues[:ISSUES_MAX] if isinstance(found, dict))


def build(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """An OperationOutcome that says what the diagnostics say; one that says "ok" for none."""
    issues = [_build_issue(found) for found in diagnostics]
    if not issues:
        issues = [
            {"severity": "information", "code": "informational", "details": {"text": "ok"}},
        ]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _issue(found: dict[str, Any]) -> Issue:
    expressions = found.get("expression") or found.get("location") or []
    if not isinstance(expressions, list):
        expressions = []
    return Issue(
        severity=_known(found.get("severity"), "issue-severity") or "error",
        code=_known(found.get("code"), "issue-type") or UNKNOWN,
        expression=tuple(filter(None, map(_known_path, expressions[:EXPRESSIONS_MAX]))),
    )


def _known_path(text: object) -> str | None:
    """The part of a path that R4 knows: a name it does not know may be a patient's.

    `/f:AllergyIntolerance/f:status`, the XPath of the older `location`, is read too.
    """
    if isinstance(text, str) and text.startswith("/f:"):
        text = text.removeprefix("/f:").replace("/f:", ".")
    if not isinstance(text, str) or _PATH.fullmatch(text) is None:
        return None
    head, *steps = text.split(".")
    if head not in definitions.resource_types():
        return None
    while steps and definitions.element(head, ".".join(steps)) is None:
        steps.pop()
    return ".".join([head, *steps])


def _known(value: object, value_set: str) -> str | None:
    """The value when it is a code of the value set: anything else may be a patient's data."""
    codes = definitions.value_set(f"http://hl7.org/fhir/ValueSet/{value_set}") or frozenset()
    return value if isinstance(value, str) and value in codes else None


def _build_issue(found: Diagnostic) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": _SEVERITIES[found.severity],
        "code": _ISSUE_TYPES.get(found.code, "processing"),
        "details": {"text": f"{found.code}: {found.message}"},
    }
    if found.hint:
        issue["diagnostics"] = found.hint
    if found.place.path:
        # Paths of a document are XPath, which R4 keeps apart.
        name = "location" if found.place.path.startswith("/") else "expression"
        issue[name] = [found.place.path]
    return issue
