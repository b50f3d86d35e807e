import pytest

from engine.mapping.guide.guide_tables import GuideMap, map_name, read_guide_map

SEGMENT_HEAD = (
    "HL7 v2,,,,,,Condition (IF True),,,HL7 FHIR,,,,,,,,,Comments\n"
    "Sort Order,Identifier,Name,Data Type,Cardinality - Min,Cardinality - Max,Computable ANTLR,"
    "Computable FHIRPath,Narrative,FHIR Attribute,,Data Type,Cardinality - Min,Cardinality - Max,"
    'Data Type Mapping,"Vocabulary Mapping\n(IS, ID, CE, CNE, CWE)",Assignment,,\n'
)
NAME = "HL7 Segment - FHIR R4_ ZQA[Basic] - Sheet1.csv"


def read(text: str, name: str = NAME, kind: str = "segment") -> GuideMap:
    found, problems = read_guide_map(text, name, kind)
    assert problems == []
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("segments/HL7 Segment - FHIR R4_ PID[Patient] - PID.csv", "PID[Patient]"),
        ("HL7 Segment - FHIR R4_ PR1[Procedure] - PR1[Procedure].csv", "PR1[Procedure]"),
        (
            "HL7 Segment - FHIR R4_ PD1[Observation-LivingWill] - PD1.csv",
            "PD1[Observation-LivingWill]",
        ),
        ("HL7 Concept Map_ AddressType[Use] - Sheet1.csv", "AddressType[Use]"),
        ("inventory.csv", ""),
    ],
)
def test_the_name_of_a_map_is_in_its_file_name(file: str, name: str) -> None:
    assert map_name(file) == name


def test_rows_with_a_target_are_read_with_their_line_and_fixed_value() -> None:
    text = SEGMENT_HEAD + (
        "1,ZQA-1,Set ID,SI,0,1,,,,,,,,,,,,,\n"
        '2,ZQA-2,Colour,CWE,0,1,IF ZQA-3 VALUED,,,code.coding.code,,code,0,1,,,"""red""",,\n'
        "2,ZQA-2,Colour,CWE,0,1,,,,code.text,,string,0,1,,,,,a comment\n"
    )
    first, second = read(text).rows
    assert (first.line, first.source, first.target) == (5, "ZQA-2", "code.coding.code")
    assert first.literal == "red"
    assert first.condition == "IF ZQA-3 VALUED"
    assert second.literal is None


def test_a_value_written_into_the_target_is_its_fixed_value() -> None:
    text = SEGMENT_HEAD + '1,ZQA-1,Kind,ID,0,1,,,,"intent=""order""",,code,1,1,,,,,\n'
    (row,) = read(text).rows
    assert (row.target, row.literal) == ("intent", "order")


@pytest.mark.parametrize(
    ("sort", "identifier", "source"),
    [
        ("4", "ZQA", "ZQA-4"),
        ("0", "ZQA", "ZQA"),
        ("1", "ZQA-3.2 (odd)", "ZQA-3.2"),
        ("1", "ZQA-3.", "ZQA-3"),
        ("0", "", ""),
    ],
)
def test_slips_in_identifiers_are_put_right(sort: str, identifier: str, source: str) -> None:
    text = SEGMENT_HEAD + f"{sort},{identifier},Name,ST,0,1,,,,text,,string,0,1,,,,,\n"
    assert read(text).rows[0].source == source


def test_columns_are_found_by_name_or_by_the_usual_order() -> None:
    named = SEGMENT_HEAD.replace("Sort Order", "Display Sequence").replace(
        "Assignment", "Derived Mapping"
    )
    row = '9,ZQA,Colour,CWE,0,1,,,,code.text,,string,0,1,,,"""red""",,\n'
    assert read(named + row).rows[0].literal == "red"
    unnamed = SEGMENT_HEAD.replace(
        "Sort Order,Identifier,Name,Data Type,Cardinality - Min,Cardinality - Max", ",,,,,"
    )
    assert read(unnamed + row).rows[0].target == "code.text"


def test_rows_of_a_message_are_groups_with_a_segment_map() -> None:
    text = (
        "HL7 v2,,,,,,Condition (IF True),,,HL7 FHIR,,,,Comments\n"
        "Sort Order,Identifier,Syntax,Name,Cardinality - Min,Cardinality - Max,Computable ANTLR,"
        "Computable FHIRPath,Narrative,Primary Target,Segment Map,References,,\n"
        "1,ZQM_Z01.PATIENT.PID,PID,Patient,1,1,,,,Patient[1],PID[Patient],,,\n"
        "2,ZQM_Z01:follow:PID.PRT,[{ PRT }],Participation,0,-1,,,,Device,PRT[Device],,,\n"
        "3,/ZQM_Z01.PATIENT,},end,,,,,,,,,,\n"
    )
    found = read(text, "HL7 Message - FHIR R4_ ZQM_Z01 - Sheet1.csv", "message")
    assert [(row.source, row.target) for row in found.rows] == [
        ("ZQM_Z01.PATIENT.PID", "PID[Patient]"),
        ("ZQM_Z01.PRT", "PRT[Device]"),
    ]


@pytest.mark.parametrize("gap", ["", ","])
def test_codes_are_read_with_or_without_the_empty_column(gap: str) -> None:
    text = (
        f"HL7 v2,,,Condition (IF TRUE),,,HL7 FHIR,{gap},\n"
        f"Code,Text,Code System,Computable ANTLR,Computable FHIRPath,Narrative,Code,{gap}Display,"
        "Code System\n"
        f"R,Red,HL79999,,,,red,{gap}Red,http://hl7.org/fhir/colours\n"
        f"B,Blue,HL79999,,,,,{gap},\n"
        f",,,,,,green,{gap}Green,http://hl7.org/fhir/colours\n"
    )
    (row,) = read(text, "HL7 Concept Map_ Colour - Sheet1.csv", "codesystem").rows
    assert (row.source, row.system, row.target, row.target_system) == (
        "R",
        "HL79999",
        "red",
        "http://hl7.org/fhir/colours",
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a,b\n1,2\n", NAME),
        ("", NAME),
        (SEGMENT_HEAD, "inventory.csv"),
        (SEGMENT_HEAD + "x\n" * 20_001, NAME),
    ],
)
def test_what_is_no_table_of_the_guide_is_refused_with_a_code(text: str, name: str) -> None:
    found, problems = read_guide_map(text, name, "segment")
    assert found is None
    assert [one.code for one in problems] == ["T554"]
