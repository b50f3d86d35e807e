"""Tokens over real HTTP: asked for once, renewed in time, refused with reason and remedy."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio
import token_host
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from token_host import CORRELATION, TokenHost, basic_pair, refused

from engine.channel.connection import SecretReference
from engine.channel.environment import (
    PRIVATE_KEY_JWT,
    AuthorizationConfig,
    EnvironmentClass,
)
from engine.destinations.authorization.assertion import key_set
from engine.destinations.authorization.failures import FAILURE_CODES
from engine.destinations.authorization.requesting import Client
from engine.destinations.authorization.sources import TokenSources
from engine.destinations.authorization.token_cache import TokenCache
from engine.destinations.interface import AuthorizationFailed, Token

SECRET = "s3cret/+ä"
CONFIG = AuthorizationConfig(client_id="engine 1", secret=SecretReference("env", "SECRET"))
BOTH = frozenset({"system/Patient.crus", "system/Observation.crus"})


@dataclass
class Site:
    """A token host, a client of it, and a clock."""

    host: TokenHost
    now: float = 1000.0
    wall: float = 1_767_225_600.0
    secrets: dict[str, str] = field(default_factory=lambda: {"SECRET": SECRET})
    made: list[TokenCache] = field(default_factory=list)

    def cache(self, config: AuthorizationConfig = CONFIG, **changes: object) -> TokenCache:
        client = Client(authorization=config, root=self.host.root, kind=EnvironmentClass.SANDBOX)
        made = TokenCache(
            replace(client, **changes),  # type: ignore[arg-type]
            lambda reference: self.secrets[reference.name],
            clock=lambda: self.now,
            wall_clock=lambda: self.wall,
        )
        self.made.append(made)
        return made

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110  a request at a server has no event here
            await asyncio.sleep(0)


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with token_host.running() as host:
        made = Site(host)
        yield made
        for cache in made.made:
            await cache.close()


async def failure(cache: TokenCache, scopes: frozenset[str] = BOTH) -> AuthorizationFailed:
    with pytest.raises(AuthorizationFailed) as caught:
        await cache.token(scopes)
    problem = caught.value
    assert problem.code in FAILURE_CODES
    assert problem.explanation.hint
    assert not problem.classification.accepted
    assert SECRET not in problem.shown.decode()
    return problem


async def test_two_hundred_who_ask_at_once_make_one_request(site: Site):
    cache = site.cache()
    tokens = await asyncio.gather(*(cache.token(BOTH) for _ in range(200)))
    assert {token.value for token in tokens} == {"token-1"}
    assert (site.host.issued, site.host.discoveries) == (1, 1)
    assert site.host.forms[0]["grant_type"] == "client_credentials"
    assert site.host.forms[0]["scope"] == "system/Observation.crus system/Patient.crus"
    assert basic_pair(site.host.proofs[0]) == "engine+1:s3cret%2F%2B%C3%A4"


async def test_within_the_last_minute_one_renews_and_nobody_waits(site: Site):
    cache = site.cache()
    await cache.token(BOTH)
    site.now += 505
    assert (await cache.token(BOTH)).value == "token-1"
    site.now += 6
    site.host.hold = asyncio.Event()
    old = await asyncio.gather(*(cache.token(BOTH) for _ in range(200)))
    assert {token.value for token in old} == {"token-1"}
    site.host.hold.set()
    await site.until(lambda: cache._entry.request is None)
    assert (await cache.token(BOTH)).value == "token-2"
    assert site.host.issued == 2
    assert site.host.discoveries == 1


async def test_who_waits_for_an_expired_token_gets_the_next_one(site: Site):
    cache = site.cache()
    await cache.token(BOTH)
    site.now += 571
    tokens = await asyncio.gather(*(cache.token(BOTH) for _ in range(50)))
    assert {token.value for token in tokens} == {"token-2"}
    assert site.host.issued == 2


async def test_one_who_gives_up_waiting_does_not_take_the_token_from_others(site: Site):
    cache = site.cache()
    site.host.hold = asyncio.Event()
    impatient = asyncio.create_task(cache.token(BOTH))
    patient = asyncio.create_task(cache.token(BOTH))
    await site.until(lambda: bool(site.host.forms))
    impatient.cancel()
    site.host.hold.set()
    assert (await patient).value == "token-1"
    assert impatient.cancelled()


async def test_a_refused_token_is_renewed_once_and_then_not_before_a_minute(site: Site):
    cache = site.cache()
    first = await cache.token(BOTH)
    for _ in range(200):
        cache.rejected(first)
    second = await cache.token(BOTH)
    assert (second.value, site.host.issued) == ("token-2", 2)
    cache.rejected(first)  # a late answer to the old one
    assert await cache.token(BOTH) == second
    cache.rejected(second)
    problem = await failure(cache)
    assert problem.code == "auth-token"
    assert problem.retry_after_seconds == 60.0
    assert site.host.issued == 2
    site.now += 61
    assert (await cache.token(BOTH)).value == "token-3"


async def test_a_token_that_lived_its_time_may_be_renewed_by_force_again(site: Site):
    cache = site.cache()
    cache.rejected(await cache.token(BOTH))
    await cache.token(BOTH)
    site.now += 600
    third = await cache.token(BOTH)
    cache.rejected(third)
    assert (await cache.token(BOTH)).value == "token-4"


async def test_a_trimmed_grant_stops_only_what_needs_what_is_missing(site: Site):
    site.host.registered = ("system/Patient.crus",)
    cache = site.cache()
    cache.want(BOTH)
    assert await cache.token(frozenset({"system/Patient.read"}))
    problem = await failure(cache)
    assert problem.code == "auth-trimmed"
    assert "lacks system/Observation.crus" in problem.explanation.message
    assert "granted: system/Patient.crus" in problem.explanation.message
    assert site.host.issued == 1


async def test_a_client_of_the_other_syntax_is_found_out_once(site: Site):
    site.host.registered = ("system/Patient.read", "system/Patient.write")
    cache = site.cache()
    patient = frozenset({"system/Patient.crus"})
    await cache.token(patient)
    assert [form["scope"] for form in site.host.forms] == [
        "system/Patient.crus",
        "system/Patient.read system/Patient.write",
    ]
    site.now += 600
    await cache.token(patient)
    assert len(site.host.forms) == 3


async def test_when_neither_syntax_is_granted_anything_the_scopes_are_named(site: Site):
    site.host.registered = ("system/Practitioner.read",)
    problem = await failure(site.cache(), frozenset({"system/Patient.r"}))
    assert problem.code == "auth-scopes"
    assert "system/Patient.read" in problem.explanation.message
    assert len(site.host.forms) == 2


@pytest.mark.parametrize(
    ("status", "error", "urn", "code", "shown"),
    [
        (401, "invalid_client", "invalid-client-credentials", "auth-client", "S770"),
        (401, "invalid_client", "invalid-authorization-header", "auth-proof", "S771"),
        (400, "invalid_grant", "invalid-tenant", "auth-tenant", "S772"),
        (400, "unsupported_grant_type", "unsupported-grant-type", "auth-grant", "S774"),
        (400, "invalid_request", "something-new", "auth-refused", "S775"),
    ],
)
async def test_each_error_of_the_token_host_has_its_words(
    site: Site, status: int, error: str, urn: str, code: str, shown: str
):
    site.host.answer = lambda _: refused(status, error, urn)
    problem = await failure(site.cache())
    assert (problem.code, problem.explanation.code) == (code, shown)
    assert CORRELATION in problem.explanation.message


async def test_refused_credentials_are_tried_once_a_minute_however_many_ask(site: Site):
    site.host.answer = lambda _: refused(401, "invalid_client", "invalid-client-credentials")
    cache = site.cache()
    found = await asyncio.gather(*(cache.token(BOTH) for _ in range(200)), return_exceptions=True)
    assert all(isinstance(one, AuthorizationFailed) for one in found)
    site.now += 30
    assert (await failure(cache)).retry_after_seconds == 30.0
    assert len(site.host.forms) == 1
    site.host.answer = None
    site.now += 30
    assert (await cache.token(BOTH)).value == "token-1"


async def test_a_renewal_that_fails_leaves_the_old_token_to_its_end(site: Site):
    cache = site.cache()
    await cache.token(BOTH)
    site.now += 520
    site.host.answer = lambda _: web.Response(status=503, headers={"Retry-After": "70"})
    assert (await cache.token(BOTH)).value == "token-1"
    await site.until(lambda: cache._entry.request is None)
    assert (await cache.token(BOTH)).value == "token-1"
    site.now += 51
    problem = await failure(cache)
    assert (problem.code, problem.retry_after_seconds) == ("auth-busy", 19.0)
    assert len(site.host.forms) == 2


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<html>", "no JSON object"),
        ("{}", "no usable access_token"),
        ('{"access_token": "a\\nb", "token_type": "Bearer"}', "no usable access_token"),
        ('{"access_token": "a", "token_type": "mac"}', "its token_type is not Bearer"),
    ],
)
async def test_an_answer_that_is_no_token_is_not_taken(site: Site, body: str, problem: str):
    site.host.answer = lambda _: web.Response(text=body, content_type="application/json")
    found = await failure(site.cache())
    assert (found.code, found.explanation.code) == ("auth-answer", "S778")
    assert problem in found.explanation.message


async def test_a_grant_without_scope_and_lifetime_is_what_was_asked_for(site: Site):
    site.host.answer = lambda _: web.json_response({"access_token": "t", "token_type": "bearer"})
    cache = site.cache()
    assert (await cache.token(BOTH)).granted == BOTH
    site.now += 301
    await cache.token(BOTH)
    assert len(site.host.forms) == 2


# -- discovery --


async def test_without_a_configuration_the_service_root_is_named(site: Site):
    site.host.discovery_status = 404
    problem = await failure(site.cache())
    assert (problem.code, problem.explanation.code) == ("auth-discovery", "S779")
    assert site.host.forms == []


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("http://authorization.example.org/token", "without TLS"),
        ("https://u:p@authorization.example.org/token", "credentials"),
        ("ftp://127.0.0.1/token", "no URL"),
        ("https://fhir-ehr.cerner.com/token", "not of class sandbox"),
    ],
)
async def test_credentials_are_not_sent_where_discovery_must_not_point(
    site: Site, endpoint: str, why: str
):
    site.host.discovery = {"token_endpoint": endpoint}
    problem = await failure(site.cache())
    assert problem.explanation.code == "S780"
    assert why in problem.explanation.message


async def test_a_method_that_is_not_offered_is_not_tried(site: Site):
    site.host.discovery = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    problem = await failure(site.cache())
    assert (problem.code, problem.explanation.code) == ("auth-method", "S781")
    assert site.host.forms == []


async def test_a_token_url_that_is_written_needs_no_discovery(site: Site):
    config = replace(CONFIG, token_url=site.host.token_url, scopes=("system/Patient.crus",))
    token = await site.cache(config).token(frozenset({"system/Patient.r"}))
    assert token.granted == {"system/Patient.crus"}
    assert site.host.discoveries == 0


async def test_the_ehr_api_has_a_token_endpoint_of_its_own(site: Site):
    endpoint = f"{site.host.url}/tenants/t1/hosts/fhir.example.org/token"
    site.host.discovery = {"token_endpoint": endpoint}
    cache = site.cache(ehr_api_root="https://api.example.org/t1")
    found = await cache._requester.discovered()
    assert found.token_endpoint == f"{site.host.url}/tenants/t1/hosts/api.example.org/token"


async def test_a_host_that_does_not_answer_is_asked_again_soon(site: Site):
    cache = site.cache(replace(CONFIG, token_url="http://127.0.0.1:9/token"))
    problem = await failure(cache)
    assert (problem.code, problem.explanation.code) == ("auth-unreachable", "S776")
    assert problem.retry_after_seconds == 5.0


async def test_a_secret_that_is_not_there_is_named_by_its_reference(site: Site):
    site.secrets.clear()
    problem = await failure(site.cache())
    assert (problem.code, problem.explanation.code) == ("auth-secret", "S785")
    assert "env:SECRET" in problem.explanation.message


# -- private_key_jwt --

SIGNED = replace(
    CONFIG, method=PRIVATE_KEY_JWT, secret=None, key=SecretReference("file", "/key"), key_id="k1"
)


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
@pytest.mark.parametrize("form", ["pem", "jwk"])
async def test_an_assertion_is_signed_for_the_endpoint_and_verifies_with_the_published_key(
    site: Site, algorithm: str, form: str
):
    key = RSAKey.generate_key(2048) if algorithm == "RS384" else ECKey.generate_key("P-384")
    config = replace(SIGNED, algorithm=algorithm)
    text = key.as_pem(private=True).decode()
    if form == "jwk":
        text = str(key.as_dict(private=True)).replace("'", '"')
    site.secrets["/key"] = text
    cache = site.cache(config)
    await cache.token(BOTH)
    site.now += 600
    await cache.token(BOTH)
    published = key_set([config], lambda reference: site.secrets[reference.name])
    assert not {"d", "p", "q"} & published["keys"][0].keys()
    jwks = KeySet.import_key_set(published)
    claims = []
    for sent in site.host.forms:
        assert sent["client_assertion_type"].endswith(":jwt-bearer")
        assertion = jwt.decode(sent["client_assertion"], jwks, algorithms=[algorithm])
        assert assertion.header["kid"] == "k1"
        claims.append(assertion.claims)
    assert {claim["aud"] for claim in claims} == {site.host.token_url}
    assert {(claim["iss"], claim["sub"]) for claim in claims} == {("engine 1", "engine 1")}
    assert len({claim["jti"] for claim in claims}) == 2
    assert claims[0]["exp"] - int(site.wall) <= 300
    assert site.host.proofs == ["", ""]


@pytest.mark.parametrize(
    ("key", "algorithm", "why"),
    [
        (lambda: ECKey.generate_key("P-384").as_pem(private=True), "RS384", "no RSA private key"),
        (lambda: ECKey.generate_key("P-256").as_pem(private=True), "ES384", "P-256"),
        (lambda: RSAKey.generate_key(2048).as_pem(private=False), "RS384", "the public key"),
        (lambda: b"rubbish", "RS384", "no RSA private key"),
    ],
)
async def test_a_key_that_does_not_fit_is_not_shown(site: Site, key, algorithm: str, why: str):
    site.secrets["/key"] = key().decode()
    problem = await failure(site.cache(replace(SIGNED, algorithm=algorithm)))
    assert (problem.code, problem.explanation.code) == ("auth-key", "S784")
    assert why in problem.explanation.message
    assert "file:/key" in problem.explanation.message


# -- shared --


async def test_destinations_of_one_client_share_its_token(site: Site):
    sources = TokenSources()
    client = Client(authorization=CONFIG, root=site.host.root)

    def secret(reference: SecretReference) -> str:
        return site.secrets[reference.name]

    patients = sources.open(client, secret, frozenset({"system/Patient.crus"}))
    results = sources.open(client, secret, frozenset({"system/Observation.crus"}))
    first: Token = await patients.token(frozenset({"system/Patient.crus"}))
    assert await results.token(frozenset({"system/Observation.crus"})) == first
    assert site.host.issued == 1
    await patients.close()
    await patients.close()
    assert await results.token() == first
    await results.close()
    again = sources.open(client, secret)
    assert (await again.token(frozenset({"system/Patient.r"}))).value == "token-2"
    await again.close()


def test_a_token_is_in_no_text_of_itself():
    token = Token(value="abc.def", granted=frozenset())
    assert "abc.def" not in f"{token} {token!r}"
