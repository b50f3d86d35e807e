"""Taking code values over real HTTP from a simulated Millennium."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from engine.channel.connection import SecretReference
from engine.channel.environment import AuthorizationConfig, EnvironmentClass, TenantConfig
from engine.runtime.codetables.ehr_api import SCOPE, FetchFailed
from engine.runtime.codetables.taking import take_code_values
from engine.simulator.millennium.code_values import CodeValue
from engine.simulator.millennium.options import (
    CLIENT_SECRET,
    DEFAULT_CLIENT,
    SimulatorOptions,
)
from engine.simulator.millennium.server import MillenniumSimulator


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[MillenniumSimulator]:
    options = SimulatorOptions(
        port=0,
        clients=(
            DEFAULT_CLIENT,
            replace(DEFAULT_CLIENT, client_id="trimmed", withheld=frozenset({SCOPE})),
        ),
    )
    found = MillenniumSimulator(options)
    await found.start()
    yield found
    await found.stop()


def tenant(simulator: MillenniumSimulator, client_id: str = "engine") -> TenantConfig:
    return TenantConfig(
        name="main",
        kind=EnvironmentClass.SANDBOX,
        tenant="sandbox",
        fhir_root=simulator.fhir_root(),
        ehr_api_root=simulator.ehr_api_root(),
        authorization=AuthorizationConfig(
            client_id=client_id, secret=SecretReference("env", "SECRET")
        ),
    )


async def test_every_page_of_a_large_code_set_is_taken_with_one_token(
    simulator: MillenniumSimulator,
) -> None:
    codes = simulator.tenants["sandbox"].codes
    for number in range(2_500):
        identity = str(9_000_000 + number)
        codes.put(CodeValue(code_set=72, id=identity, display=f"Event {number}", description=""))
    found = await take_code_values(tenant(simulator), [72, 71], lambda _: CLIENT_SECRET)
    by_set = {number: [one for one in found if one.code_set == number] for number in (72, 71)}
    assert len(by_set[72]) == len(list(codes.rows(72)))
    assert len(by_set[72]) > 2_500
    assert {one.value for one in by_set[71]} == {row.id for row in codes.rows(71)}
    assert [one.active for one in by_set[71]].count(False) == 1


async def test_a_wrong_secret_and_a_scope_that_is_not_granted_are_explained(
    simulator: MillenniumSimulator,
) -> None:
    with pytest.raises(FetchFailed, match="engine"):
        await take_code_values(tenant(simulator), [71], lambda _: "wrong")
    with pytest.raises(FetchFailed, match="code-system"):
        await take_code_values(tenant(simulator, "trimmed"), [71], lambda _: CLIENT_SECRET)


async def test_an_address_where_nobody_listens_is_named(simulator: MillenniumSimulator) -> None:
    gone = replace(tenant(simulator), ehr_api_root="http://127.0.0.1:9/x", authorization=None)
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1 did not answer"):
        await take_code_values(gone, [71], lambda _: "")
    with pytest.raises(FetchFailed, match="no `ehr_api`"):
        await take_code_values(replace(gone, ehr_api_root=""), [71], lambda _: "")
