"""Rim. One Millennium tenant over HTTP: connections, tokens, one exchange at a time.

The FHIR API and the EHR API have tokens of their own. A token that is refused (401) is renewed
once; a 401 says that nothing was taken, so the repeat is safe whatever was sent.
"""

import asyncio
from collections.abc import Mapping

from multidict import CIMultiDict
from yarl import URL

from engine.channel.environment import TenantConfig
from engine.channel.model import MillenniumDestinationConfig
from engine.destinations.authorization.bearing import Bearing
from engine.destinations.authorization.requesting import client_of
from engine.destinations.authorization.sources import TokenSources
from engine.destinations.connections import Connections
from engine.destinations.http_exchange import Answer, Request
from engine.destinations.interface import SecretSource, TokenSource
from engine.destinations.millennium.transcript import Transcript
from engine.millennium.calls.model import CUSTOM, EHR_API, CallPreset
from engine.millennium.calls.rendering import RenderedRequest
from engine.pipeline.response import Fault

_UNAUTHORIZED = 401


class OutOfTimeError(Exception):
    """The attempt's time is over; what is done is noted, and the next goes on from there."""


class MillenniumService:
    """The APIs of one tenant."""

    def __init__(
        self, config: MillenniumDestinationConfig, secrets: SecretSource, tokens: TokenSources
    ) -> None:
        """Args: the checked configuration with its tenant; where secrets come from; the token
        sources of this process.
        """
        if config.tenant is None:
            raise ValueError("a Millennium destination has the tenant of its environment")
        self._config = config
        self.tenant: TenantConfig = config.tenant
        self.roots: Mapping[str, str] = {
            **self.tenant.services,
            "fhir_root": self.tenant.fhir_root,
            "ehr_api_root": self.tenant.ehr_api_root,
        }
        self._secrets = secrets
        self._tokens = tokens
        # Opened at once, so that the first token is good for the calls of all destinations.
        self._sources = {
            ehr_api: source for ehr_api in (False, True) if (source := self._opened(ehr_api))
        }
        self._http = Connections(
            self.tenant.tls,
            connections_max=config.concurrency_max,
            timeout_seconds=config.timeout_seconds,
        )

    @property
    def timeout_seconds(self) -> float:
        """Of an attempt."""
        return self._config.timeout_seconds

    @property
    def root(self) -> str:
        """The FHIR service root: ids mean nothing outside it."""
        return self.tenant.fhir_root

    async def exchange(
        self,
        request: RenderedRequest,
        *,
        preset: CallPreset,
        deadline: float,
        transcript: Transcript,
    ) -> Answer | Fault:
        """Send one request and read its answer.

        Args:
            request: rendered.
            preset: the call it is of: decides API and scopes.
            deadline: time of the event loop at which the attempt ends.
            transcript: of the attempt.

        Raises:
            AuthorizationFailed: there is no token; nothing was sent.
            OutOfTimeError: so it is with the time.
            OSError, ssl.SSLError: a TLS file cannot be read; nothing was sent.
        """
        # A service of the site's own gets the tenant's token only where its call asks for scopes.
        asks = preset.api != CUSTOM or bool(preset.scopes_v2)
        source = self._sources.get(preset.api == EHR_API) if asks else None
        scopes = frozenset(preset.scopes_v2)
        answer: Answer | Fault = Fault.INTERNAL
        for _ in range(2):
            headers: CIMultiDict[str] = CIMultiDict(request.headers)
            headers.setdefault("User-Agent", "interface-engine")
            token = None
            if source is not None:
                token = await source[1].token(scopes)
                headers["Authorization"] = token.header
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise OutOfTimeError
            sent = Request(
                request.method, URL(request.url, encoded=True), headers, request.body or None
            )
            transcript.sent(request, with_token=token is not None)
            answer = await self._http.exchange(sent, timeout_seconds=left)
            transcript.answered(answer)
            if isinstance(answer, Fault) or answer.status != _UNAUTHORIZED or source is None:
                return answer
            if token is not None:
                source[0].rejected(token)
        return answer

    async def close(self) -> None:
        """End all connections, leave the token sources."""
        await self._http.close()
        for source, _ in self._sources.values():
            await source.close()
        self._sources.clear()

    def _opened(self, ehr_api: bool) -> tuple[TokenSource, Bearing] | None:
        """The tokens of an API; None where it asks for none, or no call uses the EHR API."""
        parts = [
            part
            for call in (*self._config.calls, *self._config.finders)
            for part in call.plain
            if (part.api == EHR_API) is ehr_api
        ]
        client = client_of(self.tenant, ehr_api=ehr_api)
        if client is None or (ehr_api and not parts):
            return None
        scopes = frozenset(scope for part in parts for scope in part.scopes_v2)
        source = self._tokens.open(client, self._secrets, scopes)
        host = URL(self.tenant.ehr_api_root if ehr_api else self.root).host or ""
        return source, Bearing(source, host)
