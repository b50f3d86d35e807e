"""Rim. The token endpoint's errors in coded words, with a remedy; and the codes deliveries show.

Report section 2: JSON `{error, error_uri}`, the URN of the error percent-encoded in the URI, the
instance also in `Cerner-Correlation-ID`. Only words of a bounded form are taken from an answer.
"""

import re
from urllib.parse import unquote

import orjson

from engine.destinations.authorization import codes
from engine.destinations.http_exchange import Answer
from engine.destinations.interface import AuthorizationFailed
from engine.diagnostics import Code, Diagnostic
from engine.pipeline.response import Fault, parse_retry_after

FAILURE_CODES = (
    *("auth-secret", "auth-key", "auth-discovery", "auth-method", "auth-unreachable", "auth-busy"),
    *("auth-answer", "auth-client", "auth-proof", "auth-tenant", "auth-scopes", "auth-grant"),
    *("auth-refused", "auth-trimmed", "auth-token"),
)
"""Failure codes of deliveries that got no token."""
_URN = re.compile(r"urn:cerner:error:authorization-server:oauth2:token:([a-z-]{1,60})")
_ERROR = re.compile(r"[a-z_]{1,40}\Z")
_INSTANCE = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
EMPTY_SCOPES = "auth-scopes"
_OF_URN: dict[str, tuple[str, Code]] = {
    "invalid-client-credentials": ("auth-client", codes.CLIENT_REFUSED),
    "invalid-authorization-header": ("auth-proof", codes.PROOF_NOT_UNDERSTOOD),
    "invalid-tenant": ("auth-tenant", codes.TENANT_REFUSED),
    "empty-scopes": (EMPTY_SCOPES, codes.NO_SCOPE_GRANTED),
    "unsupported-grant-type": ("auth-grant", codes.GRANT_REFUSED),
}
_OF_ERROR: dict[str, str] = {
    "invalid_client": "invalid-client-credentials",
    "invalid_scope": "empty-scopes",
    "unsupported_grant_type": "unsupported-grant-type",
    "unauthorized_client": "unsupported-grant-type",
}
"""RFC 6749 section 5.2, for servers that say no more."""


def failed(
    code: str, explanation: Diagnostic, retry_after_seconds: float | None = None
) -> AuthorizationFailed:
    """The failure to raise."""
    return AuthorizationFailed(code, explanation, retry_after_seconds)


def unreachable(fault: Fault, what: str, host: str) -> AuthorizationFailed:
    """Of an exchange without an answer."""
    return failed("auth-unreachable", codes.UNREACHABLE(what=what, host=host, fault=fault.value))


def refusal(answer: Answer, *, host: str, client: str, scopes: str) -> AuthorizationFailed:
    """Of an answer of the token endpoint other than 200.

    Args:
        answer: what it said.
        host: the endpoint's.
        client: the client id.
        scopes: what was asked for, for the explanation.
    """
    if answer.status == 429 or answer.status >= 500:
        after = parse_retry_after(answer.headers.get("retry-after"), answer.headers.get("date"))
        return failed("auth-busy", codes.NOT_NOW(host=host, status=answer.status), after)
    error, urn = _words(answer.body)
    instance = answer.headers.get("Cerner-Correlation-ID", "")
    shown = f" (correlation id {instance})" if _INSTANCE.match(instance) else ""
    known = _OF_URN.get(urn or _OF_ERROR.get(error, ""))
    if known is not None:
        code, explained = known
        return failed(code, explained(client=client, scopes=scopes, instance=shown))
    reason = urn or error or f"status {answer.status}"
    return failed("auth-refused", codes.REFUSED(client=client, reason=reason, instance=shown))


def _words(body: bytes) -> tuple[str, str]:
    """`error`, and the last part of the URN in `error_uri`; empty where there is none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(found, dict):
        return "", ""
    error, uri = found.get("error"), found.get("error_uri")
    urn = _URN.search(unquote(uri)) if isinstance(uri, str) else None
    word = error if isinstance(error, str) and _ERROR.match(error) else ""
    return word, urn[1] if urn else ""
