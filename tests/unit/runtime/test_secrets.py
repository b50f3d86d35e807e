"""Secrets come from the environment or a file."""

from pathlib import Path

import pytest

from engine.channel.connection import SecretReference
from engine.runtime.secrets import SECRET_BYTES_MAX, read_secret


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FHIR_TOKEN", "s3cret")
    assert read_secret(SecretReference("env", "FHIR_TOKEN")) == "s3cret"


def test_a_missing_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FHIR_TOKEN", raising=False)
    with pytest.raises(KeyError):
        read_secret(SecretReference("env", "FHIR_TOKEN"))


def test_the_line_end_of_a_secret_file_is_no_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"s3cret\r\n")
    assert read_secret(SecretReference("file", str(file))) == "s3cret"


def test_a_file_too_large_for_a_secret_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"x" * (SECRET_BYTES_MAX + 1))
    with pytest.raises(OSError, match="too large"):
        read_secret(SecretReference("file", str(file)))
