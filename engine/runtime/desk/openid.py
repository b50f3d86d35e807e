"""Rim. Signing in at an OpenID provider: authorization code with PKCE (OpenID Connect Core 1.0,
section 3.1; RFC 7636; RFC 9207).

What has to be known again when the browser comes back (state, nonce, verifier) travels in a cookie
that is sealed, so nothing is kept for those who never come back. The roles are those that the
provider's groups map to, at every sign-in anew; who has none may not in.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from engine.channel.console import OidcConfig
from engine.runtime.desk.accounts import NAME_FORM
from engine.runtime.secrets import read_secret

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures with a key that only the provider has; never `none`, never a shared secret."""
COOKIE_SECONDS = 600
ANSWER_BYTES_MAX = 1_000_000
TIMEOUT_SECONDS = 10.0
LEEWAY_SECONDS = 60
_UNFIT = re.compile(r"[^a-z0-9._@-]+")
"""In a name."""

Fetch = Callable[[str, str, Mapping[str, str], bytes], bytes]
"""(method, URL, headers, body) to the body of a good answer. Raises ProviderFailed."""


class ProviderFailed(Exception):  # noqa: N818  said to the user in these words
    """The provider did not answer as it must; the text names what, and no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in on its way to the provider."""

    url: str
    """Where the browser goes."""
    cookie: str
    """What it brings back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who came back."""

    subject: str
    """`issuer|sub`: what stays the same when the name changes."""
    name: str
    roles: tuple[str, ...]
    channels: tuple[str, ...] | None


