"""Rim. Asking the services of a tenant: the EHR API, with a token of its own."""

from collections.abc import Sequence

from yarl import URL

from engine.channel.environment import TenantConfig
from engine.codevalues.snapshot import CodeValue
from engine.destinations.authorization.bearing import Bearing
from engine.destinations.authorization.requesting import client_of
from engine.destinations.authorization.token_cache import TokenCache
from engine.destinations.http_exchange import Answer, HttpExchange, Request
from engine.destinations.interface import AuthorizationFailed, SecretSource
from engine.destinations.tls import client_context
from engine.diagnostics import render
from engine.pipeline.response import Fault
from engine.runtime.codetables.ehr_api import SCOPE, FetchFailed, fetch_code_values

TIMEOUT_SECONDS = 30.0
CONNECT_SECONDS = 10.0
_SCOPES = frozenset({SCOPE})


async def take_code_values(
    tenant: TenantConfig, code_sets: Sequence[int], secrets: SecretSource
) -> list[CodeValue]:
    """All code values of these sets, asked of the tenant's EHR API.

    Args:
        tenant: the checked tenant.
        code_sets: their numbers.
        secrets: where credentials come from.

    Raises:
        FetchFailed: no token, no answer, or one that cannot be used.
        OSError: a certificate cannot be read.
    """
    if not tenant.ehr_api_root:
        raise FetchFailed(f"the tenant {tenant.name} has no `ehr_api`: name it, or use --from FILE")
    http = HttpExchange(
        connections_max=1,
        connect_seconds=CONNECT_SECONDS,
        context=client_context(tenant.tls),
        server_name=tenant.tls.server_name if tenant.tls else None,
    )
    client = client_of(tenant, ehr_api=True)
    bearing = None
    if client is not None:
        bearing = Bearing(TokenCache(client, secrets), URL(tenant.ehr_api_root).host or "")

    async def ask(request: Request) -> Answer | Fault:
        if bearing is None:
            return await http.exchange(request, timeout_seconds=TIMEOUT_SECONDS)
        return await bearing.exchange(
            http, request, timeout_seconds=TIMEOUT_SECONDS, scopes=_SCOPES
        )

    try:
        if bearing is not None:
            await bearing.token(_SCOPES)
        return await fetch_code_values(ask, tenant.ehr_api_root, code_sets)
    except AuthorizationFailed as problem:
        raise FetchFailed(render(problem.explanation)) from None
    finally:
        if bearing is not None:
            await bearing.close()
        await http.close()
