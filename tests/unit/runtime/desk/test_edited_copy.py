"""Edited copies: what can be changed, by whom, what is tried and what is kept."""

import dataclasses

import pytest
from stored_messages import shipped_benches

from engine.runtime.desk.audit import AuditSearch, read_trail
from engine.runtime.desk.edited_copy import Edit, draft, find_copy, store_copy, try_copy
from engine.runtime.desk.masking import SHIPPED
from engine.runtime.desk.message_edits import (
    EditRefused,
    FieldEdit,
    changes,
    editable_text,
    edited,
)
from engine.runtime.desk.rights import NotAllowed, everything

RAW = (
    b"MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|C-1|P|2.5.1\r"
    b"EVN|A01|20260105083000-0600\r"
    b"PID|1||4711^^^NORTH^MR~9^^^NORTH^SS||Okafor^Adaeze||19870412|X\r"
    b"PV1|1|I|3W^12^1\r"
    b"OBX|1|NM|8302-2^Height^LN||170|cm|||||F\r"
    b"OBX|2|TX|8302-2^Note^LN||said a\\T\\b||||||F\r"
)


def with_fields(*pairs, raw=RAW):
    return edited(raw, None, [FieldEdit(path=path, value=value) for path, value in pairs])


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("PID-8", "F", b"PID|1||4711^^^NORTH^MR~9^^^NORTH^SS||Okafor^Adaeze||19870412|F"),
        ("PID-3[2].1", "8", b"PID|1||4711^^^NORTH^MR~8^^^NORTH^SS||Okafor^Adaeze||19870412|X"),
        ("PID-5", "Oka^A", b"PID|1||4711^^^NORTH^MR~9^^^NORTH^SS||Oka^A||19870412|X"),
        ("PID-5.2", "A^B&C", b"||Okafor^A\\S\\B\\T\\C||19870412|X"),
        ("PID-7", "", b"PID|1||4711^^^NORTH^MR~9^^^NORTH^SS||Okafor^Adaeze|||X"),
        ("OBX[2]-5", "none", b"OBX|2|TX|8302-2^Note^LN||none||||||F"),
        ("PV1-19.1", "V7", b"PV1|1|I|3W^12^1||||||||||||||||V7"),
        ("MSH-10", "C-2", b"||ADT^A01^ADT_A01|C-2|P|2.5.1"),
    ],
)  # fmt: skip
def test_one_field_is_changed_and_nothing_else(path, value, line):
    made = with_fields((path, value)).split(b"\r")
    (changed,) = set(made) - set(RAW.split(b"\r"))
    assert changed.endswith(line)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("PID", "x", "is no field"),
        ("patient", "x", "is no field"),
        ("", "x", "is no field"),
        ("MSH-2", "x", "MSH-1 and MSH-2"),
        ("ZZZ-1", "x", "no such segment"),
        ("OBX[9]-5", "x", "no such segment"),
        ("PID-8", "a|b", "no field separator"),
        ("PID-8", "a\rPID|2", "no line end"),
        ("PID-3[type=XX].1", "x", "no such place"),
    ],
)
def test_a_field_that_cannot_be_changed_says_so(path, value, said):
    with pytest.raises(EditRefused, match=said):
        with_fields((path, value))


def test_the_text_round_trips_and_keeps_its_character_set():
    assert edited(RAW, editable_text(RAW).replace("\n", "\r\n"), []) == RAW
    latin = RAW.replace(b"2.5.1\r", b"2.5.1||||||8859/1\r", 1)
    made = edited(latin, editable_text(latin).replace("Adaeze", "Adäze"), [])
    assert b"Ad\xe4ze" in made
    with pytest.raises(EditRefused, match="cannot hold"):
        edited(latin, editable_text(latin).replace("Adaeze", "\u4e2d"), [])


@pytest.mark.parametrize("text", ["", "PID|1", "hello", "MSH"])
def test_a_text_that_is_no_message_is_refused(text):
    with pytest.raises(EditRefused, match="no longer be read"):
        edited(RAW, text, [])


