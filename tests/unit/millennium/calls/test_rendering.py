"""Calls as requests: arguments never become addresses or headers of their own."""

import pytest
from composed import shipped_calls

from engine.millennium.calls.rendering import ArgumentError, render_request

ROOTS = {"fhir_root": "https://fhir.example.org/r4/t"}
FIND = shipped_calls().calls["patient.find"]
PATCH = shipped_calls().calls["patient.patch"]


def test_a_search_carries_its_identifier_encoded():
    request = render_request(FIND, ROOTS, {"identifier": "urn:oid:1.2|47 11&x=1"})
    assert request.url == (
        "https://fhir.example.org/r4/t/Patient?identifier=urn%3Aoid%3A1.2%7C47%2011%26x%3D1"
    )
    assert (request.method, request.body) == ("GET", b"")


def test_a_patch_carries_the_etag_of_its_copy_as_it_came():
    arguments = {"id": "12742399", "etag": 'W/"0$0"'}
    request = render_request(PATCH, ROOTS, arguments, [{"op": "test", "path": "/a", "value": 1}])
    assert request.url.endswith("/Patient/12742399")
    assert dict(request.headers)["If-Match"] == 'W/"0$0"'
    assert dict(request.headers)["Content-Type"] == "application/json-patch+json"
    assert request.body == b'[{"op":"test","path":"/a","value":1}]'


@pytest.mark.parametrize(
    "arguments",
    [{"id": "1"}, {"id": "..", "etag": "W"}, {"id": "1", "etag": "W\r\nX-Other: 1"}],
)
def test_a_call_that_cannot_be_sent_as_it_is_meant_is_not_sent(arguments: dict[str, str]):
    with pytest.raises(ArgumentError):
        render_request(PATCH, ROOTS, arguments, [])


def test_a_name_of_a_resource_cannot_climb_out_of_its_path():
    request = render_request(PATCH, ROOTS, {"id": "../Practitioner/1", "etag": "W"}, [])
    assert request.url.endswith("/Patient/..%2FPractitioner%2F1")


def test_an_api_the_tenant_does_not_have_is_named():
    with pytest.raises(ArgumentError, match="fhir_root"):
        render_request(FIND, {}, {"identifier": "1"})


def test_several_values_repeat_their_name_as_often_as_the_call_allows():
    roots = {"ehr_api_root": "https://api.example.org/t"}
    preset = shipped_calls().calls["codeValues.byIds"]
    request = render_request(preset, roots, {"ids": ("1", "2 3")})
    assert request.url.endswith("/codeValues?id=1&id=2%203")
    with pytest.raises(ArgumentError, match="takes 50 of ids at most"):
        render_request(preset, roots, {"ids": ("1",) * 51})
    with pytest.raises(ArgumentError, match="takes 1 of identifier at most"):
        render_request(FIND, ROOTS, {"identifier": ("1", "2")})
    with pytest.raises(ArgumentError, match="takes one id"):
        render_request(PATCH, ROOTS, {"id": ("1", "2"), "etag": "W"}, [])
