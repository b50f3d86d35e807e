"""Escape sequences: every documented one is read, everything else is kept as it stands."""

import pytest

from engine.hl7v2.delimiters import STANDARD, Delimiters
from engine.hl7v2.escape import escape, lone_escapes, unescape


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("plain", "plain"),
        (r"a\F\b", "a|b"),
        (r"a\S\b", "a^b"),
        (r"a\T\b", "a&b"),
        (r"a\R\b", "a~b"),
        (r"a\E\b", "a\\b"),
        (r"\E\E\E\ ", "\\E\\ "),
        (r"one\.br\two", "one\ntwo"),
        (r"one\.ce\two", "one\ntwo"),
        (r"a\.sp2\b", "a\n\nb"),
        (r"a\.sp\b", "a\nb"),
        (r"a\.sk3\b", "a   b"),
        (r"a\.in+4\b\.ti-2\c", "abc"),
        (r"\.fi\a\.nf\b", "ab"),
        (r"\H\loud\N\ quiet", "loud quiet"),
        (r"cut\P\ ", "cut# "),
        (r"a\X0D\b", "a\rb"),
        (r"a\X0D0A\b", "a\r\nb"),
        (r"a\X000d\b", "a\rb"),
        (r"\X00E0\ ", "à "),
        (r"\XC3A9\ ", "é "),
        (r"\X41424344\ ", "ABCD "),
    ],
)
def test_a_sequence_becomes_what_it_stands_for(written, meant):
    assert unescape(written, STANDARD) == meant


@pytest.mark.parametrize(
    "text",
    [
        r"\\server\share\file.txt",
        "C:\\",
        r"\Zlocal\ ",
        r"\C2842\ ",
        r"\M1B2442\ ",
        r"\XZZ\ ",
        r"\X0\ ",
        r"\X00\ ",
        r"\s\ ",
        "\\",
        "\\\\",
    ],
)
def test_what_is_no_sequence_is_kept_literally(text):
    assert unescape(text, STANDARD) == text


def test_a_lone_escape_character_does_not_swallow_the_sequence_after_it():
    assert unescape("a\\ b\\T\\c", STANDARD) == "a\\ b&c"


def test_hexadecimal_data_is_read_in_the_character_set_of_the_message():
    assert unescape(r"\XE9\ ", STANDARD, "iso8859_1") == "é "
    assert unescape(r"\XE9\ ", STANDARD, "utf-8") == r"\XE9\ "


def test_sequences_use_the_escape_character_of_the_message():
    odd = Delimiters("#", "!", "*", "?", "$")
    assert unescape("a?S?b?F?c\\S\\", odd) == "a!b#c\\S\\"


def test_escape_hides_every_delimiter_and_line_end():
    text = "a|b^c&d~e\\f\rg\nh"
    hidden = escape(text, STANDARD)
    assert not set("|^&~\r\n") & set(hidden)
    assert unescape(hidden, STANDARD) == text


def test_an_escape_character_that_begins_nothing_is_noticed():
    assert lone_escapes(r"\\server\share", STANDARD)
    assert lone_escapes("end\\", STANDARD)
    assert not lone_escapes(r"a\T\b\.br\c\Zx\ ", STANDARD)
