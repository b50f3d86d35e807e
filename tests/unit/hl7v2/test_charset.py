"""Character sets: declared, marked, overridden, wrong. Nothing is ever replaced in silence."""

import pytest

from engine.hl7v2.charset import byte_offset, codec_for, decode


def head(charset):
    return f"MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5||||||{charset}\rPID|||1||"


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("ASCII", "ascii"),
        ("8859/1", "iso8859_1"),
        ("8859/15", "iso8859_15"),
        ("ISO-8859-2", "iso8859_2"),
        ("UNICODE UTF-8", "utf-8"),
        ("UNICODE", "utf-8"),
        ("utf8", "utf-8"),
        ("~ISO IR87", "iso2022_jp_ext"),
        ("ISO IR6~ISO IR87", "iso2022_jp_ext"),
        ("GB 18030-2000", "gb18030"),
        ("BIG-5", "big5hkscs"),
        ("KS X 1001", "cp949"),
        ("WINDOWS-1252", "cp1252"),
        ("8859/1~8859/2", "iso8859_1"),
        ("KLINGON", None),
    ],
)
def test_msh_18_names_a_codec(declared, codec):
    assert codec_for(declared) == codec


@pytest.mark.parametrize(
    ("declared", "codec", "name"),
    [
        ("8859/1", "iso8859_1", "Müller"),
        ("8859/5", "iso8859_5", "Иванов"),
        ("8859/15", "iso8859_15", "Müller €"),
        ("UNICODE UTF-8", "utf-8", "Müller 山田"),
        ("~ISO IR87", "iso2022_jp_ext", "山田^太郎"),
        ("GB 18030-2000", "gb18030", "张伟"),
        ("BIG-5", "big5hkscs", "陳大文"),
        ("KS X 1001", "cp949", "김철수"),
    ],
)
def test_a_message_decodes_by_msh_18(declared, codec, name):
    text = head(declared) + name + "\r"
    found = decode(text.encode(codec), declared=declared)
    assert found.text == text  # PID-5
    assert found.codec == codec
    assert found.diagnostics == ()


def test_a_byte_order_mark_decides_before_msh_18():
    text = head("8859/1") + "Müller\r"
    found = decode(b"\xef\xbb\xbf" + text.encode(), declared="8859/1")
    assert found.text == text
    assert [problem.code for problem in found.diagnostics] == ["H235"]


def test_utf_16_with_a_mark_is_read():
    text = head("") + "Müller\r"
    found = decode(text.encode("utf-16"), declared=None)
    assert found.text == text


def test_the_channel_stands_above_msh_18():
    text = head("UNICODE UTF-8") + "Müller\r"
    found = decode(text.encode("cp1252"), declared="UNICODE UTF-8", override="cp1252")
    assert found.text == text
    assert found.codec == "cp1252"


def test_the_default_serves_where_nothing_is_declared():
    text = head("") + "Müller\r"
    assert decode(text.encode("iso8859_1"), declared="", default="8859/1").text == text


def test_undecodable_bytes_give_no_text_and_the_place_of_the_fault():
    raw = (head("UNICODE UTF-8") + "M").encode() + b"\xfcller\r"
    found = decode(raw, declared="UNICODE UTF-8")
    assert found.text is None
    (problem,) = found.diagnostics
    assert problem.code == "H231"
    assert str(raw.index(b"\xfc")) in problem.message


def test_the_repair_reads_windows_1252_and_says_so():
    raw = (head("") + "M").encode() + b"\xfcller \x80\r"
    found = decode(raw, declared="", repair_cp1252=True)
    assert found.text == head("") + "Müller €\r"
    assert [problem.code for problem in found.diagnostics] == ["H232"]


def test_bytes_that_fit_not_even_the_repair_give_no_text():
    found = decode(b"MSH|\xff\x81\r", declared="", repair_cp1252=True)
    assert found.text is None


def test_plain_utf_8_under_another_name_is_read_and_reported():
    text = head("~ISO IR87") + "山田\r"
    found = decode(text.encode(), declared="~ISO IR87")
    assert found.text == text
    assert [problem.code for problem in found.diagnostics] == ["H233"]


def test_utf_8_declared_as_latin_is_read_as_declared_and_reported():
    found = decode("MSH|é\r".encode(), declared="8859/1")
    assert found.text == "MSH|Ã©\r"
    assert [problem.code for problem in found.diagnostics] == ["H234"]


def test_windows_quotes_declared_as_latin_are_reported_and_repaired_on_request():
    raw = b"MSH|\x93quoted\x94 \xe9\r"
    assert [problem.code for problem in decode(raw, declared="8859/1").diagnostics] == ["H236"]
    repaired = decode(raw, declared="8859/1", repair_cp1252=True)
    assert repaired.text == "MSH|“quoted” é\r"


def test_an_unknown_set_falls_back_to_the_default_and_is_reported():
    found = decode(b"MSH|x\r", declared="KLINGON")
    assert found.text == "MSH|x\r"
    assert [problem.code for problem in found.diagnostics] == ["H230"]


def test_a_wide_set_declared_over_single_bytes_is_not_believed():
    found = decode("MSH|é\r".encode(), declared="UNICODE UTF-16")
    assert found.text == "MSH|é\r"
    assert found.codec == "utf-8"


@pytest.mark.parametrize("codec", ["utf-8", "iso8859_1", "gb18030", "iso2022_jp_ext"])
def test_byte_offsets_follow_the_codec(codec):
    text = "ab山|cd" if codec != "iso8859_1" else "abü|cd"
    raw = text.encode(codec)
    at = byte_offset(raw, codec, text, text.index("|"))
    assert raw[at:].decode(codec, "ignore").lstrip("\x1b(B").startswith("|")


def test_a_default_that_python_does_not_know_is_read_as_utf_8_or_refused():
    assert decode("é".encode(), declared="", default="nonsense").text == "é"
    assert decode(b"\xe9", declared="", default="nonsense").text is None


def test_a_mark_that_lies_gives_no_text():
    found = decode(b"\xef\xbb\xbfMSH|\xff", declared=None)
    assert found.text is None
    assert [problem.code for problem in found.diagnostics] == ["H235", "H231"]


def test_the_offset_past_the_end_is_the_length():
    assert byte_offset("山".encode("gb18030"), "gb18030", "山", 1) == 2
