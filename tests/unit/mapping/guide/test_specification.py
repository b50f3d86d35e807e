import pytest

from engine.mapping.guide.specification import Specification, specifications
from engine.mapping.library import Library, read_library

PATIENT = """map: PID[Patient]
from: PID
to: Patient
rules:
  identifier[]: PID-3 -> CX[Identifier] type=MR
  deceased[x]:
    - dateTime: PID-29 -> dateTime when PID-30 != "N"
  telecom[]:
    system: '"phone"'
    value: PID-13[1].1
  name[] each PID-5 as called when called.1 valued:
    family: called.1.1
ignore:
  PID-1: set id
"""
IDENTIFIER = "map: CX[Identifier]\nfrom: CX\nto: Identifier\nparameters: {type: code}\nrules:\n"
IDENTIFIER += "  value: CX.1\n  use: type\n"
MESSAGE = """map: ADT_A01
from: ADT_A01
to: Bundle
rules:
  - PID -> PID[Patient] as patient
  - each NK1 as kin when kin-2 valued:
      - patient.active = true
"""
TABLE = "source_code,target_code,comment\nF,female,as HL7 has it\n"


@pytest.fixture
def library() -> Library:
    files = {"p.yaml": PATIENT, "c.yaml": IDENTIFIER, "m.yaml": MESSAGE, "Sex.csv": TABLE}
    found, problems = read_library(files)
    assert problems == []
    return found


def row(table: Specification, identifier: str, attribute: str = "") -> dict[str, str]:
    """The row of a source, by the names of its columns."""
    named = [dict(zip(table.columns, cells, strict=True)) for cells in table.rows]
    return next(
        one
        for one in named
        if one["Identifier"] == identifier and one["FHIR Attribute"].startswith(attribute)
    )


def test_a_rule_has_its_source_element_maps_and_place(library: Library) -> None:
    (table,) = specifications(library, "PID[Patient]")
    found = row(table, "PID-3")
    assert found["Name"] == "Patient Identifier List"
    assert (found["Data Type"], found["Cardinality - Max"]) == ("CX", "-1")
    assert (found["FHIR Attribute"], found["FHIR Data Type"]) == ("identifier[]", "Identifier")
    assert found["Data Type Mapping"] == "CX[Identifier] type=MR"
    assert found["Place"] == "p.yaml:5"


def test_conditions_loops_and_conversions_are_written_out(library: Library) -> None:
    (table,) = specifications(library, "PID[Patient]")
    died = row(table, "PID-29")
    assert (died["FHIR Attribute"], died["Assignment"]) == (
        "deceasedDateTime",
        "PID-29 -> dateTime",
    )
    assert died["Condition"] == 'IF PID-30 != "N"'
    name = row(table, "PID-5.1.1")
    assert name["Comments"] == "for each PID-5 as called"


def test_a_fixed_value_stands_beside_the_source_it_goes_with(library: Library) -> None:
    (table,) = specifications(library, "PID[Patient]")
    assert row(table, "PID-13.1", "telecom[].system")["Assignment"] == '"phone"'


def test_fields_that_no_rule_reads_are_listed_with_the_reason(library: Library) -> None:
    (table,) = specifications(library, "PID[Patient]")
    assert row(table, "PID-1")["Comments"] == "ignored: set id"
    assert row(table, "PID-26")["FHIR Attribute"] == ""


def test_a_message_lists_its_steps(library: Library) -> None:
    (table,) = specifications(library, "ADT_A01")
    first, second = table.rows
    assert first[1:6] == ("ADT_A01.PID", "PID", "PID", "1", "1")
    assert first[8] == "PID[Patient]"
    assert second[6:8] == ("IF kin-2 valued", "patient.active")


def test_a_table_lists_its_codes_with_comments(library: Library) -> None:
    (table,) = specifications(library, "Sex")
    assert table.rows == (("F", "", "female", "", "", "as HL7 has it", "Sex.csv:2"),)


def test_all_is_every_map_and_table(library: Library) -> None:
    names = [one.name for one in specifications(library, "all")]
    assert names == ["ADT_A01", "CX[Identifier]", "PID[Patient]", "Sex"]
    assert specifications(library, "PID[Nobody]") == []
