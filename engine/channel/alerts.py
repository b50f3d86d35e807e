"""Pure. `alerts:` of `console.yaml` as values: what is a fault, and who is told."""

from dataclasses import dataclass

from engine.channel.connection import SecretReference


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailConfig:
    """A mail server and who gets mail."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    security: str = "starttls"
    """starttls, tls or none."""
    user: str = ""
    password: SecretReference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfig:
    """An address that is sent JSON."""

    url: str
    token: SecretReference | None = None
    """Sent as `Authorization: Bearer`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsConfig:
    """When something is a fault, and who is told, once at its beginning and once at its end."""

    silence: bool = True
    """A channel is quiet for twice its longest gap at that hour of the week."""
    queue_seconds: float = 900.0
    """The oldest message of a channel waits longer."""
    error_percent: float = 10.0
    """Of what a channel received in the last quarter of an hour."""
    errors_min: int = 10
    """Fewer errors are no error rate."""
    outage_seconds: float = 300.0
    """A destination does not answer for longer."""
    certificate_days: int = 21
    """A certificate of the configuration ends sooner."""
    disk_percent: float = 10.0
    """Free, on the disk of the data folder, less."""
    email: EmailConfig | None = None
    webhook: WebhookConfig | None = None
