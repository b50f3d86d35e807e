"""Rim. What a request is answered with, and the four shapes of refusal: OperationOutcome, plain
text, the gateway's JSON, nothing. Report 1.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

FHIR_JSON = "application/fhir+json"
JSON = "application/json"
HTML = "text/html"
TEXT = "text/plain"

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One response."""

    status: int
    body: bytes = b""
    content_type: str = FHIR_JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """A request is refused; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class RuleBrokenError(Exception):
    """A write breaks a business rule: 422, or what has been observed instead.

    The text names the element and the rule, never a value.
    """

    def __init__(
        self,
        text: str,
        *,
        code: str = "business-rule",
        observed_status: int = 400,
        verbatim: bool = False,
    ) -> None:
        """Args: what is broken; issue code; status seen in the field; text said in both modes."""
        super().__init__(text)
        self.text = text
        self.code = code
        self.observed_status = observed_status
        self.verbatim = verbatim


def fhir(resource: Mapping[str, Any], status: int = 200) -> Answer:
    """A resource."""
    return Answer(status=status, body=orjson.dumps(resource))


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Plain JSON."""
    return Answer(
        status=status, body=orjson.dumps(value), content_type=JSON, headers=dict(headers or {})
    )


def outcome(
    status: int, code: str, text: str, *, severity: str = "error", **more: Any
) -> RefusedError:
    """A refusal with an OperationOutcome. `more`: further members of the issue."""
    issue = {"severity": severity, "code": code, "details": {"text": text}, **more}
    return RefusedError(fhir({"resourceType": "OperationOutcome", "issue": [issue]}, status))


def plain(status: int, text: str) -> RefusedError:
    """A refusal in plain text."""
    return RefusedError(Answer(status=status, body=text.encode(), content_type=TEXT))


def nothing(status: int) -> RefusedError:
    """A refusal without a body."""
    return RefusedError(Answer(status=status, content_type=HTML))


def gateway(status: int, message: str) -> RefusedError:
    """A refusal by the gateway before the service."""
    return RefusedError(json({"code": status, "message": message}, status))


def insufficient_scope() -> RefusedError:
    """403 of the gateway: the token lacks the scope. Forum post 8068."""
    return gateway(
        403,
        'code="urn:cerner:error:oauth2:resource-access:insufficient-scopes", '
        'error="insufficient_scope", subcode="no_scope_for_resource_path"',
    )


def login_required(realm: str) -> RefusedError:
    """401: no bearer, or one that is not valid any more."""
    challenge = f'Bearer realm="{realm}", error="invalid_token"'
    issue = {
        "severity": "error",
        "code": "login",
        "diagnostics": challenge,
        "location": ["http.Authorization"],
    }
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return RefusedError(
        Answer(status=401, body=orjson.dumps(body), headers={"WWW-Authenticate": challenge})
    )


def invalid_request() -> RefusedError:
    """400: not JSON, not the resource, not the shape."""
    return outcome(400, "invalid", "Invalid request")


def not_found() -> RefusedError:
    """404: no such id, no such type."""
    return outcome(404, "not-found", "Not Found")
