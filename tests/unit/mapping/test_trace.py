from typing import Any

from engine.mapping.accounting import account, unmapped_leaves
from engine.mapping.coverage import Coverage
from engine.mapping.trace import Trace

PATIENT = """map: PID[Patient]
from: PID
to: Patient
rules:
  identifier[]: PID-3 -> CX[Identifier]
  birthDate: PID-7 -> date
  gender: PID-8 when PID-30 = "N"
  language: PID-15
ignore:
  PID-1: set id
  PID-5.2: not wanted
"""
CX = """map: CX[Identifier]
from: CX
to: Identifier
rules:
  value: CX.1
  assigner: CX.4 -> HD[Reference]
ignore:
  CX.2: check digit
"""
HD = "map: HD[Reference]\nfrom: HD\nto: Reference\nrules:\n  display: HD.1\n"
MESSAGE = """map: ADT_A01
from: ADT_A01
to: Bundle
rules:
  - PID -> PID[Patient] as patient
  - patient.maritalStatus.text = PID-16.2
  - PV1 -> PV1[Patient] into patient
ignore:
  EVN: not needed
  MSH: read by the engine
  PV1-3: place
"""
VISIT = "map: PV1[Patient]\nfrom: PV1\nto: Patient\nrules:\n  active: PV1-2 -> yes_no\n"

TEXT = (
    "EVN|A01\n"
    "PID|9||1~2^7^^N&1.2|x|Doe^Jane||19800131|M|||||||en|S^Single||||||||||||||Y\n"
    "PV1||Y|W1|Z"
)


def traced(maps: Any) -> tuple[Any, Any, Trace]:
    program = maps(PATIENT, CX, HD, MESSAGE, VISIT)
    trace = Trace()
    result = program.convert(TEXT, trace=trace)
    return program, result, trace


def test_tracing_changes_nothing(maps: Any) -> None:
    program, result, _ = traced(maps)
    plain = program.convert(TEXT)
    assert [one.resource for one in plain.entries] == [one.resource for one in result.entries]
    assert plain.diagnostics == result.diagnostics


def test_each_element_knows_its_rule_and_its_bytes(maps: Any) -> None:
    _, _, trace = traced(maps)
    found = {one.path: one for one in trace.records}
    birth = found["Patient.birthDate"]
    assert (birth.rule.place.file, birth.rule.place.line) == ("m0.yaml", 6)
    (span,) = trace.spans(birth.sources)
    assert span.path == "PID[1]-7[1].1.1"
    assert trace.message is not None
    assert trace.message.raw[span.start : span.end] == b"19800131"
    value = found["Patient.identifier[1].value"]
    assert [one.path for one in trace.spans(value.sources)] == ["PID[1]-3[2].1.1"]
    display = found["Patient.identifier[1].assigner.display"]
    assert (display.rule.place.file, display.sources) == ("m2.yaml", ((2, 3, 2, 4, 1),))


def test_elements_assigned_and_merged_are_traced_too(maps: Any) -> None:
    _, _, trace = traced(maps)
    found = {one.path: one for one in trace.records}
    assert found["Patient.maritalStatus.text"].rule.place.file == "m3.yaml"
    assert found["Patient.active"].rule.place.file == "m4.yaml"
    assert found["Patient.birthDate"].rule.place.file == "m0.yaml"


def test_why_finds_the_element_and_what_it_stands_in(maps: Any) -> None:
    _, _, trace = traced(maps)
    assert [one.path for one in trace.why("Patient.identifier[1].value")] == [
        "Patient.identifier[1].value",
        "Patient.identifier[1]",
    ]
    assert len(trace.why("Patient.identifier.value")) == 4


def test_why_not_names_the_condition_that_was_false(maps: Any) -> None:
    _, _, trace = traced(maps)
    (miss,) = trace.why_not("Patient.gender")
    assert miss.refused
    assert miss.rule.target == "gender"
    assert [one.path for one in trace.spans(miss.conditions)] == ["PID[1]-30[1].1.1"]


def test_a_rule_whose_source_is_empty_is_a_miss_without_a_condition(maps: Any) -> None:
    program = maps(PATIENT, CX, HD, MESSAGE, VISIT)
    trace = Trace()
    program.convert("PID|||1", trace=trace)
    (miss,) = trace.why_not("Patient.birthDate")
    assert not miss.refused


def test_where_to_follows_a_field_to_its_elements(maps: Any) -> None:
    _, _, trace = traced(maps)
    assert {one.path for one in trace.where_to((2, 7))} == {"Patient.birthDate"}
    assert "Patient.identifier[0].value" in {one.path for one in trace.where_to((2, 3, 1))}
    assert "Patient.identifier[1].value" not in {one.path for one in trace.where_to((2, 3, 1))}


