"""Credentials of production are refused in a channel while another environment is in force."""

import pytest

from engine.diagnostics import Diagnostic
from engine.runtime.configuration import ProjectFiles, check_project

CHANNEL = """\
channel: records
listener: {{mllp: {{port: 2575}}}}
transform: {{map: auto, time_zone: UTC, source_system: "urn:oid:1.2.3"}}
destinations:
  - fhir:
      name: records
      url: https://fhir.example.org/r4
      {credential}
"""
ENVIRONMENT = """\
environment: {name}
class: {name}
tenants:
  main:
    class: {name}
    tenant: t
    fhir: https://{name}.example.org/r4/{{tenant}}
    authorization: {{client_id: {name}, {own}}}
"""
KEY = 'method: private_key_jwt, key: "${secret:file:/run/production.pem}", key_id: k'
SECRET = 'secret: "${secret:env:PRODUCTION_SECRET}"'


def said(credential: str, environment: str, own: str = SECRET) -> list[Diagnostic]:
    other = ENVIRONMENT.format(name="sandbox", own='secret: "${secret:env:SANDBOX_SECRET}"')
    files = ProjectFiles(
        channels={"channels/a.yaml": CHANNEL.format(credential=credential)},
        transforms={},
        overlays={},
        environments={
            "environments/production.yaml": ENVIRONMENT.format(name="production", own=own),
            "environments/sandbox.yaml": other,
        },
        environment=environment,
    )
    _, problems = check_project(files, {})
    return [one for one in problems if one.code == "C474"]


@pytest.mark.parametrize(
    ("credential", "own", "option"),
    [
        ("authorization: {client_id: e, scopes: [a], " + SECRET + "}", SECRET, "secret"),
        ("authorization: {client_id: e, scopes: [a], " + KEY + "}", KEY, "key"),
        ('bearer: "${secret:env:PRODUCTION_SECRET}"', SECRET, "bearer"),
        ('headers: {X-Api-Key: "${secret:env:PRODUCTION_SECRET}"}', SECRET, "headers.X-Api-Key"),
    ],
)
def test_what_production_proves_itself_with_is_refused_elsewhere(
    credential: str, own: str, option: str
) -> None:
    (found,) = said(credential, "sandbox", own)
    assert f"{option}` is that of production" in found.message
    assert found.place.file == "channels/a.yaml"
    assert said(credential, "production", own) == []


def test_a_credential_of_its_own_is_taken() -> None:
    assert said('bearer: "${secret:env:SANDBOX_SECRET}"', "sandbox") == []
