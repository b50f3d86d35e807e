"""Rim. The watch: by the clock, not by traffic, it learns, looks, and tells what has changed.

It reads the store, in a process of its own. Where several nodes watch one store, one of them has
the turn to look at what the store knows and to tell; each looks at its own files and disk.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.channel.alerts import AlertsConfig
from engine.pipeline.rhythm import HOUR_SECONDS, learn
from engine.runtime.configuration import Loaded
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import MessageLog, StoreUnavailable
from engine.runtime.watch.conditions import (
    ERRORS_SECONDS,
    Fault,
    certificates,
    disks,
    error_rates,
    kinds_of,
    outages,
    queues,
    silences,
)
from engine.runtime.watch.notices import Notice, NotTold, news_of, tell
from engine.store.watch_interface import AlertRow
from engine.telemetry.events import AlertBegan, AlertEnded, AlertNotTold
from engine.telemetry.logs import error_caught
from engine.telemetry.recorder import Recorder

LOOK_SECONDS = 15.0
TURN_SECONDS = 60.0
"""Another watch takes over when the one whose turn it is was not heard of for so long."""
OF_HOSTS = frozenset({"certificate", "disk"})
SUBJECT_CHARACTERS_MAX = 200
RETRY_SECONDS = 120.0
"""Before news that nobody could be told is tried again."""
LEARNED_AT_ONCE_SECONDS = 14 * 86_400.0
"""What is learned of a channel seen for the first time."""
CONTEXT_SECONDS = 2 * 86_400.0
"""Of arrivals before the hours that are learned: a gap may have begun long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """What the notices say of the place."""

    environment: str = ""
    console_url: str = ""


@dataclass(slots=True)
class Watch:
    """One watch."""

    desk: Desk
    loaded: Callable[[], Loaded | None]
    """The configuration in force."""
    data: Path
    """The data folder, whose disk is watched."""
    recorder: Recorder
    settings: WatchSettings = field(default_factory=WatchSettings)
    host: str = ""
    """Whose files and disk are watched."""
    owner: str = "watch"
    """By which it takes turns; of its own for each that watches."""
    _has_turn: bool = False
    _learned_to: float = 0.0

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
                await self.tell()
            except (StoreUnavailable, OSError, ValueError) as failure:
                self.recorder.record(error_caught(failure))
            await asyncio.sleep(LOOK_SECONDS)

    def rest(self) -> None:
        """Leave the turn to another."""
        with suppress(StoreUnavailable), self.desk.log() as log:
            log.watch.give_turn(self.owner)

    def look(self) -> None:
        """Learn what is due, and begin and end alerts. Raises StoreUnavailable."""
        loaded = self.loaded()
        if loaded is None:
            return
        now = self.desk.clock()
        config = loaded.console.alerts
        with self.desk.log() as log:
            self._has_turn = log.watch.take_turn(self.owner, TURN_SECONDS)
            found = host_faults(loaded, config, self.data, self.host, now)
            if self._has_turn:
                if now - self._learned_to >= HOUR_SECONDS:
                    learn_rhythms(log, now)
                    self._learned_to = now // HOUR_SECONDS * HOUR_SECONDS
                found += faults(log, loaded, config, now)
            self._change(log, found, kinds_of(config), now)

    def _is_ours(self, alert: AlertRow) -> bool:
        """It is for this watch to say that it is over."""
        if alert.kind in OF_HOSTS:
            return alert.subject.endswith(_of_host("", self.host))
        return self._has_turn

    def _change(
        self, log: MessageLog, found: list[Fault], kinds: frozenset[str], now: float
    ) -> None:
        lasting = {(one.kind, one.subject) for one in found}
        for one in found:
            if log.watch.begin_alert(one.kind, one.subject, one.said, now):
                self.recorder.record(AlertBegan(kind=one.kind, subject=one.subject))
        for alert in filter(self._is_ours, log.watch.alerts(now)):
            over = (alert.kind, alert.subject) not in lasting or alert.kind not in kinds
            lasts = alert.ended_at is None
            if lasts and over and log.watch.end_alert(alert.kind, alert.subject, now):
                seconds = now - alert.began_at
                self.recorder.record(
                    AlertEnded(kind=alert.kind, subject=alert.subject, seconds=seconds)
                )

    async def tell(self) -> None:
        """Tell what nobody was told, when it is this one's turn. Raises StoreUnavailable."""
        loaded = self.loaded()
        if loaded is None or not self._has_turn:
            return
        config = loaded.console.alerts
        if config.email is None and config.webhook is None:
            return
        for alert in await asyncio.to_thread(self._take):
            notice = Notice(
                alert=alert,
                news=news_of(alert),
                environment=self.settings.environment,
                console_url=self.settings.console_url,
            )
            try:
                await tell(config, notice)
            except NotTold as problem:
                self.recorder.record(AlertNotTold(kind=alert.kind, ways=str(problem)))
            else:
                await asyncio.to_thread(self._told, alert.alert_id, notice.news)

    def _take(self) -> list[AlertRow]:
        now = self.desk.clock()
        with self.desk.log() as log:
            return list(log.watch.take_untold(now, now + RETRY_SECONDS))

    def _told(self, alert_id: int, news: str) -> None:
        with self.desk.log() as log:
            log.watch.mark_told(alert_id, news)


def learn_rhythms(log: MessageLog, now: float) -> None:
    """Learn the whole hours that have passed since each channel was last learned."""
    end = now // HOUR_SECONDS * HOUR_SECONDS
    first = end - LEARNED_AT_ONCE_SECONDS
    learned = log.watch.learned()
    oldest = max(first, min(learned.values(), default=first))
    rhythms = log.watch.rhythms()
    for channel, times in log.watch.arrivals(oldest - CONTEXT_SECONDS, now).items():
        # A channel that is new is learned from its first whole hour on.
        begin = max(first, learned.get(channel) or -(-times[0] // HOUR_SECONDS) * HOUR_SECONDS)
        if begin < end:
            hours = learn(rhythms.get(channel, {}), times, begin, end)
            log.watch.keep_rhythm(channel, hours, learned.get(channel, 0.0), end)


def host_faults(
    loaded: Loaded, config: AlertsConfig, data: Path, host: str, now: float
) -> list[Fault]:
    """What is wrong with the files and the disk of this machine, which others do not see."""
    found = [
        *certificates(loaded.configuration, config.certificate_days, now),
        *disks(data, config.disk_percent),
    ]
    return [replace(one, subject=_of_host(one.subject, host)) for one in found]


def _of_host(subject: str, host: str) -> str:
    end = f" on {host}" if host else ""
    return subject[: SUBJECT_CHARACTERS_MAX - len(end)] + end


def faults(log: MessageLog, loaded: Loaded, config: AlertsConfig, now: float) -> list[Fault]:
    """Everything that is wrong now as the store knows it, of the kinds that are looked at."""
    stats, controls = log.stats(), log.controls()
    names = [channel.name for channel in loaded.configuration.channels if channel.enabled]
    found = [
        *silences(log.watch.rhythms(), stats, controls, names, now),
        *queues(stats, controls, config.queue_seconds, now),
        *error_rates(
            log.watch.errors(now - ERRORS_SECONDS), config.error_percent, config.errors_min
        ),
        *outages(log.problems.outages(now), config.outage_seconds, now),
    ]
    kinds = kinds_of(config)
    return [
        replace(one, subject=one.subject[:SUBJECT_CHARACTERS_MAX])
        for one in found
        if one.kind in kinds
    ]
