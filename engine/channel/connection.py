"""Pure. What a connection needs besides an address: secrets by reference, and TLS files.

A secret is a reference (`env:NAME` or `file:/path`), resolved by the rim when a connection is made;
its value is never part of a model.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is found: an environment variable or a file. Never the secret."""

    kind: str
    """env or file."""
    name: str

    def __str__(self) -> str:
        """`env:NAME`, safe to show."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """TLS of a listener or a destination; files are read again when they change."""

    certificate: str | None = None
    """PEM file of the own certificate with its chain."""
    key: str | None = None
    """PEM file of the own private key."""
    ca: str | None = None
    """PEM file of authorities to verify the peer with. A listener then asks for certificates."""
    server_name: str | None = None
    """Destination: name expected in the certificate, when it is not the host."""
