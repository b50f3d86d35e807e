"""The file destination: whole files, the same name at every attempt, no patient data in names."""

import errno
import os
from pathlib import Path

import pytest

from engine.channel.model import FileDestinationConfig
from engine.destinations import file as file_module
from engine.destinations.file import FileDestination, file_name
from engine.destinations.interface import Outgoing, Settlement
from engine.pipeline.states import FailureClass

PATTERN = "{received:%Y%m%dT%H%M%S}-{message_id}-{message_type}-{channel}-{control_id_hash}.json"


def outgoing(**changes: object) -> Outgoing:
    values: dict[str, object] = {
        "delivery_id": 7,
        "message_id": 42,
        "channel": "adt",
        "content_type": "application/fhir+json",
        "body": b"{}",
        "message_type": "ADT^A01",
        "control_id": "MRN-1234",
        "received_at": 1_767_225_600.0,
        **changes,
    }
    return Outgoing(**values)  # type: ignore[arg-type]


def destination(folder: Path, pattern: str = PATTERN) -> FileDestination:
    return FileDestination(FileDestinationConfig(name="out", path=str(folder), pattern=pattern))


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_file_has_the_body_and_the_name_of_the_pattern(tmp_path: Path) -> None:
    result = await destination(tmp_path).send(outgoing())
    assert result.classification.accepted
    (written,) = files(tmp_path)
    assert written.read_bytes() == b"{}"
    assert written.name.startswith("20260101T000000-42-ADT_A01-adt-")


async def test_second_attempt_leaves_one_file(tmp_path: Path) -> None:
    for _ in range(2):
        await destination(tmp_path).send(outgoing())
    assert len(files(tmp_path)) == 1


async def test_folder_is_made_where_its_parent_is_there(tmp_path: Path) -> None:
    result = await destination(tmp_path / "new").send(outgoing())
    assert result.classification.accepted
    assert len(files(tmp_path / "new")) == 1


async def test_missing_path_is_transient(tmp_path: Path) -> None:
    result = await destination(tmp_path / "absent" / "out").send(outgoing())
    assert (result.classification.failure_class, result.classification.code) == (
        FailureClass.TRANSIENT,
        "folder-missing",
    )


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk-full"), (errno.EACCES, "file-denied"), (errno.EIO, "file-write")],
)
async def test_failing_write_is_transient_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def failing(_descriptor: int) -> None:
        raise OSError(number, "x")

    monkeypatch.setattr(file_module.os, "fsync", failing)
    result = await destination(tmp_path).send(outgoing())
    assert (result.classification.failure_class, result.classification.code) == (
        FailureClass.TRANSIENT,
        code,
    )
    assert files(tmp_path) == []


async def test_failure_after_the_rename_is_ambiguous(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def second_fails(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.EIO, "x")
        real(descriptor)

    monkeypatch.setattr(file_module.os, "fsync", second_fails)
    result = await destination(tmp_path).send(outgoing())
    assert result.classification.failure_class is FailureClass.AMBIGUOUS


def test_control_id_is_only_in_the_name_as_a_hash() -> None:
    name = file_name(PATTERN, outgoing())
    assert name is not None
    assert "1234" not in name.replace("20260101T000000-42", "")


@pytest.mark.parametrize(
    "pattern",
    ["../{message_id}", "{nothing}", "{message_id", ".{message_id}", "{channel.x}", "a/b"],
)
def test_pattern_that_names_no_plain_file_is_refused(pattern: str) -> None:
    assert file_name(pattern, outgoing()) is None


async def test_unusable_pattern_is_permanent(tmp_path: Path) -> None:
    result = await destination(tmp_path, "{nothing}").send(outgoing())
    assert result.classification.failure_class is FailureClass.PERMANENT


def test_message_type_cannot_name_another_folder() -> None:
    assert file_name("{message_type}.json", outgoing(message_type="../x^A")) == "x_A.json"


def test_a_lost_answer_is_settled_by_writing_again(tmp_path: Path) -> None:
    assert destination(tmp_path).settlement(outgoing()) is Settlement.REPEAT
