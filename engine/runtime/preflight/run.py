"""Rim. All thirteen checks of a tenant, in order. Report section 6."""

from dataclasses import replace

from engine.destinations.authorization.discovery import PATH, SmartConfiguration
from engine.destinations.interface import AuthorizationFailed, Token
from engine.runtime.preflight.access import check_access, check_identifiers, check_references
from engine.runtime.preflight.findings import Finding, failed, unchecked
from engine.runtime.preflight.local import check_environment, check_local_state
from engine.runtime.preflight.probing import Prober, open_prober, token_problem
from engine.runtime.preflight.statement import check_capabilities
from engine.runtime.preflight.subject import Subject
from engine.runtime.preflight.tables import check_code_values, check_documents
from engine.runtime.preflight.tokens import check_discovery, check_token, discover
from engine.runtime.preflight.transport import (
    Contact,
    check_clock,
    check_connection,
    check_patch,
    contact,
)

Discovered = SmartConfiguration | AuthorizationFailed | None


async def preflight(subject: Subject, *, write_canary: bool = False) -> list[Finding]:
    """Check one tenant.

    Args:
        subject: the tenant, and what channels ask of it.
        write_canary: write to the test patient too, unchanged.

    Returns:
        The findings by number of check, at least one for each; never raises for what it finds.
    """
    prober = open_prober(subject)
    if prober is None:
        remedy = "check the files of `tls` in the environment"
        found = [failed(1, "the TLS files of the tenant cannot be used", remedy)]
        found += [unchecked(number, 1) for number in range(2, 12)]
        found += [*check_environment(subject, None), *check_local_state(subject)]
    else:
        try:
            found = await _checks(subject, prober, write_canary)
        finally:
            await prober.close()
    return [replace(one, tenant=subject.tenant.name) for one in found]


async def _checks(subject: Subject, prober: Prober, write_canary: bool) -> list[Finding]:
    discovered = await discover(subject)
    contacts = await _contacts(subject, discovered)
    found = [*check_connection(subject, contacts), *check_clock(subject, contacts)]
    token = None
    if contacts[0].problem:
        found += [unchecked(number, 1) for number in range(3, 9)]
    else:
        found += check_discovery(subject, discovered)
        found += await check_token(subject, prober)
        token = await _token(prober)  # before the API may refuse it
        found += await check_capabilities(subject, prober)
        if token is None and prober.tokens is not None:
            found += [unchecked(number, 4) for number in (6, 7, 8)]
        else:
            found += await check_access(subject, prober, write=write_canary)
            found += await check_references(subject, prober)
            found += await check_identifiers(subject, prober)
    found += await check_code_values(subject, prober)
    found += check_documents(subject)
    found += [unchecked(11, 1)] if contacts[0].problem else await check_patch(subject, prober)
    return [*found, *check_environment(subject, token), *check_local_state(subject)]


async def _token(prober: Prober) -> Token | None:
    if prober.tokens is None or await token_problem(prober.tokens) is not None:
        return None
    return await prober.tokens.token()


async def _contacts(subject: Subject, discovered: Discovered) -> list[Contact]:
    """One connection to each host, that of FHIR first."""
    tenant = subject.tenant
    own = tenant.authorization
    urls = [tenant.fhir_root + PATH]
    if own is not None and own.token_url:
        urls.append(own.token_url)
    elif isinstance(discovered, SmartConfiguration):
        urls.append(discovered.token_endpoint)
    if tenant.ehr_api_root:
        urls.append(tenant.ehr_api_root)
    hosts = {url.split("/")[2]: url for url in reversed(urls)}
    ordered = sorted(hosts.values(), key=urls.index)
    return [await contact(url, tenant.tls, subject) for url in ordered]
