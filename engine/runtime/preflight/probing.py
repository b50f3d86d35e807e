"""Rim. How preflight asks: requests with the tenant's token, and what an answer says."""

import ssl
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import orjson
from multidict import CIMultiDict
from yarl import URL

from engine.destinations.authorization.bearing import UNAUTHORIZED, Bearing
from engine.destinations.authorization.requesting import client_of
from engine.destinations.authorization.token_cache import TokenCache
from engine.destinations.http_exchange import Answer, HttpExchange, Request
from engine.destinations.interface import AuthorizationFailed
from engine.destinations.tls import client_context
from engine.pipeline.response import Fault
from engine.runtime.preflight.subject import Subject

ANSWER_SECONDS = 30.0
CONNECT_SECONDS = 10.0
_FHIR_JSON = "application/fhir+json"
_PATCH_JSON = "application/json-patch+json"


class Prober:
    """Asks one tenant. Close it."""

    def __init__(self, subject: Subject) -> None:
        """Raises OSError or ssl.SSLError when a TLS file cannot be used."""
        tls = subject.tenant.tls
        self._subject = subject
        self._http = HttpExchange(
            connections_max=4,
            connect_seconds=CONNECT_SECONDS,
            context=client_context(tls),
            server_name=tls.server_name if tls else None,
        )
        self.tokens = self._cache(ehr_api=False)
        self.ehr_tokens = self._cache(ehr_api=True) if subject.tenant.ehr_api_root else None

    def _cache(self, *, ehr_api: bool) -> TokenCache | None:
        client = client_of(self._subject.tenant, ehr_api=ehr_api)
        return TokenCache(client, self._subject.secrets) if client else None

    async def read(self, path: str, **query: str) -> Answer | Fault:
        """GET below the FHIR root, with a token where the tenant has one."""
        url = f"{self._subject.tenant.fhir_root}/{path}"
        return await self._send("GET", _with_query(url, query.items()), self.tokens)

    async def read_public(self, path: str) -> Answer | Fault:
        """GET what needs no token (report 7, exchange 1); with one where it is asked for."""
        url = f"{self._subject.tenant.fhir_root}/{path}"
        answer = await self._send("GET", url, None)
        asked = isinstance(answer, Answer) and answer.status == UNAUTHORIZED
        if asked and await token_problem(self.tokens) is None:
            return await self.read(path)
        return answer

    async def read_ehr(self, path: str, query: Iterable[tuple[str, str]]) -> Answer | Fault:
        """GET below the root of the EHR API; a parameter may come several times."""
        url = f"{self._subject.tenant.ehr_api_root}/{path}"
        return await self._send("GET", _with_query(url, query), self.ehr_tokens)

    async def patch(self, path: str, body: Any, etag: str) -> Answer | Fault:
        """A JSON Patch with If-Match."""
        url = f"{self._subject.tenant.fhir_root}/{path}"
        headers = {"Content-Type": _PATCH_JSON, "If-Match": etag}
        return await self._send("PATCH", url, self.tokens, headers, orjson.dumps(body))

    async def unauthorized(self, method: str, path: str, **headers: str) -> Answer | Fault:
        """A request without a token, which can change nothing."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self._subject.tenant.fhir_root}/{path}"
        return await self._send(method, url, None, {"Content-Type": _PATCH_JSON, **named}, b"[]")

    async def close(self) -> None:
        """End connections, forget tokens."""
        for cache in (self.tokens, self.ehr_tokens):
            if cache is not None:
                await cache.close()
        await self._http.close()

    async def _send(
        self,
        method: str,
        url: str,
        tokens: TokenCache | None,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer | Fault:
        named = CIMultiDict({"Accept": _FHIR_JSON, **(headers or {})})
        request = Request(method, URL(url), named, content)
        if tokens is None:
            return await self._http.exchange(request, timeout_seconds=ANSWER_SECONDS)
        bearing = Bearing(tokens, request.url.host or "")
        return await bearing.exchange(self._http, request, timeout_seconds=ANSWER_SECONDS)


def open_prober(subject: Subject) -> Prober | None:
    """The prober; None when the TLS files of the tenant cannot be used."""
    try:
        return Prober(subject)
    except (OSError, ssl.SSLError):
        return None


def resource_of(answer: Answer | Fault) -> dict[str, Any]:
    """The JSON object of an answer with status 200; empty when it is none."""
    if isinstance(answer, Fault) or answer.status != 200:
        return {}
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def entries_of(answer: Answer | Fault) -> list[dict[str, Any]] | None:
    """The resources of a searchset; None when the answer is none."""
    bundle = resource_of(answer)
    if bundle.get("resourceType") != "Bundle":
        return None
    entries = bundle.get("entry", [])
    found = [one.get("resource") for one in entries if isinstance(one, dict)]
    return [one for one in found if isinstance(one, dict)]


def refusal_of(answer: Answer | Fault) -> tuple[str, str]:
    """(what an answer other than a success says, what to do): report section 1.5.

    A 403 is of four kinds: the scope, the privilege of the account, the tenant, or a proxy.
    """
    if answer is Fault.SECRET_MISSING:
        return "the secret cannot be read", "put right what check 4 names"
    if isinstance(answer, Fault):
        return answer.value, "check the network between this machine and the host"
    shown = f"status {answer.status}"
    if answer.status == 401:
        return shown, "the token is not taken: check that client, tenant and host belong together"
    if answer.status == 403 and b"insufficient-scopes" in answer.body:
        return f"{shown}, insufficient scopes", "register the client for the scope"
    if answer.status == 403 and b"Tenant not valid" in answer.body:
        return f"{shown}, tenant not valid", "ask the site to enable the client for this tenant"
    if answer.status == 403:
        remedy = "the scope is granted, the account's privilege is not: ask the site for it"
        return shown, remedy
    if answer.status == 404:
        return shown, "it is not there: correct the id in the environment file"
    if answer.status >= 500 or answer.status == 429:
        return shown, "the service is not well now: run preflight again"
    return shown, "ask the vendor's support, with the X-Request-Id of the answer"


def request_id(answer: Answer | Fault) -> str:
    """The ids that support asks for, as far as they are well formed."""
    if isinstance(answer, Fault):
        return ""
    found = answer.headers.get("X-Request-Id") or answer.headers.get("opc-request-id") or ""
    usable = found.isascii() and found.replace("-", "").isalnum() and len(found) <= 80
    return f" (X-Request-Id {found})" if usable else ""


async def token_problem(cache: TokenCache | None) -> AuthorizationFailed | None:
    """Why there is no token; None when there is one, or none is needed."""
    return None if cache is None else await Bearing(cache, "").missing()


def _with_query(url: str, query: Iterable[tuple[str, str]]) -> str:
    pairs = urlencode(tuple(query))
    return f"{url}?{pairs}" if pairs else url
