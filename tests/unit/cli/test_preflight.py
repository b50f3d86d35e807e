"""`engine preflight`: exit codes and forms; what it checks is in tests/contract."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.main import app

CHANNEL = """\
channel: adt
listener: {mllp: {port: 2575}}
destinations:
  - file: {name: out, path: out}
"""
ENVIRONMENT = """\
environment: sandbox
class: sandbox
tenants:
  main:
    class: sandbox
    tenant: t1
    fhir: http://127.0.0.1:9/r4/{tenant}
    authorization: {client_id: c, secret: "${secret:env:NO_SUCH_SECRET}"}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in (("channels/a", CHANNEL), ("environments/sandbox", ENVIRONMENT)):
        file = tmp_path / f"{name}.yaml"
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
    return tmp_path


def run(home: Path, *arguments: str) -> Result:
    store = f"sqlite:///{home}/data"
    return CliRunner().invoke(app, ["preflight", "--home", str(home), "--store", store, *arguments])


def test_a_failure_is_exit_code_1_and_every_check_is_shown(home: Path) -> None:
    done = run(home, "--format", "json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert {one["check"] for one in found} == set(range(1, 14))
    assert {one["tenant"] for one in found} == {"main"}
    assert all(one["remedy"] for one in found if one["status"] != "pass")
    text = run(home).stdout
    assert "FAIL   1 connection" in text
    assert "= help: " in text


def test_what_engine_check_refuses_of_an_environment_is_the_twelfth_check(home: Path) -> None:
    file = home / "environments" / "sandbox.yaml"
    file.write_text(ENVIRONMENT.replace("127.0.0.1:9", "fhir-ehr.cerner.com"), encoding="utf-8")
    done = run(home, "--format", "json")
    assert done.exit_code == 1
    assert {one["check"] for one in json.loads(done.stdout)} == {12}


def test_other_errors_and_wrong_words_are_exit_code_2(home: Path) -> None:
    assert run(home, "--tenant", "x").exit_code == 2
    assert run(home, "--format", "x").exit_code == 2
    assert run(home, "--env", "x").exit_code == 2
    (home / "channels" / "a.yaml").write_text("channel: a\n", encoding="utf-8")
    done = run(home)
    assert done.exit_code == 2
    assert "C411" in done.stdout
