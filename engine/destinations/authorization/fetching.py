"""Rim. One token for a process: the one all share, or a new one when it falls to us to ask.

Whoever is given the right to ask says every few seconds that it is still there; when it dies,
another takes over. Those who wait look again in steps. A store that fails stops nobody: the process
asks for a token of its own.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

from engine.channel.environment import CLIENT_SECRET_BASIC
from engine.destinations.authorization import codes
from engine.destinations.authorization.assertion import secret_of
from engine.destinations.authorization.failures import FAILURE_CODES, failed
from engine.destinations.authorization.requesting import Client, Issued, TokenRequester
from engine.destinations.authorization.scopes import Permissions
from engine.destinations.authorization.sealing import SealBrokenError, kept_name, seal, unseal
from engine.destinations.authorization.token_shelf import OwnShelf, TokenShelf, TokensUnavailable
from engine.destinations.interface import AuthorizationFailed, SecretSource
from engine.diagnostics import Diagnostic, Severity
from engine.pipeline.shared_token import (
    LEASE_SECONDS,
    REQUESTS_SECONDS_MIN,
    Look,
    Verdict,
    fresh_seconds,
)

UNREACHABLE_SECONDS = 5.0
"""After a request that did not reach the endpoint: it cannot have been throttled."""
SIGN_OF_LIFE_SECONDS = LEASE_SECONDS / 5
LOOK_SECONDS_MIN = 0.05
LOOK_SECONDS_MAX = 0.5
"""Between two looks at what another's request brings."""
_NOT_ASKED = frozenset({"auth-unreachable", "auth-secret", "auth-key", "auth-method"})
"""Failures of this process's own: they say nothing to the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A token in hand."""

    issued: Issued
    seconds_left: float
    """Of its life, when it was asked for or looked up."""
    renew_seconds: float
    """Until it is to be renewed; may be past, while another renews it."""
    generation: int
    shelf: TokenShelf = field(repr=False)
    """The generation is of this one."""

    def is_same(self, other: "Fetched | None") -> bool:
        """True when it is the very token of another fetch, not only one of the same text."""
        if other is None or other.shelf is not self.shelf:
            return False
        return 0 < self.generation == other.generation


class _ApartError(Exception):
    """The shared token is sealed with another credential."""