def test_every_leaf_is_mapped_ignored_or_unmapped(maps: Any) -> None:
    program, _, trace = traced(maps)
    accounts = {
        one.path: (one.state, one.reason)
        for one in account(trace.message, trace, program.program)  # type: ignore[arg-type]
    }
    assert accounts["PID[1]-7[1].1.1"] == ("mapped", "")
    assert accounts["PID[1]-30[1].1.1"] == ("condition", "")
    assert accounts["PID[1]-1[1].1.1"] == ("ignored", "set id")
    assert accounts["PID[1]-3[2].2.1"] == ("ignored", "check digit")
    assert accounts["PID[1]-5[1].2.1"] == ("ignored", "not wanted")
    assert accounts["EVN[1]-1[1].1.1"] == ("ignored", "not needed")
    assert accounts["PV1[1]-3[1].1.1"] == ("ignored", "place")
    unmapped = unmapped_leaves(trace.message, trace, program.program)  # type: ignore[arg-type]
    assert [path for path, _ in unmapped] == [
        "PID[1]-3[2].4.2",
        "PID[1]-4[1].1.1",
        "PID[1]-5[1].1.1",
        "PID[1]-8[1].1.1",
        "PID[1]-16[1].1.1",
        "PV1[1]-4[1].1.1",
    ]


def test_leaf_that_rules_read_in_vain_is_not_mapped(maps: Any) -> None:
    patient = PATIENT.replace("language: PID-15", "language: PID-15 -> language")
    program = maps(patient, CX, HD, MESSAGE, VISIT)
    trace = Trace()
    program.convert("PID|9||||||19801331||||||||$|||||||||||||||N", trace=trace)
    accounts = {
        one.path: one.state
        for one in account(trace.message, trace, program.program)  # type: ignore[arg-type]
    }
    assert accounts["PID[1]-7[1].1.1"] == "mapped"  # no date, and its text is kept
    assert accounts["PID[1]-15[1].1.1"] == "unwritten"  # no language
    assert accounts["PID[1]-30[1].1.1"] == "condition"


def test_coverage_names_the_rules_no_test_exercised(maps: Any) -> None:
    program, _, trace = traced(maps)
    coverage = Coverage(program.program)
    coverage.add(trace)
    assert [rule.target for rule in coverage.unexercised()] == ["gender"]
    assert ("PID", 7) in coverage.fields
    assert 0 < coverage.share() < 1


def test_a_value_and_a_segment_are_traced_alone(maps: Any) -> None:
    program = maps(PATIENT, CX, HD, MESSAGE, VISIT).program
    from engine.mapping.run import MapContext

    trace = Trace()
    made, problems = program.convert_value("CX[Identifier]", "5^^^H&1.2", MapContext(), trace)
    assert made == {"value": "5", "assigner": {"display": "H"}}
    assert problems == []
    assert trace.rules_yielded


def test_leaf_whose_value_another_segment_said_before_has_landed_and_another_value_has_not(
    maps: Any,
) -> None:
    program = maps(PATIENT, CX, HD, MESSAGE, "map: PV1[Patient]\nfrom: PV1\nto: Patient\nrules:\n"
                   "  language: PV1-4\n  birthDate: PV1-5 -> date\n")  # fmt: skip
    trace = Trace()
    program.convert("PID|||||||19800131||||||||en\nPV1||||en|19800201", trace=trace)
    accounts = {
        one.path: one.state
        for one in account(trace.message, trace, program.program)  # type: ignore[arg-type]
    }
    assert accounts["PV1[1]-4[1].1.1"] == "mapped"
    assert accounts["PV1[1]-5[1].1.1"] == "unwritten"


def test_every_part_of_a_code_that_is_in_the_output_is_mapped_its_system_as_uri(maps: Any) -> None:
    patient = PATIENT.replace("language: PID-15", "maritalStatus: PID-16 -> codeable")
    program = maps(patient, CX, HD, MESSAGE, VISIT)
    trace = Trace()
    program.convert("PID||||||||||||||||S^Single^LN^Z^Zwei^SCT^^^", trace=trace)
    accounts = {
        one.path: one.state
        for one in account(trace.message, trace, program.program)  # type: ignore[arg-type]
    }
    for component in range(1, 7):  # a system is there as its URI
        assert accounts[f"PID[1]-16[1].{component}.1"] == "mapped", component
