"""Rim. What the store promises of tokens: one row for each client, changed by one at a time.

The store sees no token: what it keeps is sealed with the client's own credential, which it does
not have. What follows from a row is decided by `engine.pipeline.shared_token`. All calls block,
each is one transaction, and every failure is a StoreUnavailable.
"""

from typing import Protocol

from engine.pipeline.shared_token import Look

KEPT_SECONDS = 86_400.0
"""After its end a token's row is kept so long, so that no generation comes twice too soon."""


class TokenStore(Protocol):
    """Tokens shared by all processes of all nodes."""

    def look(self, client: str, holder: str, *, refused: int = 0, unreadable: int = 0) -> Look:
        """The token in force, or the right to ask for one, or that another has it.

        Args:
            client: key of the row; holds no secret.
            holder: who looks; one name for each token source of each process.
            refused: generation of a token that was answered with 401; 0: none.
            unreadable: generation of a token that the holder's credential does not open; 0: none.
        """
        ...

    def give(self, client: str, holder: str, sealed: bytes, lifetime_seconds: float) -> int:
        """Keep a token; its generation, or 0 when another has taken over meanwhile.

        Rows of tokens that ended a day ago are forgotten.
        """
        ...

    def deny(self, client: str, holder: str, failure: str, pause_seconds: float) -> None:
        """End the right to ask without a token, and keep why."""
        ...

    def extend(self, client: str, holder: str) -> None:
        """Keep the right to ask for a while longer."""
        ...
