"""Health files say which process lives."""

from pathlib import Path

from engine.telemetry.health import STALE_SECONDS, Condition, Health, read_health, write_health


def test_the_last_beat_of_each_process_is_read_back(tmp_path: Path) -> None:
    first = Health(process="intake", pid=1, condition=Condition.STARTING, beat_at=1.0)
    last = Health(process="intake", pid=1, condition=Condition.READY, beat_at=3.0, revision="abc")
    write_health(tmp_path, first)
    write_health(tmp_path, last)
    (tmp_path / "worker-1.health").write_bytes(b"{")
    assert read_health(tmp_path) == [last]


def test_an_old_beat_is_stale_whatever_it_says() -> None:
    health = Health(process="intake", pid=1, condition=Condition.READY, beat_at=100.0)
    assert health.seen_at(101.0) is Condition.READY
    assert health.seen_at(101.0 + STALE_SECONDS) is Condition.STALE
