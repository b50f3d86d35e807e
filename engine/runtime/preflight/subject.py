"""Rim. What preflight looks at: one tenant, and what the channels will ask of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.channel.connection import SecretReference
from engine.channel.environment import EnvironmentConfig, TenantConfig
from engine.channel.lacking import interaction_of
from engine.channel.model import Configuration, MillenniumDestinationConfig
from engine.codevalues.project import CodeValueFiles
from engine.destinations.authorization.scopes import Permissions, needed, needs
from engine.destinations.interface import SecretSource
from engine.millennium.calls.model import EHR_API, IGNITE, CallPreset, Interaction

CODE_SYSTEM_SCOPE = "oraclehealth:millennium:code-system"
"""Of the look-up of code values (report section 3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One tenant of the environment in force."""

    environment: EnvironmentConfig
    tenant: TenantConfig
    destinations: tuple[MillenniumDestinationConfig, ...] = ()
    """Of all channels, those of this tenant."""
    code_values: CodeValueFiles = field(default_factory=CodeValueFiles)
    others: tuple[EnvironmentConfig, ...] = ()
    """Environments of another class, as far as they can be read here."""
    folder: Path
    """Where preflight keeps what it compares with the next time."""
    store_url: str
    secrets: SecretSource
    variables: Mapping[str, str]
    """Of the process: proxies stand there."""
    wall_clock: Callable[[], float]
    """Unix seconds."""

    def calls(self) -> tuple[CallPreset, ...]:
        """Every request the channels may make there, each once: writes and look-ups."""
        found: dict[str, CallPreset] = {}
        for destination in self.destinations:
            for call in (*destination.calls, *destination.finders):
                found.update((part.name, part) for part in call.plain)
        return tuple(found.values())

    def interactions(self) -> tuple[tuple[str, str], ...]:
        """(resource type, interaction) of the FHIR calls; an operation by its name."""
        pairs = {
            (call.resource, interaction_of(call))
            for call in self.calls()
            if call.api == IGNITE and call.resource
        }
        return tuple(sorted(pairs))

    def uses(self, resource: str, *interactions: str) -> bool:
        """True when a call does one of these with the type; without words: anything."""
        return any(
            kind == resource and (not interactions or word in interactions)
            for kind, word in self.interactions()
        )

    def search_parameters(self) -> Iterator[tuple[str, str]]:
        """(resource type, parameter) of the searches."""
        for call in self.calls():
            if call.api == IGNITE and call.interaction is Interaction.SEARCH:
                yield from ((call.resource, name) for name, _ in call.query)

    def wanted(self) -> Permissions:
        """What the token must permit: what the calls declare, and what they need."""
        return needed(self.interactions()) | needs(self._scopes(IGNITE))

    def wanted_of_ehr_api(self) -> frozenset[str]:
        """Scopes of the EHR API: those of the calls, and that of the code values."""
        return self._scopes(EHR_API) | {CODE_SYSTEM_SCOPE}

    def _scopes(self, api: str) -> frozenset[str]:
        """What the calls of an API declare."""
        calls = (call for call in self.calls() if call.api == api)
        return frozenset(scope for call in calls for scope in call.scopes_v2 or call.scopes)

    def secret_references(self) -> list[SecretReference]:
        """Of the tenant's credentials."""
        own = self.tenant.authorization
        found = (own.secret, own.key) if own is not None else ()
        return [one for one in found if one is not None]


def destinations_of(
    configuration: Configuration, tenant: str
) -> tuple[MillenniumDestinationConfig, ...]:
    """The Millennium destinations of a tenant, of all enabled channels."""
    return tuple(
        one
        for channel in configuration.channels
        if channel.enabled
        for one in channel.destinations
        if isinstance(one, MillenniumDestinationConfig) and one.tenant_name == tenant
    )
