"""Millennium destinations against the tables: what would hold every message is said at load."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.diagnostics import Diagnostic
from engine.runtime.configuration import check_project, read_project

ROOT = Path(__file__).parents[3] / "examples" / "millennium"
ENVIRONMENT = """\
environment: demo
class: sandbox
tenants:
  main:
    class: sandbox
    tenant: TENANT
    fhir: http://127.0.0.1:9/r4/{tenant}
    authorization: {client_id: engine, secret: "${secret:env:S}"}
    enrolling_organization: "1"
    snapshot: SNAPSHOT
"""
CHANNEL = """\
channel: oru
listener: {mllp: {port: 2575}}
route: {MSH-9.1: ORU}
transform: {source_system: urn:oid:1.2.3}
destinations:
  - millennium:
      name: chart
      tenant: main
      calls: [patient.register, observation.record]
      contributor_source: SOURCE
      unmapped: {Observation.code: POLICY}
"""


def checked(
    source: str = "LAB_A",
    policy: str = "hold",
    snapshot: str = "codevalues/snapshots/demo.csv",
    tenant: str = "sandbox",
) -> list[Diagnostic]:
    environment = ENVIRONMENT.replace("TENANT", tenant).replace("SNAPSHOT", snapshot)
    channel = CHANNEL.replace("SOURCE", source).replace("POLICY", policy)
    files = replace(
        read_project(ROOT),
        transforms={
            name: text
            for name, text in read_project(ROOT).transforms.items()
            if name.startswith("transforms/millennium/")
        },
        channels={"channels/oru.yaml": channel},
        environments={"environments/demo.yaml": environment},
        environment="demo",
        overlays={},
    )
    found = check_project(files, {"S": "x"})[1]
    return [one for one in found if one.code.startswith("V")]


def test_the_sample_tables_are_in_order_for_the_sample_tenant() -> None:
    assert checked() == []


@pytest.mark.parametrize(
    ("given", "code", "place"),
    [
        ({"source": "LAB_Z"}, "V831", "channels/oru.yaml:1"),
        ({"policy": "pass"}, "V828", "channels/oru.yaml:11:36"),
        ({"snapshot": "codevalues/snapshots/none.csv"}, "V830", "environments/demo.yaml:1"),
        ({"tenant": "other"}, "V827", "codevalues/snapshots/demo.csv:1"),
    ],
)
def test_what_would_hold_or_refuse_messages_is_said_with_its_place(
    given: dict[str, str], code: str, place: str
) -> None:
    assert [(one.code, str(one.place)) for one in checked(**given)] == [(code, place)]
