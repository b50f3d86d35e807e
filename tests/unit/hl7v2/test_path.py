"""Paths: reading them, finding leaves, and saying which bytes a leaf came from."""

import pytest

from engine.hl7v2.parser import parse
from engine.hl7v2.path import Selector, byte_range, find, leaves, parse_path

TEXT = (
    "MSH|^~\\&|LAB|N|EHR|S|2024||ORU^R01^ORU_R01|1|P|2.5.1\r"
    'PID|1||77^^^H&1.2&ISO^MR~88^^^X^PI||Doe^Jane||""|F\r'
    "OBR|1|P1|F1|1^A^LN\r"
    "OBX|1|CE|a^b||x^y~z\r"
    "OBR|2|P2|F2|2^B^LN\r"
    "OBX|1|NM|c||5\\T\\6\r"
    "OBX|2|NM|d||7\r"
)


@pytest.fixture
def message():
    return parse(TEXT.encode()).message


def values(message, text):
    path, problem = parse_path(text)
    assert problem is None, problem
    return [leaf.text for leaf in find(message, path)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("PID-7", [""]),
        ("PID-8", ["F"]),
        ("PID-3[1].1", ["77"]),
        ("PID-3[2].1", ["88"]),
        ("PID-3[3].1", []),
        ("PID-3.1", ["77", "88"]),
        ("PID-3[type=MR].1", ["77"]),
        ("PID-3[5=PI].1", ["88"]),
        ('PID-3[type="PI"].1', ["88"]),
        ("PID-3[type=XX].1", []),
        ("PID-3[99=XX].1", []),
        ("PID-3[nothing=XX].1", []),
        ("PID-3[1].4.2", ["1.2"]),
        ("PID-3[1].4", ["H", "1.2", "ISO"]),
        ("PID-5", ["Doe", "Jane"]),
        ("OBX-1", ["1", "1", "2"]),
        ("OBX[2]-3", ["c"]),
        ("OBX[9]-3", []),
        ("OBX[2]-5", ["5&6"]),
        ("OBX[1]-5[code=z]", ["z"]),
        ("ORDER_OBSERVATION[2].OBX-3", ["c", "d"]),
        ("ORDER_OBSERVATION[2].OBX[2]-3", ["d"]),
        ("PATIENT_RESULT.ORDER_OBSERVATION.OBR-2", ["P1", "P2"]),
        ("ORU_R01.PATIENT.PID-8", ["F"]),
        ("NOTHING.PID-8", []),
        ("MSH-1", ["|"]),
        ("MSH-2", ["^~\\&"]),
        ("MSH-9.2", ["R01"]),
        ("ZZZ-1", []),
        ("PID-99", []),
    ],
)
def test_a_path_finds_its_leaves(message, path, expected):
    assert values(message, path) == expected


def test_a_whole_segment_is_all_its_leaves(message):
    assert values(message, "OBR[1]") == ["1", "P1", "F1", "1", "A", "LN"]


def test_the_explicit_null_is_kept_apart_from_text(message):
    path, _ = parse_path("PID-7")
    (leaf,) = find(message, path)
    assert leaf.null and leaf.text == ""  # PID-7
    path, _ = parse_path("PID-8")
    assert not find(message, path)[0].null


@pytest.mark.parametrize(
    "text",
    ["", "PID-", "PID-0", "PID-3[0]", "PID-3[]", "PID-3[type]", "PID-3.0", "PID-3.1.0", "PATIENT",
     "PID-3.1.2.3", "PID[0]", "PID 3", "1PI-3", "PATIENT.", "PID-x", "PID-3[1"],
)  # fmt: skip
def test_what_is_no_path_gives_a_diagnostic(text):
    path, problem = parse_path(text)
    assert path is None
    assert problem.code == "H270"


def test_a_selector_is_part_of_the_parsed_path():
    path, _ = parse_path(" PATIENT[1].PID[2]-3[type=MR].4.1 ")
    assert (path.segment, path.occurrence, path.field) == ("PID", 2, 3)
    assert path.repetition == Selector("type", "MR")
    assert (path.component, path.subcomponent) == (4, 1)
    assert path.text == "PATIENT[1].PID[2]-3[type=MR].4.1"


def test_leaves_are_every_populated_place_with_its_canonical_path(message):
    found = {leaf.path: leaf.text for leaf in leaves(message)}
    assert found["PID[1]-3[1].4.2"] == "1.2"
    assert found["OBX[3]-5[1].1.1"] == "7"
    assert found["MSH[1]-9[1].1.1"] == "ORU"
    assert "MSH[1]-1[1].1.1" not in found
    assert "" not in {text for path, text in found.items() if path != "PID[1]-7[1].1.1"}
    for leaf in leaves(message):
        path, _ = parse_path(leaf.path)
        assert find(message, path) == [leaf]


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        TEXT.replace("\r", "\n").encode(),
        TEXT.replace("\r", "\r\n").encode(),
        b"\x0b" + TEXT.encode() + b"\x1c\r",
        b"\xef\xbb\xbf" + TEXT.encode(),
        b"junk\r\r" + TEXT.replace("Doe", "Müller").encode(),
        TEXT.replace("Doe", "Müller").replace("|2.5.1\r", "|2.5.1||||||8859/1\r").encode("latin-1"),
        TEXT.replace("Doe", "山田").replace("|2.5.1\r", "|2.5.1||||||GB18030\r").encode("gb18030"),
        TEXT.replace("PID|", "pid|").replace("OBR|", "\rOBR|").encode(),
        TEXT.replace("x^y", "x\ry^y").encode(),
        TEXT.encode("utf-16"),
    ],
)
def test_a_leaf_names_the_bytes_it_came_from(raw):
    found = parse(raw).message
    codec = "utf-16-le" if raw[:2] == b"\xff\xfe" else found.codec
    for leaf in leaves(found):
        first, last = byte_range(found, leaf)
        said = raw[first:last].decode(codec).replace("\r\n", "\n").replace("\r", "\n")
        assert said == found.text[leaf.start : leaf.end], leaf.path


def test_a_selector_on_a_field_the_dictionary_lacks_finds_nothing(message):
    assert values(message, "PID-99[type=MR]") == []
    extended = parse(f"{TEXT}ZPI|a^b\rPID|{'|' * 60}x^y\r".encode()).message
    assert values(extended, "ZPI-1[type=b]") == []
    assert values(extended, "ZPI-1[2=b].1") == ["a"]
