"""Rim. The listeners of the intake process, and how a new configuration reaches them.

A reload changes only what changed: a listener whose settings are the same keeps its port and its
connections and gets new routes in place; changed limits hold for connections to come; a listener
that is no longer wanted finishes what is owed on its connections. Duplicate indexes outlive all of
it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from twisted.internet.error import CannotListenError

from engine.channel.model import ChannelConfig, Configuration, DuplicatePolicy, ListenerConfig
from engine.listeners.interface import ListenerStatus
from engine.pipeline.duplicate import DuplicateIndex
from engine.runtime.components import (
    AnyListener,
    Surroundings,
    grouped,
    must_restart,
    open_listener,
    part_name,
    update_listener,
)
from engine.runtime.intake.intake import Intake, ListenerIntake
from engine.runtime.intake.reception import ChannelIntake, Reception
from engine.store.interface import Control
from engine.telemetry.events import ListenerFailed

RETRY_SECONDS = 5.0
"""After a port could not be opened."""
RETIRE_SECONDS = 30.0
"""A listener that is no longer wanted ends its last connections after this."""
SECONDS_PER_DAY = 86400


@dataclass(slots=True, eq=False)
class _Group:
    """One listener and the channels behind it."""

    config: ListenerConfig
    listener: AnyListener
    sinks: dict[str, ListenerIntake] = field(default_factory=dict)
    """By path for HTTP, else one."""
    started: bool = False
    failed: str = ""
    """Why it could not start; it is tried again."""

    @property
    def drained(self) -> bool:
        """True when no channel behind it takes anything."""
        return all(sink.reception.drained for sink in self.sinks.values())


class ListenerSet:
    """All listeners.

    Args:
        around: what listeners need.
        intake: given afterwards by `attach`, because intake asks this set for its channels.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._groups: dict[str, _Group] = {}
        self._retired: list[AnyListener] = []
        self._channels: dict[str, ChannelIntake] = {}
        self._intake: Intake | None = None
        self._refusing: str | None = None
        self.unfilled: set[str] = set()
        """Channels whose duplicate index is new and has not been filled from the log."""

    def attach(self, intake: Intake) -> None:
        """The intake behind all listeners."""
        self._intake = intake

    @property
    def channels(self) -> list[ChannelIntake]:
        """The channels of the configuration in force."""
        return list(self._channels.values())

    @property
    def receptions(self) -> list[Reception]:
        """What stands behind each listener now."""
        return [sink.reception for group in self._groups.values() for sink in group.sinks.values()]

    def apply(self, configuration: Configuration) -> int:
        """Bring the listeners to a configuration; how many channels changed.

        A port that cannot be opened is tried again; it holds up no other.
        """
        changed = self._take_channels(configuration)
        wanted = grouped(configuration.channels)
        for name in [found for found in self._groups if found not in wanted]:
            self._retire(self._groups.pop(name))
        for name, channels in wanted.items():
            self._bring(name, channels, configuration.revision)
        return changed

    def _take_channels(self, configuration: Configuration) -> int:
        earlier, self._channels = self._channels, {}
        changed = 0
        for config in configuration.channels:
            if not config.enabled:
                continue
            known = earlier.get(config.name)
            if known is not None and known.config == config:
                self._channels[config.name] = known
                continue
            changed += 1
            same = known is not None and known.config.duplicates == config.duplicates
            if known is not None and same:
                duplicates = known.duplicates
            else:
                duplicates = _index(config.duplicates)
                self.unfilled.add(config.name)
            drained = known.drained if known is not None else False
            made = ChannelIntake(config, duplicates, drained=drained)
            self._channels[config.name] = made
        return changed + sum(1 for name in earlier if name not in self._channels)

    def _bring(self, name: str, channels: list[ChannelConfig], revision: str) -> None:
        """One listener as it is wanted now."""
        config = channels[0].listener
        group = self._groups.get(name)
        if group is not None and must_restart(group.config, config):
            self._retire(self._groups.pop(name))
            group = None
        sinks = self._sinks(name, channels, revision, group.sinks if group is not None else {})
        if group is None:
            listener = open_listener(config, sinks, self._around)
            listener.refuse(self._refusing)
            group = self._groups[name] = _Group(config, listener, sinks)
            self._start(group)
            return
        if config != group.config or sinks.keys() != group.sinks.keys():
            try:
                update_listener(group.listener, config, sinks)
                group.config = config
            except OSError as error:
                self._report(group, error)
        group.sinks = sinks
        self._open_or_close(group)

    def _sinks(
        self,
        name: str,
        channels: list[ChannelConfig],
        revision: str,
        earlier: Mapping[str, ListenerIntake],
    ) -> dict[str, ListenerIntake]:
        """The sinks of a listener; those it has keep their connections and get new channels."""
        if self._intake is None:
            raise RuntimeError("attach the intake first")
        parts: dict[str, list[ChannelIntake]] = {}
        for channel in channels:
            parts.setdefault(part_name(channel.listener), []).append(self._channels[channel.name])
        sinks: dict[str, ListenerIntake] = {}
        for part, found in parts.items():
            reception = Reception(name, found, self._intake.answers, revision)
            sink = earlier.get(part)
            if sink is None:
                sink = ListenerIntake(self._intake, reception)
            sink.reception = reception
            sinks[part] = sink
        return sinks

    # -- opening and closing --

    def _start(self, group: _Group) -> None:
        group.failed = ""
        if group.started or group.drained or group not in self._groups.values():
            return
        try:
            group.listener.start()
            group.started = True
        except (OSError, CannotListenError) as error:
            self._report(group, error)
            self._around.reactor.callLater(RETRY_SECONDS, self._start, group)

    def _report(self, group: _Group, error: Exception) -> None:
        group.failed = type(error).__name__
        self._around.recorder.record(
            ListenerFailed(
                listener=group.listener.name, error=group.failed, retry_seconds=RETRY_SECONDS
            )
        )

    def _retire(self, group: _Group) -> None:
        group.listener.stop("reload")
        self._retired.append(group.listener)
        self._around.reactor.callLater(RETIRE_SECONDS, self._bury, group.listener)

    def _bury(self, listener: AnyListener) -> None:
        if listener in self._retired:
            self._retired.remove(listener)
            listener.close("reload")

    def _open_or_close(self, group: _Group) -> None:
        if group.drained and group.started:
            group.started = False
            group.listener.stop("drain")
        elif not group.started and not group.failed:
            self._start(group)

    def set_controls(self, controls: Mapping[str, Control]) -> None:
        """What operators wish: `drain` takes nothing new, and shuts a port nobody else needs."""
        for channel in self._channels.values():
            control = controls.get(channel.name)
            channel.drained = control is not None and control.mode == "drain"
        for group in self._groups.values():
            self._open_or_close(group)

    def refuse(self, reason: str | None) -> None:
        """Turn new peers away everywhere, or let them in again."""
        self._refusing = reason
        for group in self._groups.values():
            group.listener.refuse(reason)

    def stop(self, reason: str) -> None:
        """Accept nothing more; connections end when nothing is owed on them."""
        for listener in self._all():
            listener.stop(reason)

    def close(self, reason: str) -> None:
        """End everything now."""
        for listener in self._all():
            listener.close(reason)

    def _all(self) -> list[AnyListener]:
        return [group.listener for group in self._groups.values()] + self._retired

    @property
    def connections(self) -> int:
        """How many are open."""
        return sum(listener.status().connections for listener in self._all())

    def statuses(self) -> list[ListenerStatus]:
        """Of all listeners, as health shows them."""
        found = []
        for group in self._groups.values():
            status = group.listener.status()
            if group.failed and not group.started:
                status = ListenerStatus(name=status.name, state="failed", connections=0)
            found.append(status)
        return found


def _index(policy: DuplicatePolicy) -> DuplicateIndex:
    return DuplicateIndex(policy.window_days * SECONDS_PER_DAY, policy.ids_max)
