"""The one table of answers. The contract tests of the destinations prove it on sockets."""

import orjson
import pytest

from engine.pipeline.response import (
    ACCEPTED,
    FAULTS,
    RETRY_AFTER_SECONDS_MAX,
    Classification,
    Fault,
    classify_fault,
    classify_http,
    classify_mllp,
    combine,
    entry_answers,
    parse_retry_after,
)
from engine.pipeline.states import FailureClass

TRANSIENT, AMBIGUOUS, PERMANENT = (
    FailureClass.TRANSIENT,
    FailureClass.AMBIGUOUS,
    FailureClass.PERMANENT,
)


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_has_a_class(fault: Fault) -> None:
    assert classify_fault(fault) == Classification(FAULTS[fault], fault.value)


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_a_class_and_a_bounded_code(status: int) -> None:
    found = classify_http(status, {}, b"")
    assert found.code == f"http-{status}"
    assert found.accepted == (200 <= status < 300)


@pytest.mark.parametrize("status", [408, 425, 429, 503])
def test_what_the_server_did_not_take_is_transient(status: int) -> None:
    assert classify_http(status, {}, b"").failure_class is TRANSIENT


@pytest.mark.parametrize("status", [500, 502, 504])
def test_what_it_may_have_taken_is_ambiguous(status: int) -> None:
    assert classify_http(status, {}, b"").failure_class is AMBIGUOUS


@pytest.mark.parametrize("status", [301, 400, 403, 404, 405, 410, 412, 413, 415, 422, 501])
def test_what_it_refused_is_permanent(status: int) -> None:
    assert classify_http(status, {}, b"").failure_class is PERMANENT


def outcome(*codes: str, severity: str = "error") -> bytes:
    issues = [{"severity": severity, "code": code} for code in codes]
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": issues})


def test_operation_outcome_can_make_a_refusal_a_passing_one() -> None:
    assert classify_http(422, {}, outcome("lock-error")).failure_class is TRANSIENT
    assert classify_http(422, {}, outcome("lock-error", "invalid")).failure_class is PERMANENT
    assert classify_http(422, {}, outcome("timeout", severity="warning")).failure_class is PERMANENT


def test_server_error_with_an_outcome_was_not_taken() -> None:
    assert classify_http(500, {}, outcome("exception")).failure_class is TRANSIENT
    assert classify_http(502, {}, outcome("exception")).failure_class is AMBIGUOUS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        ("-1", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("999999", RETRY_AFTER_SECONDS_MAX),
        ("nan", None),
    ],
)
def test_retry_after_is_seconds_within_a_bound(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text) == seconds


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b'{"resourceType":"Patient"}', b"null"])
def test_what_is_no_answer_bundle_is_none(body: bytes) -> None:
    assert entry_answers(body) is None


def test_entry_without_a_status_is_ambiguous() -> None:
    body = orjson.dumps({"resourceType": "Bundle", "entry": [{}, {"response": {"status": "x"}}]})
    answers = entry_answers(body)
    assert answers is not None
    assert {answer.failure_class for answer in answers} == {AMBIGUOUS}


T, A, P = (Classification(each, "x") for each in (TRANSIENT, AMBIGUOUS, PERMANENT))


@pytest.mark.parametrize(
    ("answers", "repeatable", "expected"),
    [
        ([], True, None),
        ([ACCEPTED, ACCEPTED], False, None),
        ([ACCEPTED, P], True, PERMANENT),
        ([P, T], True, TRANSIENT),
        ([T, A, P], True, AMBIGUOUS),
        ([ACCEPTED, T], True, TRANSIENT),
        ([ACCEPTED, T], False, AMBIGUOUS),
        ([T, T], False, TRANSIENT),
    ],
)
def test_worst_part_decides_for_the_whole(
    answers: list[Classification], repeatable: bool, expected: FailureClass | None
) -> None:
    assert combine(answers, repeatable=repeatable).failure_class is expected


def acknowledgment(msa: str, *more: str) -> bytes:
    segments = ["MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5.1", msa, *more]
    return ("\r".join(segments) + "\r").encode()


@pytest.mark.parametrize(
    ("code", "failure_class"),
    [
        ("AA", None),
        ("CA", None),
        ("AE", PERMANENT),
        ("CE", PERMANENT),
        ("AR", TRANSIENT),
        ("CR", TRANSIENT),
    ],
)
def test_msa_1_decides_and_msa_2_must_be_ours(
    code: str, failure_class: FailureClass | None
) -> None:
    assert classify_mllp(acknowledgment(f"MSA|{code}|C1"), "C1").failure_class is failure_class
    assert classify_mllp(acknowledgment(f"MSA|{code}|C2"), "C1").code == "ack-foreign"


def test_err_3_says_more_than_msa_1() -> None:
    refused = acknowledgment("MSA|AR|C1", "ERR|||200^Unsupported type^HL70357|E")
    assert classify_mllp(refused, "C1").failure_class is PERMANENT
    failed = acknowledgment("MSA|AE|C1", "ERR|||207^Internal error^HL70357|E")
    assert classify_mllp(failed, "C1").failure_class is TRANSIENT


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", b"MSH|", acknowledgment("MSA|ZZ|C1")])
def test_acknowledgment_that_cannot_be_read_is_ambiguous(raw: bytes) -> None:
    assert classify_mllp(raw, "C1").code == "ack-unreadable"


def test_acknowledgment_with_other_delimiters_is_read() -> None:
    raw = b"MSH#*~\\&#A#B#C#D#20260101##ACK#1#P#2.5.1\rMSA#AA#C1\r"
    assert classify_mllp(raw, "C1").accepted


def test_a_retry_after_that_is_a_date_is_read_by_the_date_of_the_answer() -> None:
    headers = {
        "retry-after": "Mon, 05 Jan 2026 08:30:30 GMT",
        "date": "Mon, 05 Jan 2026 08:30:00 GMT",
    }
    assert classify_http(503, headers, b"").retry_after_seconds == 30.0
    assert (
        classify_http(503, {"retry-after": headers["retry-after"]}, b"").retry_after_seconds is None
    )
    past = {"retry-after": headers["date"], "date": headers["retry-after"]}
    assert classify_http(503, past, b"").retry_after_seconds is None
    assert classify_http(503, {"retry-after": "soon", "date": "x"}, b"").retry_after_seconds is None
