"""Rim. Token sources shared by the destinations of a process: one for each client at a service.

Their tokens are shared by all processes where there is a shelf for them."""

from dataclasses import dataclass, field

from engine.destinations.authorization.requesting import Client
from engine.destinations.authorization.token_cache import TokenCache
from engine.destinations.authorization.token_shelf import TokenShelf
from engine.destinations.interface import SecretSource, Token


@dataclass(slots=True)
class _Shared:
    cache: TokenCache
    users: int = 0


@dataclass(slots=True)
class TokenSources:
    """The token sources in use."""

    shelf: TokenShelf | None = None
    """Where all processes share their tokens; None: each has its own."""
    _open: dict[Client, _Shared] = field(default_factory=dict)

    def open(
        self, client: Client, secrets: SecretSource, scopes: frozenset[str] = frozenset()
    ) -> "SharedTokenSource":
        """The source of a client, for one more user.

        Args:
            client: at which service, with which credentials.
            secrets: where they come from; of the first user, that of all.
            scopes: what this user will ask for, so that one token is good for all of it.
        """
        shared = self._open.get(client)
        if shared is None:
            shared = self._open[client] = _Shared(TokenCache(client, secrets, shared=self.shelf))
        shared.cache.want(scopes)
        shared.users += 1
        return SharedTokenSource(self, client, shared)

    async def leave(self, client: Client, shared: _Shared) -> None:
        """One user less; the last one closes."""
        shared.users -= 1
        if shared.users == 0:
            if self._open.get(client) is shared:
                del self._open[client]
            await shared.cache.close()


class SharedTokenSource:
    """One user's view of a shared source."""

    def __init__(self, sources: TokenSources, client: Client, shared: _Shared) -> None:
        self._sources = sources
        self._client = client
        self._shared: _Shared | None = shared
        self._cache = shared.cache

    async def token(self, scopes: frozenset[str] = frozenset()) -> Token:
        """A token that permits these scopes. Raises AuthorizationFailed."""
        return await self._cache.token(scopes)

    def rejected(self, token: Token) -> None:
        """The API answered 401 to it: the next `token` renews, once."""
        self._cache.rejected(token)

    async def close(self) -> None:
        """Leave it to its other users; without any, forget the token."""
        shared, self._shared = self._shared, None
        if shared is not None:
            await self._sources.leave(self._client, shared)
