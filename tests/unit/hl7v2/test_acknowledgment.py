"""Acknowledgments: the whole table, cell by cell, and the bytes of the answer."""

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from engine.diagnostics import NOWHERE, Place, error, warning
from engine.hl7v2.acknowledgment import (
    Acknowledgment,
    Moment,
    Outcome,
    accept_acknowledgment_code,
    build_acknowledgment,
    condition_of,
    decide,
    owes_application_acknowledgment,
    read_acknowledgment,
)
from engine.hl7v2.definitions import VERSIONS
from engine.hl7v2.header import peek
from engine.hl7v2.parser import parse

ACCEPTED, ERROR, REJECTED = Outcome.ACCEPTED, Outcome.ERROR, Outcome.REJECTED
RECEIVED, PROCESSED = Moment.RECEIVED, Moment.PROCESSED


def header(accept="", application="", *, kind="ADT^A01^ADT_A01", version="2.5.1", charset=""):
    return peek(
        f"MSH|^~\\&|LAB^1.2^ISO|NORTH|EHR|SOUTH|2024||{kind}|ID7|T|{version}|||{accept}|{application}"
        f"||{charset}\rPID|1\r".encode()
    )


def codes(found, *, deferred=False):
    """All six answers: received and processed, each accepted, error, rejected."""
    return [
        decide(found, moment, outcome, deferred=deferred)
        for moment in (RECEIVED, PROCESSED)
        for outcome in (ACCEPTED, ERROR, REJECTED)
    ]


def test_original_mode_answers_once_at_receipt():
    assert codes(header()) == ["AA", "AE", "AR", None, None, None]


def test_original_mode_answers_after_processing_where_the_channel_does():
    assert codes(header(), deferred=True) == [None, "AE", "AR", "AA", "AE", "AR"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("AL", ["CA", "CE", "CR"]),
        ("NE", [None, None, None]),
        ("ER", [None, "CE", "CR"]),
        ("SU", ["CA", None, None]),
        ("??", ["CA", "CE", "CR"]),
    ],
)
@pytest.mark.parametrize("deferred", [False, True])
def test_enhanced_mode_accepts_as_msh_15_asks(accept, expected, deferred):
    assert codes(header(accept), deferred=deferred)[:3] == expected


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ("AL", ["AA", "AE", "AR"]),
        ("NE", [None, None, None]),
        ("ER", [None, "AE", "AR"]),
        ("SU", ["AA", None, None]),
        ("??", ["AA", "AE", "AR"]),
    ],
)
def test_enhanced_mode_answers_later_as_msh_16_asks(application, expected):
    assert codes(header("NE", application))[3:] == expected


def test_one_valued_condition_is_enhanced_mode_and_the_empty_one_asks_for_nothing():
    assert codes(header("AL", "")) == ["CA", "CE", "CR", None, None, None]
    assert codes(header("", "AL")) == [None, None, None, "AA", "AE", "AR"]


@pytest.mark.parametrize("kind", ["ACK", "ACK^A01^ACK", "MCF"])
def test_an_acknowledgment_is_never_acknowledged(kind):
    assert codes(header("AL", "AL", kind=kind)) == [None] * 6
    assert codes(header(kind=kind)) == [None] * 6


def test_what_has_no_msh_is_rejected_in_original_mode():
    assert decide(peek(b"garbage"), RECEIVED, REJECTED) == "AR"


def test_the_code_at_receipt_has_a_short_way():
    assert accept_acknowledgment_code(header()) == "AA"
    assert accept_acknowledgment_code(header("AL")) == "CA"
    assert accept_acknowledgment_code(header(), REJECTED) == "AR"
    assert accept_acknowledgment_code(header(), deferred=True) is None


def test_a_late_answer_is_owed_when_any_outcome_asks_for_one():
    assert not owes_application_acknowledgment(header())
    assert owes_application_acknowledgment(header(), deferred=True)
    assert owes_application_acknowledgment(header("AL", "ER"))
    assert not owes_application_acknowledgment(header("AL", "NE"))


def build(found, code="AA", **options):
    return build_acknowledgment(found, code, control_id="A9", timestamp="20240102", **options)


def test_a_positive_answer_swaps_sender_and_receiver():
    assert build(header()) == (
        b"MSH|^~\\&|EHR|SOUTH|LAB^1.2^ISO|NORTH|20240102||ACK^A01^ACK|A9|T|2.5.1\rMSA|AA|ID7\r"
    )


@pytest.mark.parametrize(
    ("version", "kind"),
    [("2.2", "ACK"), ("2.3", "ACK^A01"), ("2.3.1", "ACK^A01^ACK"), ("2.8", "ACK^A01^ACK")],
)
def test_the_type_of_the_answer_fits_the_version(version, kind):
    answer = peek(build(header(version=version)))
    assert answer.field(9) == kind  # MSH-9
    assert answer.version == version  # MSH-12


