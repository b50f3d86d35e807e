"""The forms of single texts."""

from collections.abc import Callable

import pytest

from engine.channel import forms


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (forms.check_name, ["adt", "adt-in.2", "0"], ["", "Adt", "-a", "a" * 64, "a b"]),
        (forms.check_identifier, ["account", "a_1"], ["", "1a", "Account"]),
        (forms.check_network, ["10.0.0.0/8", "::1", "192.168.1.5"], ["10.0.0.1/8", "10/33", "x"]),
        (forms.check_address, ["127.0.0.1", "::", "0.0.0.0"], ["localhost", "host", "10.0.0.0/8"]),
        (forms.check_host, ["lab", "lab.example.org", "10.1.2.3", "::1"], ["http://x", "a:1", ""]),
        (
            forms.check_url,
            ["http://x", "https://x:8443/fhir"],
            ["ftp://x", "x", "http://", "http://x?a=1", "http://x:99999", "http://x#a"],
        ),
        (forms.check_url_path, ["/", "/hl7/adt"], ["", "hl7", "/a b", "/a?b"]),
        (forms.check_time_zone, ["America/Chicago", "UTC"], ["Chicago", "../UTC", "", "CST6"]),
        (forms.check_charset, ["utf-8", "cp1252", "8859/1", "UNICODE UTF-8"], ["utf-88", ""]),
        (
            forms.check_uri,
            ["urn:oid:1.2.3", "http://x/y", "urn:x"],
            ["1.2.3", "urn:oid:x", "north", "urn:oid:1.02"],
        ),
        (forms.check_header_name, ["X-Tenant"], ["", "X Tenant", "X:"]),
        (forms.check_glob, ["*.hl7", "in-?.txt"], ["a/*.hl7", "..\\x"]),
        (forms.check_folder_name, ["done"], ["", "..", "a/b"]),
        (forms.check_not_empty, ["x"], ["", " "]),
        (
            forms.check_file_pattern,
            ["{message_id}.json", "{received:%Y}-{channel}-{message_id}"],
            ["a.json", "{id}{message_id}", "{message_id}/x", "{message_id", "{message_id}}"],
        ),
    ],
)
def test_each_form_accepts_the_good_and_refuses_the_bad(
    check: Callable[[str], str | None], good: list[str], bad: list[str]
):
    assert [text for text in good if check(text) is not None] == []
    assert [text for text in bad if check(text) is None] == []


def test_a_network_with_host_bits_is_told_what_was_meant():
    assert forms.check_network("10.1.2.3/16") == (
        "the address has bits beyond its prefix, did you mean 10.1.0.0/16?"
    )


def test_a_misspelt_time_zone_is_told_the_nearest():
    assert forms.check_time_zone("America/Chicagoo") == 'did you mean "America/Chicago"?'


def test_passwords_in_urls_are_found():
    assert forms.has_password("https://user:pw@host/fhir")
    assert not forms.has_password("https://host/fhir/@x")
