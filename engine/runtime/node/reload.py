"""Rim. Changing the configuration of a running node: validate, plan, apply what changed.

The supervisor reads and checks the project; when anything is wrong, or a new port cannot be had,
the running configuration stays in force, whole. Otherwise the checked files become the current
snapshot and every process is told to load it. Intake exchanges routes in place and touches only
listeners that changed; workers process each run wholly on one configuration, the one in force when
the worker takes the run. That is decided so because a person who corrects a map or a destination's
address expects the messages that wait to get it; the revision in force at receipt is stored with
each message.
"""

import errno
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.channel.model import ChannelConfig, Configuration, DirectoryListenerConfig
from engine.diagnostics import Diagnostic, Place
from engine.listeners.tls import ServerTls
from engine.runtime import codes
from engine.runtime.components import grouped, listener_name
from engine.runtime.configuration import Loaded, check_project, read_project
from engine.telemetry.recorder import MemoryRecorder


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadPlan:
    """What a reload will do: names of channels."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    maps_changed: bool
    """Transforms, overlays or code values differ."""

    @property
    def empty(self) -> bool:
        """True when nothing is to be done."""
        return not (self.added or self.changed or self.removed or self.maps_changed)


def plan_reload(old: Loaded, new: Loaded) -> ReloadPlan:
    """Compare two configurations."""
    before = {channel.name: channel for channel in old.configuration.channels}
    after = {channel.name: channel for channel in new.configuration.channels}
    return ReloadPlan(
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(
            sorted(name for name in after.keys() & before.keys() if after[name] != before[name])
        ),
        removed=tuple(sorted(before.keys() - after.keys())),
        maps_changed=_maps(old) != _maps(new),
    )


def _maps(loaded: Loaded) -> tuple[Mapping[str, str], ...]:
    files = loaded.files
    return (files.transforms, files.overlays, files.code_values)


def load_project(home: Path, environment: str = "") -> tuple[Loaded | None, list[Diagnostic]]:
    """Read and check a project; a file that cannot be read is a problem like others."""
    try:
        files = read_project(home, environment)
    except OSError as error:
        reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
        place = Place(file=str(error.filename)) if error.filename else Place()
        return None, [codes.FILES_UNREADABLE(place, reason=reason)]
    except ValueError as error:  # names the file; made by `read_project`
        return None, [codes.FILES_UNREADABLE(reason=str(error))]
    return check_project(files)


def probe_listeners(old: Configuration | None, new: Configuration, home: Path) -> list[Diagnostic]:
    """What would keep a listener from opening that the running configuration does not have.

    Ports are tried while the old configuration runs on; TLS files are loaded once.
    """
    open_now = grouped(old.channels) if old is not None else {}
    found: list[Diagnostic] = []
    for name, channels in grouped(new.channels).items():
        first = channels[0]
        config = first.listener
        if isinstance(config, DirectoryListenerConfig):
            folder = home / config.path
            if not (folder.is_dir() and os.access(folder, os.W_OK)):
                found.append(codes.FOLDER_UNAVAILABLE(_place(first), name=name))
            continue
        if name not in open_now:
            reason = _bind_failure(config.address, config.port)
            if reason:
                found.append(codes.PORT_UNAVAILABLE(_place(first), name=name, reason=reason))
        if config.tls is not None:
            try:
                ServerTls(config.tls, name, MemoryRecorder()).load()
            except OSError:
                found.append(codes.TLS_UNUSABLE(_place(first), name=name))
    return found


def _bind_failure(address: str, port: int) -> str:
    """The errno name of the failure to bind, or ""."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, "unknown")
    return ""


def _place(channel: ChannelConfig) -> Place:
    return Place(file=channel.file, path=listener_name(channel.listener))
