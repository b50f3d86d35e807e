"""Rim. The public keys of the clients that sign, for the authorization servers that check them.

SMART Backend Services: a client registers the address of its JWK Set, or the set itself
(https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html; RFC 7517, section 5).
"""

from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Any

from engine.channel.environment import AuthorizationConfig, EnvironmentConfig
from engine.channel.model import ChannelConfig, Configuration, FhirDestinationConfig
from engine.destinations.authorization.assertion import key_set
from engine.runtime.secrets import read_secret

KEPT_SECONDS = 60.0
"""A set is made anew after so long: a file with a key may have been replaced."""


def signing_clients(
    environment: EnvironmentConfig | None, channels: Iterable[ChannelConfig] = ()
) -> Iterator[AuthorizationConfig]:
    """The clients of an environment's tenants, and of the FHIR destinations of channels."""
    for tenant in environment.tenants.values() if environment is not None else ():
        if tenant.authorization is not None:
            yield tenant.authorization
    for channel in channels:
        for destination in channel.destinations:
            if isinstance(destination, FhirDestinationConfig) and destination.authorization:
                yield destination.authorization


class PublishedKeys:
    """The JWK Set of the configuration in force. Anybody may ask, so it is made once a minute.

    Args:
        clock: seconds that only go on.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._made: tuple[str, float, dict[str, Any]] | None = None

    def of(self, configuration: Configuration) -> dict[str, Any]:
        """The set. Raises AuthorizationFailed when a key cannot be read or used."""
        with self._lock:
            now = self._clock()
            revision = configuration.revision
            if (
                self._made is None
                or self._made[0] != revision
                or not 0 <= now - self._made[1] < KEPT_SECONDS
            ):
                clients = signing_clients(configuration.environment, configuration.channels)
                self._made = (revision, now, key_set(clients, read_secret))
            return self._made[2]
