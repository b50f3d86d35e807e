"""Pure. An environment as values: which tenants there are, where, and with which credentials.

The channels and maps are the same everywhere; what differs between sandbox, test and production is
one file of `environments/`, read by `channel.environments`. Report section 1.1 (roots and
tenancy), 2 (authorization of system accounts), 6 (environments).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.channel.connection import SecretReference, TlsConfig


class EnvironmentClass(StrEnum):
    """What kind of system an environment talks to; a tenant of another kind is refused."""

    OPEN = "open"
    """The open sandbox: read only, without a token."""
    SANDBOX = "sandbox"
    """The secure sandbox, a simulator."""
    TEST = "test"
    """A site's own domain without real patients."""
    PRODUCTION = "production"


class Mode(StrEnum):
    """Whether deliveries leave."""

    LIVE = "live"
    SHADOW = "shadow"
    """Rendered and validated, never sent."""


CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105  the name of a method
PRIVATE_KEY_JWT = "private_key_jwt"
METHODS = (CLIENT_SECRET_BASIC, PRIVATE_KEY_JWT)
"""How a client proves itself at the token endpoint (RFC 7591 section 2)."""
ALGORITHMS = ("RS384", "ES384")
"""Of a signed assertion: what SMART Backend Services demands."""
SCOPE_SYNTAXES = ("v1", "v2")
NORMALISATIONS = ("trim", "upper", "strip-zeros", "digits", "alphanumeric")
"""How identifiers of an alias pool are brought to one form before they are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationConfig:
    """One client at an authorization server: OAuth 2.0 client credentials, RFC 6749 section 4.4."""

    client_id: str
    method: str = CLIENT_SECRET_BASIC
    secret: SecretReference | None = None
    """Of client_secret_basic."""
    key: SecretReference | None = None
    """Of private_key_jwt: the private key, PEM or JWK."""
    key_id: str = ""
    algorithm: str = "RS384"
    token_url: str = ""
    """Empty: discovered from `.well-known/smart-configuration` below the FHIR root."""
    ehr_api_token_url: str = ""
    """Of the EHR API, whose tokens are its own; empty: the discovered one with its host."""
    scopes: tuple[str, ...] = ()
    """Empty: derived from the calls."""
    scope_syntax: str = ""
    """v1 or v2 of SMART, as registered; empty: found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasPool:
    """One identifier system of a tenant."""

    system: str = ""
    """The identifier system, `urn:oid:` and the pool's OID."""
    normalise: tuple[str, ...] = ()
    pool: str = ""
    """Its code value in code set 263."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryConfig:
    """Records that preflight may look at: a test patient's, never a real one's."""

    patient: str = ""
    """Id of a test patient."""
    patient_identifier: str = ""
    """`system|value` of it, as a message would say it: must find that one patient."""
    encounter: str = ""
    encounter_identifier: str = ""
    """`system|value` of a visit (FIN) of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantConfig:
    """One Millennium tenant."""

    name: str = ""
    """As destinations name it."""
    kind: EnvironmentClass
    tenant: str
    """An opaque path segment."""
    fhir_root: str
    """Service root without a slash at the end, the tenant in place."""
    ehr_api_root: str = ""
    """Root of the EHR REST API; empty: not used."""
    services: Mapping[str, str] = field(default_factory=dict)
    """Roots of the site's own services, which tenant-specific calls name."""
    authorization: AuthorizationConfig | None = None
    """None: no token is asked for, which only the open sandbox takes."""
    tls: TlsConfig | None = None
    enrolling_organization: str = ""
    """Id of the Organization that enrols the patients created here."""
    region: str = "us"
    """Decides the host of proprietary code systems."""
    snapshot: str = ""
    """File of the code values, relative to the project."""
    alias_pools: Mapping[str, AliasPool] = field(default_factory=dict)
    """By identifier system."""
    capabilities: Mapping[str, str] = field(default_factory=dict)
    """What this tenant lacks, such as `Patient.patch`, and what to do in its place."""
    references: tuple[str, ...] = ()
    """`Organization/1` and the like, which channels write: preflight looks whether they exist."""
    canary: CanaryConfig = field(default_factory=CanaryConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminologyConfig:
    """A terminology server: FHIR R4 with `ConceptMap/$translate`."""

    server: str
    token: SecretReference | None = None
    tls: TlsConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentConfig:
    """One environment, checked."""

    name: str
    kind: EnvironmentClass
    mode: Mode = Mode.LIVE
    release_first: int = 0
    """Of each destination, this many messages wait for a person's release."""
    tenants: Mapping[str, TenantConfig] = field(default_factory=dict)
    terminology: TerminologyConfig | None = None
    file: str = ""
    """The file it was read from."""


_HOST_OF_REGION = {"us": "fhir.cerner.com", "ca": "fhir.ca.cerner.com", "au": "fhir.au.cerner.com"}
REGIONS = tuple(_HOST_OF_REGION)


def code_system(tenant: TenantConfig, code_set: int) -> str:
    """The URI of a proprietary code set at this tenant (report 1.1 and 1.7)."""
    return f"https://{_HOST_OF_REGION[tenant.region]}/{tenant.tenant}/codeSet/{code_set}"
