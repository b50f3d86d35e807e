"""All messages of a patient, visit or order, in the order in which things happened."""

import pytest

from engine.runtime.desk.rights import NotAllowed
from engine.runtime.desk.thread import thread

MSH = "MSH|^~\\&|{app}|NORTH|ENGINE|HUB|{at}||{kind}|{id}|P|2.5.1\r"
PID = "PID|1||4711^^^NORTH^MR||Okafor^Adaeze\r"


def adt(event, number, at):
    head = MSH.format(app="REG", at=at, kind=f"ADT^{event}^ADT_A01", id=f"A{number}")
    return f"{head}EVN|{event}|{at}\r{PID}PV1|1|I|3W||||||||||||||||V9001^^^NORTH^VN\r"


def oru(number, order, at):
    head = MSH.format(app="LAB", at=at, kind="ORU^R01^ORU_R01", id=f"R{number}")
    return (
        f"{head}{PID}OBR|1|P{order}|F{order}|24331-1^Lipids^LN|||20260105090000\r"
        "OBX|1|NM|2345-7^Glucose^LN||91|mg/dL|||||F\r"
    )


@pytest.fixture
def day(messages):
    return messages.take(
        [
            adt("A01", 1, "20260105083000-0600"),
            adt("A08", 2, "20260105100000-0600"),
            oru(3, 7, "20260105093000-0600"),
            adt("A08", 4, "20260105110000-0600"),
            oru(5, 7, "20260105120000-0600"),
            oru(6, 8, "20260105121000-0600"),
        ]
    )


@pytest.fixture
def lines(desk, viewer, day):
    def of(number, subject, **given):
        found = thread(desk, viewer(**given), day[number], subject)
        assert found is not None
        return [
            (line.line.row.message_id, line.is_late, line.superseded_by) for line in found.lines
        ]

    return of


def test_a_patient_is_followed_across_channels_in_the_order_of_events(lines, day):
    first, second, third, fourth, fifth, sixth = day
    assert lines(0, "patient") == [
        (first, False, None),
        (third, True, fifth),
        (second, False, fourth),
        (fourth, False, None),
        (fifth, False, None),
        (sixth, False, None),
    ]


def test_a_visit_and_an_order_have_their_own_threads(lines, day):
    assert [one[0] for one in lines(3, "visit")] == [day[0], day[1], day[3]]
    assert [one[0] for one in lines(2, "order")] == [day[2], day[4]]


def test_a_message_that_names_none_is_alone(desk, viewer, messages, day):
    head = MSH.format(app="REG", at="20260105", kind="ADT^A08^ADT_A01", id="X")
    alone = messages.take([f"{head}EVN|A08|20260105\r"])[0]
    found = thread(desk, viewer(), alone, "order")
    assert found is not None
    assert [line.line.row.message_id for line in found.lines] == [alone]
    assert found.keys == ()


def test_channels_beyond_the_scope_are_left_out(lines, desk, viewer, day):
    assert [one[0] for one in lines(2, "patient", channels=frozenset({"oru"}))] == [
        day[2], day[4], day[5],
    ]  # fmt: skip
    assert thread(desk, viewer(channels=frozenset({"oru"})), day[0], "patient") is None


def test_it_needs_the_right_to_search_by_patient(desk, viewer, day):
    with pytest.raises(NotAllowed):
        thread(desk, viewer("operator"), day[0], "patient")
    assert thread(desk, viewer(), 999, "patient") is None
    with pytest.raises(KeyError):
        thread(desk, viewer(), day[0], "doctor")