def test_changes_name_the_places_and_hide_what_is_hidden():
    made = with_fields(("PID-8", "F"), ("PID-5.1", "Oka"), ("PV1-4", "E"))
    found = {one.path: (one.before, one.after) for one in changes(RAW, made, SHIPPED)}
    assert found == {
        "PID[1]-5[1].1.1": ("***", "***"),
        "PID[1]-8[1].1.1": ("X", "F"),
        "PV1[1]-4[1].1.1": ("", "E"),
    }
    assert changes(RAW, made, None)[0].before == "Okafor"


@pytest.fixture
def stored(messages):
    (message_id,) = messages.take([RAW])
    return message_id


EDIT = Edit(fields=(FieldEdit(path="PID-8", value="F"),))


def unmasked(who):
    return dataclasses.replace(who, unmasked=True, reason="INC-1 call")


def test_a_dry_run_says_what_would_change_and_keeps_nothing(desk, viewer, stored):
    trial = try_copy(desk, viewer(), SHIPPED, shipped_benches(), stored, EDIT)
    assert trial.state == "TRANSFORMED"
    assert [one.path for one in trial.changes] == ["PID[1]-8[1].1.1"]
    ((destination, lines),) = trial.outputs
    assert destination == "records"
    assert any(line.startswith("+") and '"gender": "female"' in line for line in lines)
    assert not any("Okafor" in line or "4711" in line for line in lines)
    with desk.log() as log:
        assert not log.copies.any_waiting()


def test_a_copy_is_kept_with_its_original_author_and_reason(desk, viewer, stored, messages):
    copy_id = store_copy(desk, viewer(), SHIPPED, stored, EDIT, " sex  was X at\nregistration ")
    (copy,) = messages.state.copies.claim(["adt"], 60.0)
    assert copy.raw == with_fields(("PID-8", "F"))
    assert (copy.parent_message_id, copy.author) == (stored, "support")
    assert (copy.reason, copy.changes) == ("sex was X at registration", ("PID-8",))
    assert find_copy(desk, viewer(), copy_id).message_id is None
    assert find_copy(desk, viewer(channels=frozenset({"oru"})), copy_id) is None
    (row,) = read_trail(desk, everything("a", "t"), AuditSearch(act="edit"), "4711")
    assert "PID-8" in repr(row)


@pytest.mark.parametrize("reason", ["", "   ", "abc"])
def test_a_copy_needs_a_reason(desk, viewer, stored, reason):
    with pytest.raises(EditRefused, match="say why"):
        store_copy(desk, viewer(), SHIPPED, stored, EDIT, reason)


def test_who_sees_values_masked_edits_no_text(desk, viewer, stored):
    assert draft(desk, viewer(), SHIPPED, stored).text is None
    edit = Edit(text=editable_text(RAW).replace("|X", "|F"))
    with pytest.raises(EditRefused, match="those who see its values"):
        try_copy(desk, viewer(), SHIPPED, shipped_benches(), stored, edit)
    shown = unmasked(viewer())
    assert draft(desk, shown, SHIPPED, stored).text == editable_text(RAW)
    assert try_copy(desk, shown, SHIPPED, shipped_benches(), stored, edit).state == "TRANSFORMED"


def test_nothing_changed_is_no_copy(desk, viewer, stored):
    with pytest.raises(EditRefused, match="nothing was changed"):
        try_copy(desk, viewer(), SHIPPED, shipped_benches(), stored, Edit())


def test_it_needs_the_right_and_the_channel(desk, viewer, stored):
    with pytest.raises(NotAllowed):
        draft(desk, viewer("operator"), SHIPPED, stored)
    with pytest.raises(NotAllowed):
        store_copy(desk, viewer("operator"), SHIPPED, stored, EDIT, "long enough")
    scoped = viewer(channels=frozenset({"oru"}))
    assert draft(desk, scoped, SHIPPED, stored) is None
    assert store_copy(desk, scoped, SHIPPED, stored, EDIT, "long enough") is None
