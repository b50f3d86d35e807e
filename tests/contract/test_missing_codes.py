"""The analyst's work list: codes read again from stored messages, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from stored_messages import START, StoredMessages

from engine.codevalues.snapshot import CodeValue, write_snapshot
from engine.runtime.codetables.missing import MissingCode, WorkList, missing_codes
from engine.runtime.configuration import Loaded, check_project, read_project
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.workbench import Workbench

ROOT = Path(__file__).parents[2]
SNAPSHOT = "codevalues/snapshots/demo.csv"
HEAD = "alias,system,alias_meaning,target,display,comment\n"
ALIASES = "codevalues/aliases/LAB_A/72.csv"
ENVIRONMENT = f"""\
environment: demo
class: sandbox
tenants:
  main:
    class: sandbox
    tenant: t
    fhir: http://127.0.0.1:9/r4/{{tenant}}
    authorization: {{client_id: engine, secret: "${{secret:env:S}}"}}
    enrolling_organization: "1"
    snapshot: {SNAPSHOT}
"""
CHANNEL = """\
channel: oru
listener: {mllp: {port: 2575}}
route: {MSH-9.1: ORU}
transform:
  time_zone: America/Chicago
  source_system: urn:oid:1.2.3
  authorities: {NORTH: "urn:oid:2.16.840.1.113883.3.9999.1.4"}
destinations:
  - millennium:
      name: chart
      tenant: main
      calls: [patient.register, observation.record]
      contributor_source: LAB_A
