"""`engine settle`: a person says what became of a delivery."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from engine.store.open_store import migrate

RUN = CliRunner()


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'data'}"
    migrate(url)
    return url


def test_a_reason_is_demanded(store: str) -> None:
    result = RUN.invoke(app, ["settle", "1", "--as", "sent", "--reason", " ", "--store", store])
    assert result.exit_code == 2
    assert RUN.invoke(app, ["settle", "1", "--as", "sent", "--store", store]).exit_code == 2


def test_a_delivery_that_waits_for_nobody_is_a_finding(store: str) -> None:
    arguments = ["settle", "97000", "--as", "retry", "--reason", "seen", "--store", store]
    result = RUN.invoke(app, arguments)
    assert result.exit_code == 1
    assert "1 left as they are" in result.output


def test_other_words_than_the_three_are_refused(store: str) -> None:
    result = RUN.invoke(app, ["settle", "1", "--as", "held", "--reason", "seen", "--store", store])
    assert result.exit_code == 2
