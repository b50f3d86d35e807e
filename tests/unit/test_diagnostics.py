"""Diagnostics: codes make them, places locate them, and their text form shows both."""

import dataclasses

import pytest

from engine.diagnostics import (
    NOWHERE,
    Diagnostic,
    Place,
    Severity,
    did_you_mean,
    error,
    has_errors,
    render,
    sort_key,
    warning,
    without_secrets,
)

PORT = error("X901", 'the port "{port}" is taken', "choose another one")
NOTE = warning("X902", "this is odd", "look again")


def test_a_code_makes_a_diagnostic_with_its_text_filled_in():
    found = PORT(Place(file="a.yaml", line=3, column=5), port=2575)
    assert found == Diagnostic(
        code="X901",
        severity=Severity.ERROR,
        message='the port "2575" is taken',
        place=Place(file="a.yaml", line=3, column=5),
        hint="choose another one",
    )


def test_a_hint_of_its_own_overrides_the_remedy():
    assert PORT(port=1, hint='did you mean "2576"?').hint == 'did you mean "2576"?'


def test_a_diagnostic_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PORT(port=1).code = "X000"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(file="a.yaml", line=3, column=5), "a.yaml:3:5"),
        (Place(file="a.yaml"), "a.yaml"),
        (Place(path="PID-3"), "PID-3"),
        (Place(file="a.hl7", path="PID-3"), "a.hl7"),
        (NOWHERE, ""),
    ],
)
def test_a_place_says_what_is_known(place, text):
    assert str(place) == text


def test_the_json_form_leaves_out_what_is_absent():
    assert NOTE().as_dict() == {
        "code": "X902",
        "severity": "warning",
        "message": "this is odd",
        "hint": "look again",
    }
    assert PORT(Place(file="a", line=1, column=2, path="PID-3"), port=1).as_dict() == {
        "code": "X901",
        "severity": "error",
        "message": 'the port "1" is taken',
        "file": "a",
        "line": 1,
        "column": 2,
        "path": "PID-3",
        "hint": "choose another one",
    }


def test_only_errors_are_errors():
    assert not has_errors([])
    assert not has_errors([NOTE()])
    assert has_errors([NOTE(), PORT(port=1)])


def test_a_near_word_is_offered():
    assert did_you_mean("prot", ["port", "address"]) == 'did you mean "port"?'
    assert did_you_mean("zzz", ["port", "address"]) is None


def test_the_text_form_shows_the_source_line_with_a_caret():
    found = PORT(Place(file="a.yaml", line=2, column=7, width=4), port=2575)
    assert render(found, ["name: x", "port:\t2575"]).split("\n") == [
        'a.yaml:2:7: error[X901] the port "2575" is taken',
        "  |",
        "2 | port: 2575",
        "  |       ^^^^",
        "  = help: choose another one",
    ]


def test_the_text_form_without_source_or_place_is_one_line_and_a_hint():
    assert render(NOTE()) == "warning[X902] this is odd\n  = help: look again"
    assert render(NOTE(Place(file="a", line=9)), ["only one line"]).startswith("a:9: warning")


def test_diagnostics_sort_by_place():
    places = [Place(file="b"), Place(file="a", line=2), Place(file="a", line=1, column=2), NOWHERE]
    found = sorted((NOTE(place) for place in places), key=sort_key)
    assert [str(each.place) for each in found] == ["", "a:1:2", "a:2", "b"]


def test_a_secret_is_not_shown_whatever_diagnostic_shows_its_line():
    lines = ["a: 1, token: hunter2"]
    secret = NOTE(Place(file="f", line=1, column=14, width=7, secret=True))
    other = NOTE(Place(file="f", line=1, column=1))
    assert "hunter2" not in render(secret, lines)
    assert without_secrets(lines, (other, secret), "f") == ["a: 1, token: *******"]
    assert without_secrets(lines, (secret,), "g") == lines


def test_of_a_long_line_only_the_part_around_the_place_is_shown():
    line = "a" * 500 + "BAD" + "a" * 500
    *_, text, caret, _ = render(NOTE(Place(file="f", line=1, column=501, width=3)), [line]).split(
        "\n"
    )
    assert len(text) < 200
    assert text[caret.index("^") :].startswith("BAD")


def test_a_place_in_a_file_and_a_message_shows_both():
    found = NOTE(Place(file="a.hl7", line=1, path="PID-3"))
    assert render(found).startswith("a.hl7:1: warning[X902] this is odd (PID-3)")


def test_a_place_without_column_shows_the_line_without_a_caret():
    assert "^" not in render(NOTE(Place(file="a", line=1)), ["some text"])


def test_a_diagnostic_without_a_hint_is_one_line():
    found = Diagnostic(code="X903", severity=Severity.INFO, message="so it is")
    assert render(found) == "info[X903] so it is"


def test_a_long_line_is_shown_around_its_column():
    line = "x" * 5_000 + "HERE" + "y" * 5_000
    shown = render(NOTE(Place(file="a", line=1, column=5_001, width=4)), [line])
    source, caret = shown.split("\n")[2:4]
    assert len(source) < 1_000
    assert source[caret.index("^") : caret.index("^") + 4] == "HERE"
