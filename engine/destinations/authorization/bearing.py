"""Rim. Requests that carry a token: what a 401 means, and how long a token is waited for."""

import asyncio
from typing import Protocol

from engine.channel.environment import AuthorizationConfig
from engine.destinations.authorization.failures import unreachable
from engine.destinations.http_exchange import Answer, Request
from engine.destinations.interface import AuthorizationFailed, Token, TokenSource
from engine.pipeline.response import Fault

TOKEN_SECONDS_MAX = 25.0
"""So long an attempt waits for a token, before its own time begins."""
UNAUTHORIZED = 401
NO_SCOPES: frozenset[str] = frozenset()


class Exchanging(Protocol):
    """What sends a request: `HttpExchange`, `Connections`."""

    async def exchange(self, request: Request, *, timeout_seconds: float) -> Answer | Fault:
        """Send one request and read its answer."""


class Bearing:
    """Exchanges with the tokens of one source.

    Args:
        source: of the tokens; closed with this.
        host: for the explanation when none comes in time.
    """

    def __init__(self, source: TokenSource, host: str) -> None:
        self._source = source
        self._host = host

    async def token(self, scopes: frozenset[str] = NO_SCOPES) -> Token:
        """A token, in bounded time. Raises AuthorizationFailed."""
        try:
            async with asyncio.timeout(TOKEN_SECONDS_MAX):
                return await self._source.token(scopes)
        except TimeoutError:
            raise unreachable(Fault.TIMEOUT, "the token endpoint", self._host) from None

    async def missing(self, scopes: frozenset[str] = NO_SCOPES) -> AuthorizationFailed | None:
        """Why there is no token now; None when there is one."""
        try:
            await self.token(scopes)
        except AuthorizationFailed as problem:
            return problem
        return None

    async def exchange(
        self,
        http: Exchanging,
        request: Request,
        *,
        timeout_seconds: float,
        scopes: frozenset[str] = NO_SCOPES,
    ) -> Answer | Fault:
        """Send a request with a token; after a 401 once more with a renewed one.

        A 401 says that nothing was taken, so the repeat is safe whatever the request is. Never
        raises, cancellation apart; without a token nothing is sent.
        """
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        answer: Answer | Fault = Fault.SECRET_MISSING
        for _ in range(2):
            try:
                token = await self.token(scopes)
            except AuthorizationFailed:
                return answer
            headers = request.headers.copy()
            headers["Authorization"] = token.header
            sent = Request(request.method, request.url, headers, request.content)
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return answer  # the token took all the time; nothing of this was sent
            answer = await http.exchange(sent, timeout_seconds=left)
            if isinstance(answer, Fault) or answer.status != UNAUTHORIZED:
                return answer
            self._source.rejected(token)
        return answer

    async def close(self) -> None:
        """Leave the source."""
        await self._source.close()


def shown_header(config: AuthorizationConfig) -> str:
    """The Authorization header as kept with an attempt: whose token, never which."""
    return f"Authorization: Bearer (token of {config.client_id})"
