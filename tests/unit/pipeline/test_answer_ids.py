"""The ids by which people ask a destination for a message."""

import pytest

from engine.pipeline.answer_ids import IDS_MAX, answer_ids

CREATED = (
    b"201\nLocation: https://fhir.example/r4/Patient/12345/_history/1\nX-Request-Id: r-77\n"
    b"opc-request-id: AB12/CD\nServer: x\n\n"
)


def test_headers_name_the_request_and_what_was_made():
    assert answer_ids(CREATED, located=True) == ("12345", "r-77", "AB12/CD")


def test_ids_we_gave_are_not_read_again():
    assert answer_ids(CREATED, located=False) == ("r-77", "AB12/CD")


def test_each_entry_of_an_answer_bundle_has_its_place():
    body = (
        b'200\n\n{"resourceType":"Bundle","entry":[{"response":{"location":"Patient/a/_history/2"}'
        b'},{"response": {"location" : 1, "location": "https://s/r4/Observation/b.1"}},'
        b'{"response":{"status":"201","location":"nowhere"}},{"location":["Bundle.entry/x"]}]}'
    )
    assert answer_ids(body, located=True) == ("a", "b.1")


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"MSH|^~\\&|A\rMSA|AA|1", b'200\n\n"location":'])
def test_an_answer_without_ids_has_none(raw):
    assert answer_ids(raw, located=True) == ()


def test_the_ids_of_one_answer_are_limited():
    body = b"200\n\n" + b",".join(b'"location":"P/%d"' % number for number in range(IDS_MAX * 2))
    assert len(answer_ids(body, located=True)) == IDS_MAX