def test_the_answer_uses_the_delimiters_of_the_sender():
    odd = peek(b"MSH#!*?$#LAB#N#EHR#S#2024##ADT!A01!ADT_A01#ID7#P#2.5.1\r")
    assert build(odd) == b"MSH#!*?$#EHR#S#LAB#N#20240102##ACK!A01!ACK#A9#P#2.5.1\rMSA#AA#ID7\r"


def test_the_answer_is_in_the_character_set_of_the_sender():
    found = peek("MSH|^~\\&|Müll|N|EHR|S|2024||ADT^A01|Né|P|2.5||||||8859/1\r".encode("latin-1"))
    answer = build(found)
    assert "Müll".encode("latin-1") in answer
    assert answer.endswith("MSA|AA|Né\r".encode("latin-1"))
    assert peek(answer).charset == "8859/1"  # MSH-18


def test_msa_2_holds_the_very_bytes_of_msh_10():
    found = peek(b"MSH|^~\\&|A|B|C|D|2024||ADT^A01|\xff\xfe1|P|2.5\r")
    assert build(found).endswith(b"MSA|AA|\xff\xfe1\r")


def test_what_has_no_msh_gets_an_answer_that_parses():
    answer = build(peek(b"garbage"), "AR", text_code0357="100")
    assert parse(answer).message is not None
    assert read_acknowledgment(answer) == Acknowledgment("AR", "")


MISSING = error("T599", "no table row | for it", "add a row")
NOTED = warning("T598", "noted", "nothing")


def test_errors_are_structured_from_2_5_on():
    answer = build(
        header(), "AE", diagnostics=[NOTED(), MISSING(Place(path="PID[2]-3[4].5.6"))]
    ).decode()
    assert answer.split("\r")[1:] == [
        "MSA|AE|ID7",
        (
            "ERR||PID^2^3^4^5^6|207^Application internal error^HL70357|E|T599^^L||add a row"
            "|no table row \\F\\ for it"
        ),
        "ERR|||207^Application internal error^HL70357|W|T598^^L||nothing|noted",
        "",
    ]


def test_errors_before_2_5_use_msa_and_the_old_err():
    answer = build(header(version="2.4"), "AE", diagnostics=[MISSING(Place(path="PID-8"))]).decode()
    assert answer.split("\r")[1:] == [
        "MSA|AE|ID7|no table row \\F\\ for it|||207^Application internal error^HL70357",
        "ERR|PID^1^8^207&Application internal error&HL70357",
        "",
    ]


def test_errors_before_2_3_have_only_a_text():
    answer = build(header(version="2.2"), "AR", text_code0357="200").decode()
    assert answer.split("\r")[1:] == ["MSA|AR|ID7|Unsupported message type", ""]


def test_a_condition_alone_makes_one_err():
    answer = build(header(), "AR", text_code0357="205").decode()
    assert answer.split("\r")[2] == "ERR|||205^Duplicate key identifier^HL70357|E"


def test_the_number_of_errors_is_bounded():
    answer = build(header(), "AE", diagnostics=[MISSING()] * 100)
    assert answer.count(b"\rERR|") == 10


@pytest.mark.parametrize(
    ("code", "condition"),
    [("H201", "100"), ("H226", "200"), ("H225", "203"), ("H243", "100"), ("S701", "207")],
)
def test_diagnostics_map_to_table_0357(code, condition):
    assert condition_of(code) == condition


def test_a_diagnostic_without_a_place_has_an_empty_err_2():
    answer = build(header(), "AE", diagnostics=[MISSING(NOWHERE)])
    assert b"\rERR|||207^" in answer


@pytest.mark.parametrize("code", ["AA", "AE", "AR", "CA", "CE", "CR"])
def test_an_answer_is_read_back(code):
    found = read_acknowledgment(build(header(), code))
    assert found == Acknowledgment(code, "ID7")
    assert found.is_accept == (code[0] == "C")
    assert found.outcome is {"A": ACCEPTED, "E": ERROR, "R": REJECTED}[code[1]]


@pytest.mark.parametrize("raw", [b"", b"junk", b"MSH|^~\\&|A|B|C|D|2024||ACK|1|P|2.5\r"])
def test_what_is_no_acknowledgment_is_not_read_as_one(raw):
    assert read_acknowledgment(raw) is None


def test_an_unknown_code_has_no_outcome():
    assert Acknowledgment("XX", "1").outcome is None


@pytest.mark.parametrize("version", VERSIONS[VERSIONS.index("2.3.1") :])
@pytest.mark.parametrize(
    "options", [{}, {"text_code0357": "207"}, {"diagnostics": [MISSING(Place(path="PID-3[2].4"))]}]
)
def test_hl7apy_finds_every_answer_valid(version, options):
    answer = build(header(version=version), "AE" if options else "AA", **options).decode()
    message = parse_message(answer, validation_level=VALIDATION_LEVEL.STRICT)
    assert message.validate()
