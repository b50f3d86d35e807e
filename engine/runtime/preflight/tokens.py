"""Rim. Checks 3 and 4: discovery, and a token with the scopes that the channels need."""

from urllib.parse import urlsplit

from engine.channel.environment import PRIVATE_KEY_JWT, AuthorizationConfig
from engine.channel.environment_guard import HOST_IN_PATH, TENANT_IN_PATH
from engine.destinations.authorization.discovery import SmartConfiguration
from engine.destinations.authorization.requesting import Client, TokenRequester, client_of
from engine.destinations.authorization.scopes import (
    Permissions,
    Syntax,
    described,
    needed,
    permissions,
    rendered,
)
from engine.destinations.authorization.token_cache import TokenCache
from engine.destinations.interface import AuthorizationFailed, Token
from engine.runtime.preflight.findings import Finding, failed, passed, warned
from engine.runtime.preflight.probing import Prober
from engine.runtime.preflight.subject import Subject

NO_TOKEN = "the open sandbox needs no token"  # noqa: S105  words
OFFER = "register the client with what is offered, and write it in `authorization`"


async def discover(subject: Subject) -> SmartConfiguration | AuthorizationFailed | None:
    """What the FHIR root says of its authorization; None where none is needed."""
    client = client_of(subject.tenant)
    if client is None:
        return None
    # A token URL that is written needs no discovery; here both are looked at.
    config = client.authorization
    written = AuthorizationConfig(client_id=config.client_id, method=config.method)
    bare = Client(authorization=written, root=client.root, tls=client.tls, kind=client.kind)
    try:
        return await TokenRequester(bare, subject.secrets).discovered()
    except AuthorizationFailed as problem:
        return problem


# -- check 3 --


def check_discovery(
    subject: Subject, found: SmartConfiguration | AuthorizationFailed | None
) -> list[Finding]:
    """The endpoint is this tenant's and this host's; method, algorithm and syntax are offered."""
    own = subject.tenant.authorization
    if own is None or found is None:
        return [passed(3, NO_TOKEN)]
    if isinstance(found, AuthorizationFailed):
        if own.token_url:
            return [
                warned(
                    3,
                    f"{found.explanation.message}; `token_url` is used",
                    "check `token_url` by hand: discovery does not confirm it",
                )
            ]
        return [failed(3, found.explanation.message, found.explanation.hint or "")]
    findings = _endpoint(subject, found, own)
    findings += _offered(found, own)
    if findings:
        return findings
    syntaxes = ", ".join(sorted(one.value for one in found.syntaxes)) or "not said"
    host = urlsplit(found.token_endpoint).hostname
    return [passed(3, f"token endpoint at {host}, {own.method}; scope syntax: {syntaxes}")]


def _endpoint(
    subject: Subject, found: SmartConfiguration, own: AuthorizationConfig
) -> list[Finding]:
    tenant = subject.tenant
    path = urlsplit(found.token_endpoint).path
    fhir_host = urlsplit(tenant.fhir_root).hostname
    findings = [
        failed(
            3,
            f"the token endpoint is that of the tenant {other}, not of {tenant.tenant}",
            "correct `fhir` or `tenant`",
        )
        for other in TENANT_IN_PATH.findall(path)
        if other != tenant.tenant
    ]
    findings += [
        failed(
            3,
            f"the token endpoint is for the host {other}, not for {fhir_host}",
            "correct `fhir`: tokens of another host are not taken",
        )
        for other in HOST_IN_PATH.findall(path)
        if other.partition(":")[0] != fhir_host
    ]
    if own.token_url and own.token_url != found.token_endpoint:
        findings.append(
            warned(
                3,
                "`token_url` is not the endpoint that discovery names",
                "leave `token_url` out, unless the site told you otherwise",
            )
        )
    return findings


def _offered(found: SmartConfiguration, own: AuthorizationConfig) -> list[Finding]:
    pairs = [("method", own.method, found.methods)]
    if own.method == PRIVATE_KEY_JWT:
        pairs.append(("algorithm", own.algorithm, found.algorithms))
    pairs.append(("grant", "client_credentials", found.grants))
    syntaxes = tuple(sorted(one.value for one in found.syntaxes))
    if own.scope_syntax:
        pairs.append(("scope syntax", own.scope_syntax, syntaxes))
    return [
        failed(3, f"the {what} {value} is not offered, but {', '.join(offered)}", OFFER)
        for what, value, offered in pairs
        if offered and value not in offered
    ]


# -- check 4 --


async def check_token(subject: Subject, prober: Prober) -> list[Finding]:
    """A token for each API that is used; what was granted against what the channels need."""
    own = subject.tenant.authorization
    if own is None or prober.tokens is None:
        return [passed(4, NO_TOKEN)]
    # Beside what channels need: to read what is looked at, where that is granted.
    prober.tokens.want(frozenset(rendered(_looked_at(subject), Syntax.V2)))
    found = [await _fhir_token(own, prober.tokens, subject.wanted())]
    if prober.ehr_tokens is not None:
        found.append(await _ehr_token(subject, prober.ehr_tokens))
    return found


async def _fhir_token(own: AuthorizationConfig, cache: TokenCache, wanted: Permissions) -> Finding:
    cache.want(frozenset(rendered(wanted, Syntax.V2)))
    try:
        token = await cache.token()
    except AuthorizationFailed as problem:
        return failed(4, problem.explanation.message, problem.explanation.hint or "")
    syntax = _syntax(token)
    evidence = f"{_life(token)}, {len(token.granted)} scopes of SMART {syntax.value}"
    lacking = wanted - permissions(token.granted)
    if not lacking:
        return passed(4, evidence)
    missing = described(lacking, syntax)
    where = "name it in `scopes` too and register" if own.scopes else "register"
    return failed(
        4,
        f"{evidence}; not granted: {missing}",
        f"{where} the client {own.client_id} for {missing}; a change takes some minutes to arrive",
    )


async def _ehr_token(subject: Subject, cache: TokenCache) -> Finding:
    wanted = subject.wanted_of_ehr_api()
    try:
        token = await cache.token(wanted)
    except AuthorizationFailed as problem:
        evidence = f"EHR API: {problem.explanation.message}"
        remedy = problem.explanation.hint or ""
        own = subject.tenant.authorization
        if problem.code == "auth-trimmed" and own is not None and own.scopes:
            remedy = f"name them in `scopes` too; {remedy}"
        if any(call.api == "ehr-api" for call in subject.calls()):
            return failed(4, evidence, remedy)
        return warned(4, evidence, f"{remedy}; without it code values cannot be verified")
    return passed(4, f"EHR API: {_life(token)}")


def _looked_at(subject: Subject) -> Permissions:
    """What the other checks read."""
    kinds = {reference.partition("/")[0] for reference in subject.tenant.references}
    return needed((kind, "read") for kind in {"Patient", "Organization", *kinds})


def _syntax(token: Token) -> Syntax:
    v1 = any(one.endswith((".read", ".write")) for one in token.granted)
    return Syntax.V1 if v1 else Syntax.V2


def _life(token: Token) -> str:
    return f"a token for {token.lifetime_seconds:.0f} s"
