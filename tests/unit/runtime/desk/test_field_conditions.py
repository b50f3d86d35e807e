"""Conditions on what a message says."""

import pytest

from engine.runtime.desk.field_conditions import meets
from engine.runtime.desk.search_query import read_query

RAW = (
    b"MSH|^~\\&|LAB|GH|EHR|GH|20261122140000||ORU^R01|1|P|2.5.1\r"
    b"PID|1||700053^^^GH^MR~99^^^GH^SS||Muster^Anna||19800101|X\r"
    b"PV1|1|I|4W^401^A\r"
    b"OBX|1|TX|18748-4^Report||Patient has chest\\T\\arm pain. Chest Pain again\r"
    b"OBX|2|NM|2345-7^Glucose||91\r"
)
DOCUMENT = (
    b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>Chest pain</title>'
)


def holds(text, raw=RAW):
    query = read_query(text, now=0.0)
    assert query.reads_messages
    return meets(raw, query.fields, query.texts)


@pytest.mark.parametrize(
    "text",
    [
        "PID-8:X",
        "pid-8:x".upper(),
        "PID-3.1:99",
        "PID-3[2].1:99",
        "PID-3[type=MR].1:700053",
        "PV1-3.1:4W",
        "PV1-3:4*",
        "OBX-3.1:2345-7",
        "OBX[2]-5:9*",
        "PID-5:*uste*",
        "PID-7:*",
        '"chest pain"',
        '"chest&arm"',
        'PID-8:X "muster^anna"',
        'PID-5.1:"Muster"',
    ],
)
def test_a_condition_that_holds(text):
    assert holds(text)


@pytest.mark.parametrize(
    "text", ["PID-8:M", "PID-3[1].1:99", "PID-40:*", "ZZZ-1:*", "PV1-3.1:4", '"no such words"']
)
def test_a_condition_that_does_not_hold(text):
    assert not holds(text)


def test_a_document_has_texts_and_no_fields():
    assert holds('"chest pain"', DOCUMENT)
    assert not holds("PID-8:X", DOCUMENT)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"PID|1", b"MSH|", b"MSH|^~\\&|" + b"~" * 999])
def test_whatever_the_bytes_are_nothing_is_raised(raw):
    assert holds("PID-8:X", raw) is False
    assert holds('"zzz"', raw) is False
