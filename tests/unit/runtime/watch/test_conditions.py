"""What counts as a fault, and what does not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from certificates import Authority

from engine.channel.connection import TlsConfig
from engine.channel.model import ChannelConfig, Configuration, MllpListenerConfig
from engine.pipeline.rhythm import HourRhythm
from engine.runtime.watch import conditions
from engine.store.interface import ChannelStats, Control
from engine.store.problem_interface import OutageRow

NOW = 1_790_000_000.0
BUSY = {hour: HourRhythm(longest_seconds=540, usual_seconds=180, weeks=9) for hour in range(168)}


def stats(**given: object) -> ChannelStats:
    values: dict[str, object] = {
        "channel": "adt", "received": 9, "duplicates": 0, "faults": 0, "filtered": 0, "errors": 0,
        "queued": 0, "held": 0, "sent": 9, "oldest_queued_at": None, "last_received_at": NOW,
    }  # fmt: skip
    return ChannelStats(**(values | given))  # type: ignore[arg-type]


def wish(mode: str) -> dict[str, Control]:
    return {"adt": Control(channel="adt", mode=mode, reason="r", by="ana", at=NOW)}


def test_a_channel_that_is_quiet_for_longer_than_ever_is_a_fault() -> None:
    row = stats(last_received_at=NOW - 47 * 60)
    (found,) = conditions.silences({"adt": BUSY}, [row], {}, ["adt"], NOW)
    assert found.subject == "adt"
    assert found.said == "nothing came for 47 min; at this hour it is usually 3 min, at most 9 min"


@pytest.mark.parametrize(
    ("row", "controls", "names"),
    [
        (stats(last_received_at=NOW - 1000), {}, ["adt"]),
        (stats(last_received_at=NOW - 9000), wish("drain"), ["adt"]),
        (stats(last_received_at=NOW - 9000), {}, []),
        (stats(last_received_at=None), {}, ["adt"]),
    ],
)
def test_usual_silence_a_drain_and_a_channel_that_is_gone_are_none(
    row: ChannelStats, controls: dict[str, Control], names: list[str]
) -> None:
    assert not list(conditions.silences({"adt": BUSY}, [row], controls, names, NOW))


def test_a_queue_is_a_fault_by_its_oldest_message_unless_it_is_paused() -> None:
    row = stats(queued=12, oldest_queued_at=NOW - 1200)
    (found,) = conditions.queues([row], {}, 900, NOW)
    assert found.said == "12 wait, the oldest for 20 min"
    assert not list(conditions.queues([row], wish("pause"), 900, NOW))
    assert not list(conditions.queues([stats(oldest_queued_at=NOW - 60)], {}, 900, NOW))


def test_an_error_rate_needs_enough_errors() -> None:
    counts = {"adt": (20, 100), "lab": (9, 10), "mdm": (20, 1000)}
    assert [one.subject for one in conditions.error_rates(counts, 10, 10)] == ["adt"]


def test_an_outage_seen_by_two_workers_is_one_fault() -> None:
    def outage(owner: str, began: float, ended: float | None = None) -> OutageRow:
        return OutageRow(
            outage_id=1, channel="adt", destination="ehr", owner=owner, code="timeout",
            began_at=began, ended_at=ended,
        )  # fmt: skip

    rows = [outage("w1", NOW - 900), outage("w2", NOW - 800), outage("w3", NOW - 700, NOW - 600)]
    (found,) = conditions.outages(rows, 300, NOW)
    assert (found.subject, found.said) == ("ehr of adt", "it does not answer (timeout)")
    assert not list(conditions.outages([outage("w1", NOW - 60)], 300, NOW))


def test_a_certificate_that_ends_soon_or_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    certificate = Authority(tmp_path).issue("ends", days=12).certificate
    files = [str(certificate), str(tmp_path / "missing.pem")]
    channels = tuple(
        ChannelConfig(
            name=f"c{number}",
            listener=MllpListenerConfig(port=1, tls=TlsConfig(certificate=file, key="k")),
        )
        for number, file in enumerate(files)
    )
    configuration = Configuration(channels=channels, revision="r")
    found = {
        one.subject: one.said for one in conditions.certificates(configuration, 21, now.timestamp())
    }
    assert found == {files[0]: "it ends in 12 days", files[1]: "it cannot be read"}
    later = now.timestamp() + 20 * 86_400
    said = [one.said for one in conditions.certificates(configuration, 21, later)]
    assert "it has ended" in said


def test_a_disk_is_a_fault_below_its_share(tmp_path: Path) -> None:
    assert [one.kind for one in conditions.disks(tmp_path, 100.1)] == ["disk"]
    assert not list(conditions.disks(tmp_path, 0))
    assert not list(conditions.disks(tmp_path / "gone", 100))
