"""Delimiters: what MSH-1 and MSH-2 declare, and what is done when they declare nonsense."""

import pytest

from engine.hl7v2.delimiters import STANDARD, Delimiters, read_delimiters


def codes_of(problems):
    return [problem.code for problem in problems]


def test_standard_delimiters_leave_no_diagnostic():
    assert read_delimiters("|", "^~\\&") == (STANDARD, ())


def test_a_fifth_character_is_the_truncation_character():
    found, problems = read_delimiters("|", "^~\\&#")
    assert found.truncation == "#"  # MSH-2
    assert problems == ()


def test_other_characters_are_taken_as_declared():
    found, problems = read_delimiters("#", "!*?$")
    assert found == Delimiters("#", "!", "*", "?", "$")
    assert problems == ()
    assert found.encoding_characters == "!*?$"


def test_missing_characters_are_filled_with_the_standard_ones():
    found, problems = read_delimiters("|", "^~")
    assert found == STANDARD
    assert codes_of(problems) == ["H220"]


def test_a_missing_character_never_takes_a_role_twice():
    found, problems = read_delimiters("|", "&")
    characters = [found.field, found.component, found.repetition, found.escape, found.subcomponent]
    assert len(set(characters)) == 5
    assert codes_of(problems) == ["H220"]


def test_a_doubled_backslash_is_counted_once():
    found, problems = read_delimiters("|", "^~\\\\&")
    assert found == STANDARD
    assert codes_of(problems) == ["H222"]


def test_letters_and_digits_delimit_nothing():
    found, problems = read_delimiters("|", "^~u0026")
    assert found == STANDARD
    assert codes_of(problems) == ["H229", "H220"]


def test_more_than_five_characters_are_reported():
    found, problems = read_delimiters("|", "^~\\&#%")
    assert found.subcomponent == "&"
    assert codes_of(problems) == ["H221"]


@pytest.mark.parametrize("field", ["A", " ", "1"])
def test_a_letter_digit_or_blank_as_field_separator_is_an_error(field):
    _, problems = read_delimiters(field, "^~\\&")
    assert "H223" in codes_of(problems)
