"""Every v2 file of the corpora parses or says why not; python-hl7 agrees on the fields."""

from pathlib import Path

import hl7
import pytest
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

from engine.diagnostics import has_errors
from engine.hl7v2.batch import split
from engine.hl7v2.groups import Group, group
from engine.hl7v2.parser import parse
from engine.hl7v2.path import byte_range, find, leaves, parse_path
from engine.hl7v2.serializer import serialize

CORPORA = Path(__file__).parents[2].parent / "shared" / "corpora" / "v2"
SUFFIXES = {".hl7", ".txt", ".er7", ".dat", ".msg"}

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="the shared corpora are not here"),
]


def files():
    if not CORPORA.is_dir():
        return []
    return sorted(path for path in CORPORA.rglob("*") if path.suffix.lower() in SUFFIXES)


def messages():
    """(file, bytes of one message)."""
    for path in files():
        for raw in split(path.read_bytes()).messages:
            yield path.relative_to(CORPORA), raw


def test_there_is_something_to_read():
    assert len(files()) > 500


def test_every_file_holds_messages_or_a_coded_diagnostic():
    for path in files():
        found = split(path.read_bytes())
        assert found.messages or found.diagnostics, path


def test_every_message_parses_or_has_a_coded_error():
    for path, raw in messages():
        found = parse(raw)
        assert found.message is not None or has_errors(found.diagnostics), path


def test_no_segment_is_lost_in_groups():
    for path, raw in messages():
        message = parse(raw).message
        if message is not None:
            placed = [segment.index for segment in group(message).root.all_segments()]
            assert sorted(placed) == list(range(len(message.segments))), path


def test_messages_without_a_diagnostic_serialize_to_their_bytes():
    count = 0
    for path, raw in messages():
        found = parse(raw)
        if found.message is not None and not found.diagnostics:
            assert serialize(found.message) == raw, path
            count += 1
    assert count > 50


def test_leaves_are_found_again_by_path_and_bytes():
    for path, raw in messages():
        message = parse(raw).message
        if message is None or len(raw) > 20_000:
            continue
        for number, leaf in enumerate(leaves(message)):
            if number % 25:
                continue
            again, _ = parse_path(leaf.path)
            assert find(message, again) == [leaf], (path, leaf.path)
            if raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
                first, last = byte_range(message, leaf)
                said = raw[first:last].decode(message.codec)
                said = said.replace("\r\n", "\n").replace("\r", "\n")
                assert said == message.text[leaf.start : leaf.end], (path, leaf.path)


def test_python_hl7_reads_the_same_fields():
    for path, raw in messages():
        found = parse(raw)
        oddities = {problem.code for problem in found.diagnostics} - {"H208", "H214", "H235"}
        if found.message is None or oddities or len(raw) > 20_000:
            continue
        theirs = hl7.parse(found.message.text)
        for ours, other in zip(found.message.segments, theirs, strict=True):
            assert [str(field) for field in other] == ours.fields, (path, ours.name)


COMPARED = {"ORU_R01", "VXU_V04", "SIU_S12"}
"""Structures whose groups have one name in all versions from 2.3.1 on, without choices."""

COMPARED_MAX = 60
"""hl7apy takes a tenth of a second for a message."""


def outline(found):
    return [
        (child.name, outline(child)) if isinstance(child, Group) else child.name
        for child in found.children
    ]


def their_outline(element, structure):
    return [
        (child.name.removeprefix(f"{structure}_"), their_outline(child, structure))
        if child.classname == "Group"
        else child.name
        for child in element.children
    ]


def test_hl7apy_groups_well_formed_messages_the_same_way():
    seen = set()
    for path, raw in messages():
        message = parse(raw).message
        if message is None or message.structure not in COMPARED or message.version < "2.3.1":
            continue
        found = group(message)
        shape = (message.version, *(segment.name for segment in message.segments))
        if {problem.code for problem in found.diagnostics} - {"H243"} or shape in seen:
            continue
        seen.add(shape)
        if len(seen) > COMPARED_MAX:
            break
        try:
            theirs = parse_message(message.text, find_groups=True)
        except HL7apyException:  # it refuses more than we do, such as five delimiters before 2.7
            continue
        assert outline(found.root) == their_outline(theirs, message.structure), path
    assert len(seen) > COMPARED_MAX
