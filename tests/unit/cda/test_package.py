"""Archives and forms: every document of them, and nothing that harms."""

import io
import zipfile
from base64 import b64encode
from collections.abc import Mapping

import pytest

from engine.cda import package
from engine.cda.package import Refused, is_package, open_package

DOCUMENT = b"<ClinicalDocument xmlns='urn:hl7-org:v3'><id root='1.2'/></ClinicalDocument>"


def archive(entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as opened:
        for name, data in entries.items():
            opened.writestr(name, data)
    return made.getvalue()


def found(raw: bytes) -> list[bytes | str]:
    """The documents, and the codes of what is refused."""
    assert is_package(raw)
    opened = open_package(raw)
    if opened.problem is not None:
        return [opened.problem.code]
    parts = [part() for part in opened.parts]
    return [part.problem.code if isinstance(part, Refused) else part for part in parts]


def test_every_document_of_an_archive_is_a_part() -> None:
    second = DOCUMENT.replace(b"1.2", b"1.3")
    assert found(archive({"a.xml": DOCUMENT, "b/c.XML": second})) == [DOCUMENT, second]


def test_an_xdm_archive_gives_its_documents_without_what_stands_beside_them() -> None:
    raw = archive(
        {
            "INDEX.HTM": b"<html/>",
            "README.TXT": b"read me",
            "IHE_XDM/SUBSET01/METADATA.XML": b"<SubmitObjectsRequest/>",
            "IHE_XDM/SUBSET01/CDA.XSL": b"<stylesheet/>",
            "IHE_XDM/SUBSET01/DOC00001.XML": DOCUMENT,
            "__MACOSX/._DOC00001.XML": b"x",
        }
    )
    assert found(raw) == [DOCUMENT]


def test_a_bad_entry_costs_no_other() -> None:
    raw = archive({"a.xml": DOCUMENT, "b.xml": DOCUMENT * 3, "c.xml": DOCUMENT}, zipfile.ZIP_STORED)
    damaged = raw.replace(DOCUMENT * 3, DOCUMENT * 2 + b"x" * len(DOCUMENT))
    assert found(damaged) == [DOCUMENT, "D362", DOCUMENT]


def test_files_of_another_kind_and_archives_inside_are_refused_with_a_code() -> None:
    raw = archive({"a.pdf": b"%PDF", "b.zip": archive({"x.xml": DOCUMENT}), "c.xml": DOCUMENT})
    assert found(raw) == ["D364", "D364", DOCUMENT]


def test_a_bomb_is_not_unpacked() -> None:
    raw = archive({"a.xml": b"<a>" + b" " * 30_000_000, "b.xml": DOCUMENT})
    assert found(raw) == ["D363", DOCUMENT]


def test_the_number_and_size_of_entries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = archive({f"{number}.xml": DOCUMENT for number in range(package.ENTRIES_MAX + 1)})
    assert found(many) == ["D361"]
    monkeypatch.setattr(package, "UNPACKED_BYTES_MAX", 100)
    assert found(archive({"a.xml": DOCUMENT, "b.xml": DOCUMENT})) == ["D361"]


def test_an_encrypted_entry_is_refused() -> None:
    raw = bytearray(archive({"a.xml": DOCUMENT}))
    raw[raw.find(b"PK\x01\x02") + 8] |= 1
    assert found(bytes(raw)) == ["D362"]


@pytest.mark.parametrize("name", ["../../etc/passwd.xml", "/etc/x.xml", "c:\\x.xml", "a\x00b.xml"])
def test_names_are_never_trusted(name: str) -> None:
    assert found(archive({name: DOCUMENT})) == [DOCUMENT]


def test_damaged_and_empty_archives_have_a_code() -> None:
    raw = archive({"a.xml": DOCUMENT})
    assert found(raw[:-10]) == ["D360"]
    assert found(b"PK\x03\x04" + b"\x00" * 40) == ["D360"]
    assert found(archive({})) == ["D365"]
    assert found(archive({"INDEX.HTM": b"x"})) == ["D365"]


def test_any_damage_of_an_archive_is_survived() -> None:
    raw = archive({"a.xml": DOCUMENT, "b.xml": DOCUMENT})
    for at in range(4, len(raw)):
        found(raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :])


def form(*parts: tuple[str, bytes]) -> bytes:
    pieces = [f"--B1\r\n{head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts]
    return b"".join(pieces) + b"--B1--\r\n"


FILE = 'Content-Disposition: form-data; name="file"; filename="a.xml"\r\nContent-Type: text/xml'


def test_every_file_of_a_form_is_a_part_and_plain_fields_are_not() -> None:
    field = 'Content-Disposition: form-data; name="comment"'
    assert found(form((FILE, DOCUMENT), (field, b"hello"), (FILE, DOCUMENT))) == [DOCUMENT] * 2


def test_an_archive_in_a_form_gives_its_documents() -> None:
    raw = archive({"a.xml": DOCUMENT, "b.xml": DOCUMENT})
    assert found(form((FILE, raw))) == [DOCUMENT] * 2


def test_a_file_of_another_kind_in_a_form_costs_no_other() -> None:
    assert found(form((FILE, b"%PDF"), (FILE, DOCUMENT))) == ["D364", DOCUMENT]


def test_a_form_without_end_or_with_too_many_parts_is_refused() -> None:
    assert found(form((FILE, DOCUMENT))[:-8]) == ["D360"]
    assert found(form(*[(FILE, b"")] * (package.PARTS_MAX + 1))) == ["D361"]
    assert found(form()[:0] + b"--B1\r\nContent-Type: a\r\n\r\nx\r\n--B1--") == ["D365"]


def test_a_boundary_that_begins_like_another_s_text_does_not_end_a_part() -> None:
    text = DOCUMENT.replace(b"<id", b"\r\n--B12 <id")
    assert found(form((FILE, text))) == [text]


def test_a_form_with_base64_and_with_damage_is_read_as_far_as_it_goes() -> None:
    packed = FILE + "\r\nContent-Transfer-Encoding: base64"
    assert found(form((packed, b64encode(DOCUMENT)), (packed, b"a"))) == [DOCUMENT, "D362"]
    raw = form((FILE, DOCUMENT))
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]
        if is_package(changed):
            found(changed)


def test_messages_and_documents_are_no_packages() -> None:
    assert not is_package(DOCUMENT)
    assert not is_package(b"MSH|^~\\&|A")
    assert not is_package(b"--- a text\r\n")
