"""A token host and the FHIR root it serves, on a real socket; what it grants is set by the test."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aiohttp import web

URN = "urn:cerner:error:authorization-server:oauth2:token:"
CORRELATION = "0f6c2c0e-5a0e-4b5e-9d0c-1f2e3d4c5b6a"
ADVERTISED = ("system/Patient.crus", "system/Observation.crus", "system/Procedure.crs")


@dataclass
class TokenHost:
    """Counts what it is asked and answers as told."""

    url: str = ""
    registered: tuple[str, ...] = ADVERTISED
    lifetime: Any = 570
    discovery: dict[str, Any] = field(default_factory=dict)
    discovery_status: int = 200
    answer: Callable[[dict[str, str]], web.Response] | None = None
    """In place of a token."""
    hold: asyncio.Event | None = None
    """Requests wait for it."""
    forms: list[dict[str, str]] = field(default_factory=list)
    proofs: list[str] = field(default_factory=list)
    discoveries: int = 0
    issued: int = 0
    refused_tokens: set[str] = field(default_factory=set)
    """What the FHIR root answers 401 to."""
    bearers: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        return f"{self.url}/r4/t1"

    @property
    def token_url(self) -> str:
        return f"{self.url}/tenants/t1/token"

    async def configuration(self, _request: web.Request) -> web.Response:
        self.discoveries += 1
        found = {
            "token_endpoint": self.token_url,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "capabilities": ["permission-v1", "permission-v2"],
            "scopes_supported": list(ADVERTISED),
            **self.discovery,
        }
        return web.json_response(found, status=self.discovery_status)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        self.proofs.append(request.headers.get("Authorization", ""))
        if self.hold is not None:
            await self.hold.wait()
        if self.answer is not None:
            return self.answer(form)
        granted = [one for one in form.get("scope", "").split() if one in self.registered]
        if not granted:
            return refused(400, "invalid_scope", "empty-scopes")
        self.issued += 1
        return web.json_response(
            {
                "access_token": f"token-{self.issued}",
                "token_type": "Bearer",
                "scope": " ".join(granted),
                "expires_in": self.lifetime,
            }
        )

    async def fhir(self, request: web.Request) -> web.Response:
        await request.read()
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.bearers.append(bearer)
        if bearer in self.refused_tokens:
            return web.json_response({"resourceType": "OperationOutcome"}, status=401)
        answer = {"resourceType": "Bundle", "type": "transaction-response"}
        entry = {"response": {"status": "201"}}
        return web.json_response({**answer, "entry": [entry]})


def refused(status: int, error: str, suffix: str) -> web.Response:
    """The shape of report section 2."""
    uri = f"https://authorization.example.org/errors/{quote(URN + suffix, safe='')}/instances/x"
    return web.json_response(
        {"error": error, "error_uri": uri},
        status=status,
        headers={"Cerner-Correlation-ID": CORRELATION},
    )


def basic_pair(proof: str) -> str:
    """`client:secret` out of an Authorization header."""
    return base64.b64decode(proof.removeprefix("Basic ")).decode()


@asynccontextmanager
async def running() -> AsyncIterator[TokenHost]:
    host = TokenHost()
    application = web.Application()
    application.router.add_get("/r4/t1/.well-known/smart-configuration", host.configuration)
    application.router.add_post("/tenants/t1/token", host.token)
    application.router.add_post("/r4/t1", host.fhir)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    host.url = f"http://127.0.0.1:{port}"
    try:
        yield host
    finally:
        await runner.cleanup()
