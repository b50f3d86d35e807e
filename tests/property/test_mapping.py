"""Whatever arrives, converting it ends in resources and diagnostics, the same ones every time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped import shipped_program

from engine.diagnostics import Place
from engine.hl7v2.groups import group
from engine.hl7v2.parser import parse
from engine.mapping.compiler.compiler import Program
from engine.mapping.expression import parse_condition, parse_expression, parse_path, parse_target
from engine.mapping.reader import read_map_file
from engine.mapping.run import MapContext
from engine.mapping.terminology import read_table
from engine.mapping.trace import Trace
from engine.yamltext import Scalar

CONTEXT = MapContext(source_system="urn:test", time_zone="Europe/Berlin")


@pytest.fixture(scope="module")
def program() -> Program:
    return shipped_program()


PIECES = st.text(alphabet='^~&\\|"ABYN0129.-+: é\x00<>', max_size=14)
FIELDS = st.lists(
    st.one_of(
        PIECES,
        st.sampled_from(
            [
                "",
                '""',
                "20260102",
                "202601020304+0100",
                "1^^^A&1.2.3&ISO^MR~2",
                "Doe^Jane",
                "NM",
                "F",
            ]
        ),
    ),
    max_size=45,
)
SEGMENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["PID", "PD1", "NK1", "PV1", "PV2", "OBR", "OBX", "ORC", "NTE", "SPM", "AL1", "DG1",
             "IN1", "GT1", "PR1", "MRG", "EVN", "ROL", "IN2", "IN3", "ACC", "PDA", "DB1", "DRG",
             "SFT", "ARV", "IAM", "ZZZ"]
        ),
        FIELDS,
    ),
    max_size=12,
)  # fmt: skip
TYPES = st.sampled_from(["ADT^A01^ADT_A01", "ORU^R01^ORU_R01", "ADT^A40^ADT_A39", "ADT^A03", "X^Y"])
MARKS = st.sampled_from(["^~\\&", "^~\\&#", "!~\\&", "^~", "@#$%"])


@settings(max_examples=120, deadline=None)
@given(kind=TYPES, marks=MARKS, segments=SEGMENTS)
def test_any_message_converts_without_a_fault_of_ours_and_the_same_twice(
    program: Program, kind: str, marks: str, segments: list[tuple[str, list[str]]]
) -> None:
    lines = [f"MSH|{marks}|A|B|C|D|20260102||{kind}|1|P|2.5.1"]
    lines += ["|".join([name, *fields]) for name, fields in segments]
    message = parse("".join(f"{line}\r" for line in lines).encode()).message
    if message is None:
        return
    grouped = group(message)
    first = program.convert(grouped, CONTEXT)
    codes = {one.code for one in first.diagnostics}
    assert not codes & {"T569", "T570"}, first.diagnostics
    again = program.convert(grouped, CONTEXT, trace=Trace())
    assert [(one.resource_id, one.resource) for one in first.entries] == [
        (one.resource_id, one.resource) for one in again.entries
    ]
    assert first.diagnostics == again.diagnostics
    for entry in first.entries:
        assert_nothing_is_empty(entry.resource)


def assert_nothing_is_empty(value: object) -> None:
    assert value not in ({}, [], "", None)
    if isinstance(value, dict):
        for item in value.values():
            assert_nothing_is_empty(item)
    elif isinstance(value, list):
        for item in value:
            assert_nothing_is_empty(item)


TEXTS = st.text(alphabet='PID-35.1[]=type"()|><! andwhenvalued{}:\n\\$é', max_size=60)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_any_text_is_an_expression_or_one_located_problem(text: str) -> None:
    scalar = Scalar(text, Place(file="m.yaml", line=1, column=1))
    for read in (parse_expression, parse_condition, parse_path, parse_target):
        found, problems = read(text, scalar)
        assert (found is None) == (len(problems) == 1)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=200) | TEXTS)
def test_any_text_is_a_map_or_has_problems(text: str) -> None:
    for head in ("", "map: A[B]\nfrom: PID\nto: Patient\nrules:\n  a: ", "overlay: A\nrules:\n  "):
        found, problems = read_map_file(head + text, "m.yaml")
        assert found is not None or problems
    read_table("source_code,target_code\n" + text, "T.csv")
