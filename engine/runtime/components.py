"""Rim. The kinds of listeners, in one table, without registration by side effect."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.channel.model import (
    ChannelConfig,
    DirectoryListenerConfig,
    HttpListenerConfig,
    ListenerConfig,
    MllpListenerConfig,
)
from engine.listeners.directory import DirectoryListener, InThread
from engine.listeners.http import HttpListener
from engine.listeners.interface import Sink
from engine.listeners.mllp import MllpListener
from engine.listeners.reactor import Reactor
from engine.telemetry.recorder import Recorder

AnyListener = MllpListener | HttpListener | DirectoryListener


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What listeners need of their process."""

    reactor: Reactor
    recorder: Recorder
    in_thread: InThread


def listener_name(config: ListenerConfig) -> str:
    """What two channels share when they share a listener: its kind and its port or folder."""
    match config:
        case MllpListenerConfig():
            return f"mllp {config.address}:{config.port}"
        case HttpListenerConfig():
            return f"http {config.address}:{config.port}"
        case DirectoryListenerConfig():
            return f"directory {config.path}"


def part_name(config: ListenerConfig) -> str:
    """What tells the channels of one listener apart before a byte is read: the path of HTTP."""
    return config.path if isinstance(config, HttpListenerConfig) else ""


def open_listener(
    config: ListenerConfig, sinks: Mapping[str, Sink], around: Surroundings
) -> AnyListener:
    """Make a listener, not yet started. `sinks` are by `part_name`."""
    match config:
        case MllpListenerConfig():
            return MllpListener(config, sinks[""], around.reactor, around.recorder)
        case HttpListenerConfig():
            return HttpListener(config, sinks, around.reactor, around.recorder)
        case DirectoryListenerConfig():
            return DirectoryListener(
                config, sinks[""], around.reactor, around.recorder, around.in_thread
            )


def update_listener(
    listener: AnyListener, config: ListenerConfig, sinks: Mapping[str, Sink]
) -> None:
    """Give a listener new settings. Raises OSError when its TLS files cannot be used."""
    match listener, config:
        case MllpListener(), MllpListenerConfig():
            listener.update(config)
        case HttpListener(), HttpListenerConfig():
            listener.update(config, sinks)
        case DirectoryListener(), DirectoryListenerConfig():
            listener.update(config)
        case _:
            raise TypeError("a listener keeps its kind")


def must_restart(old: ListenerConfig, new: ListenerConfig) -> bool:
    """True when the change needs the port to be opened anew: TLS switched on or off."""
    return (getattr(old, "tls", None) is None) != (getattr(new, "tls", None) is None)


def grouped(channels: tuple[ChannelConfig, ...]) -> dict[str, list[ChannelConfig]]:
    """The enabled channels by the listener they share."""
    groups: dict[str, list[ChannelConfig]] = {}
    for channel in channels:
        if channel.enabled:
            groups.setdefault(listener_name(channel.listener), []).append(channel)
    return groups
