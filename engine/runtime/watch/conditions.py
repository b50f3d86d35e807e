"""Rim. What is a fault now. Each function looks at one kind and names what it sees, no values."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from engine.channel.alerts import AlertsConfig
from engine.channel.connection import TlsConfig
from engine.channel.model import ChannelConfig, Configuration
from engine.pipeline.rhythm import HourRhythm, silence
from engine.runtime.desk.message_log import ChannelStats, Control, OutageRow

ERRORS_SECONDS = 900.0
DAY_SECONDS = 86_400.0
PEM_BYTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong now."""

    kind: str
    """silence, queue, errors, outage, certificate, disk."""
    subject: str
    said: str
    """In words; it may change while the fault lasts."""


def silences(
    rhythms: Mapping[str, Mapping[int, HourRhythm]],
    stats: Iterable[ChannelStats],
    controls: Mapping[str, Control],
    configured: Iterable[str],
    now: float,
) -> Iterator[Fault]:
    """Channels that are quieter than usual. One that is drained or paused is quiet on purpose."""
    names = set(configured)
    for row in stats:
        control = controls.get(row.channel)
        stopped = control is not None and control.mode == "drain"
        if row.channel not in names or stopped or row.last_received_at is None:
            continue
        found = silence(rhythms.get(row.channel, {}), row.last_received_at, now)
        if found is not None:
            yield Fault(
                kind="silence",
                subject=row.channel,
                said=f"nothing came for {_minutes(found.seconds)}; at this hour it is usually"
                f" {_minutes(found.usual_seconds)}, at most {_minutes(found.longest_seconds)}",
            )


def queues(
    stats: Iterable[ChannelStats], controls: Mapping[str, Control], seconds: float, now: float
) -> Iterator[Fault]:
    """Channels whose oldest message waits too long. A pause is a person's wish."""
    for row in stats:
        control = controls.get(row.channel)
        if row.oldest_queued_at is None or (control is not None and control.mode == "pause"):
            continue
        waited = now - row.oldest_queued_at
        if waited > seconds:
            yield Fault(
                kind="queue",
                subject=row.channel,
                said=f"{row.queued:,} wait, the oldest for {_minutes(waited)}",
            )


def error_rates(
    counts: Mapping[str, tuple[int, int]], percent: float, least: int
) -> Iterator[Fault]:
    """Channels of which too much fails. `counts`: failures and messages of a quarter of an
    hour."""
    for channel, (failed, received) in counts.items():
        if failed >= least and failed * 100 > percent * max(received, 1):
            yield Fault(
                kind="errors",
                subject=channel,
                said=f"{failed:,} failures, {received:,} received in a quarter of an hour",
            )


def outages(rows: Iterable[OutageRow], seconds: float, now: float) -> Iterator[Fault]:
    """Destinations that do not answer."""
    longest: dict[tuple[str, str], OutageRow] = {}
    for row in rows:
        key = (row.channel, row.destination)
        if row.ended_at is None and now - row.began_at > seconds:
            known = longest.get(key)
            longest[key] = row if known is None or row.began_at < known.began_at else known
    for (channel, destination), row in longest.items():
        yield Fault(
            kind="outage",
            subject=f"{destination} of {channel}",
            said=f"it does not answer ({row.code})",
        )


def certificates(configuration: Configuration, days: int, now: float) -> Iterator[Fault]:
    """Certificates of the configuration that end soon, have ended or cannot be read."""
    for file in sorted(_certificate_files(configuration.channels)):
        try:
            ends = min(
                one.not_valid_after_utc.timestamp()
                for one in x509.load_pem_x509_certificates(_content(file))
            )
        except (OSError, ValueError):
            yield Fault(kind="certificate", subject=file, said="it cannot be read")
            continue
        left = ends - now
        if left < days * DAY_SECONDS:
            said = "it has ended" if left <= 0 else f"it ends in {left / DAY_SECONDS:.0f} days"
            yield Fault(kind="certificate", subject=file, said=said)


def _content(file: str) -> bytes:
    with Path(file).open("rb") as opened:
        return opened.read(PEM_BYTES_MAX)


def _certificate_files(channels: Iterable[ChannelConfig]) -> set[str]:
    found: set[str] = set()
    for channel in channels:
        for holder in (channel.listener, *channel.destinations):
            tls = getattr(holder, "tls", None)
            if isinstance(tls, TlsConfig) and tls.certificate:
                found.add(tls.certificate)
    return found


def disks(folder: Path, percent: float) -> Iterator[Fault]:
    """The disk of the data folder, when it is nearly full."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return
    free = 100 * usage.free / usage.total if usage.total else 100.0
    if free < percent:
        yield Fault(kind="disk", subject=str(folder), said=f"{free:.0f}% of the disk is free")


def kinds_of(config: AlertsConfig) -> frozenset[str]:
    """The kinds that are looked at: what is switched off ends what lasts of it."""
    every = {"silence", "queue", "errors", "outage", "certificate", "disk"}
    return frozenset(every if config.silence else every - {"silence"})


def _minutes(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