class Provider:
    """The provider of `console.yaml`.

    Args:
        config: its settings.
        return_url: where it sends browsers back to; registered there.
        key: seals the cookie.
        fetch: asks it; tests pass another.
    """

    def __init__(
        self, config: OidcConfig, return_url: str, key: bytes, fetch: "Fetch | None" = None
    ) -> None:
        self._config = config
        self._return_url = return_url
        self._key = hmac.digest(key, b"openid cookie", "sha256")
        self._fetch = fetch or fetch_over_http

    def begin(self, now: float, to: str) -> Begun:
        """Send a browser to the provider. Raises ProviderFailed."""
        metadata = self._metadata()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": self._return_url,
            "scope": " ".join(dict.fromkeys(("openid", *self._config.scopes))),
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        endpoint = _endpoint(metadata, "authorization_endpoint")
        joined = "&" if "?" in endpoint else "?"
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "to": to, "at": now}
        return Begun(url=f"{endpoint}{joined}{urlencode(asked)}", cookie=self._sealed(kept))

    def finish(self, now: float, cookie: str, answer: Mapping[str, str]) -> tuple[Identity, str]:
        """Who came back, and where the browser wanted to go.

        Args:
            now: Unix seconds.
            cookie: what the browser brought.
            answer: the parameters the provider sent it back with.

        Raises:
            ProviderFailed: any of it does not fit.
        """
        kept = self._opened(cookie, now)
        if not hmac.compare_digest(answer.get("state", "").encode(), kept["state"].encode()):
            raise ProviderFailed("the answer belongs to another sign-in: begin again")
        if answer.get("error"):
            raise ProviderFailed("the provider refused the sign-in")
        metadata = self._metadata()
        issuer = answer.get("iss")
        demanded = metadata.get("authorization_response_iss_parameter_supported") is True
        if (issuer is not None or demanded) and issuer != metadata["issuer"]:
            raise ProviderFailed("the answer is of another provider")
        tokens = self._tokens(metadata, answer.get("code", ""), kept["verifier"])
        claims = self._claims(metadata, tokens, kept["nonce"], now)
        return self._identity(claims), kept["to"]

    # -- the steps --

    def _metadata(self) -> dict[str, Any]:
        issuer = self._config.issuer.rstrip("/")
        url = f"{issuer}/.well-known/openid-configuration"
        found = self._json("GET", url, "metadata")
        if str(found.get("issuer", "")).rstrip("/") != issuer:
            raise ProviderFailed("the provider's metadata are of another issuer")
        return found

    def _tokens(self, metadata: Mapping[str, Any], code: str, verifier: str) -> dict[str, Any]:
        """RFC 6749, section 4.1.3. A public client proves itself by the verifier alone."""
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._return_url,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reference = self._config.client_secret
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if reference is None:
            body["client_id"] = self._config.client_id
        else:
            try:
                secret = read_secret(reference)
            except (KeyError, OSError):
                raise ProviderFailed("the console's secret cannot be read") from None
            if "client_secret_basic" in methods:
                headers["Authorization"] = _basic(self._config.client_id, secret)
            else:
                body |= {"client_id": self._config.client_id, "client_secret": secret}
        url = _endpoint(metadata, "token_endpoint")
        return self._json("POST", url, "tokens", headers, urlencode(body).encode())

    def _claims(
        self, metadata: Mapping[str, Any], tokens: Mapping[str, Any], nonce: str, now: float
    ) -> dict[str, Any]:
        """Check the ID token (OpenID Connect Core 1.0, section 3.1.3.7) and read what it says."""
        keys = self._json("GET", _endpoint(metadata, "jwks_uri"), "keys")
        access_token = str(tokens.get("access_token", ""))
        try:
            token = jwt.decode(
                str(tokens.get("id_token", "")),
                KeySet.import_key_set({"keys": list(keys.get("keys", []))}),
                algorithms=ALGORITHMS,
            )
            CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": metadata["issuer"]},
                    "aud": {"essential": True, "value": self._config.client_id},
                },
                {
                    "nonce": nonce,
                    "client_id": self._config.client_id,
                    "access_token": access_token,
                },
            ).validate(int(now), LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError) as problem:
            kind = type(problem).__name__
            raise ProviderFailed(f"the provider's ID token is not valid ({kind})") from None
        claims = dict(token.claims)
        wanted = {self._config.role_claim, self._config.name_claim}
        if not wanted <= claims.keys() and "userinfo_endpoint" in metadata and access_token:
            headers = {"Authorization": f"Bearer {access_token}"}
            url = _endpoint(metadata, "userinfo_endpoint")
            more = self._json("GET", url, "user information", headers)
            if more.get("sub") != claims["sub"]:
                raise ProviderFailed("the provider's user information is of somebody else")
            claims = more | claims
        return claims

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        groups = claims.get(self._config.role_claim, ())
        groups = [groups] if isinstance(groups, str) else list(groups or ())
        roles = tuple(
            dict.fromkeys(role for group, role in self._config.roles.items() if group in groups)
        )
        if not roles:
            raise ProviderFailed("no role of the console is given to this account")
        channels: tuple[str, ...] | None = None
        if self._config.channels:
            opened = [self._config.channels.get(str(group), ()) for group in groups]
            channels = tuple(dict.fromkeys(one for each in opened for one in each))
        said = str(claims.get(self._config.name_claim) or claims["sub"])
        name = _UNFIT.sub("-", said.strip().lower())[:64].strip("-._@")
        if not NAME_FORM.fullmatch(name):
            raise ProviderFailed("the provider gave no name that can be used")
        return Identity(
            subject=f"{claims['iss']}|{claims['sub']}", name=name, roles=roles, channels=channels
        )

    def _json(
        self,
        method: str,
        url: str,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> dict[str, Any]:
        asked = {"Accept": "application/json", **(headers or {})}
        try:
            found = orjson.loads(self._fetch(method, url, asked, body))
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise ProviderFailed(f"the provider's {what} cannot be read")
        return found

    # -- the cookie --

    def _sealed(self, values: Mapping[str, Any]) -> str:
        text = base64.urlsafe_b64encode(orjson.dumps(values)).decode()
        return f"{text}.{hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()}"

    def _opened(self, cookie: str, now: float) -> dict[str, Any]:
        text, _, seal = cookie.rpartition(".")
        own = hmac.new(self._key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(own.encode(), seal.encode("utf-8", "replace")):
            raise ProviderFailed("the sign-in was not begun in this browser: begin again")
        try:
            found: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(text))
        except (binascii.Error, orjson.JSONDecodeError):
            raise ProviderFailed("the sign-in cannot be read: begin again") from None
        if not 0 <= now - found["at"] <= COOKIE_SECONDS:
            raise ProviderFailed("the sign-in took too long: begin again")
        return found


def _basic(client_id: str, secret: str) -> str:
    """RFC 6749, section 2.3.1: both are form-encoded first."""
    pair = ":".join(urlencode({"": one})[1:] for one in (client_id, secret))
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    url = metadata.get(name)
    if not isinstance(url, str) or urlsplit(url).scheme not in ("https", "http"):
        raise ProviderFailed(f"the provider names no {name}")
    return url


def fetch_over_http(method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Ask over HTTP, without following redirects. Raises ProviderFailed."""
    return asyncio.run(_fetch(method, url, headers, body))


async def _fetch(method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    host = urlsplit(url).hostname or ""
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(
                method, url, headers=dict(headers), data=body or None, allow_redirects=False
            ) as response,
        ):
            content = await response.content.read(ANSWER_BYTES_MAX + 1)
            if response.status != 200 or len(content) > ANSWER_BYTES_MAX:
                raise ProviderFailed(f"the provider {host} answered {response.status}")
            return content
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as problem:
        kind = type(problem).__name__
        raise ProviderFailed(f"the provider {host} does not answer ({kind})") from None
