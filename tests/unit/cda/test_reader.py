"""What reading a document promises: safety, limits, and mending of what senders really damage."""

import pytest

from engine.cda.reader import is_document, parse_document

HEAD = '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
PLAIN = f"{HEAD}<id root='1.2.3'/></ClinicalDocument>"


def codes(raw: bytes, **options: object) -> list[str]:
    return [found.code for found in parse_document(raw, **options).diagnostics]  # type: ignore[arg-type]


def test_a_document_is_read_without_a_word() -> None:
    parsed = parse_document(PLAIN.encode())
    assert parsed.document is not None
    assert parsed.diagnostics == ()
    assert parsed.document.raw == PLAIN.encode()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "D301"),
        (b"   ", "D301"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + PLAIN.encode(), "D303"),
        (
            b'<?xml version="1.0"?><!doctype ClinicalDocument SYSTEM "file:///etc/passwd">'
            + PLAIN.encode(),
            "D303",
        ),
        (PLAIN[:-5].encode(), "D304"),
        (PLAIN.encode() + b"<more/>", "D304"),
        (PLAIN.replace("1.2.3", "\x01").encode(), "D304"),
        (PLAIN.replace("1.2.3", "J\u00f6rg").encode("latin-1"), "D305"),
        (b"<a xmlns='urn:hl7-org:v3'/>", "D308"),
        (b"<ClinicalDocument xmlns='urn:other'/>", "D308"),
    ],
)
def test_what_cannot_be_read_has_a_code_and_makes_nothing(raw: bytes, code: str) -> None:
    parsed = parse_document(raw)
    assert parsed.document is None
    assert parsed.diagnostics[-1].code == code


def test_no_word_of_the_document_is_in_a_diagnostic() -> None:
    raw = f"{HEAD}<title>Fairbrother Elspeth</titel></ClinicalDocument>".encode()
    for found in parse_document(raw).diagnostics:
        assert "Fairbrother" not in found.message
        assert "titel" not in found.message


def test_an_element_with_too_many_attributes_is_refused() -> None:
    attributes = " ".join(f"a{number}='x'" for number in range(100))
    assert codes(f"{HEAD}<id {attributes}/></ClinicalDocument>".encode()) == ["D307"]


def test_elements_too_deep_are_refused() -> None:
    deep = "<a>" * 230 + "</a>" * 230
    assert codes(f"{HEAD}{deep}</ClinicalDocument>".encode())[-1] in ("D304", "D306")


def test_more_bytes_than_allowed_are_refused() -> None:
    assert codes(PLAIN.encode(), bytes_max=10) == ["D302"]


def test_prefixes_that_were_not_declared_are() -> None:
    raw = (
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"><sdtc:raceCode/>'
        b'<value xsi:type="CD"/></ClinicalDocument>'
    )
    parsed = parse_document(raw)
    assert parsed.document is not None
    assert [found.code for found in parsed.diagnostics] == ["D309", "D309"]
    assert parsed.document.root[0].tag == "{urn:hl7-org:sdtc}raceCode"


def test_text_before_the_xml_is_passed_over() -> None:
    assert codes(b"\r\n  junk " + PLAIN.encode()) == ["D310"]
    assert codes(b"\xef\xbb\xbf" + PLAIN.encode()) == []


@pytest.mark.parametrize("label", ["utf-16", "UTF-16LE", "ucs-2"])
def test_a_label_that_its_own_bytes_contradict_is_passed_over(label: str) -> None:
    raw = f'<?xml version="1.0" encoding="{label}"?>\n{PLAIN}'
    assert codes(raw.encode()) == ["D314"]
    assert codes(b"\xef\xbb\xbf" + raw.encode()) == ["D314"]


def test_a_document_in_no_namespace_is_taken_for_cda() -> None:
    parsed = parse_document(b"<ClinicalDocument><id root='1'/></ClinicalDocument>")
    assert parsed.document is not None
    assert parsed.document.root[0].tag == "{urn:hl7-org:v3}id"


def test_cp1252_is_read_when_the_channel_says_so() -> None:
    raw = PLAIN.replace("1.2.3", "J\u00f6rg").encode("cp1252")
    parsed = parse_document(raw, repair_cp1252=True)
    assert parsed.document is not None
    assert parsed.document.root[0].get("root") == "J\u00f6rg"


def test_entities_are_never_expanded() -> None:
    raw = PLAIN.replace("'1.2.3'", "'&a;'").encode()
    assert codes(raw) == ["D304"]


def test_the_first_of_two_equal_ids_counts() -> None:
    raw = f"{HEAD}<a ID='x'>one</a><b ID='x'>two</b></ClinicalDocument>".encode()
    parsed = parse_document(raw)
    assert parsed.document is not None
    assert parsed.document.ids["x"].text == "one"
    assert [found.code for found in parsed.diagnostics] == ["D320"]


@pytest.mark.parametrize(
    "raw", [PLAIN.encode(), b"\xef\xbb\xbf<a/>", b" \n<a/>", "<a/>".encode("utf-16")]
)
def test_xml_is_told_from_messages(raw: bytes) -> None:
    assert is_document(raw)


@pytest.mark.parametrize("raw", [b"", b"MSH|^~\\&|", b"\x0bMSH|", b"{}"])
def test_messages_are_no_documents(raw: bytes) -> None:
    assert not is_document(raw)


def test_a_label_that_is_true_is_kept() -> None:
    raw = f'<?xml version="1.0" encoding="utf-16"?>\n{PLAIN}'
    assert codes(raw.encode("utf-16")) == []


@pytest.mark.parametrize(
    ("written", "read", "told"),
    [
        ("1", "true", []),
        (" TRUE ", "true", []),
        ("0", "false", []),
        ("true", "true", []),
        ("yes", "true", ["D315"]),
    ],
)
def test_a_negation_is_one_word_however_it_is_written(
    written: str, read: str, told: list[str]
) -> None:
    text = f'{HEAD}<component negationInd="{written}"/></ClinicalDocument>'
    for raw in (text.encode(), text.encode("utf-16")):
        parsed = parse_document(raw)
        assert parsed.document is not None
        assert parsed.document.root[0].get("negationInd") == read
        assert [found.code for found in parsed.diagnostics] == told
