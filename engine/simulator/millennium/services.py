"""Rim. Which service a path belongs to: token host, FHIR of a tenant, EHR API of a tenant.

/tenants/{t}[/hosts/{host}]/protocols/oauth2/profiles/smart-v1/token
/r4/{t}/...        FHIR with a token; /open/r4/{t}/... read only, without one
/{t}/codeSystem/20240101/codeValues ...
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from engine.simulator.millennium.answers import (
    Answer,
    RefusedError,
    fhir,
    json,
    login_required,
    nothing,
    outcome,
    plain,
)
from engine.simulator.millennium.capability import capability_statement, smart_configuration
from engine.simulator.millennium.ehr_api import EhrCall
from engine.simulator.millennium.ehr_api import answer as answer_ehr
from engine.simulator.millennium.fhir_api import Call, FhirApi
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.scopes import EHR_NAMESPACES
from engine.simulator.millennium.tenant import Tenant, instant
from engine.simulator.millennium.tokens import TokenHost, TokenRequest

TOKEN_TAIL = "/protocols/oauth2/profiles/smart-v1/token"  # noqa: S105  a path
JSON_TYPES = frozenset({"application/fhir+json", "application/json+fhir", "application/json",
                        "application/*", "*/*"})  # fmt: skip
OVERRIDDEN = frozenset({"put", "patch", "delete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request that has been read."""

    method: str
    """Or what the client wants a POST to be taken for."""
    path: str
    """As sent, percent-encoded."""
    query: str
    headers: Mapping[str, str]
    body: bytes
    origin: str
    """Scheme and host, as the client called them."""

    @property
    def bearer(self) -> str:
        """The token; empty when there is none."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        return value if kind.lower() == "bearer" else ""


def effective_method(method: str, query: str, headers: Mapping[str, str]) -> tuple[str, str]:
    """The method a request means and its query without `_method`. r4.md, HTTP Method Override."""
    pairs = parse_qsl(query, keep_blank_values=True)
    asked = headers.get("X-HTTP-Method-Override") or dict(pairs).get("_method", "")
    if method != "POST" or asked.lower() not in OVERRIDDEN:
        return method, query
    return asked.upper(), urlencode([pair for pair in pairs if pair[0] != "_method"])


class Services:
    """All services of one simulator."""

    def __init__(
        self, options: SimulatorOptions, tenants: Mapping[str, Tenant], tokens: TokenHost
    ) -> None:
        """Args: how they behave; what they hold; who may call."""
        self._options = options
        self._tenants = tenants
        self._tokens = tokens
        self._fhir = FhirApi(options)

    def answer(self, request: Incoming) -> Answer:
        """What a request gets."""
        try:
            return self._routed(request)
        except RefusedError as refused:
            return refused.answer

    def _routed(self, request: Incoming) -> Answer:
        first, _, rest = request.path.strip("/").partition("/")
        if first == "tenants":
            return self._token(request, rest)
        if first == "r4":
            return self._fhir_call(request, rest, "/r4")
        if first == "open" and rest.startswith("r4/"):
            return self._open_call(request, rest.removeprefix("r4/"))
        namespace, _, path = rest.partition("/")
        if namespace in EHR_NAMESPACES:
            return self._ehr_call(request, unquote(first), namespace, path)
        raise nothing(404 if first else 502)

    def _token(self, request: Incoming, rest: str) -> Answer:
        tenant, _, path = rest.partition("/")
        if not f"/{path}".endswith(TOKEN_TAIL) or request.method != "POST":
            raise nothing(404)
        return self._tokens.answer(
            TokenRequest(
                tenant=unquote(tenant),
                url=f"{request.origin}{request.path}",
                authorization=request.headers.get("Authorization", ""),
                body=request.body,
            )
        )

    def _fhir_call(self, request: Incoming, rest: str, prefix: str) -> Answer:
        name, _, path = rest.partition("/")
        if not name:
            raise nothing(502)
        tenant = self._tenant(unquote(name))
        root = f"{request.origin}{prefix}/{name}"
        if path == ".well-known/smart-configuration":
            return json(smart_configuration(request.origin, tenant.name))
        if path == "metadata":
            today = instant(self._options.clock())[:10]
            return fhir(capability_statement(root, request.origin, tenant.name, today))
        scopes = self._scopes(request, tenant)
        return self._fhir.answer(tenant, _call(request, path, root, scopes))

    def _open_call(self, request: Incoming, rest: str) -> Answer:
        """The open sandbox: reads without a token, no SMART configuration."""
        name, _, path = rest.partition("/")
        tenant = self._tenant(unquote(name))
        root = f"{request.origin}/open/r4/{name}"
        if path == ".well-known/smart-configuration":
            raise nothing(404)
        if path == "metadata":
            return self._fhir_call(request, rest, "/open/r4")
        if request.method != "GET":
            raise outcome(403, "forbidden", "the open sandbox is read only")
        return self._fhir.answer(tenant, _call(request, path, root, None))

    def _ehr_call(self, request: Incoming, name: str, namespace: str, path: str) -> Answer:
        tenant = self._tenant(name)
        call = EhrCall(
            method=request.method,
            namespace=namespace,
            path=unquote(path).strip("/"),
            query=request.query,
            body=request.body,
            scopes=self._scopes(request, tenant),
        )
        return answer_ehr(tenant, call)

    def _tenant(self, name: str) -> Tenant:
        tenant = self._tenants.get(name)
        if tenant is None:
            raise plain(403, "Tenant not valid or accessible")
        return tenant

    def _scopes(self, request: Incoming, tenant: Tenant) -> frozenset[str]:
        token = self._tokens.find(request.bearer, tenant.name)
        if token is None:
            raise login_required(urlsplit(request.origin).hostname or "")
        return token.scopes


def _call(request: Incoming, path: str, root: str, scopes: frozenset[str] | None) -> Call:
    """Refuses media types other than JSON with 406; a Binary has its own."""
    accepted = request.headers.get("Accept", "*/*").split(",")
    named = {one.partition(";")[0].strip().lower() for one in accepted}
    if not path.startswith("Binary/") and not named & JSON_TYPES:
        raise nothing(406)
    return Call(
        method=request.method,
        path=unquote(path).strip("/"),
        query=request.query,
        body=request.body,
        headers=request.headers,
        scopes=scopes,
        root=root,
    )
