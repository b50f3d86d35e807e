"""Requests and answers as kept, for those who see values and those who do not."""

import pytest

from engine.runtime.desk.masking import SHIPPED
from engine.runtime.desk.stored_text import json_values, shown_body, shown_text, steps

REQUEST = (
    b"PUT https://fhir.example/r4/Patient?identifier=urn:oid:1.2|SECRET\n"
    b"Content-Type: application/fhir+json\nIf-None-Exist: identifier=SECRET\n"
    b"Authorization: Bearer (${env:TOKEN})\n\n"
    b'{"resourceType":"Patient","birthDate":"SECRET","gender":"female"}'
)
CALLS = (
    b"# looked up in the ledger: not there\n\nPOST https://millennium.example/r4/Patient\n"
    b'Content-Type: a/b\n\n{"resourceType":"Patient","name":[{"family":"SECRET"}]}\n\n'
    b"GET https://millennium.example/r4/Patient?name=SECRET"
)
ANSWER = (
    b"422\nX-Request-Id: r-1\nLocation: https://x/Patient/SECRET\n\n"
    b'1: 422\ncontent-type: application/fhir+json\n{"resourceType":"OperationOutcome","issue":'
    b'[{"severity":"error","code":"value","diagnostics":"SECRET"}]}\n\n2: no answer: timeout'
)


@pytest.mark.parametrize(
    "stored",
    [
        REQUEST,
        CALLS,
        ANSWER,
        b"200\nServer: x\n\nSECRET is not known here",
        b"200\n\n<html>SECRET</html>\n\nSECRET",
        b"file /out/SECRET.json\n",
        b"MSH|^~\\&|A|B\rMSA|AE|1|SECRET said\rERR|||204|E||||SECRET\r",
        b"SECRET",
        b"SECRET\nline",
        b"{SECRET",
        b"note: SECRET of somebody",
        b"\xffSECRET",
    ],
)
def test_a_masked_viewer_sees_nothing_that_is_not_known_to_be_harmless(stored):
    assert "SECRET" not in shown_text(stored, SHIPPED)
    assert "SECRET" not in shown_body(stored, SHIPPED)
    assert "SECRET" in shown_text(stored, None)


def test_what_is_harmless_stays():
    shown = shown_text(REQUEST, SHIPPED)
    assert "PUT https://fhir.example/r4/Patient?***" in shown
    assert "Content-Type: application/fhir+json" in shown
    assert "If-None-Exist: ***" in shown
    assert '"gender": "female"' in shown
    shown = shown_text(CALLS, SHIPPED)
    assert "# looked up in the ledger: not there" in shown
    assert "POST https://millennium.example/r4/Patient\n" in shown
    assert "GET https://millennium.example/r4/Patient?***" in shown
    shown = shown_text(ANSWER, SHIPPED)
    assert "X-Request-Id: r-1" in shown
    assert "1: 422\ncontent-type: application/fhir+json\n{" in shown
    assert "2: no answer: timeout" in shown


def test_every_body_is_found():
    assert [one["resourceType"] for one in json_values(ANSWER)] == ["OperationOutcome"]
    assert [one["resourceType"] for one in json_values(CALLS)] == ["Patient"]
    assert list(json_values(b'{"a":\n\n1}')) == [{"a": 1}]
    assert list(json_values(b"")) == []


def test_a_long_text_is_cut_and_says_so():
    shown = shown_text(b'200\n\n["%s"]' % (b"x" * 400_000), None)
    assert len(shown) < 300_000
    assert "bytes in all" in shown


def test_what_a_body_asks_for_is_listed_without_identifiers():
    bundle = b'{"resourceType":"Bundle","entry":[{"request":{"method":"PUT","url":"Patient/p-1"}},'
    bundle += b'{"request":{"method":"PUT","url":"Encounter?identifier=SECRET"}},{"x":1},7]}'
    assert steps(bundle) == ["PUT Patient/p-1", "PUT Encounter"]
    calls = b'{"version":1,"calls":[{"call":"patient.register","name":"Patient/p-1"},{},3]}'
    assert steps(calls) == ["patient.register Patient/p-1", ""]
    assert steps(b"MSH|") == steps(b"[]") == steps(b"") == []
