"""Rim. How a simulated Millennium is to behave: its address, tenants, clients and switches."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

TOKEN_LIFETIME_SECONDS = 570
RESOURCES_MAX = 200_000
RESERVED = frozenset({"r4", "open", "tenants", "custom", "_simulator"})
"""First segments of paths that are no tenants."""
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]{1,100}")
CLIENT_ID = "engine"
CLIENT_SECRET = "simulator-secret"  # noqa: S105  of the simulator, on loopback


class Smart(StrEnum):
    """The scope syntax an app is registered for; the other syntax is not granted to it."""

    V1 = "v1"
    V2 = "v2"


class UnsupportedFields(StrEnum):
    """What becomes of a field the interaction does not list."""

    IGNORE = "ignore"
    REFUSE = "422"


class Errors(StrEnum):
    """Whether refusals read as documented or as reported from the sandbox."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"


class MissingIfMatch(StrEnum):
    """What an update without If-Match gets (of an Appointment it is always 412)."""

    REFUSE = "412"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClient:
    """A system account, as registered with the vendor."""

    client_id: str
    secret: str = ""
    jwks: Mapping[str, Any] | None = None
    """Public keys for private_key_jwt."""
    smart: Smart | None = None
    """None: as the simulator's."""
    scopes: tuple[str, ...] | None = None
    """What the app is registered for; None: all there are in its syntax."""
    withheld: frozenset[str] = frozenset()
    """Scopes left out of those, so that a grant comes back trimmed."""
    tenants: tuple[str, ...] | None = None
    """Tenants that enabled the app; None: all."""


DEFAULT_CLIENT = RegisteredClient(client_id=CLIENT_ID, secret=CLIENT_SECRET)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """What a simulator is started with."""

    address: str = "127.0.0.1"
    port: int = 0
    """0: any free port."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tenants: tuple[str, ...] = ("sandbox",)
    clients: tuple[RegisteredClient, ...] = (DEFAULT_CLIENT,)
    smart: Smart = Smart.V2
    unsupported_fields: UnsupportedFields = UnsupportedFields.IGNORE
    errors: Errors = Errors.DOCUMENTED
    missing_if_match: MissingIfMatch = MissingIfMatch.ACCEPT
    repeat_across_pages: bool = False
    """The last entry of a page comes again first on the next one."""
    token_lifetime_seconds: int = TOKEN_LIFETIME_SECONDS
    resources_max: int = RESOURCES_MAX
    """Of each tenant; a create beyond it is refused with 507."""
    state_file: Path | None = None
    record_folder: Path | None = None
    record_from: str = ""
    """Root of the site's own service that calls under /custom/ are recorded from."""
    replay_folder: Path | None = None
    clock: Callable[[], float] = field(default=time.time)

    def __post_init__(self) -> None:
        """Raises ValueError for tenants that no path could name."""
        if not self.tenants or len(set(self.tenants)) < len(self.tenants):
            raise ValueError("there is at least one tenant, and each is named once")
        for tenant in self.tenants:
            if not _SEGMENT.fullmatch(tenant) or tenant in RESERVED:
                raise ValueError(f"{tenant!r} cannot be a tenant: it is a segment of paths")
