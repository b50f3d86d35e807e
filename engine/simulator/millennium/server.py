"""Rim. The simulated Millennium on a port: which service a path belongs to, tokens, faults, counts.

    async with MillenniumSimulator(SimulatorOptions()) as simulator:
        ... simulator.fhir_root(), simulator.ehr_api_root(), simulator.token_url()

Everything that reads or changes the chart happens between two awaits: a write is whole, or not.
"""

import asyncio
import ssl
import uuid
from collections import Counter, deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from aiohttp import web

from engine.simulator.millennium.admin import add_admin_routes
from engine.simulator.millennium.answers import (
    FHIR_JSON,
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
from engine.simulator.millennium.fault_rules import FaultRule, Faults, Kind
from engine.simulator.millennium.fhir_api import Call, FhirApi
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.scopes import EHR_NAMESPACES
from engine.simulator.millennium.tenant import Tenant, instant, open_tenant
from engine.simulator.millennium.tokens import TokenHost, TokenRequest

BODY_BYTES_MAX = 64_000_000
REQUESTS_MAX = 50_000
TOKEN_TAIL = "/protocols/oauth2/profiles/smart-v1/token"  # noqa: S105  a path
JSON_TYPES = frozenset({"application/fhir+json", "application/json+fhir", "application/json",
                        "application/*", "*/*"})  # fmt: skip
SPOILING = frozenset({Kind.STATUS, Kind.DROP, Kind.HANG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that came, for tests to look at."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    """By lower-case name; Authorization shows its kind alone."""
    body: bytes
    status: int
    """0 when the connection was reset instead of an answer."""


class MillenniumSimulator:
    """Serves the tenants of its options; a context manager that starts and stops."""

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        """Nothing is opened yet."""
        self.options = options or SimulatorOptions()
        self.faults = Faults()
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_MAX)
        self.paths: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.port = 0
        self._fhir = FhirApi(self.options)
        self._runner: web.AppRunner | None = None
        self._open()

    def _open(self) -> None:
        options = self.options
        self.tenants: dict[str, Tenant] = {
            name: open_tenant(name, position, options)
            for position, name in enumerate(options.tenants)
        }
        self.tokens = TokenHost(
            clients={one.client_id: one for one in options.clients},
            tenants=frozenset(options.tenants),
            smart=options.smart,
            lifetime_seconds=options.token_lifetime_seconds,
            clock=options.clock,
        )

    def reset(self) -> None:
        """As newly started: no resources but the seeded, no tokens, no faults, no counts."""
        self._open()
        self.faults.set([])
        self.requests.clear()
        self.paths.clear()
        self.statuses.clear()

    # -- life --

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken, ssl.SSLError for a bad certificate."""
        self._runner = web.AppRunner(self.application(), access_log=None)
        await self._runner.setup()
        options = self.options
        site = web.TCPSite(self._runner, options.address, options.port, ssl_context=_tls(options))
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        scheme = "https" if self.options.tls_certificate else "http"
        return f"{scheme}://{self.options.address}:{self.port}"

    def fhir_root(self, tenant: str = "") -> str:
        """The FHIR service root of a tenant; of the first unless named."""
        return f"{self.url}/r4/{tenant or self.options.tenants[0]}"

    def ehr_api_root(self, tenant: str = "") -> str:
        """The EHR API root of a tenant; of the first unless named."""
        return f"{self.url}/{tenant or self.options.tenants[0]}"

    def token_url(self, tenant: str = "") -> str:
        """The token endpoint that smart-configuration names."""
        chosen = tenant or self.options.tenants[0]
        return f"{self.url}/tenants/{chosen}/hosts/{self.options.address}{TOKEN_TAIL}"

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        add_admin_routes(app, self)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    # -- one request --

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        method = _method(request)
        self.paths[self._path_key(method, request.path)] += 1
        rules = self.faults.strike(method, request.path, body)
        spoiling = next((rule for rule in rules if rule.fault in SPOILING), None)
        if spoiling is not None and not spoiling.after_commit:
            return await self._spoiled(request, body, spoiling)
        for rule in rules:
            if rule.fault is Kind.LATENCY:
                await asyncio.sleep(rule.seconds)
            self._meddle(rule, request)
        answer = self._answered(request, method, body)
        if spoiling is not None:
            return await self._spoiled(request, body, spoiling)
        if any(rule.fault is Kind.DROP_AFTER_COMMIT for rule in rules):
            return self._dropped(request, body)
        return self._response(request, body, answer)

    def _answered(self, request: web.Request, method: str, body: bytes) -> Answer:
        try:
            return self._routed(request, method, body)
        except RefusedError as refused:
            return refused.answer

    def _routed(self, request: web.Request, method: str, body: bytes) -> Answer:
        first, _, rest = request.raw_path.partition("?")[0].strip("/").partition("/")
        if first == "tenants":
            return self._token(request, method, rest, body)
        if first == "r4":
            return self._fhir_call(request, method, rest, body)
        namespace, _, path = rest.partition("/")
        if namespace in EHR_NAMESPACES:
            return self._ehr_call(request, method, unquote(first), namespace, path, body)
        raise nothing(502 if not first else 404)

    def _token(self, request: web.Request, method: str, rest: str, body: bytes) -> Answer:
        tenant, _, path = rest.partition("/")
        if not f"/{path}".endswith(TOKEN_TAIL) or method != "POST":
            raise nothing(404)
        return self.tokens.answer(
            TokenRequest(
                tenant=unquote(tenant),
                url=f"{_origin(request)}{request.path}",
                authorization=request.headers.get("Authorization", ""),
                body=body,
            )
        )

    def _fhir_call(self, request: web.Request, method: str, rest: str, body: bytes) -> Answer:
        name, _, path = rest.partition("/")
        if not name:
            raise nothing(502)
        tenant = self._tenant(unquote(name))
        root = f"{_origin(request)}/r4/{name}"
        if path == ".well-known/smart-configuration":
            return json(smart_configuration(_origin(request), tenant.name))
        if path == "metadata":
            today = instant(self.options.clock())[:10]
            return fhir(capability_statement(root, _origin(request), tenant.name, today))
        scopes = self._scopes(request, tenant)
        _accept(request, path)
        call = Call(
            method=method,
            path=unquote(path).strip("/"),
            query=_without_method(request.query_string),
            body=body,
            headers=request.headers,
            scopes=scopes,
            root=root,
        )
        return self._fhir.answer(tenant, call)

    def _ehr_call(
        self, request: web.Request, method: str, name: str, namespace: str, path: str, body: bytes
    ) -> Answer:
        tenant = self._tenant(name)
        call = EhrCall(
            method=method,
            namespace=namespace,
            path=unquote(path).strip("/"),
            query=request.query_string,
            body=body,
            scopes=self._scopes(request, tenant),
        )
        return answer_ehr(tenant, call)

    def _tenant(self, name: str) -> Tenant:
        tenant = self.tenants.get(name)
        if tenant is None:
            raise plain(403, "Tenant not valid or accessible")
        return tenant

    def _scopes(self, request: web.Request, tenant: Tenant) -> frozenset[str]:
        token = self.tokens.find(_bearer(request), tenant.name)
        if token is None:
            raise login_required(urlsplit(_origin(request)).hostname or "")
        return token.scopes

    # -- faults --

    def _meddle(self, rule: FaultRule, request: web.Request) -> None:
        """What happens to the token or the resource just before the request is carried out."""
        if rule.fault is Kind.TOKEN_REVOKED:
            owner = self.tokens.owner(_bearer(request))
            if owner:
                self.tokens.revoke(owner)
        elif rule.fault is Kind.TOKEN_EXPIRED:
            self.tokens.expire(_bearer(request))
        elif rule.fault is Kind.STALE_ETAG:
            parts = request.path.strip("/").split("/")
            if len(parts) == 4 and parts[0] == "r4" and parts[1] in self.tenants:
                chart = self.tenants[parts[1]].chart
                record = chart.get(parts[2], parts[3])
                if record is not None:
                    chart.touch(record)

    async def _spoiled(
        self, request: web.Request, body: bytes, rule: FaultRule
    ) -> web.StreamResponse:
        if rule.fault is Kind.STATUS:
            return self._response(request, body, _fault_answer(rule))
        if rule.fault is Kind.HANG:
            await asyncio.sleep(rule.seconds)
        return self._dropped(request, body)

    def _dropped(self, request: web.Request, body: bytes) -> web.Response:
        self._note(request, body, 0)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    # -- answers and counts --

    def _response(self, request: web.Request, body: bytes, answer: Answer) -> web.Response:
        self._note(request, body, answer.status)
        asked = request.headers.get("opc-request-id", "")
        headers = {
            "X-Request-Id": uuid.uuid4().hex,
            "opc-request-id": asked or uuid.uuid4().hex.upper(),
            **answer.headers,
        }
        if answer.status != 204:
            headers["Content-Type"] = answer.content_type
        return web.Response(status=answer.status, body=answer.body or None, headers=headers)

    def _note(self, request: web.Request, body: bytes, status: int) -> None:
        self.statuses[str(status or "reset")] += 1
        headers = {name.lower(): value for name, value in request.headers.items()}
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].partition(" ")[0]
        self.requests.append(
            Seen(
                method=_method(request),
                path=request.path,
                query=request.query_string,
                headers=headers,
                body=body if not request.path.startswith("/tenants/") else b"",
                status=status,
            )
        )

    def _path_key(self, method: str, path: str) -> str:
        """A request as it is counted: `POST token`, `GET /r4/main/Patient/{id}`."""
        parts = path.strip("/").split("/")
        if parts[0] == "tenants":
            return f"{method} token"
        if parts[0] == "r4" and len(parts) > 1 and parts[1] in self.tenants:
            tail = [part if part.startswith("$") else "{id}" for part in parts[3:]]
            if parts[2:3] == [".well-known"]:
                tail = parts[3:]
            return f"{method} /{'/'.join([*parts[:3], *tail])}"
        if parts[0] in self.tenants:
            return f"{method} /{'/'.join(parts[:4])}"
        return f"{method} other"


def _method(request: web.Request) -> str:
    """The method, or the one a POST is to be taken for."""
    if request.method != "POST":
        return request.method
    given = request.headers.get("X-HTTP-Method-Override") or request.query.get("_method", "")
    return given.upper() if given.lower() in ("put", "patch", "delete") else "POST"


def _without_method(query: str) -> str:
    return "&".join(part for part in query.split("&") if not part.startswith("_method="))


def _bearer(request: web.Request) -> str:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if kind.lower() == "bearer" else ""


def _origin(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _accept(request: web.Request, path: str) -> None:
    """Other media types than JSON are 406 without a body; a Binary has its own."""
    if path.startswith("Binary/"):
        return
    accepted = request.headers.get("Accept", "*/*").split(",")
    if not any(one.partition(";")[0].strip().lower() in JSON_TYPES for one in accepted):
        raise nothing(406)


def _fault_answer(rule: FaultRule) -> Answer:
    """A status on purpose: 429 as the bulk pages have it, others without a body."""
    headers = {}
    if rule.retry_after_seconds is not None:
        headers["Retry-After"] = str(rule.retry_after_seconds)
    if rule.status == 429:
        body = outcome(429, "throttled", "Too Many Requests", diagnostics="Too Many Requests")
        return Answer(status=429, body=body.answer.body, headers=headers)
    return Answer(status=rule.status, content_type=FHIR_JSON, headers=headers)


def _tls(options: SimulatorOptions) -> ssl.SSLContext | None:
    if options.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(options.tls_certificate, options.tls_key)
    return context
