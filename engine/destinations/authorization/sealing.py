"""Rim. A token sealed for those who hold the client's credential, and the name it is kept under.

AES-256-GCM (NIST SP 800-38D) under a key derived with HKDF-SHA256 (RFC 5869) from the client's own
secret or private key, which every worker holds already. So neither the store nor its backups hold
a usable token, and there is no further key to look after. The name is bound in: a token cannot be
put in another's place.
"""

import hashlib
import os

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.destinations.authorization.requesting import Client
from engine.destinations.authorization.scopes import Permissions

_PURPOSE = b"engine shared token 1"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class SealBrokenError(Exception):
    """It was sealed with another credential, under another name, or it is damaged."""


def kept_name(client: Client, wanted: Permissions) -> str:
    """Under which name the token of a client for these permissions is kept: a hash, no secret.

    Of the client's service root (which holds the tenant), token endpoint, id and scopes.
    """
    own = client.authorization
    parts = [
        *(client.root, client.ehr_api_root, own.token_url, own.ehr_api_token_url),
        *(own.client_id, own.method, own.algorithm, own.key_id, own.scope_syntax),
        list(own.scopes),
        sorted(map(list, wanted)) if not own.scopes else [],
    ]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def seal(credential: str, name: str, content: bytes) -> bytes:
    """The content as it may be stored."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_key(credential)).encrypt(nonce, content, name.encode())


def unseal(credential: str, name: str, sealed: bytes) -> bytes:
    """What was sealed. Raises SealBrokenError."""
    try:
        return AESGCM(_key(credential)).decrypt(
            sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode()
        )
    except (InvalidTag, ValueError):
        raise SealBrokenError from None


def _key(credential: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE)
    return derivation.derive(credential.strip().encode())
