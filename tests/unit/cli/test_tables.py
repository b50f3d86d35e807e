"""`engine tables` on a small project: what it prints, writes and refuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.tables import app

FILES = {
    "channels/a.yaml": "channel: a\nlistener: {mllp: {port: 2575}}\ntransform: {map: none}\n"
    "destinations:\n  - file: {name: out, path: out, content: message}\n",
    "transforms/.keep": "",
    "environments/demo.yaml": "environment: demo\nclass: sandbox\ntenants:\n  main:\n"
    "    class: sandbox\n    tenant: t\n    fhir: http://127.0.0.1:9/r4/{tenant}\n"
    '    authorization: {client_id: engine, secret: "${secret:env:S}"}\n'
    "    snapshot: codevalues/snapshots/demo.csv\n",
    "codevalues/aliases/LAB_A/72.csv": "alias,target\nK,cki:CKI.EC!1\n",
    "export.csv": "CODE_SET,CODE_VALUE,DISPLAY,CKI,ACTIVE_IND\n72,10,Potassium,CKI.EC!1,1\n"
    "72,11,Sodium,CKI.EC!2,1\n71,12,Inpatient,,1\n",
}
SNAPSHOT = "codevalues/snapshots/demo.csv"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(home)])


def test_an_export_becomes_a_snapshot_and_shows_what_changed_since(home: Path) -> None:
    first = run(home, "snapshot", "--from", str(home / "export.csv"))
    assert (first.exit_code, SNAPSHOT in first.stdout) == (0, True)
    assert "2 new, 0 gone, 0 changed" in first.stderr  # of code set 72 alone: the tables' own
    (home / "export.csv").write_text(
        FILES["export.csv"].replace("72,10,Potassium,CKI.EC!1,1", "72,10,Potassium,CKI.EC!1,0")
    )
    before = (home / SNAPSHOT).read_bytes()
    dry = run(home, "snapshot", "--from", str(home / "export.csv"), "--dry-run")
    assert "~ 72 10 Potassium -> 72 10 Potassium (inactive)" in dry.stdout
    assert "aliases name 1 of those gone or changed" in dry.stderr
    assert (home / SNAPSHOT).read_bytes() == before
    assert run(home, "snapshot", "--from", str(home / "export.csv")).exit_code == 0
    lint = run(home, "lint")
    assert (lint.exit_code, "V821" in lint.stdout) == (1, True)


def test_lint_says_old_snapshots_and_one_that_was_touched(home: Path) -> None:
    assert "V830" in run(home, "lint").stdout
    run(home, "snapshot", "--from", str(home / "export.csv"))
    assert run(home, "lint").exit_code == 0
    text = (home / SNAPSHOT).read_text()
    (home / SNAPSHOT).write_text(text.replace("Potassium", "Kalium"))
    assert "V808" in run(home, "lint").stdout


def test_what_is_not_asked_for_stays_and_what_is_gone_is_not_lost_by_a_slip(home: Path) -> None:
    take = ("snapshot", "--from", str(home / "export.csv"))
    run(home, *take, "--code-sets", "72,71")
    text = (home / SNAPSHOT).read_text()
    again = run(home, *take, "--code-sets", "72")
    assert "0 gone" in again.stderr
    assert "code set 71" in again.stderr
    assert (home / SNAPSHOT).read_text() == text
    slip = run(home, *take, "--code-sets", "74")
    assert (slip.exit_code, "nothing was found of code set 74" in slip.stderr) == (0, True)
    assert len((home / SNAPSHOT).read_text().splitlines()) == len(text.splitlines())
    (home / "export.csv").write_text(FILES["export.csv"].replace("72,1", "73,1"))
    before = (home / SNAPSHOT).read_text()
    gone = run(home, *take, "--code-sets", "72,71")
    assert gone.exit_code == 1
    assert "nothing was found any more of code set 72" in gone.stderr
    assert (home / SNAPSHOT).read_text() == before
    assert run(home, *take, "--code-sets", "71", "--only").exit_code == 0
    assert "Potassium" not in (home / SNAPSHOT).read_text()
    nothing = run(home, *take, "--code-sets", "9", "--only")
    assert (nothing.exit_code, "nothing was written" in nothing.stderr) == (1, True)


def test_a_snapshot_that_was_touched_is_taken_anew(home: Path) -> None:
    take = ("snapshot", "--from", str(home / "export.csv"))
    run(home, *take)
    text = (home / SNAPSHOT).read_text()
    (home / SNAPSHOT).write_text(text.replace("Potassium", "Kalium"))
    assert run(home, *take).exit_code == 0
    assert run(home, "lint").exit_code == 0
    (home / "channels/a.yaml").write_text("channel: a\n")
    broken = run(home, *take)
    assert (broken.exit_code, "C4" in broken.output) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "LAB_A/72", "K"), "is not CODE=TARGET"),
        (("add", "LAB_A/72", "=cki:X"), "is not CODE=TARGET"),
        (("add", "/72", "K=cki:X"), "is not CONTRIBUTOR_SOURCE/CODE_SET"),
        (("add", "../../x/72", "Q=cki:CKI.EC!1", "--unchecked"), "no name of a contributor source"),
        (("add", "LAB_A/72", "Q=cki:X\ny"), "one line of printable characters"),
        (("add", "Nothing", "Q=x"), "no table is called"),
        (("snapshot", "--code-sets", "72,x"), "x is no number of a code set"),
        (("snapshot", "--tenant", "other"), "name one with --tenant: main"),
        (("snapshot", "--from", "nowhere.csv"), "cannot be read"),
        (("export", "LAB_A/71"), "there is no table"),
        (("fetch", "lab", "--target", "LOINC", "--code", "K"), "name a server"),
        (("fetch", "lab", "--target", "ABC", "--code", "K", "--server", "http://x"), "no standard"),
        (("import", "nowhere.json", "--as", "x"), "cannot be read"),
    ],
)
def test_what_is_asked_wrongly_changes_nothing_and_says_why(
    home: Path, words: tuple[str, ...], says: str
) -> None:
    before = sorted(str(file) for file in home.rglob("*"))
    done = run(home, *words)
    assert done.exit_code in (1, 2, 3)
    assert says in done.stderr
    assert sorted(str(file) for file in home.rglob("*")) == before


def test_a_table_goes_out_as_a_concept_map_and_into_another(home: Path) -> None:
    exported = run(home, "export", "LAB_A/72")
    assert json.loads(exported.stdout)["resourceType"] == "ConceptMap"
    (home / "map.json").write_text(exported.stdout)
    done = run(home, "import", str(home / "map.json"), "--as", "LAB_B/72")
    assert done.exit_code == 0, done.stderr
    rows = (home / "codevalues/aliases/LAB_B/72.csv").read_text().splitlines()
    assert rows[1:] == ["K,,,cki:CKI.EC!1,,"]
