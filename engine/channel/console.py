"""Pure. `console.yaml` as values: where the console listens, who signs in how, what is masked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.channel.alerts import AlertsConfig
from engine.channel.connection import SecretReference, TlsConfig

ROLE_NAMES = ("viewer", "support", "analyst", "operator", "auditor", "administrator")
DEFAULT_PORT = 8088


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcConfig:
    """Signing in at an OpenID provider: OpenID Connect Core 1.0, authorization code with PKCE."""

    issuer: str
    """Its metadata are at `<issuer>/.well-known/openid-configuration`."""
    client_id: str
    client_secret: SecretReference | None = None
    """None: a public client, which PKCE alone proves."""
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "preferred_username"
    role_claim: str = "groups"
    roles: Mapping[str, str] = field(default_factory=dict)
    """Value of the role claim to role."""
    channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Value of the role claim to the channels it opens; empty: all."""
    label: str = "Sign in with the hospital's account"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskingConfig:
    """Fields added to the shipped masking policy."""

    show: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleConfig:
    """The console's settings."""

    environment: str = ""
    address: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    url: str = ""
    """How browsers reach it, when that is not its address and port."""
    tls: TlsConfig | None = None
    proxies: tuple[str, ...] = ()
    """Addresses whose X-Forwarded-For is believed."""
    time_zone: str = "UTC"
    idle_seconds: float = 900.0
    session_seconds: float = 43_200.0
    sessions_per_user: int = 5
    searches_at_once: int = 1
    niceness: int = 10
    audit_key: SecretReference | None = None
    """What the audit trail is sealed with; None: a key in the store."""
    second_approval_from: int = 1000
    """Messages of a replay that another person has to agree to; 0: none."""
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    oidc: OidcConfig | None = None
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
