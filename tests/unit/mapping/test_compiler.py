"""What maps make of messages: the meaning of the language, rule by rule."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.hl7v2.groups import Grouped, group
from engine.hl7v2.parser import parse
from engine.mapping.functions.registry import FUNCTIONS
from engine.mapping.run import MapContext

MESSAGE = "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n  - PID -> PID[Patient] as patient\n"


def parsed(segment: str) -> Grouped:
    """A message with this segment and its groups."""
    head = "MSH|^~\\&|PAS|NORTH|REC|SITE|20260102030405+0000||ADT^A01^ADT_A01|C1|P|2.5.1"
    message = parse(f"{head}\r{segment}\r".encode()).message
    assert message is not None
    return group(message)


def pid_map(rules: str) -> str:
    """A map of PID with these rules."""
    indented = "\n".join(f"  {line}" for line in rules.strip("\n").split("\n"))
    return f"map: PID[Patient]\nfrom: PID\nto: Patient\nrules:\n{indented}\n"


SEX = (
    "source_code,source_system,target_code,target_system\n"
    "M,,male,urn:sex\nF,,female,urn:sex\nN,,,\n"
)
MARITAL = (
    "source_code,source_system,target_code,target_system,target_display\n"
    "S,,S,http://v3,Never Married\nX,,,,\n"
)

CX = """
map: CX[Identifier]
from: CX
to: Identifier
parameters: {use: code}
rules:
  use: use
  value: CX.1
  system: CX.4 -> system
  type.coding[]:
    code: CX.5
  period.start: CX.7 -> date
"""

NAME = """
map: XPN[HumanName]
from: XPN
to: HumanName
rules:
  family: XPN.1.1
  given[]:
    - XPN.2
    - XPN.3 -> split
  text: '"a name"'
"""


# -- reading --


def test_PID_7_is_read_and_converted(patient: Any) -> None:
    assert patient("birthDate: PID-7 -> date", "PID|||||||19800131")["birthDate"] == "1980-01-31"


def test_an_empty_field_writes_nothing_and_an_empty_resource_is_not_made(patient: Any) -> None:
    assert patient("birthDate: PID-7 -> date", "PID|1") == {}


def test_PID_5_repeats_into_a_list(patient: Any) -> None:
    made = patient("name[]: PID-5 -> XPN[HumanName]", "PID|||||A^B^C D~~E^^|", NAME)
    assert made["name"] == [
        {"family": "A", "given": ["B", "C", "D"], "text": "a name"},
        {"family": "E", "text": "a name"},
    ]


def test_a_single_target_takes_the_first_repetition_only(patient: Any) -> None:
    assert patient("language: PID-15", "PID|||||||||||||||en~fr")["language"] == "en"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("PID-3[2].1", "2"),
        ("PID-3[type=MR].1", "2"),
        ("PID-3[5=PI].1", "1"),
        ("PID-3[4.2=1.2].1", "2"),
        ("PID-3[type=ZZ].1", None),
        ("PID-3[9].1", None),
        ("PID-3[1].4.2", None),
        ("PID-3[2].4.2", "1.2"),
    ],
)
def test_PID_3_by_repetition(patient: Any, path: str, value: str | None) -> None:
    segment = "PID|||1^^^H^PI~2^^^H&1.2&ISO^MR"
    assert patient(f"language: {path}", segment).get("language") == value


def test_escapes_are_decoded_after_splitting(patient: Any) -> None:
    made = patient("language: PID-15", r"PID|||||||||||||||a\S\b\T\c\F\d\R\e")
    assert made["language"] == "a^b&c|d~e"


def test_other_delimiters_read_the_same(maps: Any) -> None:

    rules = "name[]: PID-5 -> XPN[HumanName]"
    text = (
        "MSH*!%@#*PAS*NORTH*REC*SITE*20260102030405+0000**ADT!A01!ADT_A01*C1*P*2.5.1\n"
        "PID*****A!B%C@S@D!E"
    )
    made = maps(pid_map(rules), MESSAGE, NAME).first(text)
    assert [one["family"] for one in made["name"]] == ["A", "C!D"]


def test_blanks_around_a_value_are_not_part_of_it(patient: Any) -> None:
    assert patient("language: PID-15", "PID||||||||||||||| en ")["language"] == "en"
    assert patient("language: PID-15", "PID|||||||||||||||  ") == {}


def test_MSH_is_read_from_any_map(patient: Any) -> None:
    assert patient("language: MSH-4.1", "PID|1")["language"] == "NORTH"


def test_a_part_of_a_component_reaches_a_datatype_map(patient: Any) -> None:
    value = 'value:\n  - HD.2 -> uri type=HD.3 when HD.3 = "ISO"\n  - HD.1\n'
    hd = f"map: HD[uri]\nfrom: HD\nto: uri\n{value}"
    rules = "identifier[]:\n  - system: PID-3[1].4 -> HD[uri]"
    assert patient(rules, "PID|||1^^^H&1.2.3&ISO", hd)["identifier"] == [
        {"system": "urn:oid:1.2.3"}
    ]
    assert patient(rules, "PID|||1^^^H", hd)["identifier"] == [{"system": "H"}]


# -- targets --


def test_alternatives_of_a_plain_target_stop_at_the_first_that_yields(patient: Any) -> None:
    rules = "birthDate:\n  - PID-7 -> date\n  - PID-29 -> date"
    assert patient(rules, "PID|||||||19800131")["birthDate"] == "1980-01-31"
    assert patient(rules, "PID|||||||bad||||||||||||||||||||||1990")["birthDate"] == "1990"


def test_alternatives_of_a_list_are_all_taken(patient: Any) -> None:
    rules = "identifier[]:\n  - PID-3 -> CX[Identifier] use=usual\n  - PID-2 -> CX[Identifier]"
    made = patient(rules, "PID||9|1~2", CX)
    assert [(one["value"], one.get("use")) for one in made["identifier"]] == [
        ("1", "usual"),
        ("2", "usual"),
        ("9", None),
    ]


def test_bars_stop_at_the_first_repeating_source(patient: Any) -> None:
    rules = "identifier[]: (PID-3 | PID-2) -> CX[Identifier]"
    assert [one["value"] for one in patient(rules, "PID||9|1~2", CX)["identifier"]] == ["1", "2"]
    assert [one["value"] for one in patient(rules, "PID||9|", CX)["identifier"]] == ["9"]


CHOICE = "multipleBirth[x]:\n  - integer: PID-25 -> integer\n  - boolean: PID-24 -> yes_no"


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("PID||||||||||||||||||||||||Y|2", {"multipleBirthInteger": 2}),
        ("PID||||||||||||||||||||||||N", {"multipleBirthBoolean": False}),
        ("PID||||||||||||||||||||||||N|0", {"multipleBirthInteger": 0}),
    ],
)
def test_a_choice_has_one_type(patient: Any, segment: str, expected: dict[str, Any]) -> None:
    made = patient(CHOICE, segment)
    assert {key: made[key] for key in made if key.startswith("multiple")} == expected


def test_labelled_items_are_filled_by_several_rules(patient: Any) -> None:
    rules = """
