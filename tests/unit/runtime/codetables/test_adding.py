"""Adding a row: one line more, in its place, or nothing at all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.codevalues.snapshot import CodeValue, Snapshot, read_snapshot, write_snapshot
from engine.runtime.code_values import read_code_values
from engine.runtime.codetables.adding import Added, NewRow, add_alias
from engine.runtime.codetables.lines import Refused
from engine.runtime.codetables.map_tables import add_to_map_table
from engine.runtime.configuration import read_project

HEAD = "alias,system,alias_meaning,target,display,comment\n"
FILE = "codevalues/aliases/LAB_A/72.csv"
VALUES = [
    CodeValue(code_set=72, value="2700101", display="Potassium", cki="CKI.EC!1"),
    CodeValue(code_set=72, value="2700102", display="Sodium", cki="CKI.EC!2"),
    CodeValue(code_set=72, value="2700103", display="Old", cki="CKI.EC!3", active=False),
    CodeValue(code_set=72, value="2700104", display="Pulse"),
    CodeValue(code_set=72, value="2700105", display="Pulse"),
    CodeValue(code_set=71, value="2710101", display="Inpatient", cdf_meaning="INPATIENT"),
]


def taken() -> Snapshot:
    text = write_snapshot(
        VALUES, tenant="t", taken_at="2026-01-05T14:30:00Z", source="x", code_sets=[71, 72]
    )
    found, _ = read_snapshot(text, "codevalues/snapshots/test.csv")
    assert found is not None
    return found


def add(home: Path, row: NewRow, *, unchecked: bool = False) -> Added:
    values, _ = read_code_values(read_project(home).code_values)
    return add_alias(home, values, ("LAB_A", 72), row, snapshots=[taken()], unchecked=unchecked)


def table(home: Path, text: str) -> Path:
    file = home / FILE
    file.parent.mkdir(parents=True)
    file.write_text(text, newline="")
    return file


def test_the_line_goes_where_the_order_wants_it_and_nothing_else_changes(tmp_path: Path) -> None:
    before = HEAD + '# potassium\nK,,,cki:CKI.EC!1,Kalium,\n\nZ,,,cki:CKI.EC!1,"a, b",\n'
    file = table(tmp_path, before)
    added = add(tmp_path, NewRow(code="NA", target="cki:CKI.EC!2", display="Natrium"))
    assert (added.file, added.line, added.text) == (FILE, 5, "NA,,,cki:CKI.EC!2,Natrium,")
    assert file.read_text() == before.replace("Z,,,", "NA,,,cki:CKI.EC!2,Natrium,\nZ,,,")


def test_a_new_table_is_made_and_line_ends_are_kept(tmp_path: Path) -> None:
    added = add(tmp_path, NewRow(code="K", target="cki:CKI.EC!1"))
    assert (tmp_path / FILE).read_text() == HEAD + "K,,,cki:CKI.EC!1,,\n"
    assert added.line == 2
    (tmp_path / FILE).write_bytes(b"alias,target\r\nK,cki:CKI.EC!1")
    add(tmp_path, NewRow(code="NA", target="cki:CKI.EC!2"))
    text = (tmp_path / FILE).read_bytes()
    assert text == b"alias,target\r\nK,cki:CKI.EC!1\r\nNA,cki:CKI.EC!2\r\n"


def test_a_code_value_is_written_by_its_portable_name(tmp_path: Path) -> None:
    assert add(tmp_path, NewRow(code="K", target="2700101")).target == "cki:CKI.EC!1"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (NewRow(code="K", target="cki:CKI.EC!2"), "mapped already, to cki:CKI.EC!1 in line 2"),
        (NewRow(code="K", target="cki:CKI.EC!1"), "is there already, in line 2"),
        (NewRow(code="P", target="display:Pulse"), "2 active code values"),
        (NewRow(code="O", target="cki:CKI.EC!3"), "nothing that is active"),
        (NewRow(code="I", target="meaning:INPATIENT"), "code set 71 has it"),
        (NewRow(code="N", target="cki:CKI.EC!9"), "names nothing"),
        (NewRow(code="N", target="Potassium"), "is no target"),
        (NewRow(code="N", target="9999999"), "no snapshot has the code value"),
        (NewRow(code="N", target="2700103"), "inactive"),
    ],
)
def test_what_would_be_ambiguous_or_name_nothing_is_refused(
    tmp_path: Path, row: NewRow, says: str
) -> None:
    file = table(tmp_path, HEAD + "K,,,cki:CKI.EC!1,Kalium,\n")
    before = file.read_bytes()
    with pytest.raises(Refused, match=says):
        add(tmp_path, row)
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == ["72.csv"]


def test_rows_that_system_or_meaning_tells_apart_are_no_ambiguity(tmp_path: Path) -> None:
    file = table(tmp_path, HEAD + "K,,,cki:CKI.EC!1,Kalium,\n")
    add(tmp_path, NewRow(code="K", target="cki:CKI.EC!2", system="LN"))
    add(tmp_path, NewRow(code="K", target="cki:CKI.EC!2", alias_meaning="URINE"))
    assert len(file.read_text().splitlines()) == 4
    with pytest.raises(Refused, match="mapped already"):
        add(tmp_path, NewRow(code="K", target="cki:CKI.EC!1", system="http://loinc.org"))


def test_a_target_that_is_to_come_is_written_when_asked_for(tmp_path: Path) -> None:
    added = add(tmp_path, NewRow(code="N", target="cki:CKI.EC!9"), unchecked=True)
    assert added.text == "N,,,cki:CKI.EC!9,,"


def test_a_row_of_a_maps_table_goes_into_the_sites_own_library_or_an_overlay(
    tmp_path: Path,
) -> None:
    name = "transforms/hl7v2/tables/Sex.csv"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(
        "source_code,source_system,target_code,target_system,target_display,comment\n"
        "F,,female,http://hl7.org/fhir/administrative-gender,Female,\n"
        "M,,male,http://hl7.org/fhir/administrative-gender,Male,\n"
    )
    (tmp_path / "overlays/north").mkdir(parents=True)
    added = add_to_map_table(
        tmp_path, read_project(tmp_path), "Sex", NewRow(code="H", target="male")
    )
    assert (added.file, added.line) == (name, 3)
    assert added.text == "H,,male,http://hl7.org/fhir/administrative-gender,,"
    over = add_to_map_table(
        tmp_path, read_project(tmp_path), "Sex", NewRow(code="X", target="other"), overlay="north"
    )
    assert over.file == "overlays/north/tables/Sex.csv"
    with pytest.raises(Refused, match="has a row already"):
        add_to_map_table(tmp_path, read_project(tmp_path), "Sex", NewRow(code="H", target="female"))
    with pytest.raises(Refused, match="no table is called"):
        add_to_map_table(
            tmp_path, read_project(tmp_path), "Gender", NewRow(code="H", target="female")
        )


def test_codes_that_begin_like_a_comment_or_hold_quotes_come_back(tmp_path: Path) -> None:
    for code in ("#1", 'a"b', "x,y", " = ".strip()):
        add(tmp_path, NewRow(code=code, target="cki:CKI.EC!1"))
    values, problems = read_code_values(read_project(tmp_path).code_values)
    assert problems == []
    assert {row.alias for row in values.aliases[("LAB_A", 72)].rows} == {"#1", 'a"b', "x,y", "="}


def test_two_who_add_at_once_lose_no_row_and_make_nothing_ambiguous(tmp_path: Path) -> None:
    def one(number: int) -> str:
        target = "cki:CKI.EC!1" if number % 2 else "cki:CKI.EC!2"
        try:
            add(tmp_path, NewRow(code=f"C{number // 2}", target=target))
        except Refused:
            return "refused"
        return "added"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(one, range(40)))
    assert (outcomes.count("added"), outcomes.count("refused")) == (20, 20)
    values, problems = read_code_values(read_project(tmp_path).code_values)
    assert problems == []
    rows = [row.alias for row in values.aliases[("LAB_A", 72)].rows]
    assert rows == sorted(f"C{number}" for number in range(20))


def test_tables_of_documents_are_named_apart_from_those_of_messages(tmp_path: Path) -> None:
    head = "source_code,source_system,target_code,target_system,target_display,comment\n"
    for folder, target in (("hl7v2", "male"), ("cda", "female")):
        file = tmp_path / f"transforms/{folder}/tables/Sex.csv"
        file.parent.mkdir(parents=True)
        file.write_text(head + f"A,,{target},urn:s,,\n")
    added = add_to_map_table(
        tmp_path, read_project(tmp_path), "cda/Sex", NewRow(code="M", target="male")
    )
    assert added.file == "transforms/cda/tables/Sex.csv"
    other = add_to_map_table(
        tmp_path, read_project(tmp_path), "Sex", NewRow(code="M", target="male")
    )
    assert other.file == "transforms/hl7v2/tables/Sex.csv"
