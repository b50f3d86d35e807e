"""The lines of a search as CSV: all of them, harmless, by right and recorded."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stored_messages import StoredMessages

from engine.runtime.desk import result_export
from engine.runtime.desk.audit import AuditSearch
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.finding import Wanted
from engine.runtime.desk.result_export import COLUMNS, export_results
from engine.runtime.desk.rights import NotAllowed, Right, everything

RUTH = everything("ruth", "tests")
MESSAGE = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|{}|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\rPID|1||700053^^^NORTH^MR||DOE^ANN||19810203|F\rPV1|1|O\r"
)
CONTROLS = ("=1+1", "C2", "C3", "C4", "C5")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path / 'store'}"
    messages = StoredMessages(url)
    messages.take([MESSAGE.format(control) for control in CONTROLS])
    messages.close()
    desk = Desk(url)
    yield desk
    desk.close()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_line_is_there_once_whatever_the_pages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_export, "PAGE_ROWS", 2)
    found = export_results(desk, RUTH, Wanted())
    rows = rows_of(found.text)
    assert tuple(rows[0]) == COLUMNS
    assert [row["control_id"] for row in rows] == ["C5", "C4", "C3", "C2", "'=1+1"]
    assert (found.rows, found.is_all) == (5, True)
    assert rows[0]["status"] == "SENT"
    monkeypatch.setattr(result_export, "ROWS_MAX", 3)
    cut = export_results(desk, RUTH, Wanted())
    assert (cut.rows, cut.is_all, len(rows_of(cut.text))) == (3, False, 3)


def test_a_patient_is_a_hash_unless_values_are_shown(desk: Desk) -> None:
    masked = export_results(desk, RUTH, Wanted()).text
    assert "700053" not in masked
    assert len({row["patient"] for row in rows_of(masked)}) == 1
    assert "700053" in export_results(desk, replace(RUTH, unmasked=True), Wanted()).text


def test_it_needs_the_right_keeps_to_the_channels_and_is_recorded(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        export_results(desk, replace(RUTH, rights=RUTH.rights - {Right.EXPORT}), Wanted())
    assert export_results(desk, replace(RUTH, channels=frozenset({"other"})), Wanted()).rows == 0
    with desk.store() as store:
        acts = [(one.entry.act, one.entry.subject) for one in store.audit_rows(AuditSearch())]
    assert acts == [("export", "search results")]