class TokenFetcher:
    """Brings tokens of one client."""

    def __init__(
        self,
        client: Client,
        source: SecretSource,
        requester: TokenRequester,
        *,
        clock: Callable[[], float],
        shared: TokenShelf | None = None,
    ) -> None:
        """Args: the client; where secrets come from; who asks the endpoint; the clock of lifetimes;
        what all processes share, None: nothing.
        """
        self._client = client
        self._source = source
        self._requester = requester
        self._shared = shared
        self._own = OwnShelf(clock)
        self._holder = secrets.token_hex(8)

    async def fetch(self, wanted: Permissions, refused: Fetched | None) -> Fetched:
        """A token in force.

        Args:
            wanted: what it must permit.
            refused: the one before, when the API answered 401 to it.

        Raises:
            AuthorizationFailed: there is none; `retry_after_seconds` says when to ask again.
        """
        name = kept_name(self._client, wanted)
        if self._shared is not None:
            with suppress(TokensUnavailable, _ApartError):
                return await self._fetch(self._shared, name, wanted, refused)
        return await self._fetch(self._own, name, wanted, refused)

    async def _fetch(
        self, shelf: TokenShelf, name: str, wanted: Permissions, refused: Fetched | None
    ) -> Fetched:
        told = refused.generation if refused is not None and refused.shelf is shelf else 0
        pause, unreadable = LOOK_SECONDS_MIN, 0
        while True:
            look = await shelf.look(name, self._holder, refused=told, unreadable=unreadable)
            if look.verdict is Verdict.ASK:
                return await self._ask(shelf, name, wanted)
            if look.verdict is Verdict.BLOCKED:
                raise self._blocked(look)
            if look.verdict is Verdict.APART:
                raise _ApartError
            if look.verdict is Verdict.USE:
                try:
                    return self._opened(shelf, name, look)
                except SealBrokenError:
                    unreadable = look.kept.generation
                    continue
            await asyncio.sleep(pause)
            pause = min(pause * 2, LOOK_SECONDS_MAX)

    async def _ask(self, shelf: TokenShelf, name: str, wanted: Permissions) -> Fetched:
        """Ask the endpoint, as the only one, and let all know what came of it."""
        try:
            issued = await self._issued(shelf, name, wanted)
        except AuthorizationFailed as problem:
            raise await self._denied(shelf, name, problem) from None
        except asyncio.CancelledError:
            with suppress(TokensUnavailable):  # nobody is to wait for one who has given up
                await shelf.deny(name, self._holder, "", 0.0)
            raise
        generation = 0
        with suppress(TokensUnavailable):
            sealed = self._sealed(shelf, name, issued)
            generation = await shelf.give(name, self._holder, sealed, issued.lifetime_seconds)
        return Fetched(
            issued=issued,
            seconds_left=issued.lifetime_seconds,
            renew_seconds=fresh_seconds(issued.lifetime_seconds),
            generation=generation,
            shelf=shelf,
        )

    async def _issued(self, shelf: TokenShelf, name: str, wanted: Permissions) -> Issued:
        request = asyncio.create_task(self._requester.issue(wanted))
        try:
            while not (await asyncio.wait({request}, timeout=SIGN_OF_LIFE_SECONDS))[0]:
                with suppress(TokensUnavailable):
                    await shelf.extend(name, self._holder)
            return request.result()
        finally:
            request.cancel()

    async def _denied(
        self, shelf: TokenShelf, name: str, problem: AuthorizationFailed
    ) -> AuthorizationFailed:
        """Tell the others what concerns them too; the failure with its pause."""
        own = problem.code in _NOT_ASKED
        pause = UNREACHABLE_SECONDS if own else REQUESTS_SECONDS_MIN
        pause = max(pause, problem.retry_after_seconds or 0.0)
        with suppress(TokensUnavailable):
            await shelf.deny(name, self._holder, _as_text(problem), 0.0 if own else pause)
        return failed(problem.code, problem.explanation, pause)

    def _blocked(self, look: Look) -> AuthorizationFailed:
        waiting = look.kept.blocked_until - look.now
        if look.kept.failure:
            return _of_text(look.kept.failure, waiting)
        client = self._client.authorization.client_id
        return failed("auth-token", codes.TOKEN_REFUSED(client=client), waiting)

    def _sealed(self, shelf: TokenShelf, name: str, issued: Issued) -> bytes:
        content = orjson.dumps([issued.value, sorted(issued.granted), list(issued.asked)])
        return content if shelf is self._own else seal(self._credential(), name, content)

    def _opened(self, shelf: TokenShelf, name: str, look: Look) -> Fetched:
        """Raises SealBrokenError, AuthorizationFailed without a credential."""
        kept = look.kept
        shared = shelf is not self._own
        content = unseal(self._credential(), name, kept.sealed) if shared else kept.sealed
        value, granted, asked = orjson.loads(content)
        return Fetched(
            issued=Issued(
                value=value,
                granted=frozenset(granted),
                asked=tuple(asked),
                lifetime_seconds=kept.lifetime_seconds,
            ),
            seconds_left=look.seconds_left,
            renew_seconds=kept.renew_at - look.now,
            generation=kept.generation,
            shelf=shelf,
        )

    def _credential(self) -> str:
        """What the client proves itself with; TokensUnavailable when it is empty."""
        own = self._client.authorization
        reference = own.secret if own.method == CLIENT_SECRET_BASIC else own.key
        found = secret_of(reference, self._source) if reference is not None else ""
        if not found.strip():
            raise TokensUnavailable
        return found


def _as_text(problem: AuthorizationFailed) -> str:
    """A failure for all who wait; explanations hold no secret."""
    shown = problem.explanation
    return orjson.dumps([problem.code, shown.code, shown.message, shown.hint]).decode()


def _of_text(text: str, waiting_seconds: float) -> AuthorizationFailed:
    code, shown, message, hint = orjson.loads(text)
    explanation = Diagnostic(code=shown, severity=Severity.ERROR, message=message, hint=hint)
    return failed(code if code in FAILURE_CODES else "auth-refused", explanation, waiting_seconds)
