"""Tokens of the simulated Millennium: methods, syntaxes, tenants, and grants that change."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey, RSAKey
from multidict import CIMultiDict
from yarl import URL

from engine.channel.connection import SecretReference
from engine.channel.environment import (
    PRIVATE_KEY_JWT,
    AuthorizationConfig,
    EnvironmentClass,
    TenantConfig,
)
from engine.destinations.authorization.assertion import key_set
from engine.destinations.authorization.bearing import Bearing
from engine.destinations.authorization.requesting import client_of
from engine.destinations.authorization.sources import TokenSources
from engine.destinations.http_exchange import Answer, HttpExchange, Request
from engine.destinations.interface import AuthorizationFailed, TokenSource
from engine.destinations.tls import client_context
from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.options import (
    CLIENT_SECRET,
    DEFAULT_CLIENT,
    RegisteredClient,
    SimulatorOptions,
    Smart,
)
from engine.simulator.millennium.seed import CANARY
from engine.simulator.millennium.server import MillenniumSimulator

BASIC = AuthorizationConfig(client_id="engine", secret=SecretReference("env", "S"))
PATIENT = frozenset({"system/Patient.crus"})
WRITES = PATIENT | {"system/Observation.crus", "system/Encounter.crus"}


@dataclass
class Site:
    """A simulator and one who calls it with tokens."""

    simulator: MillenniumSimulator
    secret: str = CLIENT_SECRET
    opened: list[TokenSource] = field(default_factory=list)
    http: HttpExchange = field(
        default_factory=lambda: HttpExchange(
            connections_max=50, connect_seconds=5.0, context=client_context(None)
        )
    )

    def source(
        self, config: AuthorizationConfig = BASIC, *, ehr_api: bool = False, tenant: str = ""
    ) -> TokenSource:
        root = self.simulator.fhir_root()
        found = TenantConfig(
            name="main",
            kind=EnvironmentClass.SANDBOX,
            tenant="sandbox",
            fhir_root=f"{root.rpartition('/')[0]}/{tenant}" if tenant else root,
            ehr_api_root=self.simulator.ehr_api_root(),
            authorization=config,
        )
        client = client_of(found, ehr_api=ehr_api)
        assert client is not None
        made = TokenSources().open(client, lambda _: self.secret)
        self.opened.append(made)
        return made

    async def get(self, source: TokenSource, path: str, scopes: frozenset[str]) -> int:
        headers = CIMultiDict({"Accept": "application/fhir+json"})
        request = Request("GET", URL(f"{self.simulator.fhir_root()}/{path}"), headers, None)
        answer = await Bearing(source, "simulator").exchange(
            self.http, request, timeout_seconds=20.0, scopes=scopes
        )
        assert isinstance(answer, Answer), answer
        return answer.status

    @property
    def issued(self) -> int:
        return self.simulator.tokens.issued


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Callable[..., object]]:
    made: list[Site] = []

    async def start(**options: object) -> Site:
        simulator = MillenniumSimulator(SimulatorOptions(**options))  # type: ignore[arg-type]
        await simulator.start()
        made.append(Site(simulator))
        return made[-1]

    yield start
    for one in made:
        for source in one.opened:
            await source.close()
        await one.http.close()
        await one.simulator.stop()


async def test_two_hundred_calls_at_once_hit_the_token_endpoint_once(site):
    found = await site()
    source = found.source()
    path = f"Patient/{CANARY}"
    statuses = await asyncio.gather(*(found.get(source, path, PATIENT) for _ in range(200)))
    assert set(statuses) == {200}
    assert found.simulator.paths["POST token"] == 1


@pytest.mark.parametrize("kind", [Kind.TOKEN_REVOKED, Kind.TOKEN_EXPIRED])
async def test_a_token_that_ends_early_is_renewed_once_for_all(site, kind: Kind):
    found = await site()
    source = found.source()
    path = f"Patient/{CANARY}"
    assert await found.get(source, path, PATIENT) == 200
    found.simulator.faults.set([FaultRule(fault=kind, path="/r4/*", times=1)])
    statuses = await asyncio.gather(*(found.get(source, path, PATIENT) for _ in range(50)))
    assert set(statuses) == {200}
    assert found.issued == 2


@pytest.mark.parametrize("smart", list(Smart))
async def test_a_client_of_either_syntax_gets_a_token_without_being_told(site, smart: Smart):
    found = await site(smart=smart)
    source = found.source()
    assert await found.get(source, f"Patient/{CANARY}", PATIENT) == 200
    assert found.issued == 1
    assert found.simulator.paths["POST token"] == (1 if smart is Smart.V2 else 2)


async def test_a_trimmed_grant_names_what_is_missing_and_lets_the_rest_pass(site):
    client = replace(DEFAULT_CLIENT, withheld=frozenset({"system/Observation.crus"}))
    found = await site(clients=(client,))
    source = found.source()
    await source.token(WRITES - {"system/Observation.crus"})
    with pytest.raises(AuthorizationFailed) as caught:
        await source.token(WRITES)
    assert caught.value.code == "auth-trimmed"
    assert "lacks system/Observation.crus" in caught.value.explanation.message
    assert await found.get(source, f"Patient/{CANARY}", PATIENT) == 200


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
async def test_a_signed_assertion_is_taken_with_the_published_key(site, algorithm: str):
    key = RSAKey.generate_key(2048) if algorithm == "RS384" else ECKey.generate_key("P-384")
    pem = key.as_pem(private=True).decode()
    config = replace(
        BASIC,
        method=PRIVATE_KEY_JWT,
        secret=None,
        key=SecretReference("env", "K"),
        key_id="k1",
        algorithm=algorithm,
    )
    published = key_set([config], lambda _: pem)
    found = await site(clients=(RegisteredClient(client_id="engine", jwks=published),))
    found.secret = pem
    assert await found.get(found.source(config), f"Patient/{CANARY}", PATIENT) == 200


@pytest.mark.parametrize(
    ("config", "tenant", "code"),
    [
        (replace(BASIC, client_id="somebody"), "", "auth-client"),
        (replace(BASIC, scopes=("system/Nonsense.crus",)), "", "auth-scopes"),
        (BASIC, "elsewhere", "auth-discovery"),
    ],
)
async def test_what_is_wrong_with_a_client_is_said(
    site, config: AuthorizationConfig, tenant: str, code: str
):
    found = await site()
    with pytest.raises(AuthorizationFailed) as caught:
        await found.source(config, tenant=tenant).token(PATIENT)
    assert caught.value.code == code


async def test_a_tenant_that_has_not_enabled_the_client_is_named(site):
    client = replace(DEFAULT_CLIENT, tenants=("other",))
    found = await site(clients=(client,), tenants=("sandbox", "other"))
    with pytest.raises(AuthorizationFailed) as caught:
        await found.source().token(PATIENT)
    assert caught.value.code == "auth-tenant"
    assert "correlation id" in caught.value.explanation.message


async def test_the_ehr_api_gets_tokens_of_its_own(site):
    found = await site()
    source = found.source(ehr_api=True)
    token = await source.token(frozenset({"oraclehealth:millennium:code-system"}))
    assert token.granted == {"oraclehealth:millennium:code-system"}
