"""Rim. One client's token, shared by all who send: one request at a time, renewed before it ends.

While a token is good nobody waits: within its last minute the first who asks starts the renewal,
and all go on with the old one. What is in hand here is a copy: the token itself is shared by all
processes of the client where there is a shelf for it, see `fetching` and `pipeline.shared_token`.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.destinations.authorization import codes
from engine.destinations.authorization.failures import failed
from engine.destinations.authorization.fetching import Fetched, TokenFetcher
from engine.destinations.authorization.requesting import Client, TokenRequester
from engine.destinations.authorization.scopes import (
    Permissions,
    Syntax,
    described,
    needs,
    permissions,
)
from engine.destinations.authorization.token_shelf import TokenShelf
from engine.destinations.interface import AuthorizationFailed, SecretSource, Token

RENEWAL_LOOK_SECONDS = 2.0
"""While another renews the token it is looked at no more often than this."""


@dataclass(slots=True)
class _Entry:
    """The token of one set of scopes, and how getting it stands."""

    token: Token | None = None
    fetched: Fetched | None = None
    refused: Fetched | None = None
    """The API answered 401 to it; all are told with the next request."""
    permitted: Permissions = frozenset()
    renew_at: float = 0.0
    expires_at: float = 0.0
    blocked_until: float = float("-inf")
    failure: AuthorizationFailed | None = None
    request: "asyncio.Task[None] | None" = field(default=None, repr=False)


class TokenCache:
    """The `TokenSource` of one client."""

    def __init__(
        self,
        client: Client,
        secrets: SecretSource,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        shared: TokenShelf | None = None,
    ) -> None:
        """Args: the client; where secrets come from; clocks of lifetimes and of assertions; what
        all processes share, None: nothing.
        """
        self._client = client
        self._requester = TokenRequester(client, secrets, clock=clock, wall_clock=wall_clock)
        self._fetcher = TokenFetcher(client, secrets, self._requester, clock=clock, shared=shared)
        self._clock = clock
        self._wanted: Permissions = frozenset()
        self._entry = _Entry()
        self._serial = 0
        self._requests: set[asyncio.Task[None]] = set()

    def want(self, scopes: frozenset[str]) -> None:
        """Ask for these scopes too, with the next token."""
        wanted = self._wanted | needs(scopes)
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if self._entry.token is not None or self._entry.request is not None:
            # Of another set of scopes: those in use stay good, the next who asks gets a new one.
            self._entry = _Entry()

    async def token(self, scopes: frozenset[str] = frozenset()) -> Token:
        """A token that permits these scopes. Raises AuthorizationFailed."""
        if not self._client.authorization.scopes:
            self.want(scopes)
        entry = self._entry
        token = self._usable(entry) or await self._awaited(entry)
        lacking = needs(scopes) - entry.permitted
        if lacking:
            raise self._trimmed(lacking, token)
        return token

    def rejected(self, token: Token) -> None:
        """The API answered 401 to it: the next `token` renews, once."""
        entry = self._entry
        if entry.token is None or entry.token.serial != token.serial:
            return  # refused while a newer one was there, or already said
        entry.token, entry.refused = None, entry.fetched

    async def close(self) -> None:
        """Forget the token; a request under way is given up."""
        self._entry = _Entry()
        for request in self._requests:
            request.cancel()
        await asyncio.gather(*self._requests, return_exceptions=True)

    def _usable(self, entry: _Entry) -> Token | None:
        """The token while it is good; begins its renewal when that is due."""
        now = self._clock()
        if entry.token is None or now >= entry.expires_at:
            return None
        if now >= entry.renew_at and entry.request is None and now >= entry.blocked_until:
            self._begin(entry)
        return entry.token

    async def _awaited(self, entry: _Entry) -> Token:
        """The token that a request, this one's or another's, brings."""
        if entry.request is None:
            if self._clock() < entry.blocked_until:
                raise self._failure(entry)
            entry.token = None
            self._begin(entry)
        request = entry.request
        assert request is not None  # noqa: S101  it was just begun
        # Another who waits must get it, though this one is cancelled.
        await asyncio.shield(request)
        if entry.token is not None:
            return entry.token
        raise self._failure(entry)

    def _failure(self, entry: _Entry) -> AuthorizationFailed:
        """Of the last request, again: an exception of its own for each who waits."""
        assert entry.failure is not None  # noqa: S101  a request ends with a token or with this
        waiting = max(0.0, entry.blocked_until - self._clock())
        return failed(entry.failure.code, entry.failure.explanation, waiting)

    def _begin(self, entry: _Entry) -> None:
        request = asyncio.create_task(self._request(entry))
        entry.request = request
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)

    async def _request(self, entry: _Entry) -> None:
        began = self._clock()
        try:
            fetched = await self._fetcher.fetch(self._wanted, entry.refused)
            while fetched.is_same(entry.refused):  # the API refused it meanwhile
                fetched = await self._fetcher.fetch(self._wanted, entry.refused)
        except AuthorizationFailed as problem:
            entry.failure = problem
            entry.blocked_until = self._clock() + (problem.retry_after_seconds or 0.0)
        else:
            self._take(entry, fetched, began)
        finally:
            entry.request = None

    def _take(self, entry: _Entry, fetched: Fetched, began: float) -> None:
        """Keep a copy of a token; its life is counted from before it was fetched."""
        issued = fetched.issued
        looked_at = self._clock()
        entry.expires_at = began + fetched.seconds_left
        entry.renew_at = max(began + fetched.renew_seconds, looked_at + RENEWAL_LOOK_SECONDS)
        entry.failure, entry.blocked_until, entry.refused = None, float("-inf"), None
        before = entry.fetched
        entry.fetched = fetched
        if entry.token is not None and before is not None and before.issued == issued:
            return  # the one in hand: another renews it
        self._serial += 1
        entry.token = Token(
            value=issued.value,
            granted=issued.granted,
            lifetime_seconds=issued.lifetime_seconds,
            serial=self._serial,
        )
        entry.permitted = permissions(issued.granted)

    def _trimmed(self, lacking: Permissions, token: Token) -> AuthorizationFailed:
        v1 = any(scope.endswith((".read", ".write")) for scope in token.granted)
        return failed(
            "auth-trimmed",
            codes.SCOPES_TRIMMED(
                client=self._client.authorization.client_id,
                missing=described(lacking, Syntax.V1 if v1 else Syntax.V2),
                granted=", ".join(sorted(token.granted)) or "nothing",
            ),
        )
