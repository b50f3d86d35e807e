"""A project's files are read, checked whole, and kept as a snapshot."""

from pathlib import Path

import pytest

from engine.channel.environment import Mode
from engine.channel.model import FileDestinationConfig
from engine.runtime.configuration import check_project, read_project
from engine.runtime.snapshots import Snapshots

CHANNEL = """\
channel: adt
listener:
  mllp:
    port: 2575
destinations:
  - file:
      name: out
      path: out
"""


def project(tmp_path: Path, channel: str = CHANNEL) -> Path:
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels" / "adt.yaml").write_text(channel, encoding="utf-8")
    (tmp_path / "transforms").mkdir()
    return tmp_path


def test_a_project_is_read_and_checked(tmp_path: Path) -> None:
    files = read_project(project(tmp_path))
    loaded, problems = check_project(files, {})
    assert problems == []
    assert loaded is not None
    assert [channel.name for channel in loaded.configuration.channels] == ["adt"]
    assert loaded.revision == files.revision


def test_all_problems_come_at_once_with_their_places(tmp_path: Path) -> None:
    broken = CHANNEL.replace("port: 2575", "prot: 2575").replace("path: out", "pth: out")
    loaded, problems = check_project(read_project(project(tmp_path, broken)), {})
    assert loaded is None
    places = {(problem.place.file, problem.place.line) for problem in problems}
    assert {("channels/adt.yaml", 4), ("channels/adt.yaml", 8)} <= places


def test_the_revision_changes_with_any_file(tmp_path: Path) -> None:
    home = project(tmp_path)
    before = read_project(home).revision
    (home / "overlays" / "north").mkdir(parents=True)
    (home / "overlays" / "north" / "x.csv").write_text("source_code\n", encoding="utf-8")
    files = read_project(home)
    assert files.revision != before
    assert files.overlay_names() == {"overlays/north"}


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    home = project(tmp_path)
    (home / "channels" / "bad.yaml").write_bytes(b"channel: \xff")
    with pytest.raises(ValueError, match=r"channels/bad\.yaml is not UTF-8 at byte 9"):
        read_project(home)


ENVIRONMENT = "environment: {name}\nclass: sandbox\n"


def with_environments(tmp_path: Path, *names: str) -> Path:
    home = project(tmp_path)
    (home / "environments").mkdir()
    for name in names:
        text = ENVIRONMENT.format(name=name)
        (home / "environments" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return home


def test_the_environment_in_force_is_part_of_what_is_loaded_and_kept(tmp_path: Path) -> None:
    home = with_environments(tmp_path, "sandbox", "second")
    files = read_project(home, "second")
    loaded, problems = check_project(files, {})
    assert problems == []
    assert loaded is not None
    assert loaded.configuration.environment is not None
    assert loaded.configuration.environment.name == "second"
    snapshots = Snapshots(tmp_path / "configuration")
    snapshots.write(files)
    assert snapshots.current() == files


def test_the_revision_changes_with_the_environment_in_force_alone(tmp_path: Path) -> None:
    home = with_environments(tmp_path, "sandbox", "second")
    sandbox, second = (read_project(home, name).revision for name in ("sandbox", "second"))
    assert sandbox != second
    file = home / "environments" / "second.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "release_first: 3\n", encoding="utf-8")
    assert read_project(home, "sandbox").revision == sandbox
    assert read_project(home, "second").revision != second


def test_a_destination_at_a_host_of_another_class_is_refused(tmp_path: Path) -> None:
    home = with_environments(tmp_path, "sandbox")
    fhir = "  - fhir: {name: real, url: https://fhir-ehr.cerner.com/r4/t}\n"
    near = "  - fhir: {name: near, url: http://127.0.0.1:8090/fhir}\n"
    (home / "channels" / "adt.yaml").write_text(CHANNEL + fhir + near, encoding="utf-8")
    _, problems = check_project(read_project(home), {})
    assert [(one.code, one.place.file) for one in problems] == [("C487", "channels/adt.yaml")]


def test_what_the_environment_says_of_going_live_is_in_its_destinations(tmp_path: Path) -> None:
    home = with_environments(tmp_path, "sandbox")
    file = home / "environments" / "sandbox.yaml"
    file.write_text(ENVIRONMENT.format(name="sandbox") + "mode: shadow\n", encoding="utf-8")
    loaded, _ = check_project(read_project(home), {})
    assert loaded is not None
    (destination,) = loaded.configuration.channels[0].destinations
    assert isinstance(destination, FileDestinationConfig)
    assert destination.go_live.mode is Mode.SHADOW


def test_an_environment_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    _, problems = check_project(read_project(with_environments(tmp_path, "sandbox"), "x"), {})
    assert [problem.code for problem in problems] == ["C470"]
