"""A message in one file: what is in it, for whom, and that it does nothing when it is opened."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from stored_messages import StoredMessages, shipped_benches

from engine.pipeline.states import State
from engine.runtime.desk.audit import Act
from engine.runtime.desk.bundle import FORMAT, Bundle, make_bundle
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.masking import SHIPPED
from engine.runtime.desk.rights import NotAllowed, Right, Viewer, everything
from engine.store.desk.rows import AuditSearch

HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=alert(1)>\u202e"
PLANTED = ("700053", "PLANTEDFAMILY", "19810203", "PLANTED STREET", "PLANTED NOTE")
MESSAGE = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|C1|P|2.5.1"
    "||||||UNICODE UTF-8\r"
    "EVN|A01|20260105083000-0600\r"
    f"PID|1||700053^^^NORTH^MR||PLANTEDFAMILY^{HOSTILE}||19810203|F|||PLANTED STREET^^TOWN\r"
    "NTE|1||PLANTED NOTE\rPV1|1|I|3W^12^1\r"
)
REFUSAL = (
    b"422\nContent-Type: application/fhir+json\n\n"
    b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value",'
    b'"diagnostics":"PLANTEDFAMILY is no name","expression":["Patient.birthDate"]}]}'
)
RUTH = everything("ruth", "tests")
"""Masked, as everybody begins."""
SEEING = replace(RUTH, unmasked=True)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    url = f"sqlite:///{tmp_path / 'store'}"
    messages = StoredMessages(url)
    (message_id,) = messages.take([MESSAGE])
    messages.answer(message_id, REFUSAL, State.ERROR, number=2)
    assert message_id == 1
    yield url
    messages.close()


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    desk = Desk(url)
    yield desk
    desk.close()


def bundle_for(desk: Desk, viewer: Viewer, message_id: int = 1) -> Bundle | None:
    return make_bundle(desk, viewer, SHIPPED, shipped_benches(), message_id)


def page_for(desk: Desk, viewer: Viewer) -> str:
    found = bundle_for(desk, viewer)
    assert found is not None
    return found.content.decode()


def data_in(page: str) -> dict[str, object]:
    text = page.partition('<script type="application/json" id="bundle">')[2]
    found: dict[str, object] = orjson.loads(text.partition("</script>")[0])
    return found


def test_everything_about_a_message_is_in_one_file(desk: Desk) -> None:
    page = page_for(desk, SEEING)
    for text in (*PLANTED, "PID-8", "Administrative Sex", "Patient.gender",
                 "attempt 2 at ", "PLANTEDFAMILY is no name", "PID_Patient.yaml:"):  # fmt: skip
        assert text in page
    found = data_in(page)
    assert found["format"] == FORMAT
    assert base64.b64decode(str(found["received_base64"])).decode() == MESSAGE


def test_a_masked_viewer_s_file_holds_no_value(desk: Desk) -> None:
    page = page_for(desk, RUTH)
    assert [value for value in PLANTED if value in page] == []
    assert "received_base64" not in data_in(page)
    assert "Patient.gender" in page


def test_a_hostile_text_neither_ends_the_data_nor_becomes_an_element(desk: Desk) -> None:
    page = page_for(desk, SEEING)
    assert page.count("<script") == 1
    assert "<img" not in page
    assert "\u202e" not in page.partition("<script")[0]
    assert "[U+202E]" in page
    assert "default-src 'none'" in page
    assert not re.search(r"<[^>]*\b(?:src|href|on\w+)=", page)


def test_it_is_an_export_by_right_within_the_scope_and_recorded(desk: Desk) -> None:
    for missing in (Right.EXPORT, Right.SEE_BODIES):
        with pytest.raises(NotAllowed):
            bundle_for(desk, replace(RUTH, rights=RUTH.rights - {missing}))
    assert bundle_for(desk, replace(RUTH, channels=frozenset({"other"}))) is None
    assert bundle_for(desk, RUTH, 99) is None
    assert bundle_for(desk, RUTH) is not None
    with desk.store() as store:
        (row,) = [one for one in store.audit_rows(AuditSearch()) if one.entry.act == Act.EXPORT]
    assert (row.entry.actor, row.entry.message_id) == ("ruth", 1)
    assert row.entry.subject == "bundle, masked"
