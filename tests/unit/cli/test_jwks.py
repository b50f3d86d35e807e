"""`engine jwks`: public keys on stdout, never private ones."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey
from typer.testing import CliRunner

from engine.cli.main import app

ENVIRONMENT = """\
environment: test
class: test
tenants:
  main:
    class: test
    tenant: t1
    fhir: https://fhir.example.org/r4/{{tenant}}
    authorization:
      client_id: c
      method: private_key_jwt
      key: ${{secret:file:{key}}}
      key_id: k1
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "environments").mkdir()
    text = ENVIRONMENT.format(key=tmp_path / "key.pem")
    (tmp_path / "environments" / "test.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_public_key_is_printed_as_a_set(home: Path) -> None:
    key = RSAKey.generate_key(2048)
    (home / "key.pem").write_bytes(key.as_pem(private=True))
    done = CliRunner().invoke(app, ["jwks", "--home", str(home)])
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)["keys"]
    assert (found["kid"], found["alg"], found["use"]) == ("k1", "RS384", "sig")
    assert found["n"] == key.as_dict(private=False)["n"]
    assert not {"d", "p", "q", "dp", "dq", "qi"} & found.keys()


def test_a_key_that_is_not_there_is_named_by_its_reference(home: Path) -> None:
    done = CliRunner().invoke(app, ["jwks", "--home", str(home)])
    assert done.exit_code == 3
    assert f"file:{home / 'key.pem'}" in done.stderr


def test_an_unknown_tenant_and_an_unknown_environment_are_refused(home: Path) -> None:
    assert CliRunner().invoke(app, ["jwks", "--home", str(home), "--tenant", "x"]).exit_code == 2
    assert CliRunner().invoke(app, ["jwks", "--home", str(home), "--env", "x"]).exit_code == 2
