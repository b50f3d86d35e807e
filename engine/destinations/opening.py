"""Rim. From a destination's configuration to the destination."""

from typing import assert_never

from engine.channel.model import (
    DestinationConfig,
    FhirDestinationConfig,
    FileDestinationConfig,
    GoLive,
    MillenniumDestinationConfig,
    MllpDestinationConfig,
)
from engine.destinations.authorization.bearing import TOKEN_SECONDS_MAX
from engine.destinations.authorization.requesting import Client
from engine.destinations.authorization.sources import TokenSources
from engine.destinations.fhir import FhirDestination
from engine.destinations.file import FileDestination
from engine.destinations.going_live import GoingLive
from engine.destinations.interface import Destination, SecretSource, TokenSource
from engine.destinations.ledger import Ledger
from engine.destinations.millennium.destination import MillenniumDestination
from engine.destinations.mllp import MllpDestination

_Plain = FhirDestinationConfig | MllpDestinationConfig | FileDestinationConfig


def open_destination(
    config: DestinationConfig,
    secrets: SecretSource,
    ledger: Ledger,
    tokens: TokenSources | None = None,
) -> Destination:
    """The destination of this configuration. Nothing is connected before the first message.

    Args:
        config: checked.
        secrets: where secrets come from.
        ledger: what exists on the services that know no idempotency.
        tokens: shared by the destinations of a process; None: its own.
    """
    shared = tokens or TokenSources()
    if isinstance(config, MillenniumDestinationConfig):
        return MillenniumDestination(config, secrets, ledger, shared)
    opened = _opened(config, secrets, shared)
    if config.go_live == GoLive():
        return opened
    return GoingLive(opened, config.name, config.go_live, ledger)


def _opened(config: _Plain, secrets: SecretSource, tokens: TokenSources) -> Destination:
    match config:
        case FhirDestinationConfig():
            source = _tokens_of(config, secrets, tokens)
            return FhirDestination(config, secrets, tokens=source)
        case MllpDestinationConfig():
            return MllpDestination(config)
        case FileDestinationConfig():
            return FileDestination(config)
        case _:
            assert_never(config)


def _tokens_of(
    config: FhirDestinationConfig, secrets: SecretSource, tokens: TokenSources
) -> TokenSource | None:
    if config.authorization is None:
        return None
    client = Client(authorization=config.authorization, root=config.url.rstrip("/"), tls=config.tls)
    return tokens.open(client, secrets)


def attempts_at_once(config: DestinationConfig) -> int:
    """How many attempts may be in flight. None may wait for another's connection: its time runs."""
    if isinstance(config, MllpDestinationConfig):
        return min(config.concurrency_max, config.connections_max)
    return config.concurrency_max


def attempt_seconds_max(config: DestinationConfig) -> float:
    """The longest an attempt may take: a lease must outlive it."""
    match config:
        case FhirDestinationConfig():
            waits = TOKEN_SECONDS_MAX if config.authorization else 0.0
            return waits + config.timeout_seconds
        case MillenniumDestinationConfig():
            return TOKEN_SECONDS_MAX + config.timeout_seconds
        case MllpDestinationConfig():
            return config.connect_timeout_seconds + config.timeout_seconds
        case FileDestinationConfig():
            return FILE_SECONDS
        case _:
            assert_never(config)


FILE_SECONDS = 30.0
"""What is allowed for writing a file; a share that hangs longer is past helping by a lease."""
