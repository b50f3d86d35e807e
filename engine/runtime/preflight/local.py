"""Rim. Checks 12 and 13: classes and credentials are not mixed, and what the engine keeps here."""

import base64
import hmac
import time
from functools import partial
from pathlib import Path

import orjson

from engine.channel.connection import SecretReference
from engine.channel.environment import PRIVATE_KEY_JWT, EnvironmentClass, EnvironmentConfig
from engine.destinations.authorization.assertion import private_key, secret_of
from engine.destinations.interface import AuthorizationFailed, Token
from engine.diagnostics import Diagnostic
from engine.millennium.identity.entries import Claim, LedgerKey
from engine.runtime.preflight.findings import Finding, failed, passed, warned
from engine.runtime.preflight.subject import Subject
from engine.store.interface import StoreUnavailable
from engine.store.open_store import open_state

GUARD_CODES = frozenset({"C472", "C473", "C474", "C476", "C478"})
"""What `engine check` refuses that mixes classes of environments."""
SECRET_DAYS_WARN = 365.0
DAY_SECONDS = 86_400.0
_OWNER = "preflight"
CLAIM_SECONDS = 30.0
CLOCK_SECONDS_WARN = 5.0


# -- check 12 --


def check_environment(subject: Subject, token: Token | None) -> list[Finding]:
    """The token is of this tenant, and no credential of production is used elsewhere."""
    findings = []
    tenant = subject.tenant
    claimed = _claimed_tenant(token)
    if claimed and claimed != tenant.tenant:
        evidence = "the token is of another tenant than the environment names"
        findings.append(failed(12, evidence, "correct `tenant`, or the client's registration"))
    own = [value for value in map(partial(_value, subject), subject.secret_references()) if value]
    for other in subject.others:
        if EnvironmentClass.PRODUCTION not in (other.kind, subject.environment.kind):
            continue
        theirs = _values(subject, other)
        if any(hmac.compare_digest(one, value) for one in theirs for value in own):
            evidence = f"the same secret is used in the environment {other.name} ({other.kind})"
            remedy = "give each environment a credential of its own, and change this one"
            findings.append(failed(12, evidence, remedy))
    kind = subject.environment.kind.value
    return findings or [passed(12, f"tenant, hosts and credentials are of class {kind}")]


def guard_findings(problems: list[Diagnostic]) -> list[Finding]:
    """What `engine check` says against the environment, as findings of check 12."""
    return [
        failed(12, f"{one.place}: {one.message}", one.hint or "")
        for one in problems
        if one.code in GUARD_CODES
    ]


def _claimed_tenant(token: Token | None) -> str:
    """The tenant that a token names, where it is a JWT; it is not verified here, only compared."""
    parts = token.value.split(".") if token else []
    if len(parts) != 3:
        return ""
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return ""
    found = claims.get("tenant") if isinstance(claims, dict) else None
    return found if isinstance(found, str) else ""


def _value(subject: Subject, reference: SecretReference) -> bytes:
    try:
        return subject.secrets(reference).encode()
    except (OSError, KeyError, ValueError):
        return b""


def _values(subject: Subject, other: EnvironmentConfig) -> list[bytes]:
    references = [
        one
        for tenant in other.tenants.values()
        if tenant.authorization is not None
        for one in (tenant.authorization.secret, tenant.authorization.key)
        if one is not None
    ]
    return [value for value in (_value(subject, one) for one in references) if value]


# -- check 13 --


def check_local_state(subject: Subject) -> list[Finding]:
    """The ledger takes a claim, clocks go forward, secrets are not old, the key signs."""
    findings = [*_ledger(subject), *_clocks(subject), *_secrets(subject), *_key(subject)]
    if findings:
        return findings
    return [passed(13, "ledger writable, clocks in step, credentials readable")]


def _ledger(subject: Subject) -> list[Finding]:
    root = subject.tenant.fhir_root
    key = LedgerKey(resource_type="Basic", system="urn:engine:preflight", value=_OWNER)
    try:
        store = open_state(subject.store_url)
        try:
            ledger = store.ledger
            claimed = ledger.claim(root, [key], _OWNER, CLAIM_SECONDS)
            ledger.release(root, [key], _OWNER)
        finally:
            store.close()
    except (StoreUnavailable, OSError) as error:
        remedy = "make the data directory writable, or start the database; see docs/store.md"
        return [failed(13, f"the ledger cannot be written: {error}", remedy)]
    if claimed is Claim.REFUSED:
        return [warned(13, "another preflight runs", "wait until it has ended")]
    return []


def _clocks(subject: Subject) -> list[Finding]:
    """This machine's clock has not gone backward, and files get its time."""
    mark = subject.folder / "clock"
    try:
        subject.folder.mkdir(parents=True, exist_ok=True)
        last = float(mark.read_text("ascii")) if mark.exists() else 0.0
        before = time.time()
        mark.write_text(str(before), "ascii")
        drift = abs(mark.stat().st_mtime - before)
    except (OSError, ValueError) as error:
        evidence = f"{mark} cannot be written ({type(error).__name__})"
        return [failed(13, evidence, "make the data directory writable")]
    if before < last - CLOCK_SECONDS_WARN:
        evidence = f"this machine's clock went back by {last - before:.0f} s"
        return [failed(13, evidence, "set it by NTP: order and ages of messages rest on it")]
    if drift > CLOCK_SECONDS_WARN:
        evidence = f"files get a time {drift:.0f} s apart from this machine's"
        return [warned(13, evidence, "set the clocks of this machine and its file server by NTP")]
    return []


def _secrets(subject: Subject) -> list[Finding]:
    findings = []
    for reference in subject.secret_references():
        try:
            subject.secrets(reference)
        except (OSError, KeyError, ValueError):
            evidence = f"the secret {reference} cannot be read"
            remedy = "set the variable, or check that the file is there and readable"
            findings.append(failed(13, evidence, remedy))
            continue
        days = _age_days(reference, subject.wall_clock())
        if days is not None and days > SECRET_DAYS_WARN:
            evidence = f"the secret {reference} is {days:.0f} days old"
            findings.append(warned(13, evidence, "have a new one issued, and replace the file"))
    return findings


def _age_days(reference: SecretReference, now: float) -> float | None:
    if reference.kind != "file":
        return None
    return (now - Path(reference.name).stat().st_mtime) / DAY_SECONDS


def _key(subject: Subject) -> list[Finding]:
    """The signing key loads, fits its algorithm, and has the key id that is registered."""
    own = subject.tenant.authorization
    if own is None or own.method != PRIVATE_KEY_JWT or own.key is None:
        return []
    try:
        private_key(own, secret_of(own.key, subject.secrets))
    except AuthorizationFailed as problem:
        if problem.code == "auth-secret":
            return []  # said above
        return [failed(13, problem.explanation.message, problem.explanation.hint or "")]
    return []
