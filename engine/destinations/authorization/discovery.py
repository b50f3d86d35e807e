"""Rim. What a FHIR server says of its authorization: `.well-known/smart-configuration`.

SMART App Launch 2.2 section 2.0.4; report section 2 (fields seen). Nothing is taken on trust: the
token endpoint must be reached by TLS, unless both are this machine itself, and must not be a known
host of another class than the tenant's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from yarl import URL

from engine.channel.environment import EnvironmentClass
from engine.channel.environment_guard import classes_of_host, is_local
from engine.destinations.authorization import codes
from engine.destinations.authorization.failures import failed
from engine.destinations.authorization.scopes import Syntax
from engine.destinations.http_exchange import Answer

PATH = "/.well-known/smart-configuration"
_PERMISSION = "permission-"
WHAT = "smart-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartConfiguration:
    """What was discovered; empty where the server does not say."""

    token_endpoint: str
    methods: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    syntaxes: frozenset[Syntax] = frozenset()


def read_configuration(answer: Answer, host: str) -> SmartConfiguration:
    """The answer to a discovery request.

    Raises:
        AuthorizationFailed: there is none, or it cannot be read.
    """
    if answer.status == 404:
        raise failed("auth-discovery", codes.NO_DISCOVERY(host=host, status=answer.status))
    if answer.status != 200:
        raise failed("auth-discovery", codes.NO_DISCOVERY(host=host, status=answer.status))
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    endpoint = found.get("token_endpoint") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(endpoint, str) or not endpoint:
        problem = "no JSON object" if not isinstance(found, dict) else "no token_endpoint"
        unreadable = codes.ANSWER_UNREADABLE(what=WHAT, host=host, problem=problem)
        raise failed("auth-discovery", unreadable)
    return SmartConfiguration(
        token_endpoint=endpoint,
        methods=_texts(found, "token_endpoint_auth_methods_supported"),
        algorithms=_texts(found, "token_endpoint_auth_signing_alg_values_supported"),
        grants=_texts(found, "grant_types_supported"),
        scopes=_texts(found, "scopes_supported"),
        syntaxes=_syntaxes(_texts(found, "capabilities")),
    )


def _texts(found: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = found.get(key)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _syntaxes(capabilities: tuple[str, ...]) -> frozenset[Syntax]:
    offered = {one.removeprefix(_PERMISSION) for one in capabilities if one.startswith(_PERMISSION)}
    return frozenset(syntax for syntax in Syntax if syntax.value in offered)


def check_endpoint(endpoint: str, root: str, kind: EnvironmentClass | None) -> None:
    """Refuse a discovered endpoint that credentials must not be sent to.

    Args:
        endpoint: what discovery named.
        root: the FHIR service root it was discovered from.
        kind: class of the tenant; None: not known.

    Raises:
        AuthorizationFailed: with the reason.
    """
    parts = _parsed(endpoint)
    host = (parts.host or "") if parts else ""
    own = urlsplit(root).hostname or ""
    problem = ""
    if parts is None or not host or parts.scheme not in ("http", "https"):
        problem = "it is no URL"
    elif parts.user or parts.password:
        problem = "it has credentials in it"
    elif parts.scheme == "http" and not (is_local(host) and is_local(own)):
        problem = "it is without TLS"
    else:
        known = classes_of_host(host)
        if kind is not None and known is not None and kind not in known:
            problem = f"the host is not of class {kind.value}"
    if problem:
        raise failed("auth-discovery", codes.ENDPOINT_REFUSED(host=host or "?", problem=problem))


def of_ehr_api(endpoint: str, ehr_api_root: str) -> str:
    """The token endpoint of the EHR API: the FHIR one with the API's host in its path.

    Report section 2: `/hosts/{fhir host}/` and `/hosts/api.cernermillennium.com/`.
    """
    parts = urlsplit(endpoint)
    segments = parts.path.split("/")
    if "hosts" in segments[:-1]:
        segments[segments.index("hosts") + 1] = urlsplit(ehr_api_root).netloc
    return urlunsplit(parts._replace(path="/".join(segments)))


def _parsed(url: str) -> URL | None:
    try:
        return URL(url)
    except ValueError:
        return None
