"""Rim. Client assertions (private_key_jwt): signature by a registered key, claims, single use.

SMART Backend Services, RFC 7523 section 3. The vendor says no more about them.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from engine.simulator.millennium.options import RegisteredClient

ALGORITHMS = ["RS384", "ES384"]
LIFETIME_MAX_SECONDS = 300
USED_MAX = 100_000


class BadAssertionError(Exception):
    """An assertion that proves nothing; the text says why, for the log of a test."""


@dataclass(slots=True)
class Assertions:
    """Verifies assertions and remembers those that were used."""

    _used: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)

    def verify(
        self,
        text: str,
        *,
        clients: Mapping[str, RegisteredClient],
        audience: str,
        now: float,
    ) -> str:
        """The client that signed. Raises BadAssertionError.

        Args:
            text: the JWT.
            clients: who is registered, with their public keys.
            audience: the URL of the token endpoint.
            now: seconds since 1970.
        """
        client = clients.get(_issuer(text))
        if client is None or client.jwks is None:
            raise BadAssertionError("nobody with registered keys issued it")
        try:
            keys = KeySet.import_key_set(dict(client.jwks))  # type: ignore[arg-type]
            claims = jwt.decode(text, keys, algorithms=ALGORITHMS).claims
        except (JoseError, KeyError, TypeError, ValueError) as problem:
            raise BadAssertionError(type(problem).__name__) from None
        self._check_claims(claims, client.client_id, audience, now)
        return client.client_id

    def _check_claims(
        self, claims: Mapping[str, Any], client_id: str, audience: str, now: float
    ) -> None:
        if claims.get("iss") != client_id or claims.get("sub") != client_id:
            raise BadAssertionError("iss and sub are not the client")
        audiences = claims.get("aud")
        if audience not in (audiences if isinstance(audiences, list) else [audiences]):
            raise BadAssertionError("aud is not this token endpoint")
        expires = claims.get("exp")
        if not isinstance(expires, int | float) or not now < expires <= now + LIFETIME_MAX_SECONDS:
            raise BadAssertionError("exp is past, or more than five minutes away")
        used = (client_id, str(claims.get("jti") or ""))
        if not used[1] or used in self._used:
            raise BadAssertionError("jti is missing or was used before")
        self._used[used] = float(expires)
        while len(self._used) > USED_MAX or next(iter(self._used.values())) <= now:
            self._used.popitem(last=False)


def _issuer(text: str) -> str:
    """Who an assertion says it is from, before anything is believed."""
    from base64 import urlsafe_b64decode

    import orjson

    parts = text.split(".")
    try:
        claims = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        return ""
    return str(claims.get("iss", "")) if isinstance(claims, dict) else ""
