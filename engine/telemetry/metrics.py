"""Rim. Prometheus metrics of one process, and how those of all processes become one endpoint.

Each process counts in a registry of its own and writes a snapshot file every few seconds; the
supervisor's `/metrics` joins the files, adding the label `process`. So no process opens a port for
metrics, none shares memory with another, and a process that hangs shows by its snapshot's age.
Text format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from engine.telemetry.events import Event

PREFIX = "engine_"
SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


class Meter:
    """Counts events and keeps gauges and durations, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters: dict[type[Event], Counter] = {}
        self._children: dict[tuple[object, ...], Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._durations: dict[str, Histogram] = {}

    def count(self, event: Event) -> None:
        """Grow the event's counter, if its class has one."""
        kind = type(event)
        if not kind.counter:
            return
        key = (kind, *(getattr(event, label) for label in kind.labels))
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._child(kind, key[1:])
        child.inc(event.amount)

    def _child(self, kind: type[Event], labels: tuple[object, ...]) -> Counter:
        counter = self._counters.get(kind)
        if counter is None:
            described = (kind.__doc__ or "").split("\n", 1)[0]
            counter = Counter(PREFIX + kind.counter, described, kind.labels, registry=self.registry)
            self._counters[kind] = counter
        return counter.labels(*(str(label) for label in labels)) if labels else counter

    def gauge(self, name: str, description: str, value: float) -> None:
        """Set a gauge, such as `connections_open`."""
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = self._gauges[name] = Gauge(PREFIX + name, description, registry=self.registry)
        gauge.set(value)

    def duration(self, name: str, description: str, seconds: float) -> None:
        """Observe a duration, such as `commit_seconds`."""
        found = self._durations.get(name)
        if found is None:
            found = Histogram(
                PREFIX + name, description, buckets=SECONDS_BUCKETS, registry=self.registry
            )
            self._durations[name] = found
        found.observe(seconds)

    def write_snapshot(self, file: Path) -> None:
        """Write the metrics to a file, whole or not at all. Raises OSError."""
        aside = file.with_suffix(".tmp")
        aside.write_bytes(generate_latest(self.registry))
        aside.replace(file)


def join_snapshots(snapshots: Iterable[tuple[str, str]]) -> str:
    """One text of metrics from (process name, its text) pairs, each sample labelled `process`."""
    families: dict[str, Metric] = {}
    for process, text in snapshots:
        for family in text_string_to_metric_families(text):
            if family.name.endswith("_created"):  # times of first use, which nobody asks for
                continue
            joined = families.get(family.name)
            if joined is None:
                joined = families[family.name] = Metric(
                    family.name, family.documentation, family.type
                )
            for sample in family.samples:
                joined.add_sample(sample.name, {**sample.labels, "process": process}, sample.value)
    return _expose(families.values())


def _expose(families: Iterable[Metric]) -> str:
    registry = CollectorRegistry()
    registry.register(_Families(list(families)))
    return generate_latest(registry).decode("utf-8")


class _Families:
    """Ready-made families in the shape of a collector."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def read_snapshots(folder: Path) -> list[tuple[str, str]]:
    """The (process name, text) of every snapshot in the folder, by name."""
    return [(file.stem, file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.prom"))]
