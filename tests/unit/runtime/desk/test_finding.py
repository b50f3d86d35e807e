"""The search box: what is found by what, for whom, and what is recorded."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.pipeline.states import State
from engine.runtime.desk import finding, scanning
from engine.runtime.desk.audit import AuditSearch, read_trail
from engine.runtime.desk.finding import Wanted, find, neighbours
from engine.runtime.desk.rights import NotAllowed, Right, everything
from engine.runtime.desk.search_query import QueryError
from engine.store.interface import Search, StoreUnavailable

ADMISSION = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|MSG-{n}|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\r"
    "PID|1||{mrn}^^^NORTH^MR||Okafor^Adaeze^N||19870412|{sex}\r"
    "PV1|1|I|3W^12^1|E|||||||||||||||V{n}^^^NORTH^VN\r"
)
RESULT = (
    "MSH|^~\\&|LAB|NORTH|ENGINE|HUB|20260105093000-0600||ORU^R01^ORU_R01|RES-1|P|2.5.1\r"
    "PID|1||4711^^^NORTH^MR||Okafor^Adaeze\r"
    "OBR|1|P9|F9|24331-1^Lipids^LN|||20260105090000\r"
    "OBX|1|NM|2345-7^Glucose^LN||91|mg/dL|||||F\r"
    "NTE|1||patient had chest pain\r"
)


def admission(n, mrn="4711", sex="F"):
    return ADMISSION.format(n=n, mrn=mrn, sex=sex)


@pytest.fixture
def day(messages):
    """Four messages; the third was refused by its destination, the fourth is a result."""
    ids = messages.take([admission(1), admission(2, "4712"), admission(3), RESULT])
    messages.answer(ids[0], b"201\nLocation: http://s/Patient/777/_history/1\n\n", number=2)
    messages.answer(ids[2], b"422\nX-Request-Id: req-9\n\n{}", State.ERROR, number=2)
    return ids


@pytest.fixture
def found(desk, viewer, day):
    def run(text="", who=None, **given):
        return find(desk, who or viewer(), Wanted(text=text, **given))

    return run


def ids_of(page):
    return [line.row.message_id for line in page.lines]


def test_everything_is_found_newest_first_with_facets(found, day):
    page = found()
    assert ids_of(page) == day[::-1]
    assert {facet.name: dict(facet.values) for facet in page.facets} == {
        "channel": {"adt": 3, "oru": 1},
        "type": {"ADT^A01": 3, "ORU^R01": 1},
        "status": {"SENT": 3, "ERROR": 1},
        "destination": {"records": 4},
        "code": {"http-422": 1},
    }
    assert (page.counted, page.is_all, page.next_before) == (4, True, None)


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("MSG-2", [1]),
        ("4711", [3, 2, 0]),
        ("mrn:4712", [1]),
        ("V3", [2]),
        ("order:F9", [3]),
        ("request:req-9", [2]),
        ("http://s/Patient/777", [0]),
        ("Patient/777", [0]),
        ("777", [0]),
        ("type:ORU", [3]),
        ("status:ERROR", [2]),
        ("mrn:4711 type:ADT^A01 destination:records code:http-422", [2]),
        ("PID-8:F mrn:4711", [2, 0]),
        ("OBX-3.1:2345-7", [3]),
        ('"CHEST pain"', [3]),
        ("nothing-like-it", []),
    ],
)
def test_one_box_takes_anything(found, day, text, which):
    assert ids_of(found(text)) == [day[at] for at in which]


def test_a_single_thing_that_is_found_once_is_the_one_to_open(found, day):
    assert found("MSG-2").only == day[1]
    assert found("Patient/777").only == day[0]
    assert found("4711").only is None
    assert found("status:ERROR").only is None


def test_a_number_of_nothing_else_is_a_message(found, day):
    page = found(str(day[1]))
    assert page.only == day[1]
    assert page.notes == (finding.BY_NUMBER,)


def test_an_id_made_of_the_message_is_found(found, day, messages):
    body = messages.state.bodies([messages.deliveries[day[3]][0]])
    full_url = next(iter(body.values())).body.partition(b'"fullUrl":"')[2][:45].decode()
    assert day[3] in ids_of(found(full_url))


def test_a_pasted_message_is_found_whole_or_by_its_control_id(found, day):
    page = found(admission(2, "4712").replace("\r", "\n"))
    assert (page.only, page.notes) == (day[1], (finding.EXACTLY,))
    page = found(admission(2, "4799"))
    assert (page.only, page.notes) == (day[1], (finding.SAME_CONTROL_ID,))
    with pytest.raises(QueryError, match="has none"):
        found("MSH|^~\\&|A|B\rPID|1")


def test_what_is_chosen_beside_the_text_narrows_it(found, day):
    assert ids_of(found("4711", filters=Search(states=(State.ERROR,)))) == [day[2]]
    assert ids_of(found("type:ADT", filters=Search(channels=("oru",)))) == []


def test_pages_follow_each_other(found, day):
    first = found(rows=3)
    assert ids_of(first) == day[:0:-1]
    assert first.next_before == day[1]
    second = found(rows=3, before=first.next_before)
    assert (ids_of(second), second.next_before) == ([day[0]], None)
    assert second.counted == 4


def test_neighbours_are_those_of_the_same_search(desk, viewer, day):
    assert neighbours(desk, viewer(), Wanted(text="4711"), day[2]) == (day[3], day[0])
    assert neighbours(desk, viewer(), Wanted(text="PID-8:F"), day[1]) == (day[2], day[0])
    assert neighbours(desk, viewer(), Wanted(text="4711"), day[3]) == (None, day[2])


def test_a_bounded_search_says_how_far_it_looked_and_goes_on(found, day, monkeypatch):
    monkeypatch.setattr(scanning, "MESSAGES_MAX", 2)
    monkeypatch.setattr(scanning, "MESSAGES_AT_ONCE", 2)
    page = found("PID-8:F")
    assert (ids_of(page), page.next_before) == ([day[2]], day[2])
    assert "2 messages were looked into" in page.notes[0]
    page = found("PID-8:F", before=page.next_before)
    assert ids_of(page) == [day[1], day[0]]


def test_channels_beyond_the_scope_are_not_there(found, day, viewer):
    who = viewer(channels=frozenset({"oru"}))
    assert ids_of(found(who=who)) == [day[3]]
    assert ids_of(found("channel:adt", who=who)) == []
    assert ids_of(found("MSG-1", who=who)) == []


def test_who_may_not_search_by_patient_finds_by_control_id_and_number(found, day, viewer):
    who = viewer("viewer")
    assert found("MSG-2", who=who).only == day[1]
    assert ids_of(found("4711", who=who)) == []
    assert found(str(day[0]), who=who).only == day[0]
    for text in ("mrn:4711", "PID-8:F", '"chest"', "Patient/777", "fhir:777"):
        with pytest.raises(NotAllowed):
            found(text, who=who)
    assert found("request:req-9", who=who).only is None
    assert ids_of(found("request:req-9", who=who)) == [day[2]]


def test_why_is_said_in_one_line_without_a_value(found, day, messages):
    bad = messages.receive(
        "MSH|^~\\&|LAB|NORTH|E|H|20260105||ZZZ^Z99|BAD-1|P|2.5.1\rPID|1||77\r", "oru"
    )
    messages.process()
    lines = {line.row.message_id: line for line in found().lines}
    assert lines[day[2]].why == "records: http-422"
    assert lines[day[0]].why == ""
    assert lines[bad].status == "ERROR"
    assert lines[bad].why.startswith("T5")
    assert "77" not in lines[bad].why


def test_patients_are_told_apart_without_being_named(found, day, viewer):
    hashes = [line.patient for line in found().lines]
    assert hashes[0] == hashes[1] == hashes[3] != hashes[2]
    assert not any("471" in one for one in hashes)
    assert [line.patient for line in found(who=viewer("viewer")).lines] == [""] * 4
    unmasked = dataclasses.replace(viewer(), unmasked=True, reason="INC-1 call")
    assert [line.patient for line in found(who=unmasked).lines] == ["4711", "4711", "4712", "4711"]


def test_a_search_is_recorded_with_its_terms_hashed(desk, viewer, found, day):
    found("mrn:4711")
    found("4712")
    found()
    admin = everything("admin", "tests")
    rows = read_trail(desk, admin, AuditSearch(act="search"))
    assert len(rows) == 2
    assert "4711" not in repr(rows)
    assert len(read_trail(desk, admin, AuditSearch(act="search"), "4712")) == 1
    assert Right.READ_AUDIT not in viewer().rights


def test_a_search_waits_for_its_turn_and_nothing_else_does(desk, found, day, monkeypatch):
    monkeypatch.setattr("engine.runtime.desk.desk.WAIT_SECONDS", 0.01)
    with desk.searching() as log:
        with ThreadPoolExecutor(1) as other:
            with pytest.raises(StoreUnavailable, match="too many searches"):
                other.submit(found, "4711").result()
            assert other.submit(_stats, desk).result()
        assert log.search_ids(Search()) == day[::-1]
    assert found("4711").counted == 3


def _stats(desk):
    with desk.log() as log:
        return log.stats()


def test_a_long_search_lets_others_in_between_its_parts(desk, found, day, monkeypatch):
    monkeypatch.setattr(scanning, "MESSAGES_AT_ONCE", 1)
    turns = []
    searching = desk.searching

    def counted():
        turns.append(None)
        return searching()

    monkeypatch.setattr(desk, "searching", counted)
    assert ids_of(found("PID-8:F")) == [day[2], day[1], day[0]]
    assert len(turns) == 3  # of one, two and four messages
