"""What an OpenID provider says is believed only when all of it fits."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from engine.channel.console import OidcConfig
from engine.runtime.desk.openid import COOKIE_SECONDS, Provider, ProviderFailed

ISSUER = "https://id.example.org/realms/hospital"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
CONFIG = OidcConfig(
    issuer=ISSUER,
    client_id="engine",
    roles={"HL7": "support", "Chiefs": "administrator"},
)


@dataclass
class FakeProvider:
    """Answers as it is told to."""

    claims: dict[str, Any] = field(default_factory=dict)
    """Over those of a good token; None takes one out."""
    metadata: dict[str, Any] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: KEY)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    user: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        self.asked.append((url, body))
        path = urlsplit(url).path.rpartition("/")[2]
        found = {
            "openid-configuration": self.describe,
            "token": self.tokens,
            "keys": lambda: {"keys": [KEY.as_dict(private=False)]},
            "user": lambda: self.user,
        }[path]()
        return json.dumps(found).encode()

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/login",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            **self.metadata,
        }

    def tokens(self) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": "u1",
            "aud": "engine",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "preferred_username": "Ruth",
            "groups": ["HL7"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(self.header, claims, self.key, algorithms=[self.header["alg"]])
        return {"access_token": "access", "id_token": token, "token_type": "Bearer"}


SignIn = Callable[..., Any]


@pytest.fixture
def sign_in() -> SignIn:
    """A whole sign-in at a fake provider."""

    def run(fake: FakeProvider, config: OidcConfig = CONFIG, **answer: str) -> Any:
        provider = Provider(config, "https://console.example.org/openid/back", b"key", fake)
        now = time.time()
        begun = provider.begin(now, "/messages")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
        fake.nonce = asked["nonce"]
        returned = {"code": "c", "state": asked["state"], **answer}
        return provider.finish(now + float(answer.pop("after", "1")), begun.cookie, returned)

    return run


def test_a_good_answer_is_an_identity(sign_in: SignIn) -> None:
    fake = FakeProvider()
    identity, to = sign_in(fake)
    assert (identity.subject, identity.name) == (f"{ISSUER}|u1", "ruth")
    assert (identity.roles, identity.channels, to) == (("support",), None, "/messages")
    sent = parse_qs(fake.asked[-2][1].decode())
    assert sent["client_id"] == ["engine"]
    assert len(sent["code_verifier"][0]) >= 43


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": ["engine", "other"], "azp": "other"},
        {"iss": "https://id.example.org/realms/other"},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"groups": ["Everybody"]},
        {"groups": None},
    ],
)
def test_a_token_that_says_something_else_is_refused(
    sign_in: SignIn, claims: dict[str, Any]
) -> None:
    with pytest.raises(ProviderFailed) as failed:
        sign_in(FakeProvider(claims=claims))
    assert "ruth" not in str(failed.value).lower()


def test_a_token_is_signed_with_a_key_of_the_provider(sign_in: SignIn) -> None:
    with pytest.raises(ProviderFailed, match="BadSignatureError"):
        sign_in(FakeProvider(key=OTHER))
    secret = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))
    with pytest.raises(ProviderFailed):
        sign_in(FakeProvider(key=secret, header={"alg": "HS256", "kid": "one"}))


def test_an_unsigned_token_is_refused(sign_in: SignIn) -> None:
    class Unsigned(FakeProvider):
        def tokens(self) -> dict[str, Any]:
            _, payload, _ = super().tokens()["id_token"].split(".")
            return {"access_token": "a", "id_token": f"eyJhbGciOiJub25lIn0.{payload}."}

    with pytest.raises(ProviderFailed, match="not valid"):
        sign_in(Unsigned())


@pytest.mark.parametrize(
    ("metadata", "answer", "words"),
    [
        ({}, {"state": "other"}, "another sign-in"),
        ({}, {"error": "access_denied"}, "refused"),
        ({}, {"iss": "https://evil.example"}, "another provider"),
        ({"authorization_response_iss_parameter_supported": True}, {}, "another provider"),
        ({"issuer": "https://evil.example"}, {}, "another issuer"),
        ({"token_endpoint": "file:///etc/passwd"}, {}, "no token_endpoint"),
        ({}, {"after": str(COOKIE_SECONDS + 1)}, "too long"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(
    sign_in: SignIn, metadata: dict[str, Any], answer: dict[str, str], words: str
) -> None:
    with pytest.raises(ProviderFailed, match=words):
        sign_in(FakeProvider(metadata=metadata), **answer)


def test_a_cookie_that_was_not_sealed_here_is_refused() -> None:
    fake = FakeProvider()
    begun = Provider(CONFIG, "https://x.example/openid/back", b"another key", fake).begin(0.0, "/")
    here = Provider(CONFIG, "https://x.example/openid/back", b"key", fake)
    for cookie in (begun.cookie, "", "x", f"{begun.cookie}0"):
        with pytest.raises(ProviderFailed, match="begin again"):
            here.finish(1.0, cookie, {"state": "x", "code": "c"})


def test_what_the_token_lacks_is_asked_for_and_must_be_of_the_same_person(sign_in: SignIn) -> None:
    about = {"sub": "u1", "groups": ["Chiefs"], "preferred_username": "R. Müller"}
    metadata = {"userinfo_endpoint": f"{ISSUER}/user"}
    without = {"groups": None, "preferred_username": None}
    identity, _ = sign_in(FakeProvider(claims=without, metadata=metadata, user=about))
    assert (identity.roles, identity.name) == (("administrator",), "r.-m-ller")
    other = FakeProvider(claims=without, metadata=metadata, user=about | {"sub": "u2"})
    with pytest.raises(ProviderFailed, match="somebody else"):
        sign_in(other)


def test_a_scope_opens_the_channels_of_the_groups_and_nothing_else(sign_in: SignIn) -> None:
    from dataclasses import replace

    scoped = replace(CONFIG, channels={"Lab": ("oru", "lab"), "Desk": ("adt",)})
    both, _ = sign_in(FakeProvider(claims={"groups": ["HL7", "Lab", "Desk"]}), scoped)
    assert both.channels == ("oru", "lab", "adt")
    none, _ = sign_in(FakeProvider(claims={"groups": "HL7"}), scoped)
    assert none.channels == ()


def test_answers_that_are_no_answers_are_said_to_be_none() -> None:
    provider = Provider(CONFIG, "https://x.example/openid/back", b"key", lambda *_: b"<html>")
    with pytest.raises(ProviderFailed, match="metadata cannot be read"):
        provider.begin(0.0, "/")
