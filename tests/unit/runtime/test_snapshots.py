"""Checked configurations are kept; code values once, however many configurations have them."""

import os
from pathlib import Path

import msgspec
import pytest

from engine.runtime.configuration import ProjectFiles
from engine.runtime.snapshots import PROPOSED_KEPT, SNAPSHOTS_KEPT, UNUSED_SECONDS, Snapshots

TABLE = "codevalues/snapshots/main.csv"


def files(channel: str, table: str = "72,1\n") -> ProjectFiles:
    return ProjectFiles(
        channels={"channels/a.yaml": channel},
        transforms={},
        overlays={},
        code_values={TABLE: table, "codevalues/registry.yaml": "same"},
    )


def texts(folder: Path) -> list[Path]:
    return sorted((folder / "texts").iterdir())


def age(found: list[Path]) -> None:
    for file in found:
        moment = file.stat().st_mtime - UNUSED_SECONDS - 1
        os.utime(file, (moment, moment))


def test_the_current_snapshot_is_what_was_written_last(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "configuration")
    revision = snapshots.write(files("1"))
    snapshots.write(files("2", "72,2\r\n\u00e4"))
    assert snapshots.current() == files("2", "72,2\r\n\u00e4")
    assert snapshots.read(revision) == files("1")
    assert snapshots.difference(revision, snapshots.current().revision) == [
        "channels/a.yaml",
        TABLE,
    ]


def test_without_a_snapshot_reading_fails(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="current"):
        Snapshots(tmp_path).current()


def test_code_values_of_many_configurations_are_kept_once(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    for number in range(10):
        snapshots.write(files(str(number), "72,1\n" * 1000))
    snapshots.propose(files("proposed", "72,1\n" * 1000))
    assert len(texts(tmp_path)) == 2
    assert all(file.stat().st_size < 1000 for file in tmp_path.glob("*.json"))
    assert snapshots.for_dry_run(files("proposed", "72,1\n" * 1000).revision).code_values[TABLE]


def test_a_text_goes_with_the_last_configuration_that_names_it(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    old = files("old", "old table")
    snapshots.write(old)
    snapshots.propose(old)
    for number in range(SNAPSHOTS_KEPT):
        snapshots.write(files(str(number)))
    age(texts(tmp_path))
    snapshots.write(files("last"))
    assert not snapshots.holds(old.revision)
    assert snapshots.for_dry_run(old.revision) == old
    for number in range(PROPOSED_KEPT):
        snapshots.propose(files(f"proposed {number}"))
    assert {file.read_text() for file in texts(tmp_path)} == {"72,1\n", "same"}
    assert len(list(tmp_path.glob("*.texts"))) == len(list(tmp_path.glob("*.json")))


def test_a_text_that_nothing_names_yet_is_left_alone(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.write(files("1"))
    (tmp_path / "texts" / "f00").write_text("of another process, about to name it")
    snapshots.write(files("2"))
    assert (tmp_path / "texts" / "f00").exists()


def test_a_configuration_kept_before_texts_stood_apart_is_read(tmp_path: Path) -> None:
    whole = files("1")
    (tmp_path / f"{whole.revision}.json").write_bytes(msgspec.json.encode(whole))
    assert Snapshots(tmp_path).read(whole.revision) == whole


@pytest.mark.parametrize("revision", ["../../etc", "", "abc", "current"])
def test_what_is_no_revision_leads_nowhere(tmp_path: Path, revision: str) -> None:
    with pytest.raises(FileNotFoundError):
        Snapshots(tmp_path).read(revision)
