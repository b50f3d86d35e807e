"""What somebody pasted into the search box."""

import pytest

from engine.runtime.desk.pasted import is_message_of, recognise

RAW = (
    b"MSH|^~\\&|LAB|GH|EHR|GH|20261122140000||ADT^A01|MSG00012345|P|2.5.1\r"
    b"PID|1||700053^^^GH^MR||Muster^Anna\r"
)


@pytest.mark.parametrize(
    "text",
    [
        RAW.decode(),
        RAW.decode().replace("\r", "\n"),
        "\x0b" + RAW.decode().replace("\r", "\r\n") + "\x1c\r",
        "\ufeff  \n" + RAW.decode().replace("\r", "\n\n"),
    ],
)
def test_a_whole_message_is_known_whatever_its_line_ends(text):
    found = recognise(text)
    assert found.control_id == "MSG00012345"
    assert is_message_of(found.message, RAW)


def test_a_message_that_differs_is_another():
    pasted = recognise(RAW.decode().replace("Anna", "Anne")).message
    assert not is_message_of(pasted, RAW)


def test_letters_are_compared_not_bytes():
    text = RAW.decode().replace("2.5.1", "2.5.1||||||8859/1").replace("Anna", "Änne")
    assert is_message_of(recognise(text).message, text.encode("latin-1"))


def test_a_document_is_known_by_its_id():
    text = (
        '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3">'
        '<id root="2.16.840.1.113883.19.5" extension="D77"/></ClinicalDocument>'
    )
    assert recognise(text).control_id == "2.16.840.1.113883.19.5^D77"


@pytest.mark.parametrize(
    ("text", "carried_id"),
    [
        ("Patient/12724066", "12724066"),
        (" Observation/b-1.2/_history/3 ", "b-1.2"),
        ("https://fhir.example/r4/t-1/Encounter/97953477", "97953477"),
        ("urn:uuid:0b0a0f5e-7d1c-5f2e-9a55-111111111111", "0b0a0f5e-7d1c-5f2e-9a55-111111111111"),
    ],
)
def test_a_place_on_a_server_is_the_id_at_its_end(text, carried_id):
    assert recognise(text).carried_id == carried_id


@pytest.mark.parametrize(
    "text", ["", "700053", "mrn:700053 status:ERROR", "MSH", "<b>", "a/b", "type:ADT^A01", "\0"]
)
def test_anything_else_is_a_query(text):
    found = recognise(text)
    assert not found.message
    assert not found.carried_id