"""


def files_with(aliases: str, others: str = "") -> dict[str, str]:
    values = [
        CodeValue(code_set=72, value="10", display="Potassium", cki="CKI.EC!1"),
        CodeValue(code_set=72, value="11", display="Lactate", cki="CKI.EC!2"),
        CodeValue(code_set=72, value="12", display="Old", cki="CKI.EC!3", active=False),
    ]
    taken = write_snapshot(
        values, tenant="t", taken_at="2026-01-05T14:30:00Z", source="x", code_sets=[72]
    )
    return {
        SNAPSHOT: taken,
        ALIASES: HEAD + aliases,
        "codevalues/aliases/LAB_B/72.csv": HEAD + others,
    }


@cache
def project(aliases: str, others: str = "") -> Loaded:
    files = replace(
        read_project(ROOT),
        channels={"channels/oru.yaml": CHANNEL},
        environments={"environments/demo.yaml": ENVIRONMENT},
        environment="demo",
        code_values=files_with(aliases, others),
    )
    loaded, problems = check_project(files, {"S": "x"}, check_maps=False)
    assert loaded is not None, problems
    return loaded


def result(control_id: str, *tests: str, sex: str = "F") -> str:
    lines = [
        f"MSH|^~\\&|LAB|NORTH|E|H|20260105091500-0600||ORU^R01^ORU_R01|{control_id}|P|2.5.1",
        f"PID|1||4711^^^NORTH^MR||Okafor^Adaeze||19870412|{sex}",
        f"OBR|1|O1^REG|F1^LAB|PANEL^Panel^L|||20260105080000-0600{'|' * 15}20260105090000||LAB|F",
    ]
    lines += [
        f"OBX|{number}|NM|{test}||1|mg/dL^^UCUM||N|||F" for number, test in enumerate(tests, 1)
    ]
    return "\r".join(lines) + "\r"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoredMessages]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'store'}"
    else:
        url = request.getfixturevalue("make_postgresql_store")()
    found = StoredMessages(url, Workbench(project(KNOWN + "O,,,cki:CKI.EC!3,Old,\n")))
    yield found
    found.close()


KNOWN = "K,,,cki:CKI.EC!1,,\n"


def looked(stored: StoredMessages, loaded: Loaded, since: float = 0.0) -> WorkList:
    return missing_codes(MessageLog(stored.state), loaded, since=since)


def told(entries: list[MissingCode]) -> list[tuple[str, str, str, int]]:
    return [(one.key.table, one.key.code, one.outcome, one.count) for one in entries]


def test_codes_without_a_value_are_listed_with_sender_field_and_suggestion(
    stored: StoredMessages,
) -> None:
    for raw in (
        result("1", "K^Potassium^L", "LACT^Lactate^L"),
        result("2", "LACT^Lactate^L", "O^Old^L"),
        result("3", "K^Potassium^L"),
    ):
        stored.receive(raw)
    stored.process()
    found = looked(stored, project(KNOWN + "O,,,cki:CKI.EC!3,Old,\n"))
    entries = found.in_order()
    assert told(entries) == [("LAB_A/72", "LACT", "unmapped", 2), ("LAB_A/72", "O", "inactive", 1)]
    entry = entries[0]
    assert (entry.key.sender, entry.key.where) == ("LAB|NORTH", "Observation.code")
    assert (entry.display, entry.suggestion) == ("Lactate", "cki:CKI.EC!2")
    assert (entry.first_seen, entry.last_seen) == (START + 10, START + 20)
    assert (found.looked_at, found.truncated) == (2, False)
    # another sender's table is asked before the snapshot
    shared = looked(stored, project(KNOWN, "L,,,cki:CKI.EC!1,lactate ,\n")).in_order()
    assert [one.suggestion for one in shared if one.key.code == "LACT"] == ["cki:CKI.EC!1"]
    # once mapped, a code is not missing any more; older messages are not looked at
    mapped = project(KNOWN + "LACT,,,cki:CKI.EC!2,,\nO,,,cki:CKI.EC!2,,\n")
    assert looked(stored, mapped).entries == {}
    assert looked(stored, project(KNOWN), since=START + 15).looked_at == 1


def test_codes_without_a_row_in_a_table_of_maps_are_read_where_the_message_has_them(
    stored: StoredMessages,
) -> None:
    stored.receive(result("1", "K^Potassium^L", sex="Z"))
    stored.receive(result("2", "K^Potassium^L", sex="F"))
    stored.process()
    found = looked(stored, project(KNOWN))
    assert [(one.key.where, one.key.code, one.count) for one in found.in_order()] == [
        ("PID-8", "Z", 1)
    ]


SCHEDULING = (
    CHANNEL.replace("channel: oru", "channel: siu")
    .replace("MSH-9.1: ORU", "MSH-9.1: SIU, MSH-9.2: S12")
    .replace(
        "observation.record]",
        "appointment.request]\n      unmapped: {Appointment.serviceType: pass}",
    )
)


def scheduling(wards: str) -> Loaded:
    values = [CodeValue(code_set=220, value="21", display="Medicine", cki="CKI.CODEVALUE!21")]
    taken = write_snapshot(
        values, tenant="t", taken_at="2026-01-05T14:30:00Z", source="x", code_sets=[220]
    )
    files = replace(
        read_project(ROOT),
        channels={"channels/siu.yaml": SCHEDULING},
        environments={"environments/demo.yaml": ENVIRONMENT},
        environment="demo",
        code_values={SNAPSHOT: taken, "codevalues/aliases/LAB_A/220.csv": HEAD + wards},
    )
    loaded, problems = check_project(files, {"S": "x"}, check_maps=False)
    assert loaded is not None, problems
    return loaded


def test_a_ward_without_a_location_code_is_listed_until_it_has_one(tmp_path: Path) -> None:
    unknown = scheduling("SURG,,,cki:CKI.CODEVALUE!21,Surgery,\n")
    stored = StoredMessages(f"sqlite:///{tmp_path / 'store'}", Workbench(unknown))
    lines = (
        "MSH|^~\\&|SCHED|NORTH|E|H|20260105091500-0600||SIU^S12^SIU_S12|1|P|2.5.1",
        "SCH|PA-1^S|FA-1^S|||||||30|min",
        "PID|1||4711^^^NORTH^MR||Okafor^Adaeze||19870412|F",
        "RGS|1",
        "AIS|1||185349003^Check up^SCT|20300304090000-0600",
        "AIL|1||MED^12^1^NORTH",
    )
    stored.receive("\r".join(lines) + "\r")
    stored.process()
    (entry,) = looked(stored, unknown).in_order()
    assert (entry.key.table, entry.key.code, entry.key.where) == ("LAB_A/220", "MED", "Location")
    known = scheduling("MED,,NURSEUNIT,cki:CKI.CODEVALUE!21,Medicine,\n")
    assert looked(stored, known).entries == {}
    stored.close()
