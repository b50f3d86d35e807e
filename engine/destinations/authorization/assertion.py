"""Rim. The client's proof: HTTP Basic, or an assertion signed with its private key.

RFC 6749 section 2.3.1; RFC 7523 section 3 and SMART Backend Services (RS384, ES384, at most five
minutes, used once). Keys and assertions live for one request.
"""

import base64
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from engine.channel.connection import SecretReference
from engine.channel.environment import AuthorizationConfig
from engine.destinations.authorization import codes
from engine.destinations.authorization.failures import failed
from engine.destinations.interface import SecretSource

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 240
"""Below the five minutes that are allowed: clocks differ."""
RSA_BITS_MIN = 2048
_CURVE = "P-384"


def basic(client_id: str, secret: str) -> str:
    """The Authorization header of client_secret_basic."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode("ascii")


def assertion(config: AuthorizationConfig, key_text: str, audience: str, now: float) -> str:
    """A signed assertion for one request.

    Args:
        config: the client.
        key_text: its private key, PEM or JWK.
        audience: the token endpoint's URL.
        now: Unix seconds.

    Raises:
        AuthorizationFailed: the key cannot be used.
    """
    key = private_key(config, key_text)
    claims = {
        "iss": config.client_id,
        "sub": config.client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(24),
        "iat": int(now),
        "exp": int(now) + ASSERTION_SECONDS,
    }
    header = {"alg": config.algorithm, "kid": config.key_id, "typ": "JWT"}
    return jwt.encode(header, claims, key, algorithms=[config.algorithm])


def private_key(config: AuthorizationConfig, text: str) -> RSAKey | ECKey:
    """The key, checked against the algorithm.

    Raises:
        AuthorizationFailed: it is none, a public one, or does not fit; its text is not shown.
    """
    wanted: type[RSAKey] | type[ECKey] = RSAKey if config.algorithm.startswith("RS") else ECKey
    try:
        content: Any = orjson.loads(text) if text.lstrip().startswith("{") else text
        key = wanted.import_key(content)
        problem = _unfit(key)
    except (JoseError, ValueError, TypeError, KeyError):
        problem = f"it is no {wanted.key_type} private key"
    if problem:
        raise failed("auth-key", codes.KEY_UNUSABLE(reference=config.key, problem=problem))
    return key


def _unfit(key: RSAKey | ECKey) -> str:
    if not key.is_private:
        return "it is the public key"
    if isinstance(key, ECKey):
        return "" if key.curve_name == _CURVE else f"its curve is {key.curve_name}, not {_CURVE}"
    bits = key.private_key.key_size if key.private_key else 0
    return "" if bits >= RSA_BITS_MIN else f"it has {bits} bits, less than {RSA_BITS_MIN}"


def key_set(configs: Iterable[AuthorizationConfig], source: SecretSource) -> dict[str, Any]:
    """The public JWK Set of clients, as registered or served (RFC 7517 section 5).

    Raises:
        AuthorizationFailed: a key cannot be read or used.
    """
    keys: dict[str, dict[str, Any]] = {}
    for config in configs:
        if config.key is None:
            continue
        public = private_key(config, secret_of(config.key, source)).as_dict(private=False)
        keys[config.key_id] = {
            **public,
            "kid": config.key_id,
            "alg": config.algorithm,
            "use": "sig",
            "key_ops": ["verify"],
        }
    return {"keys": list(keys.values())}


def secret_of(reference: SecretReference, source: SecretSource) -> str:
    """The secret's value.

    Raises:
        AuthorizationFailed: there is none.
    """
    try:
        return source(reference)
    except (OSError, KeyError, ValueError):
        raise failed("auth-secret", codes.SECRET_ABSENT(reference=reference)) from None
