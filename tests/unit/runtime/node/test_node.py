"""One node owns a data directory, and others can see it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.runtime.node.node import DataInUse, NodeFiles, NodeStatus, data_folder, request_reload
from engine.runtime.node.node_http import node_health
from engine.runtime.node.process_setup import DataFolder, ProcessSetup, read_arguments
from engine.telemetry.health import Condition, Health, write_health

STATUS = NodeStatus(pid=os.getpid(), started_at=2.0, home="/site", revision="abc", metrics_port=0)


def test_only_one_node_owns_a_data_directory(tmp_path: Path) -> None:
    data = DataFolder(path=tmp_path)
    first, second = NodeFiles(data), NodeFiles(data)
    first.own()
    with pytest.raises(DataInUse):
        second.own()
    first.disown()
    second.own()
    second.disown()


def test_others_see_the_status_while_it_runs(tmp_path: Path) -> None:
    data = DataFolder(path=tmp_path)
    owner, reader = NodeFiles(data), NodeFiles(data)
    assert reader.running() is None
    owner.own()
    owner.write(STATUS)
    assert reader.running() == STATUS
    owner.disown()
    assert reader.running() is None


def test_a_status_without_an_owner_is_of_a_node_that_died(tmp_path: Path) -> None:
    data = DataFolder(path=tmp_path)
    owner = NodeFiles(data)
    owner.own()
    owner.write(STATUS)
    assert owner._lock is not None
    owner._lock.close()
    assert NodeFiles(data).running() is None


def test_the_status_of_a_killed_node_is_not_that_of_the_next_one(tmp_path: Path) -> None:
    data = DataFolder(path=tmp_path)
    owner = NodeFiles(data)
    owner.own()
    owner.write(replace(STATUS, pid=2**22 + 1))
    assert NodeFiles(data).running() is None
    owner.disown()


def test_files_of_an_earlier_node_are_cleared(tmp_path: Path) -> None:
    data = DataFolder(path=tmp_path)
    data.run.mkdir()
    (data.run / "worker-7.health").write_text("{}")
    files = NodeFiles(data)
    files.own()
    assert not (data.run / "worker-7.health").exists()
    files.disown()


def test_without_a_node_there_is_nothing_to_reload(tmp_path: Path) -> None:
    assert request_reload(DataFolder(path=tmp_path)) is None


def test_the_data_directory_is_that_of_the_sqlite_store() -> None:
    assert data_folder(Path("/site"), "sqlite:////var/engine").path == Path("/var/engine")
    assert data_folder(Path("/site"), "postgresql://db/engine").path == Path("/site/.engine")


def test_a_process_reads_back_the_arguments_it_is_started_with(tmp_path: Path) -> None:
    setup = ProcessSetup(
        name="worker-1",
        data=DataFolder(path=tmp_path),
        store_url="sqlite:///x",
        log_form="json",
        share=0.5,
    )
    assert read_arguments(setup.arguments("some.module")[2:]) == setup


def test_a_node_is_ready_when_every_process_runs_and_says_so(tmp_path: Path) -> None:
    beat = Health(process="intake", pid=5, condition=Condition.READY, beat_at=100.0)
    write_health(tmp_path, beat)
    running = {"intake": True}
    assert node_health(tmp_path, running, 101.0)["ready"] is True
    assert node_health(tmp_path, running, 200.0)["ready"] is False
    assert node_health(tmp_path, {"intake": False}, 101.0)["ready"] is False
    missing = node_health(tmp_path, {"intake": True, "worker-1": True}, 101.0)
    assert missing["processes"]["worker-1"]["condition"] == "starting"
    assert missing["ready"] is False
