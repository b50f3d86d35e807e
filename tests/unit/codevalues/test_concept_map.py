"""ConceptMap in and out, and `$translate`."""

import json
from typing import Any

import pytest

from engine.codevalues.aliases import read_aliases
from engine.codevalues.concept_map import (
    aliases_of,
    concept_map_of,
    concept_map_of_aliases,
    read_concept_map,
)
from engine.codevalues.registry import Registry
from engine.codevalues.standard import StandardTable
from engine.codevalues.translate import Question, answer_of, parameters_of, translate

FILE = "codevalues/standard/lab.json"
LOINC = "http://loinc.org"
LOCAL = "urn:oid:2.16.840.1.113883.3.9999.2"


def concept_map(
    unmapped: dict[str, str] | None = None, url: str = "http://x/lab"
) -> dict[str, Any]:
    group: dict[str, Any] = {
        "source": LOCAL,
        "target": LOINC,
        "element": [
            {
                "code": "GLU",
                "display": "Glucose",
                "target": [
                    {
                        "code": "2345-7",
                        "equivalence": "equivalent",
                        "dependsOn": [{"property": "specimen", "value": "SER"}],
                        "product": [
                            {"property": "specimen", "system": "http://s", "value": "119364003"}
                        ],
                    },
                    {
                        "code": "5792-7",
                        "equivalence": "wider",
                        "comment": "strip",
                        "dependsOn": [{"property": "specimen", "value": "UR"}],
                    },
                ],
            },
            {"code": "OLD", "target": [{"equivalence": "unmatched"}]},
        ],
    }
    if unmapped:
        group["unmapped"] = unmapped
    return {
        "resourceType": "ConceptMap", "url": url, "version": "1", "name": "lab",
        "status": "active", "group": [group],
    }  # fmt: skip


def read(resource: dict[str, Any], file: str = FILE) -> StandardTable:
    found, problems = read_concept_map(json.dumps(resource), file)
    assert problems == []
    assert found is not None
    return found


@pytest.mark.parametrize(
    "unmapped", [None, {"mode": "fixed", "code": "x", "display": "X"}, {"mode": "provided"}]
)
def test_a_concept_map_goes_in_and_comes_out_as_it_was(unmapped: dict[str, str] | None) -> None:
    assert concept_map_of(read(concept_map(unmapped))) == concept_map(unmapped)


@pytest.mark.parametrize(
    ("specimen", "codes"), [("SER", ["2345-7"]), ("UR", ["5792-7"]), ("CSF", []), (None, [])]
)
def test_a_pair_applies_only_where_what_it_depends_on_holds(
    specimen: str | None, codes: list[str]
) -> None:
    properties = {"specimen": specimen} if specimen else {}
    question = Question(code="GLU", system=LOCAL, target_system=LOINC, properties=properties)
    answer = translate([read(concept_map())], question)
    assert [one.code for one in answer.matches] == codes
    assert answer.result is bool(codes)


def test_a_concept_known_to_have_no_counterpart_is_no_result_and_no_unmapped_one() -> None:
    table = read(concept_map({"mode": "fixed", "code": "x"}))
    answer = translate([table], Question(code="OLD", system=LOCAL, target_system=LOINC))
    assert (answer.result, answer.usable()) == (False, [])
    assert [one.equivalence for one in answer.matches] == ["unmatched"]


def test_other_codes_become_what_unmapped_says() -> None:
    question = Question(code="NEW", system=LOCAL, target_system=LOINC)

    def made(unmapped: dict[str, str], *more: StandardTable) -> list[tuple[str, str]]:
        answer = translate([read(concept_map(unmapped)), *more], question)
        return [(one.code, one.equivalence) for one in answer.matches]

    assert made({"mode": "provided"}) == [("NEW", "equivalent")]
    assert made({"mode": "fixed", "code": "74465-6"}) == [("74465-6", "inexact")]
    second = concept_map({"mode": "other-map", "url": "http://x/lab"}, "http://x/second")
    second["group"][0]["element"] = [{"code": "NEW", "target": [{"code": "1-8"}]}]
    assert made(
        {"mode": "other-map", "url": "http://x/second"}, read(second, "codevalues/standard/b.json")
    )[0] == ("1-8", "equivalent")
    assert made({"mode": "other-map", "url": "http://x/nowhere"}) == []


def test_maps_that_lead_to_each_other_end() -> None:
    one = read(concept_map({"mode": "other-map", "url": "http://x/b"}, "http://x/a"))
    two = read(concept_map({"mode": "other-map", "url": "http://x/a"}, "http://x/b"))
    question = Question(code="NEW", system=LOCAL, target_system=LOINC)
    assert translate([one, two], question).matches == ()


def test_the_parameters_of_an_answer_are_read_back_as_a_servers() -> None:
    table = read(concept_map())
    question = Question(
        code="GLU", system=LOCAL, target_system=LOINC, properties={"specimen": "SER"}
    )
    parameters = parameters_of(translate([table], question))
    assert parameters["parameter"][0] == {"name": "result", "valueBoolean": True}
    answer = answer_of(parameters, "https://tx.example.org")
    assert answer is not None
    assert [(one.system, one.code) for one in answer.usable()] == [(LOINC, "2345-7")]
    nothing = parameters_of(translate([table], Question(code="Q", system=LOCAL)))
    assert nothing["parameter"][0]["valueBoolean"] is False


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"resourceType": "OperationOutcome"},
        {"resourceType": "Parameters", "parameter": "x"},
        {"resourceType": "Parameters", "parameter": [1]},
        {"resourceType": "Parameters", "parameter": [{"name": "result", "valueBoolean": "yes"}]},
    ],
)
def test_what_is_no_answer_is_none(wrong: dict[str, Any]) -> None:
    assert answer_of(wrong, "s") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"resourceType": "ConceptMap", "group": {}}',
        '{"resourceType": "ConceptMap", "group": [{"element": [{"target": []}]}]}',
        '{"resourceType": "ConceptMap", "group": [{"element": [{"code": "a", "target": [{}]}]}]}',
        '{"resourceType": "ConceptMap", "group": [{"unmapped": {"mode": "fixed"}}]}',
    ],
)
def test_what_is_no_concept_map_is_a_problem_with_a_place(text: str) -> None:
    found, problems = read_concept_map(text, FILE)
    assert found is None
    assert [(one.code, one.place.file) for one in problems] == [("V812", FILE)]


def test_an_alias_table_goes_out_as_a_concept_map_and_comes_back() -> None:
    text = (
        "alias,system,alias_meaning,target,display,comment\n"
        "3W,,NURSEUNIT,display:3 West,Three West,\nK,LN,,cki:CKI.EC!1,,why\n"
    )
    table, problems = read_aliases(text, "codevalues/aliases/ADT/72.csv", Registry())
    assert (table is not None, problems) == (True, [])
    assert table is not None
    resource = concept_map_of_aliases(table)
    back, lost = aliases_of(
        read(resource), contributor_source="ADT", code_set=72, registry=Registry()
    )
    assert lost == []
    assert [(row.key, row.target, row.display, row.comment) for row in back.rows] == [
        (row.key, row.target, row.display, row.comment) for row in table.rows
    ]


def test_what_an_alias_table_cannot_hold_is_said() -> None:
    resource = concept_map({"mode": "provided"})
    _, lost = aliases_of(read(resource), contributor_source="LAB", code_set=72, registry=Registry())
    assert [one.code for one in lost] == ["V813", "V813", "V813", "V813"]
