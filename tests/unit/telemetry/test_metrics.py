"""Metrics of several processes are joined into one text."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from engine.telemetry.events import MessagesStored
from engine.telemetry.metrics import Meter, join_snapshots, read_snapshots


def test_snapshots_of_processes_are_joined_under_a_process_label(tmp_path: Path) -> None:
    for process, count in (("intake", 3), ("worker-1", 4)):
        meter = Meter()
        meter.count(MessagesStored(channel="adt", verdict="new", count=count))
        meter.gauge("connections_open", "Open connections", count)
        meter.duration("commit_seconds", "Time of a commit", 0.002)
        meter.write_snapshot(tmp_path / f"{process}.prom")
    text = join_snapshots(read_snapshots(tmp_path))
    families = {family.name: family for family in text_string_to_metric_families(text)}
    received = {
        sample.labels["process"]: sample.value
        for sample in families["engine_messages_received"].samples
        if sample.name.endswith("_total")
    }
    assert received == {"intake": 3, "worker-1": 4}
    assert families["engine_connections_open"].type == "gauge"
    assert families["engine_commit_seconds"].type == "histogram"


def test_no_snapshot_gives_an_empty_text(tmp_path: Path) -> None:
    assert join_snapshots(read_snapshots(tmp_path)) == ""
