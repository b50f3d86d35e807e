"""Rim. The simulated Millennium on a port: faults, counts, answers.

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

from aiohttp import web

from engine.simulator.millennium.admin import add_admin_routes
from engine.simulator.millennium.answers import FHIR_JSON, Answer, outcome
from engine.simulator.millennium.custom_calls import CustomCalls
from engine.simulator.millennium.fault_rules import FaultRule, Faults, Kind
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.services import (
    TOKEN_TAIL,
    Incoming,
    Services,
    effective_method,
)
from engine.simulator.millennium.state_file import StateFile
from engine.simulator.millennium.tenant import Tenant, open_tenant
from engine.simulator.millennium.tokens import TokenHost

BODY_BYTES_MAX = 64_000_000
REQUESTS_MAX = 50_000
PATHS_MAX = 2_000
BODY_KEPT_MAX = 20_000
SPOILING = frozenset({Kind.STATUS, Kind.DROP, Kind.HANG})
CUSTOM = "/custom/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that came, for tests to look at."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    """By lower-case name; Authorization shows its kind alone."""
    body: bytes
    """Its beginning; empty for the token host."""
    status: int
    """0 when the connection was reset instead of an answer."""


class MillenniumSimulator:
    """Serves the tenants of its options; a context manager that starts and stops."""

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        """Nothing is opened but the state file. Raises ValueError for one that cannot be read."""
        self.options = options or SimulatorOptions()
        self.faults = Faults()
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_MAX)
        self.paths: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._state = StateFile(self.options.state_file) if self.options.state_file else None
        self._custom = CustomCalls(self.options)
        self._open()

    def _open(self) -> None:
        options = self.options
        self.tenants: dict[str, Tenant] = {
            name: open_tenant(name, position, options)
            for position, name in enumerate(options.tenants)
        }
        if self._state is not None:
            self._state.open(self.tenants)
        self.tokens = TokenHost(
            clients={one.client_id: one for one in options.clients},
            tenants=frozenset(options.tenants),
            smart=options.smart,
            lifetime_seconds=options.token_lifetime_seconds,
            clock=options.clock,
        )
        self._services = Services(options, self.tenants, self.tokens)

    def reset(self) -> None:
        """As newly started: no resources but the seeded, no tokens, no faults, no counts."""
        if self._state is not None:
            self._state.clear()
        self._open()
        if self._state is not None and self._runner is not None:
            self._state.resume()
        self.faults.set([])
        self.requests.clear()
        self.paths.clear()
        self.statuses.clear()

    # -- life --

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken, ssl.SSLError for a bad certificate."""
        options = self.options
        context = _tls(options)
        if self._state is not None:
            self._state.resume()
        self._runner = web.AppRunner(self.application(), access_log=None)
        await self._runner.setup()
        port = self.port or options.port
        await web.TCPSite(self._runner, options.address, port, ssl_context=context).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port, all connections and the state file; `start` opens the same again."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._custom.close()
        if self._state is not None:
            self._state.close()

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
        incoming = await _incoming(request)
        self._count(incoming)
        rules = self.faults.strike(incoming.method, request.path, incoming.body)
        spoiling = next((rule for rule in rules if rule.fault in SPOILING), None)
        if spoiling is not None and not spoiling.after_commit:
            return await self._spoiled(request, incoming, spoiling)
        for rule in rules:
            self._meddle(rule, incoming)
        if incoming.path.startswith(CUSTOM):
            answer = await self._custom.answer(incoming)
        else:
            answer = self._services.answer(incoming)
        await asyncio.sleep(sum(rule.seconds for rule in rules if rule.fault is Kind.LATENCY))
        if spoiling is not None:
            return await self._spoiled(request, incoming, spoiling)
        if any(rule.fault is Kind.DROP_AFTER_COMMIT for rule in rules):
            return self._dropped(request, incoming)
        return self._response(incoming, answer)

    def _meddle(self, rule: FaultRule, request: Incoming) -> None:
        """What happens to the token or the resource just before the request is carried out."""
        if rule.fault is Kind.TOKEN_REVOKED:
            owner = self.tokens.owner(request.bearer)
            if owner:
                self.tokens.revoke(owner)
        elif rule.fault is Kind.TOKEN_EXPIRED:
            self.tokens.expire(request.bearer)
        elif rule.fault is Kind.STALE_ETAG:
            parts = request.path.strip("/").split("/")
            if len(parts) == 4 and parts[0] == "r4" and parts[1] in self.tenants:
                chart = self.tenants[parts[1]].chart
                record = chart.get(parts[2], parts[3])
                if record is not None:
                    chart.touch(record)

    async def _spoiled(
        self, request: web.Request, incoming: Incoming, rule: FaultRule
    ) -> web.StreamResponse:
        if rule.fault is Kind.STATUS:
            return self._response(incoming, _fault_answer(rule))
        if rule.fault is Kind.HANG:
            await asyncio.sleep(rule.seconds)
        return self._dropped(request, incoming)

    def _dropped(self, request: web.Request, incoming: Incoming) -> web.Response:
        self._note(incoming, 0)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    # -- answers and counts --

    def _response(self, incoming: Incoming, answer: Answer) -> web.Response:
        self._note(incoming, answer.status)
        asked = incoming.headers.get("opc-request-id", "")
        headers = {
            "X-Request-Id": uuid.uuid4().hex,
            "opc-request-id": asked or uuid.uuid4().hex.upper(),
            **answer.headers,
        }
        if answer.status != 204:
            headers["Content-Type"] = answer.content_type
        return web.Response(status=answer.status, body=answer.body or None, headers=headers)

    def _count(self, incoming: Incoming) -> None:
        key = self._path_key(incoming)
        if key in self.paths or len(self.paths) < PATHS_MAX:
            self.paths[key] += 1
        else:
            self.paths["other"] += 1

    def _note(self, incoming: Incoming, status: int) -> None:
        self.statuses[str(status or "reset")] += 1
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].partition(" ")[0]
        seen = Seen(
            method=incoming.method,
            path=incoming.path,
            query=incoming.query,
            headers=headers,
            body=b"" if incoming.path.startswith("/tenants/") else incoming.body[:BODY_KEPT_MAX],
            status=status,
        )
        self.requests.append(seen)

    def _path_key(self, incoming: Incoming) -> str:
        """A request as it is counted: `POST token`, `GET /r4/main/Patient/{id}`."""
        parts = incoming.path.strip("/").split("/")
        if parts[0] == "tenants":
            return f"{incoming.method} token"
        if parts[0] == "r4" and len(parts) > 1 and parts[1] in self.tenants:
            known = parts[2:3] == [".well-known"]
            tail = [one if known or one.startswith("$") else "{id}" for one in parts[3:]]
            return f"{incoming.method} /{'/'.join([*parts[:3], *tail])}"
        if parts[0] in self.tenants:
            return f"{incoming.method} /{'/'.join(parts[:4])}"
        return f"{incoming.method} {CUSTOM if incoming.path.startswith(CUSTOM) else 'other'}"


async def _incoming(request: web.Request) -> Incoming:
    headers = request.headers
    method, query = effective_method(request.method, request.rel_url.raw_query_string, headers)
    return Incoming(
        method=method,
        path=request.rel_url.raw_path,
        query=query,
        headers=headers,
        body=await request.read(),
        origin=f"{request.scheme}://{request.host}",
    )


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
