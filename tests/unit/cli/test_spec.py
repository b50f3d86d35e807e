import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app

HEAD = (
    "HL7 v2,,,,,,Condition (IF True),,,HL7 FHIR,,,,,,,,,Comments\n"
    "Sort Order,Identifier,Name,Data Type,Cardinality - Min,Cardinality - Max,Computable ANTLR,"
    "Computable FHIRPath,Narrative,FHIR Attribute,,Data Type,Cardinality - Min,Cardinality - Max,"
    "Data Type Mapping,Vocabulary Mapping,Assignment,,\n"
)
ROWS = (
    "7,PID-7,Birth,DTM,0,1,,,,birthDate,,date,0,1,,,,,\n"
    "9,PID-9,Alias,XPN,0,1,,,,name[2],,HumanName,0,1,,,,,\n"
)
PATIENT = "map: PID[Patient]\nfrom: PID\nto: Patient\nrules:\n  birthDate: PID-7 -> date\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "transforms").mkdir()
    (tmp_path / "transforms" / "p.yaml").write_text(PATIENT)
    (tmp_path / "guide" / "segments").mkdir(parents=True)
    name = "HL7 Segment - FHIR R4_ PID[Patient] - PID.csv"
    (tmp_path / "guide" / "segments" / name).write_text(HEAD + ROWS)
    return tmp_path


def run(home: Path, *arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["spec", *arguments, "--home", str(home)])
    return done.exit_code, done.stdout, done.stderr


def test_a_specification_goes_to_stdout_as_csv(home: Path) -> None:
    code, out, _ = run(home, "PID[Patient]")
    assert code == 0
    assert out.startswith("Sort Order,Identifier,Name")
    assert "birthDate" in out
    assert "transforms/p.yaml:5" in out


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "html"])
def test_a_specification_is_written_by_the_suffix(home: Path, suffix: str) -> None:
    file = home / f"spec.{suffix}"
    code, out, note = run(home, "all", "-o", str(file))
    assert (code, out) == (0, "")
    assert "wrote" in note
    assert file.stat().st_size > 0


@pytest.mark.parametrize(
    "arguments", [("PID[Nobody]",), ("PID[Patient]", "-o", "spec.doc")]
)  # fmt: skip
def test_an_unknown_map_or_suffix_is_a_usage_error(home: Path, arguments: tuple[str, ...]) -> None:
    assert run(home, *arguments)[0] == 2


def test_without_the_extra_a_spreadsheet_says_how_to_install_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    code, _, note = run(home, "all", "-o", str(home / "spec.xlsx"))
    assert code == 3
    assert "interface-engine[spreadsheet]" in note


@pytest.mark.parametrize("name", ["all", "PID", "PID[Patient]"])
def test_what_the_guide_has_besides_is_missing(home: Path, name: str) -> None:
    code, out, note = run(home, name, "--against", str(home / "guide"))
    assert code == 1
    assert out.splitlines() == ["missing    PID[Patient] 4: PID-9 -> name[2]"]
    assert "1 same, 0 overridden, 1 missing" in note


def test_nothing_is_missing_when_every_difference_has_its_reason(home: Path) -> None:
    text = PATIENT + "differs:\n  PID-9 -> name: aliases are not kept\n"
    (home / "transforms" / "p.yaml").write_text(text)
    code, out, _ = run(home, "all", "--against", str(home / "guide"))
    assert code == 0
    assert "overridden PID[Patient] 4: PID-9 -> name[2]: aliases are not kept" in out
    page = home / "guide.md"
    assert run(home, "all", "--against", str(home / "guide"), "-o", str(page))[0] == 0
    assert "| PID[Patient]: PID-9 → name[2] | aliases are not kept |" in page.read_text()


def test_a_folder_that_is_not_the_guide_is_named(home: Path) -> None:
    code, out, _ = run(home, "all", "--against", str(home))
    assert code == 2
    assert "T555" in out


def test_a_table_that_cannot_be_read_is_named_and_the_rest_compared(home: Path) -> None:
    bad = home / "guide" / "segments" / "HL7 Segment - FHIR R4_ EVN[Provenance] - Sheet1.csv"
    bad.write_bytes(b"\xff\xfe")
    code, out, note = run(home, "all", "--against", str(home / "guide"))
    assert code == 1
    assert "T554" in out
    assert "1 maps of the guide: 1 same" in note
