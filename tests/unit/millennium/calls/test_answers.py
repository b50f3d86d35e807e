"""What answers mean, in each of the four shapes of Millennium's errors."""

import pytest
from composed import shipped_calls

from engine.millennium.calls.answers import captured, classify_answer
from engine.millennium.calls.model import AnswerClass

CREATE = shipped_calls().calls["observation.create"]
UPDATE = shipped_calls().calls["observation.update"]
FIND = shipped_calls().calls["patient.find"]
MIXED = (
    b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"business-rule",'
    b'"details":{"text":"code cannot contain proprietary and standard codes"},'
    b'"expression":["Observation.code"]}]}'
)
REQUIRED = (
    b'{"resourceType":"OperationOutcome","issue":[{"severity":"fatal","code":"required",'
    b'"location":["/f:AllergyIntolerance/f:clinicalStatus"]}]}'
)
GATEWAY = (
    b'{"code":403,"message":"code=\\"urn:cerner:error:oauth2:resource-access:'
    b'insufficient-scopes\\", error=\\"insufficient_scope\\""}'
)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, b"", AnswerClass.REJECTED, "http-400"),
        (401, b"", AnswerClass.AUTHORIZATION, "http-401"),
        (403, GATEWAY, AnswerClass.CONFIGURATION, "http-403-scope"),
        (403, b"Tenant not valid or accessible", AnswerClass.CONFIGURATION, "http-403-tenant"),
        (404, b"", AnswerClass.MISSING, "http-404"),
        (406, b"", AnswerClass.CONFIGURATION, "http-406"),
        (409, b"", AnswerClass.CONFLICT, "http-409"),
        (412, b"", AnswerClass.CONFIGURATION, "http-412"),
        (422, MIXED, AnswerClass.REJECTED, "http-422-mixed-codings"),
        (423, b"", AnswerClass.RETRY, "http-423"),
        (424, b"", AnswerClass.REJECTED, "http-424"),
        (429, b"", AnswerClass.RETRY, "http-429"),
        (500, REQUIRED, AnswerClass.REJECTED, "http-500-required"),
        (500, b"", AnswerClass.RETRY, "http-500"),
        (503, b"<html>busy</html>", AnswerClass.RETRY, "http-503"),
    ],
)
def test_the_status_decides_what_an_answer_to_an_update_means(
    status: int, body: bytes, kind: AnswerClass, code: str
):
    answer = classify_answer(UPDATE, status, {}, body)
    assert (answer.kind, answer.code) == (kind, code)


def test_an_answer_names_the_element_it_is_about_and_quotes_nothing():
    answer = classify_answer(CREATE, 422, {}, MIXED.replace(b"code cannot", b"OKAFOR cannot"))
    assert answer.elements == ("Observation.code",)
    assert "OKAFOR" not in repr(answer)
    assert classify_answer(CREATE, 500, {}, REQUIRED).elements == (
        "AllergyIntolerance.clinicalStatus",
    )


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_create_whose_answer_is_a_fault_may_have_been_made(status: int):
    assert classify_answer(CREATE, status, {}, b"").kind is AnswerClass.UNKNOWN
    assert classify_answer(UPDATE, status, {}, b"").kind is AnswerClass.RETRY


def test_a_create_is_done_only_when_it_says_where():
    headers = {"location": "https://host/r4/t/Observation/L-1", "etag": 'W/"1"'}
    assert classify_answer(CREATE, 201, headers, b"").kind is AnswerClass.DONE
    assert classify_answer(CREATE, 201, {}, b"").kind is AnswerClass.UNKNOWN
    assert captured(CREATE, headers, b"") == {"id": "L-1", "etag": 'W/"1"'}


def test_an_unknown_type_or_root_is_no_missing_resource():
    assert classify_answer(FIND, 404, {}, b"").kind is AnswerClass.CONFIGURATION
