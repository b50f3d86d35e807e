import csv
import io
import zipfile
from html.parser import HTMLParser
from pathlib import Path

from engine.mapping.guide.specification import Specification
from engine.runtime.desk.specification_files import as_csv, as_html, write_xlsx

PATIENT = Specification(
    name="PID[Patient]",
    title="PID to Patient",
    columns=("Identifier", "FHIR Attribute", "Place"),
    rows=(("PID-3", "identifier[]", "a.yaml:3"), ('say "<b>"', "=1+1", "a.yaml:4")),
)
LONG = Specification(name="A" * 40, title="", columns=("Code",), rows=(("x",),))
LONGER = Specification(name="A" * 41, title="", columns=("Code",), rows=(("y",),))


def test_one_table_is_plain_csv() -> None:
    rows = list(csv.reader(io.StringIO(as_csv([PATIENT]))))
    assert rows == [list(PATIENT.columns), *map(list, PATIENT.rows)]


def test_several_tables_stand_below_their_names() -> None:
    rows = list(csv.reader(io.StringIO(as_csv([LONG, PATIENT]))))
    assert rows[0] == ["A" * 40, ""]
    assert ["PID[Patient]", "PID to Patient"] in rows


def test_the_page_needs_nothing_from_elsewhere_and_escapes_texts() -> None:
    page = as_html([PATIENT])
    assert "say &quot;&lt;b&gt;&quot;" in page
    assert "default-src 'none'" in page
    links: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            links.extend(str(value) for name, value in attributes if name in ("src", "href"))

    Links().feed(page)
    assert links == []


def test_a_workbook_has_an_index_and_a_sheet_for_each_table(tmp_path: Path) -> None:
    file = tmp_path / "maps.xlsx"
    write_xlsx([PATIENT, LONG, LONGER], file)
    with zipfile.ZipFile(file) as book:
        names = book.read("xl/workbook.xml").decode()
        sheet = book.read("xl/worksheets/sheet2.xml").decode()
    for name in ("Index", "PID(Patient)", "A" * 31, "A" * 29 + " 2"):
        assert f'name="{name}"' in names
    assert "<f>" not in sheet, "a text that begins with = is no formula"
