"""What maps of documents promise: paths, templates, and the three mandatory keys."""

from typing import Any

import pytest

from engine.cda.reader import parse_document
from engine.mapping.checker.checker import check_library
from engine.mapping.compiler.documents import compile_documents
from engine.mapping.library import read_library
from engine.mapping.run import MapContext, MapResult
from engine.mapping.trace import Trace, node_span

ROOT = """
map: document[Composition]
class: ClinicalDocument
to: Composition
rules:
  status: '"final"'
  type: code -> CD[CodeableConcept]
  date: effectiveTime -> dateTime
  author[]:
    display: '"not said"'
  title: title
  section[]: component/structuredBody/component/section -> template
"""
SECTION = """
map: section[Composition.section]
class: Section
to: Composition.section
under: document[Composition]
otherwise: yes
rules:
  title: title
  entry[]: entry/* -> template
"""
CODE = """
map: CD[CodeableConcept]
class: CD
to: CodeableConcept
rules:
  coding[]:
    code: '@code'
  text: originalText
"""
PROBLEM = """
map: problem[Condition]
class: Observation
to: Condition
template: 1.1
under: section[Composition.section]
key:
  - id[1]/@root
negation:
  verificationStatus.text: '"refuted"'
required:
  subject: data-absent-reason
  code: data-absent-reason
null:
  abatementDateTime: data-absent-reason
rules:
  code: value[1] -> CD[CodeableConcept]
  abatementDateTime: effectiveTime/high -> dateTime
  evidence[]:
    - each entryRelationship/observation as proof:
        code[]: proof/value[1] -> CD[CodeableConcept]
    - detail[]: self
  note[]:
    text: ancestor::section[1]/title
"""
FILES = {"r.yaml": ROOT, "s.yaml": SECTION, "c.yaml": CODE, "p.yaml": PROBLEM}


def problems(**files: str) -> list[str]:
    given = {**FILES, **{f"{name}.yaml": text for name, text in files.items()}}
    library, found = read_library(given)
    return [f"{one.code} {one.message}" for one in (*found, *check_library(library))]


def convert(body: str, trace: Trace | None = None, **files: str) -> MapResult:
    given = {**FILES, **{f"{name}.yaml": text for name, text in files.items()}}
    library, found = read_library(given)
    assert [*found, *check_library(library)] == []
    raw = (
        '<ClinicalDocument xmlns="urn:hl7-org:v3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<id root="1.2"/><effectiveTime value="20240101"/><title>T</title><component>'
        "<structuredBody>"
        f"<component><section><title>S</title>{body}</section></component></structuredBody>"
        f"</component>"
        "</ClinicalDocument>"
    )
    document = parse_document(raw.encode()).document
    assert document is not None
    return compile_documents(library).convert(document, MapContext(), trace)


def first(result: MapResult, resource_type: str) -> dict[str, Any]:
    return next(e.resource for e in result.entries if e.resource["resourceType"] == resource_type)


def problem(inner: str, attributes: str = "", identity: str = "9.1") -> str:
    return (
        f'<entry><observation {attributes}><templateId root="1.1" extension="2015"/>'
        f'<id root="{identity}"/>{inner}</observation></entry>'
    )


VALUE = '<value xsi:type="CD" code="A"/>'


def test_a_statement_is_found_by_its_template_and_referred_to() -> None:
    result = convert(problem(VALUE))
    condition = first(result, "Condition")
    assert condition["code"]["coding"] == [{"code": "A"}]
    composition = result.entries[0].resource
    assert composition["resourceType"] == "Composition"
    reference = composition["section"][0]["entry"][0]["reference"]
    assert reference == f"Condition/{result.entries[1].resource_id}"


def test_a_path_reads_what_stands_around() -> None:
    assert first(convert(problem(VALUE)), "Condition")["note"] == [{"text": "S"}]


def test_self_is_the_resource_being_made() -> None:
    result = convert(problem(VALUE))
    (own,) = first(result, "Condition")["evidence"][0]["detail"]
    assert own == {"reference": f"Condition/{result.entries[1].resource_id}"}


@pytest.mark.parametrize("said", ["true", "1"])
def test_a_negated_statement_says_what_the_map_says(said: str) -> None:
    condition = first(convert(problem(VALUE, f'negationInd="{said}"')), "Condition")
    assert condition["verificationStatus"] == {"text": "refuted"}


def test_a_statement_that_is_not_negated_does_not() -> None:
    condition = first(convert(problem(VALUE, 'negationInd="false"')), "Condition")
    assert "verificationStatus" not in condition


def test_a_negated_statement_whose_map_refuses_makes_nothing_and_is_reported() -> None:
    refusing = PROBLEM.replace(
        "negation:\n  verificationStatus.text: '\"refuted\"'\n", "negation: refused\n"
    )
    result = convert(problem(VALUE, 'negationInd="true"'), p=refusing)
    assert [found.code for found in result.diagnostics] == ["D341"]
    assert [entry.resource["resourceType"] for entry in result.entries] == ["Composition"]


