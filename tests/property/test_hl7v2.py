"""HL7 v2 properties: garbage never raises, well-formed messages come back as they were."""

import hl7
from hypothesis import given
from hypothesis import strategies as st

from engine.hl7v2.acknowledgment import Moment, Outcome, build_acknowledgment, decide
from engine.hl7v2.batch import split
from engine.hl7v2.delimiters import STANDARD, Delimiters
from engine.hl7v2.escape import escape, unescape
from engine.hl7v2.groups import group
from engine.hl7v2.header import peek, peek_fields
from engine.hl7v2.parser import parse
from engine.hl7v2.path import byte_range, find, leaves, parse_path
from engine.hl7v2.serializer import serialize
from engine.hl7v2.timestamps import parse_timestamp

WORD = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="|^~\\&"),
    min_size=1,
    max_size=8,
)
LEAF = st.one_of(st.just(""), st.just('""'), WORD)
FIELD = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(LEAF, min_size=1, max_size=3).map("&".join),
        st.lists(LEAF, min_size=1, max_size=4).map("^".join),
        st.lists(inner.filter(lambda text: "~" not in text), min_size=1, max_size=3).map("~".join),
    ),
    max_leaves=6,
)
NAMES = ["EVN", "PID", "PD1", "NK1", "PV1", "PV2", "ORC", "OBR", "OBX", "NTE", "SPM", "ZZ1", "MRG"]
SEGMENT = st.builds(
    lambda name, fields: "|".join([name, *fields]),
    st.sampled_from(NAMES),
    st.lists(FIELD, min_size=1, max_size=8),
)
TYPES = ["ADT^A01^ADT_A01", "ADT^A40", "ORU^R01^ORU_R01", "ORM^O01", "SIU^S12", "ADT^Z99", "ACK"]
MESSAGE = st.builds(
    lambda kind, version, segments: (
        "\r".join([f"MSH|^~\\&|A|B|C|D|20240101||{kind}|ID|P|{version}", *segments]) + "\r"
    ),
    st.sampled_from(TYPES),
    st.sampled_from(["2.1", "2.3", "2.5.1", "2.8.2", ""]),
    st.lists(SEGMENT, max_size=12),
)
DENSE = st.lists(
    st.sampled_from(
        [b"MSH", b"|", b"^~\\&", b"\r", b"\n", b"\x0b", b"\x1c", b"PID", b"OBX", b"FHS", b"BTS",
         b"\\", b"&", b"~", b"\xff", b"\xc3\xa9", b"\x1b$B", b"ADT^A01", b"8859/1", b"2.5", b"x"]
    ),
    max_size=60,
).map(b"".join)  # fmt: skip
BYTES = st.one_of(
    st.binary(max_size=200),
    DENSE,
    DENSE.map(lambda tail: b"MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\r" + tail),
    DENSE.map(lambda tail: b"MSH|^~\\&|A|B|C|D|2024||ORU^R01|1|P|2.5||||||" + tail),
)


@given(BYTES, st.sampled_from([None, "8859/1", "cp1252", "UTF-16", "nonsense"]), st.booleans())
def test_no_bytes_make_the_package_raise(raw, charset, repair):
    header = peek(raw)
    peek_fields(raw, (("PID", 3), ("PV1", 19)))
    for moment in Moment:
        for outcome in Outcome:
            decide(header, moment, outcome)
    answer = build_acknowledgment(
        header, "AR", control_id="1", timestamp="2024", diagnostics=header.diagnostics
    )
    assert peek(answer).readable
    for message in split(raw).messages:
        assert message[:3] == b"MSH" or message[3:6] == b"MSH"
    found = parse(raw, charset=charset, repair_cp1252=repair, line_ends="any")
    parse(raw, line_ends="strict")
    assert found.message is not None or found.diagnostics
    if found.message is None:
        return
    grouped = group(found.message)
    placed = sorted(segment.index for segment in grouped.root.all_segments())
    assert placed == list(range(len(found.message.segments)))
    for leaf in leaves(found.message):
        assert byte_range(found.message, leaf)[1] <= len(raw)


@given(MESSAGE)
def test_parse_then_serialize_is_the_identity_on_well_formed_messages(text):
    raw = text.encode()
    message = parse(raw).message
    assert serialize(message) == raw
    assert message.text == text


@given(MESSAGE)
def test_groups_hold_every_segment_once(text):
    message = parse(text.encode()).message
    indexes = [segment.index for segment in group(message).root.all_segments()]
    assert sorted(indexes) == list(range(len(message.segments)))


@given(MESSAGE)
def test_every_leaf_is_found_again_by_its_path_and_its_bytes(text):
    raw = text.encode()
    message = parse(raw).message
    for leaf in leaves(message):
        path, problem = parse_path(leaf.path)
        assert problem is None
        assert find(message, path) == [leaf]
        first, last = byte_range(message, leaf)
        assert raw[first:last].decode() == message.text[leaf.start : leaf.end]


@given(MESSAGE)
def test_python_hl7_reads_the_same_fields(text):
    message = parse(text.encode()).message
    theirs = hl7.parse(text)
    assert len(theirs) == len(message.segments)
    for ours, other in zip(message.segments, theirs, strict=True):
        assert [str(field) for field in other] == ours.fields


@given(st.text(max_size=60), st.sampled_from([STANDARD, Delimiters("#", "!", "*", "?", "$")]))
def test_escape_then_unescape_is_the_identity(text, delimiters):
    hidden = escape(text, delimiters)
    assert unescape(hidden, delimiters) == text
    parts = (delimiters.field, delimiters.component, delimiters.repetition, delimiters.subcomponent)
    assert not any(mark in hidden for mark in (*parts, "\r", "\n"))


@given(st.text(st.sampled_from("\\FSTREXH.brsp0D9AZ|^&~ "), max_size=40))
def test_unescape_takes_any_text(text):
    assert isinstance(unescape(text, STANDARD), str)


@given(st.text(st.sampled_from("0123456789.+-^ "), max_size=24))
def test_a_timestamp_is_read_or_refused_never_raised(text):
    found = parse_timestamp(text)
    assert found is None or 1 <= found.month <= 12


@given(st.text(max_size=30))
def test_a_path_is_read_or_refused_never_raised(text):
    path, problem = parse_path(text)
    assert (path is None) != (problem is None)
