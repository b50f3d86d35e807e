"""Rim. The token host: client_credentials with a secret or a signed assertion, scopes trimmed to
those registered, expiry and revocation. Report 2.
"""

import base64
import binascii
import secrets
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus

from engine.simulator.millennium.answers import Answer, RefusedError, json
from engine.simulator.millennium.assertions import Assertions, BadAssertionError
from engine.simulator.millennium.options import RegisteredClient, Smart
from engine.simulator.millennium.scopes import all_scopes

TOKENS_MAX = 10_000
"""The oldest are forgotten beyond this."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ERROR_URN = "urn:cerner:error:authorization-server:oauth2:token:"
ERROR_HOST = "https://authorization.cerner.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that was issued."""

    value: str
    client_id: str
    tenant: str
    scopes: frozenset[str]
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A request to the token endpoint."""

    tenant: str
    url: str
    """As the client called it; what an assertion's `aud` is to name."""
    authorization: str
    body: bytes


@dataclass(slots=True)
class TokenHost:
    """Clients and tokens of all tenants."""

    clients: dict[str, RegisteredClient]
    tenants: frozenset[str]
    smart: Smart
    lifetime_seconds: int
    clock: Callable[[], float]
    assertions: Assertions = field(default_factory=Assertions)
    issued: int = 0
    _tokens: OrderedDict[str, Token] = field(default_factory=OrderedDict)

    def answer(self, request: TokenRequest) -> Answer:
        """A token, or why there is none."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if request.tenant not in self.tenants:
            raise _refused(400, "invalid_grant", "invalid-tenant", request.tenant)
        if form.get("grant_type") != "client_credentials":
            raise _refused(400, "unsupported_grant_type", "unsupported-grant-type", request.tenant)
        client = self._client(request, form)
        if client.tenants is not None and request.tenant not in client.tenants:
            raise _refused(400, "invalid_grant", "invalid-tenant", request.tenant, client.client_id)
        registered = self.registered_scopes(client)
        asked = form.get("scope", "").split()
        granted = [scope for scope in dict.fromkeys(asked) if scope in registered]
        if not granted:
            raise _refused(400, "invalid_scope", "empty-scopes", request.tenant, client.client_id)
        token = self._issue(client, request.tenant, frozenset(granted))
        body = {
            "access_token": token.value,
            "scope": " ".join(granted),
            "token_type": "Bearer",
            "expires_in": self.lifetime_seconds,
        }
        return json(body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    def registered_scopes(self, client: RegisteredClient) -> frozenset[str]:
        """What a client can be granted."""
        base = client.scopes
        if base is None:
            base = all_scopes(client.smart or self.smart)
        return frozenset(base) - client.withheld

    def find(self, value: str, tenant: str) -> Token | None:
        """The token, while it is valid for the tenant."""
        token = self._tokens.get(value)
        if token is None or token.tenant != tenant or token.expires_at <= self.clock():
            return None
        return token

    def expire(self, value: str = "") -> int:
        """Let one token expire now, or all; returns how many."""
        chosen = [value] if value in self._tokens else [] if value else list(self._tokens)
        for one in chosen:
            self._tokens[one] = replace(self._tokens[one], expires_at=self.clock())
        return len(chosen)

    def revoke(self, client_id: str = "") -> int:
        """Forget the tokens of one client, or all; returns how many."""
        chosen = [
            value
            for value, token in self._tokens.items()
            if not client_id or token.client_id == client_id
        ]
        for value in chosen:
            del self._tokens[value]
        return len(chosen)

    def owner(self, value: str) -> str:
        """The client a token was issued to; empty when unknown."""
        token = self._tokens.get(value)
        return token.client_id if token is not None else ""

    def _client(self, request: TokenRequest, form: Mapping[str, str]) -> RegisteredClient:
        if form.get("client_assertion_type") == ASSERTION_TYPE or "client_assertion" in form:
            return self._asserted(request, form)
        client_id, secret = _basic(request)
        client = self.clients.get(client_id)
        known = client.secret if client is not None else ""
        if client is None or not known or not secrets.compare_digest(known, secret):
            raise _refused(
                401, "invalid_client", "invalid-client-credentials", request.tenant, client_id
            )
        return client

    def _asserted(self, request: TokenRequest, form: Mapping[str, str]) -> RegisteredClient:
        if request.authorization or form.get("client_assertion_type") != ASSERTION_TYPE:
            raise _refused(401, "invalid_client", "invalid-authorization-header", request.tenant)
        try:
            client_id = self.assertions.verify(
                form.get("client_assertion", ""),
                clients=self.clients,
                audience=request.url,
                now=self.clock(),
            )
        except BadAssertionError:
            raise _refused(
                401, "invalid_client", "invalid-client-credentials", request.tenant
            ) from None
        return self.clients[client_id]

    def _issue(self, client: RegisteredClient, tenant: str, scopes: frozenset[str]) -> Token:
        self.issued += 1
        now = self.clock()
        expires_at = now + self.lifetime_seconds
        claims = {
            "sub": client.client_id,
            "tenant": tenant,
            "iat": int(now),
            "exp": int(expires_at),
        }
        token = Token(
            value=_jwt(claims),
            client_id=client.client_id,
            tenant=tenant,
            scopes=scopes,
            expires_at=expires_at,
        )
        self._tokens[token.value] = token
        while len(self._tokens) > TOKENS_MAX:
            self._tokens.popitem(last=False)
        return token


def _jwt(claims: Mapping[str, Any]) -> str:
    """In the form of a JWT; its signature is random, for only the simulator itself reads it."""
    import orjson

    parts = (orjson.dumps({"alg": "ES256", "typ": "JWT"}), orjson.dumps(claims))
    head = ".".join(_base64(part) for part in parts)
    return f"{head}.{_base64(secrets.token_bytes(64))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _basic(request: TokenRequest) -> tuple[str, str]:
    kind, _, value = request.authorization.partition(" ")
    try:
        text = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    client_id, mark, secret = text.partition(":")
    if kind.lower() != "basic" or not mark:
        raise _refused(401, "invalid_client", "invalid-authorization-header", request.tenant)
    return unquote_plus(client_id), unquote_plus(secret)


def _refused(
    status: int, error: str, suffix: str, tenant: str, client_id: str = ""
) -> RefusedError:
    """The token host's own error shape, with an instance to tell the vendor."""
    instance = str(uuid.uuid4())
    urn = quote(ERROR_URN + suffix, safe="")
    where = f"?client={quote(client_id, safe='')}&tenant={quote(tenant, safe='')}"
    body = {"error": error, "error_uri": f"{ERROR_HOST}/errors/{urn}/instances/{instance}{where}"}
    headers = {"Cache-Control": "no-store", "Cerner-Correlation-ID": instance}
    return RefusedError(json(body, status, headers))
