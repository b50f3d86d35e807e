"""Rim. One client's token, shared by all who send: one request at a time, renewed before it ends.

While a token is good nobody waits: within its last minute the first who asks starts the renewal,
and all go on with the old one. The token endpoint is asked at most once a minute (report section 2:
more may be throttled), with one exception: when the API refuses a token (401) it is renewed at
once, and when the new one is refused too, not again before the minute is over.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.destinations.authorization import codes
from engine.destinations.authorization.failures import failed
from engine.destinations.authorization.requesting import Client, Issued, TokenRequester
from engine.destinations.authorization.scopes import (
    Permissions,
    Syntax,
    described,
    needs,
    permissions,
)
from engine.destinations.interface import AuthorizationFailed, SecretSource, Token

SKEW_SECONDS = 60.0
"""Renewed so long before it ends."""
SKEW_SHARE_MAX = 0.2
"""Of the lifetime of a short-lived token."""
REQUESTS_SECONDS_MIN = 60.0
"""Between two requests."""
UNREACHABLE_SECONDS = 5.0
"""After a request that did not reach the endpoint: it cannot have been throttled."""
_NOT_ASKED = frozenset({"auth-unreachable", "auth-secret", "auth-key", "auth-method"})


@dataclass(slots=True)
class _Entry:
    """The token of one set of scopes, and how getting it stands."""

    token: Token | None = None
    permitted: Permissions = frozenset()
    renew_at: float = 0.0
    expires_at: float = 0.0
    forced: bool = False
    """It was got because the API refused the one before."""
    asked_at: float = float("-inf")
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
    ) -> None:
        """Args: the client; where secrets come from; clocks of lifetimes and of assertions."""
        self._client = client
        self._requester = TokenRequester(client, secrets, clock=clock, wall_clock=wall_clock)
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
        entry.token = None
        if entry.forced:
            client = self._client.authorization.client_id
            entry.failure = failed("auth-token", codes.TOKEN_REFUSED(client=client))
            entry.blocked_until = max(entry.blocked_until, entry.asked_at + REQUESTS_SECONDS_MIN)
        entry.forced = True

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
            if entry.token is not None:
                entry.token, entry.forced = None, False
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
        entry.asked_at = self._clock()
        try:
            issued = await self._requester.issue(self._wanted)
        except AuthorizationFailed as problem:
            pause = UNREACHABLE_SECONDS if problem.code in _NOT_ASKED else REQUESTS_SECONDS_MIN
            pause = max(pause, problem.retry_after_seconds or 0.0)
            entry.failure, entry.blocked_until = problem, self._clock() + pause
        else:
            self._take(entry, issued)
        finally:
            entry.request = None

    def _take(self, entry: _Entry, issued: Issued) -> None:
        lifetime = issued.lifetime_seconds
        self._serial += 1
        if entry.token is not None:
            entry.forced = False  # the one before came to its end in peace
        entry.token = Token(
            value=issued.value,
            granted=issued.granted,
            lifetime_seconds=lifetime,
            serial=self._serial,
        )
        entry.permitted = permissions(issued.granted)
        entry.expires_at = entry.asked_at + lifetime
        skew = min(SKEW_SECONDS, lifetime * SKEW_SHARE_MAX)
        entry.renew_at = entry.expires_at - skew
        entry.failure, entry.blocked_until = None, float("-inf")

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