def test_what_is_required_and_absent_says_so_by_its_null_flavour() -> None:
    condition = first(
        convert(
            problem(
                '<value xsi:type="CD" nullFlavor="NASK"/>'
                "<effectiveTime><high value='2020'/></effectiveTime>"
            )
        ),
        "Condition",
    )
    assert condition["code"]["extension"][0]["valueCode"] == "not-asked"
    assert condition["subject"]["extension"][0]["valueCode"] == "unknown"


def test_a_null_flavour_is_told_where_the_map_says() -> None:
    body = VALUE + '<effectiveTime><high nullFlavor="UNK"/></effectiveTime>'
    condition = first(convert(problem(body)), "Condition")
    assert condition["_abatementDateTime"]["extension"][0]["valueCode"] == "unknown"
    assert "_abatementDateTime" not in first(convert(problem(VALUE)), "Condition")


def test_a_statement_nobody_takes_is_reported_with_its_place() -> None:
    result = convert("<entry><act><id root='1'/></act></entry>")
    (found,) = result.diagnostics
    assert found.code == "D340"
    assert str(found.place.path).endswith("/section/entry/act")


def test_a_statement_that_a_rule_reads_is_accounted_for() -> None:
    inner = VALUE + f"<entryRelationship><observation>{VALUE}</observation></entryRelationship>"
    assert convert(problem(inner)).diagnostics == []


def test_a_statement_inside_that_no_rule_reads_is_reported() -> None:
    inner = VALUE + "<entryRelationship><procedure/></entryRelationship>"
    assert [found.code for found in convert(problem(inner)).diagnostics] == ["D340"]


def test_a_statement_that_is_ignored_is_not() -> None:
    ignoring = PROBLEM + "ignore:\n  entryRelationship/procedure: told elsewhere\n"
    inner = VALUE + "<entryRelationship><procedure/></entryRelationship>"
    assert convert(problem(inner), p=ignoring).diagnostics == []


def test_one_id_for_the_same_thing_is_one_resource() -> None:
    result = convert(problem(VALUE) + problem(VALUE))
    assert [e.resource["resourceType"] for e in result.entries] == ["Composition", "Condition"]


def test_one_id_for_two_things_is_two_resources() -> None:
    other = '<value xsi:type="CD" code="B"/>'
    result = convert(problem(VALUE) + problem(other))
    codes = [e.resource["code"]["coding"][0]["code"] for e in result.entries[1:]]
    assert codes == ["A", "B"]


def test_the_same_bytes_give_the_same_ids() -> None:
    ids = [[e.resource_id for e in convert(problem(VALUE)).entries] for _ in range(2)]
    assert ids[0] == ids[1]


def test_a_trace_names_rule_and_element() -> None:
    trace = Trace()
    convert(problem(VALUE), trace)
    record = trace.why("Condition.code.coding")[0]
    assert record.rule.map_name == "CD[CodeableConcept]"
    (record,) = [one for one in trace.records if one.path == "Condition.code.coding[0].code"]
    (source,) = record.sources
    assert node_span(source).path.endswith("/observation/value/@code")
    assert node_span(source).line == 1


@pytest.mark.parametrize(
    ("written", "instead", "found"),
    [
        ("effectiveTime/high ->", "effectiveTme/high ->", "T556"),
        ("effectiveTime/high ->", "entryRelationship/observation/id ->", "T524"),
        ("effectiveTime/high ->", "effectiveTime[ ->", "T504"),
        ("effectiveTime/high ->", "PID-3.1 ->", "T504"),
        ("value[1] -> CD[CodeableConcept]", "effectiveTime -> CD[CodeableConcept]", "T545"),
        ("null:\n  abatementDateTime: data-absent-reason\n", "", "T502"),
        ("negation:\n  verificationStatus.text: '\"refuted\"'\n", "", "T502"),
        ("negation:\n  verificationStatus.text: '\"refuted\"'\n", "negation: read\n", "T504"),
        ("required:\n  subject:", "required:\n  patient:", "T531"),
        ("under: section[Composition.section]", "under: sections", "T512"),
        ("class: Observation", "class: Observations", "T525"),
    ],
)
def test_what_is_wrong_is_found_before_any_document(written: str, instead: str, found: str) -> None:
    assert written in PROBLEM
    codes = [one.split()[0] for one in problems(p=PROBLEM.replace(written, instead))]
    assert found in codes


def test_two_maps_for_one_template_need_an_order() -> None:
    other = PROBLEM.replace("map: problem[Condition]", "map: other[Condition]")
    assert any("1.1" in one for one in problems(o=other))
    before = other.replace("template: 1.1\n", "template: 1.1\nover: problem[Condition]\n")
    assert problems(o=before) == []


def test_a_path_of_a_document_has_no_place_in_a_map_of_messages() -> None:
    wrong = (
        "map: PID[Patient]\nfrom: PID\nto: Patient\n"
        "rules:\n  birthDate: patient/birthTime -> date\n"
    )
    assert any(one.startswith("T504") for one in problems(w=wrong))
