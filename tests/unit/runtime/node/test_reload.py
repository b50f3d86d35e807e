"""What a reload would do, and what forbids it."""

import socket
from dataclasses import replace
from pathlib import Path

from engine.channel.connection import TlsConfig
from engine.channel.model import (
    ChannelConfig,
    Configuration,
    DirectoryListenerConfig,
    HttpListenerConfig,
    MllpListenerConfig,
)
from engine.runtime.configuration import Loaded, ProjectFiles
from engine.runtime.node.reload import load_project, plan_reload, probe_listeners


def channel(name: str, port: int = 1, **changes: object) -> ChannelConfig:
    base = ChannelConfig(
        name=name, file=f"channels/{name}.yaml", listener=MllpListenerConfig(port=port)
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def loaded(*channels: ChannelConfig, transforms: str = "") -> Loaded:
    files = ProjectFiles(channels={}, transforms={"transforms/x.yaml": transforms}, overlays={})
    return Loaded(
        files=files, configuration=Configuration(channels=channels, revision="r"), libraries={}
    )


def test_the_plan_names_what_is_added_changed_and_removed() -> None:
    old = loaded(channel("a"), channel("b"), channel("c"))
    new = loaded(channel("a"), channel("b", description="new"), channel("d"))
    plan = plan_reload(old, new)
    assert (plan.added, plan.changed, plan.removed) == (("d",), ("b",), ("c",))
    assert not plan.maps_changed


def test_equal_configurations_give_an_empty_plan() -> None:
    assert plan_reload(loaded(channel("a")), loaded(channel("a"))).empty


def test_changed_maps_are_part_of_the_plan() -> None:
    plan = plan_reload(loaded(channel("a")), loaded(channel("a"), transforms="x"))
    assert plan.maps_changed
    assert not plan.empty


def probe(
    new: list[ChannelConfig], home: Path, old: list[ChannelConfig] | None = None
) -> list[str]:
    before = Configuration(channels=tuple(old or ()), revision="r")
    after = Configuration(channels=tuple(new), revision="s")
    return [problem.code for problem in probe_listeners(before, after, home)]


def test_a_new_port_that_is_taken_forbids_the_reload(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = channel("a", port)
        assert probe([taken], tmp_path) == ["S742"]
        assert probe([taken], tmp_path, old=[taken]) == []
        http = replace(taken, listener=HttpListenerConfig(port=port))
        assert probe([http], tmp_path) == ["S742"]


def test_a_folder_that_is_not_there_forbids_the_reload(tmp_path: Path) -> None:
    folder = replace(channel("a"), listener=DirectoryListenerConfig(path="in"))
    assert probe([folder], tmp_path) == ["S743"]
    (tmp_path / "in").mkdir()
    assert probe([folder], tmp_path) == []


def test_unusable_tls_files_forbid_the_reload(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (tmp_path / "x.pem").write_text("nothing")
    file = str(tmp_path / "x.pem")
    tls = TlsConfig(certificate=file, key=file)
    secured = replace(channel("a"), listener=MllpListenerConfig(port=port, tls=tls))
    assert probe([secured], tmp_path) == ["S744"]


def test_a_project_that_cannot_be_read_is_a_problem_like_others(tmp_path: Path) -> None:
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels" / "bad.yaml").write_bytes(b"\xff")
    found, problems = load_project(tmp_path)
    assert found is None
    assert [problem.code for problem in problems] == ["S745"]
