"""`/.well-known/jwks.json`: the public keys of our clients, for servers that check signatures."""

from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from engine.runtime.configuration import read_project
from engine.runtime.snapshots import Snapshots

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
      key: "${{secret:file:{rsa}}}"
      key_id: k1
"""
CHANNEL = """\
channel: one
listener: {{directory: {{path: in}}}}
transform: {{source_system: "urn:oid:1.2.3"}}
destinations:
  - fhir:
      name: records
      url: https://fhir.example.org/other
      authorization:
        client_id: d
        method: private_key_jwt
        key: "${{secret:file:{elliptic}}}"
        key_id: k2
        algorithm: ES384
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    keys = {"rsa": home / "rsa.pem", "elliptic": home / "ec.pem"}
    for folder, name, text in (("environments", "test", ENVIRONMENT), ("channels", "one", CHANNEL)):
        (home / folder).mkdir(parents=True)
        (home / folder / f"{name}.yaml").write_text(text.format(**keys), "utf-8")
    (home / "rsa.pem").write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    (home / "ec.pem").write_bytes(ECKey.generate_key("P-384").as_pem(private=True))
    return home


def served(site: Any, project: Path, tmp_path: Path) -> Any:
    site.console.snapshots = Snapshots(tmp_path / "configuration")
    site.console.snapshots.write(read_project(project, ""))
    return site.browser().get("/.well-known/jwks.json")


def test_the_public_keys_of_all_clients_are_served_to_anybody(
    site: Any, project: Path, tmp_path: Path
) -> None:
    answer = served(site, project, tmp_path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jwk-set+json"
    found = {one["kid"]: one for one in answer.json()["keys"]}
    assert {name: one["alg"] for name, one in found.items()} == {"k1": "RS384", "k2": "ES384"}
    for one in found.values():
        assert not {"d", "p", "q", "dp", "dq", "qi"} & one.keys()


def test_a_key_that_is_gone_is_no_answer_and_an_event_without_its_name(
    site: Any, project: Path, tmp_path: Path
) -> None:
    (project / "rsa.pem").unlink()
    answer = served(site, project, tmp_path)
    assert answer.status_code == 503
    assert str(project) not in answer.text


def test_without_a_configuration_there_is_nothing(site: Any) -> None:
    assert site.browser().get("/.well-known/jwks.json").status_code == 404
