"""Rim. One token from one authorization server: discovery, the client's proof, the request.

Connections are opened for a request and closed after it: one is made every nine minutes or so, and
TLS files may change in between. Report section 2.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from multidict import CIMultiDict
from yarl import URL

from engine.channel.connection import TlsConfig
from engine.channel.environment import (
    CLIENT_SECRET_BASIC,
    AuthorizationConfig,
    EnvironmentClass,
    TenantConfig,
)
from engine.destinations.authorization import codes
from engine.destinations.authorization.assertion import (
    ASSERTION_TYPE,
    assertion,
    basic,
    secret_of,
)
from engine.destinations.authorization.discovery import (
    PATH,
    WHAT,
    SmartConfiguration,
    check_endpoint,
    of_ehr_api,
    read_configuration,
)
from engine.destinations.authorization.failures import EMPTY_SCOPES, failed, refusal, unreachable
from engine.destinations.authorization.scopes import Permissions, Syntax, rendered
from engine.destinations.http_exchange import Answer, HttpExchange, Request
from engine.destinations.interface import AuthorizationFailed, SecretSource
from engine.destinations.tls import client_context
from engine.pipeline.response import Fault

REQUEST_SECONDS = 20.0
CONNECT_SECONDS = 10.0
DISCOVERY_SECONDS = 3600.0
"""What was discovered is believed this long, or until the endpoint fails."""
LIFETIME_SECONDS = 300.0
"""Of a token whose answer says none: RFC 6749 leaves it open."""
LIFETIME_SECONDS_MAX = 86_400.0
_TOKEN_CHARACTERS_MAX = 16_384
_TOKEN = "the token endpoint"  # noqa: S105  words


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client at one service: what a token is asked for with."""

    authorization: AuthorizationConfig
    root: str
    """The FHIR service root, where discovery begins."""
    ehr_api_root: str = ""
    """Set for tokens of the EHR API, which are its own."""
    tls: TlsConfig | None = None
    kind: EnvironmentClass | None = None