maritalStatus.coding[own].code: PID-16.1
maritalStatus.coding[own].system: '"urn:own"'
maritalStatus.coding[alternate].code: PID-16.4
maritalStatus.coding[alternate].system: '"urn:other"'
maritalStatus.text: PID-16.2
"""
    made = patient(rules, "PID||||||||||||||||S^Single")
    assert made["maritalStatus"] == {
        "coding": [{"code": "S", "system": "urn:own"}],
        "text": "Single",
    }


def test_an_extension_of_a_primitive_goes_beside_it(patient: Any) -> None:
    rules = """
birthDate: PID-7 -> date
birthDate.extension[]:
  url: '"http://time"'
  valueDateTime: PID-7 -> dateTime when PID-7 matches "^[0-9]{9}"
"""
    made = patient(rules, "PID|||||||198001310405+0100")
    assert made["birthDate"] == "1980-01-31"
    assert made["_birthDate"] == {
        "extension": [{"url": "http://time", "valueDateTime": "1980-01-31T04:05:00+01:00"}]
    }
    assert "_birthDate" not in patient(rules, "PID|||||||19800131")


def test_a_block_runs_for_each_repetition(patient: Any) -> None:
    rules = """
extension[] each PID-10 as race when race.1 != "U":
  url: '"http://race"'
  valueString: race.2 | race.1
