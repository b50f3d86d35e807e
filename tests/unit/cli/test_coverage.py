import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app

PATIENT = """map: PID[Patient]
from: PID
to: Patient
rules:
  birthDate: PID-7 -> date
ignore:
  PID-1: set id
tests:
  - name: a date
    in: "PID|||||||19580617"
    expect: {birthDate: "1958-06-17"}
"""
MESSAGE = "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nfor: [ADT^A01]\nrules:\n"
MESSAGE += "  - PID -> PID[Patient] as patient\nignore:\n  MSH: headers\n"
CHANNEL = """channel: adt
listener: {mllp: {port: 2575}}
transform: {source_system: "urn:test"}
destinations:
  - fhir: {name: records, url: "http://127.0.0.1:8090/fhir"}
"""
HEADER = "MSH|^~\\&|PAS|NORTHVALE|REC|NORTHVALE|20240311142205+0000||ADT^A01^ADT_A01|NV1|P|2.5.1\r"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in (
        ("transforms/p.yaml", PATIENT),
        ("transforms/m.yaml", MESSAGE),
        ("channels/adt.yaml", CHANNEL),
        ("in/one.hl7", HEADER + "PID|1|||||Secretname|19580617\r"),
        ("in/two.hl7", HEADER.replace("A01", "A02") + "PID|1\r"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, newline="")
    return tmp_path


def run(home: Path, *arguments: str) -> tuple[int, str, str]:
    call = ["coverage", str(home / "in"), "--home", str(home), *arguments]
    done = CliRunner().invoke(app, call)
    return done.exit_code, done.stdout, done.stderr


def test_the_table_has_totals_by_type_and_the_worst_fields(home: Path) -> None:
    code, out, note = run(home)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["ADT^A01", "ADT^A02", "all"]
    assert "PID-6" in out.partition("lost most in")[2]
    assert "2 files, 2 messages" in note


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_no_value_of_a_message_is_ever_shown(home: Path, form: str) -> None:
    _, out, note = run(home, "--format", form)
    assert "Secretname" not in out + note
    assert "19580617" not in out + note


def test_json_and_csv_say_every_field_with_the_reason(home: Path) -> None:
    found = json.loads(run(home, "--format", "json")[1])
    by_name = {(row["message_type"], row["segment"], row["field"]): row for row in found["fields"]}
    assert by_name["ADT^A01", "PID", 1]["reason"] == "set id"
    assert by_name["ADT^A01", "PID", 7]["mapped"] == 1
    assert by_name["ADT^A02", "PID", 1]["unmapped"] == 1, "no map serves ADT A02"
    rows = list(csv.DictReader(io.StringIO(run(home, "--format", "csv")[1])))
    assert len(rows) == len(found["fields"])


def test_processes_find_the_same(home: Path) -> None:
    assert run(home, "--jobs", "2", "--format", "csv")[1] == run(home, "--format", "csv")[1]


def test_a_share_that_is_too_small_is_a_finding(home: Path) -> None:
    assert run(home, "--least", "99")[0] == 1
    assert run(home, "--least", "1")[0] == 0


@pytest.mark.parametrize("arguments", [("--format", "xml"), ("--channel", "nobody")])
def test_what_is_asked_wrongly_is_a_usage_error(home: Path, arguments: tuple[str, ...]) -> None:
    assert run(home, *arguments)[0] == 2


def test_reports_of_convert_count_the_leaves_of_each_message(home: Path) -> None:
    call = ["convert", str(home / "in"), "--home", str(home), "--report", "-"]
    done = CliRunner().invoke(app, call)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["leaves"]["mapped"] == 1
    assert first["leaves"]["ignored"] > 1
    assert first["unmapped"] == ["PID[1]-6[1].1.1"]
    assert second["leaves"]["all"] == second["leaves"]["unmapped"], "no map serves ADT A02"