def client_of(tenant: TenantConfig, *, ehr_api: bool = False) -> Client | None:
    """The client of a tenant; None where it needs no token.

    Args:
        tenant: the checked tenant.
        ehr_api: for the EHR API instead of FHIR.
    """
    if tenant.authorization is None:
        return None
    return Client(
        authorization=tenant.authorization,
        root=tenant.fhir_root,
        ehr_api_root=tenant.ehr_api_root if ehr_api else "",
        tls=tenant.tls,
        kind=tenant.kind,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What a token endpoint gave."""

    value: str = field(repr=False)
    asked: tuple[str, ...]
    granted: frozenset[str]
    lifetime_seconds: float


class TokenRequester:
    """Asks for tokens of one client."""

    def __init__(
        self,
        client: Client,
        secrets: SecretSource,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Args: the client; where secrets come from, asked each time; clocks of ages and claims."""
        self._client = client
        self._config = client.authorization
        self._secrets = secrets
        self._clock = clock
        self._wall_clock = wall_clock
        self._discovered: SmartConfiguration | None = None
        self._discovered_at = 0.0
        self._syntax: Syntax | None = None
        if self._config.scope_syntax:
            self._syntax = Syntax(self._config.scope_syntax)

    async def issue(self, wanted: Permissions) -> Issued:
        """One token.

        A client is registered for one version of SMART scopes, which discovery does not tell: when
        none of the scopes of one is granted, those of the other are asked for once.

        Raises:
            AuthorizationFailed: there is none, and why.
        """
        offered = await self.discovered()
        syntax = self._syntax or (Syntax.V1 if offered.syntaxes == {Syntax.V1} else Syntax.V2)
        try:
            issued = await self._ask(offered, self._scopes(wanted, syntax, offered))
        except AuthorizationFailed as problem:
            other = Syntax.V1 if syntax is Syntax.V2 else Syntax.V2
            if problem.code != EMPTY_SCOPES or not self._may_be(other, offered):
                self._discovered = None  # an endpoint that moved is found again
                raise
            syntax = other
            issued = await self._ask(offered, self._scopes(wanted, syntax, offered))
        self._syntax = syntax
        return issued

    async def discovered(self) -> SmartConfiguration:
        """The token endpoint, and what the server says of it where it was asked.

        Raises:
            AuthorizationFailed: it cannot be found out.
        """
        config, client = self._config, self._client
        written = config.ehr_api_token_url if client.ehr_api_root else config.token_url
        if written:
            return SmartConfiguration(token_endpoint=written)
        now = self._clock()
        if self._discovered is None or now - self._discovered_at > DISCOVERY_SECONDS:
            self._discovered = await self._discover()
            self._discovered_at = now
        return self._discovered

    async def _discover(self) -> SmartConfiguration:
        client = self._client
        host = urlsplit(client.root).netloc
        headers = CIMultiDict({"Accept": "application/json"})
        answer = await self._exchange(Request("GET", URL(client.root + PATH), headers, None))
        if isinstance(answer, Fault):
            raise unreachable(answer, WHAT, host)
        found = read_configuration(answer, host)
        check_endpoint(found.token_endpoint, client.root, client.kind)
        if client.ehr_api_root:
            endpoint = of_ehr_api(found.token_endpoint, client.ehr_api_root)
            return SmartConfiguration(token_endpoint=endpoint)
        return found

    def _scopes(
        self, wanted: Permissions, syntax: Syntax, offered: SmartConfiguration
    ) -> tuple[str, ...]:
        return self._config.scopes or rendered(wanted, syntax, offered.scopes)

    def _may_be(self, syntax: Syntax, offered: SmartConfiguration) -> bool:
        """True when nobody has said which syntax it is, and the server knows this one."""
        settled = self._syntax is not None or bool(self._config.scopes)
        return not settled and (not offered.syntaxes or syntax in offered.syntaxes)

    async def _ask(self, offered: SmartConfiguration, scopes: tuple[str, ...]) -> Issued:
        config = self._config
        host = urlsplit(offered.token_endpoint).netloc
        self._check_method(offered, host)
        form = {"grant_type": "client_credentials"}
        if scopes:
            form["scope"] = " ".join(scopes)
        headers = CIMultiDict(
            {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        )
        self._prove(offered.token_endpoint, form, headers)
        content = urlencode(form).encode()
        request = Request("POST", URL(offered.token_endpoint, encoded=True), headers, content)
        answer = await self._exchange(request)
        if isinstance(answer, Fault):
            raise unreachable(answer, _TOKEN, host)
        if answer.status != 200:
            shown = ", ".join(scopes) or "none"
            raise refusal(answer, host=host, client=config.client_id, scopes=shown)
        return _issued(answer, scopes, host)

    def _check_method(self, offered: SmartConfiguration, host: str) -> None:
        config = self._config
        pairs = [("method", config.method, offered.methods)]
        if config.method != CLIENT_SECRET_BASIC:
            pairs.append(("algorithm", config.algorithm, offered.algorithms))
        for what, value, known in pairs:
            if known and value not in known:
                problem = codes.METHOD_NOT_OFFERED(
                    host=host, what=what, value=value, offered=", ".join(known)
                )
                raise failed("auth-method", problem)

    def _prove(self, endpoint: str, form: dict[str, str], headers: CIMultiDict[str]) -> None:
        """Add the client's proof to a request."""
        config = self._config
        if config.method == CLIENT_SECRET_BASIC:
            secret = secret_of(config.secret, self._secrets) if config.secret else ""
            headers["Authorization"] = basic(config.client_id, secret)
            return
        key = secret_of(config.key, self._secrets) if config.key else ""
        form["client_assertion_type"] = ASSERTION_TYPE
        form["client_assertion"] = assertion(config, key, endpoint, self._wall_clock())

    async def _exchange(self, request: Request) -> Answer | Fault:
        tls = self._client.tls
        # The name that is written is the one of the tenant's own host.
        own = request.url.host == URL(self._client.root).host
        try:
            context = await asyncio.to_thread(client_context, tls)
        except (OSError, ssl.SSLError):
            return Fault.TLS_REFUSED
        http = HttpExchange(
            connections_max=1,
            connect_seconds=CONNECT_SECONDS,
            context=context,
            server_name=tls.server_name if tls and own else None,
        )
        try:
            return await http.exchange(request, timeout_seconds=REQUEST_SECONDS)
        finally:
            await http.close()


def _issued(answer: Answer, asked: tuple[str, ...], host: str) -> Issued:
    """A token out of an answer, RFC 6749 section 5.1. Raises AuthorizationFailed."""
    try:
        found: Any = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    value = found.get("access_token") if isinstance(found, dict) else None
    usable = (
        isinstance(value, str)
        and 0 < len(value) <= _TOKEN_CHARACTERS_MAX
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )
    if not isinstance(found, dict) or not usable:
        problem = "no JSON object" if not isinstance(found, dict) else "no usable access_token"
        unreadable = codes.ANSWER_UNREADABLE(what=_TOKEN, host=host, problem=problem)
        raise failed("auth-answer", unreadable)
    if str(found.get("token_type", "bearer")).lower() != "bearer":
        problem = "its token_type is not Bearer"
        raise failed(
            "auth-answer", codes.ANSWER_UNREADABLE(what=_TOKEN, host=host, problem=problem)
        )
    scope = found.get("scope")
    # Left out, it is what was asked for.
    granted = scope.split() if isinstance(scope, str) else asked
    return Issued(
        value=str(value),
        asked=asked,
        granted=frozenset(granted),
        lifetime_seconds=_lifetime(found.get("expires_in")),
    )


def _lifetime(value: object) -> float:
    if isinstance(value, str) and value.isdigit():
        value = int(value)  # some servers write it as text
    if not isinstance(value, int | float) or isinstance(value, bool):
        return LIFETIME_SECONDS
    seconds = float(value)
    return min(seconds, LIFETIME_SECONDS_MAX) if seconds > 0 else LIFETIME_SECONDS