"""
    made = patient(rules, "PID||||||||||A^Asian~U~B")
    assert [one["valueString"] for one in made["extension"]] == ["Asian", "B"]


def test_this_takes_the_place_of_the_object(patient: Any) -> None:
    reference = "map: CX[Reference]\nfrom: CX\nto: Reference\nrules:\n  $this: CX -> CX[Identity]\n"
    inner = "map: CX[Identity]\nfrom: CX\nto: Reference\nrules:\n  display: CX.1\n"
    made = patient("managingOrganization: PID-3[1] -> CX[Reference]", "PID|||7", reference, inner)
    assert made["managingOrganization"] == {"display": "7"}


# -- what carries an object --


def test_literals_and_parameters_alone_write_no_object(patient: Any) -> None:
    rules = "identifier[]: PID-3 -> CX[Identifier] use=usual"
    assert patient(rules, "PID|||^^^^^^^x", CX) == {}


def test_an_object_of_literals_only_is_written(patient: Any) -> None:
    rules = "language: PID-15\nmeta.tag[]:\n  code: '\"x\"'"
    assert patient(rules, "PID|||||||||||||||en")["meta"] == {"tag": [{"code": "x"}]}


def test_a_literal_in_the_place_of_an_empty_source_carries_nothing(patient: Any) -> None:
    rules = 'identifier[]:\n  - value: PID-2\n    use: PID-4 | "usual"'
    assert patient(rules, "PID|1") == {}
    assert patient(rules, "PID||5")["identifier"] == [{"value": "5", "use": "usual"}]


def test_a_guarded_block_of_literals_is_written_when_its_condition_holds(patient: Any) -> None:
    rules = "communication[] when PID-15 valued:\n  preferred: true"
    assert patient(rules, "PID|||||||||||||||en")["communication"] == [{"preferred": True}]
    assert patient(rules, "PID|1") == {}


# -- conditions --


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('PID-8 = "M"', True),
        ('PID-8 = "F"', False),
        ('PID-8 != "F"', True),
        ('PID-9 != "F"', True),
        ('PID-9 = ""', False),
        ('PID-8 in ("F", "M")', True),
        ('PID-9 not in ("F")', True),
        ('PID-8 matches "^[A-Z]$"', True),
        ('PID-8 not matches "^[A-Z]$"', False),
        ("PID-25 >= 2", True),
        ("PID-25 < 2", False),
        ("PID-8 < 2", False),
        ("PID-8 valued and not (PID-9 valued)", True),
        ("PID-9 valued or PID-25 valued", True),
        ("PID-3 valued", False),
        ('PID-8 -> lower = "m"', True),
        ("IF PID-8 VALUED AND PID-9 NOT VALUED", True),
    ],
)
def test_condition(patient: Any, condition: str, holds: bool) -> None:
    segment = "PID|||^^~^|||||M" + "|" * 17 + "2"
    rules = f"gender: '\"x\" when {condition}'\nlanguage: PID-8"
    made = patient(rules, segment)
    assert ("gender" in made) is holds


# -- tables --

TABLES = {"Sex": SEX, "Marital": MARITAL}


@pytest.mark.parametrize(
    ("rule", "sent", "expected", "codes"),
    [
        ("table Sex", "M", "male", []),
        ("table Sex", "Q", None, ["T565"]),
        ("table Sex", "N", None, []),
        ("table Sex unmapped=unknown", "Q", "unknown", ["T578"]),
        ("table Sex unmapped=keep", "Q", "Q", []),
        ("table Sex unmapped=reject", "Q", None, ["T565"]),
        ("table Sex unmapped=hold", "Q", None, ["T566"]),
    ],
)
def test_a_code_through_a_table(
    maps: Any, rule: str, sent: str, expected: str | None, codes: list[str]
) -> None:

    program = maps(pid_map(f"gender: PID-8 -> {rule}\nlanguage: PID-15"), MESSAGE, tables=TABLES)
    result = program.convert(f"PID||||||||{sent}|||||||en")
    assert result.entries[0].resource.get("gender") == expected
    assert [one.code for one in result.diagnostics] == codes
    assert result.held is ("T566" in codes)


@pytest.mark.parametrize(
    ("rule", "sent", "expected"),
    [
        (
            "table Marital",
            "S",
            {"coding": [{"system": "http://v3", "code": "S", "display": "Never Married"}]},
        ),
        (
            "table Marital",
            "S^Single^HL70002",
            {
                "coding": [
                    {"system": "http://v3", "code": "S", "display": "Never Married"},
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v2-0002",
                        "code": "S",
                        "display": "Single",
                    },
                ],
                "text": "Single",
            },
        ),
        ("table Marital", "Q^Odd^L", {"coding": [{"code": "Q", "display": "Odd"}], "text": "Odd"}),
        ("table Marital unmapped=text", "Q^Odd", {"text": "Odd"}),
        ("table Marital unmapped=reject", "Q", None),
        (
            "table Marital unmapped=S",
            "Q",
            {
                "coding": [
                    {"system": "http://v3", "code": "S", "display": "Never Married"},
                    {"code": "Q"},
                ]
            },
        ),
    ],
)
def test_a_concept_keeps_the_coding_of_the_sender(
    patient: Any, rule: str, sent: str, expected: Any
) -> None:
    made = patient(
        f"maritalStatus: PID-16 -> {rule}\nlanguage: PID-15",
        f"PID|||||||||||||||en|{sent}",
        tables=TABLES,
    )
    assert made.get("maritalStatus") == expected


# -- functions and arguments --


def test_concat_needs_one_source_and_default_fills_in(patient: Any) -> None:
    assert (
        patient('language: concat("a", PID-15, "b")', "PID|||||||||||||||en")["language"] == "aenb"
    )
    assert patient('language: concat("a", PID-15, "b")', "PID|1") == {}
    rules = 'language: PID-15 -> default otherwise="none" -> upper\nbirthDate: PID-7 -> date'
    assert patient(rules, "PID|||||||1980")["language"] == "NONE"


def test_numbers_keep_their_digits(patient: Any) -> None:
    rules = "extension[]:\n  - url: '\"u\"'\n    valueDecimal: PID-25"
    for sent, expected in (("1.20", Decimal("1.20")), ("7.2", 7.2), ("140", 140)):
        made = patient(rules, "PID" + "|" * 25 + sent)["extension"][0]["valueDecimal"]
        assert (made, str(made)) == (expected, sent)


def test_text_into_a_boolean_goes_through_yes_no(patient: Any) -> None:
    assert patient("active: PID-30", "PID" + "|" * 30 + "N")["active"] is False


# -- problems --


def test_a_bad_date_costs_its_element_only_and_says_where(maps: Any) -> None:

    rules = "birthDate: PID-7 -> date\nidentifier[]: PID-3 -> CX[Identifier]"
    program = maps(pid_map(rules), MESSAGE, CX)
    result = program.convert("PID|||1~2^^^^^^2020~3^^^^^^bad||||19801340")
    assert [one["value"] for one in result.entries[0].resource["identifier"]] == ["1", "2", "3"]
    assert [(one.code, one.place.path, one.place.file) for one in result.diagnostics] == [
        ("T561", "PID[1]-7[1]", "m0.yaml"),
        ("T561", "PID[1]-3[3].7", "m2.yaml"),
    ]
    assert [one.place.line for one in result.diagnostics] == [5, 12]
    assert not any("bad" in one.message or "1980" in one.message for one in result.diagnostics)


def test_conditions_report_no_problems(maps: Any) -> None:

    program = maps(pid_map("language: PID-15 when (PID-7 -> date) not valued"), MESSAGE)
    result = program.convert("PID|||||||bad||||||||en")
    assert result.entries[0].resource["language"] == "en"
    assert result.diagnostics == []


def test_the_explicit_null_reads_as_absent(maps: Any) -> None:

    rules = "birthDate: PID-7 -> date\nidentifier[]: PID-3 -> CX[Identifier]\nlanguage: PID-15"
    result = maps(pid_map(rules), MESSAGE, CX).convert('PID|||1^^^""^MR~""||||""||||||||a""b')
    made = result.entries[0].resource
    assert made["identifier"] == [{"value": "1", "type": {"coding": [{"code": "MR"}]}}]
    assert "birthDate" not in made
    assert made["language"] == 'a""b'
    assert result.nulls == ()  # the resource replaces what the server has


def test_a_message_without_a_map_is_a_problem(maps: Any) -> None:

    program = maps(pid_map("language: PID-15"), MESSAGE)
    result = program.convert("MSH|^~\\&|A|B|||20260101||ZZZ^Z01|1|P|2.5.1\nPID|1", map_name="auto")
    assert [one.code for one in result.diagnostics] == ["T560"]


def test_a_body_that_raises_costs_its_resource_and_names_the_rule(
    maps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(value: str) -> str:
        raise ValueError(value)

    monkeypatch.setitem(FUNCTIONS, "upper", replace(FUNCTIONS["upper"], body=broken))
    result = maps(pid_map("language: PID-15 -> upper"), MESSAGE).convert("PID|||||||||||||||en")
    assert [(one.code, one.place.file) for one in result.diagnostics] == [("T569", "m1.yaml")]
    assert "en" not in result.diagnostics[0].message.split()


def test_the_same_bytes_give_the_same_output(maps: Any) -> None:

    one = maps(pid_map("identifier[]: PID-3 -> CX[Identifier]"), MESSAGE, CX)
    two = maps(pid_map("identifier[]: PID-3 -> CX[Identifier]"), MESSAGE, CX)
    first, second = one.convert("PID|||1~2"), two.convert("PID|||1~2")
    assert [(entry.resource_id, entry.resource) for entry in first.entries] == [
        (entry.resource_id, entry.resource) for entry in second.entries
    ]
    assert one.program.source == two.program.source


# -- separators that a sender forgot to escape --


def test_text_without_parts_keeps_bare_separators(patient: Any) -> None:
    made = patient("name[]: PID-5 -> XPN[HumanName]", "PID|||||A^Mary&Ann", NAME)
    assert made["name"][0]["given"] == ["Mary&Ann"]
    made = patient("language: PID-23", "PID" + "|" * 23 + "Ash & Son^Leeds")
    assert made["language"] == "Ash & Son^Leeds"


@pytest.mark.parametrize(
    ("kind", "value"), [("ST", "A & B^C"), ("FT", "A & B^C"), ("CWE", "A"), ("", "A")]
)
def test_OBX_2_says_whether_OBX_5_has_parts(maps: Any, kind: str, value: str) -> None:
    program = maps(
        "map: OBX[Observation]\nfrom: OBX\nto: Observation\nrules:\n  valueString: OBX-5[1]\n",
        "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n"
        "  - each OBX as obx:\n      - obx -> OBX[Observation] as one\n",
    )
    assert program.first(f"OBX|1|{kind}|||A & B^C")["valueString"] == value


def test_a_function_of_many_values_takes_every_repetition(patient: Any) -> None:
    made = patient(r'language: join("\n", PID-15[*], PID-2.1)', "PID||z|||||||||||||a~b~~c")
    assert made["language"] == "a\nb\nc\nz"
    assert patient(r'language: join("\n", PID-15[*])', "PID|1") == {}


def test_the_deepest_map_that_is_read_compiles_plain_and_traced(maps: Any) -> None:
    brackets = "(" * 11 + "PID-2" + ' | PID-4[1] -> upper | "x")' * 11 + " -> lower"
    rules = "a[]:\n"
    for level in range(6):
        rules += "  " * (level + 1) + f"- each PID-3 as v{level} when v{level}.1 valued:\n"
    rules += "  " * 7 + f"- b: {brackets} when PID-8 in (1, 2) or PID-7 valued\n"
    steps = "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n"
    for level in range(5):
        steps += "  " * (level + 1) + f"- each A.B.C as g{level} when g{level}.D.PID valued:\n"
    steps += "  " * 6 + "- each NK1 as kin:\n" + "  " * 8 + "- PID -> PID[Patient] as patient\n"
    program = maps(pid_map(rules), steps).program
    assert program.traced().source != program.source


# -- what is made once in a feed --

CONCEPT = """
map: CWE[CodeableConcept]
from: CWE
to: CodeableConcept
rules:
  coding[]:
    system: CWE.3 -> coding_system
    code: CWE.1
  text: CWE.2
"""


def test_codings_made_before_are_not_changed_by_later_steps(maps: Any) -> None:
    steps = MESSAGE + "  - patient.maritalStatus.text = PID-15\n"
    rules = "maritalStatus: PID-16 -> CWE[CodeableConcept]"
    program = maps(pid_map(rules), steps, CONCEPT)
    first = program.first("PID" + "|" * 15 + "en|S")
    second = program.first("PID" + "|" * 16 + "S")
    assert first["maritalStatus"] == {"coding": [{"code": "S"}], "text": "en"}
    assert second["maritalStatus"] == {"coding": [{"code": "S"}]}


def test_a_problem_is_reported_in_every_message(maps: Any) -> None:
    program = maps(
        pid_map("maritalStatus: PID-16 -> table Marital unmapped=reject\nlanguage: PID-15"),
        MESSAGE,
        tables=TABLES,
    )
    for _ in range(3):
        result = program.convert("PID" + "|" * 15 + "en|Q")
        assert [one.code for one in result.diagnostics] == ["T565"]


def test_two_channels_of_one_program_keep_their_own_systems(maps: Any) -> None:
    program = maps(
        pid_map("maritalStatus: PID-16 -> CWE[CodeableConcept]"), MESSAGE, CONCEPT
    ).program
    found = []
    for system in ("urn:a", "urn:b", "urn:a"):
        context = MapContext(source_system="urn:test", authorities={"OWN": system})
        made = program.convert(parsed("PID" + "|" * 16 + "S^^OWN"), context).entries[0].resource
        found.append(made["maritalStatus"]["coding"][0]["system"])
    assert found == ["urn:a", "urn:b", "urn:a"]
