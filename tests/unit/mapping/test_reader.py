from engine.diagnostics import Diagnostic
from engine.mapping.reader import read_map_file
from engine.mapping.syntax import Assign, Each, Emit, MapFile, OverlayFile, When


def read(text: str) -> tuple[MapFile, list[Diagnostic]]:
    found, problems = read_map_file(text, "m.yaml")
    assert isinstance(found, MapFile)
    return found, problems


SEGMENT = """map: PID[Patient]
from: PID
to: Patient
description: one line
parameters: {use: code}
key: [PID-3[1].1]
rules:
  identifier[]: PID-3 -> CX[Identifier]
  telecom[]:
    - PID-13 -> XTN[ContactPoint] use=home
    - PID-14 -> XTN[ContactPoint] use=work
  deceased[x]:
    - dateTime: PID-29 -> dateTime
    - boolean when PID-30 = "Y": PID-30 -> yes_no when PID-29 not valued
  maritalStatus:
    text: PID-16.2
  contact[] each PID-10 as race when race.1 valued:
    relationship[]:
      text: race.2
ignore:
  PID-1, PID-2: set id
differs:
  PID-9 -> name, PID-12: not used
guide:
  - PID[Patient]
  - PID[Person]
tests:
  - name: one
    in: "PID|1"
    expect: {birthDate: absent}
"""


def test_a_segment_map_is_read_whole() -> None:
    found, problems = read(SEGMENT.replace("key: [PID-3[1].1]\n", "key:\n  - PID-3[1].1 | PID-2\n"))
    assert problems == []
    assert [rule.target.text for rule in found.rules] == [
        "identifier[]",
        "telecom[]",
        "deceased[x]",
        "maritalStatus",
        "contact[]",
    ]
    telecom, deceased, marital, contact = found.rules[1:]
    assert telecom.alternatives is not None
    assert len(telecom.alternatives) == 2
    assert deceased.alternatives is not None
    assert [one.choice_type for one in deceased.alternatives] == ["dateTime", "boolean"]
    assert deceased.alternatives[1].when is not None
    assert marital.block is not None
    assert contact.loop is not None
    assert contact.loop.variable == "race"
    assert [(one.path, one.reason) for one in found.ignore] == [
        ("PID-1", "set id"),
        ("PID-2", "set id"),
    ]
    assert [(one.path, one.element, one.reason) for one in found.differs] == [
        ("PID-9", "name", "not used"),
        ("PID-12", "", "not used"),
    ]
    assert found.guide == ("PID[Patient]", "PID[Person]")
    assert found.tests[0].expect == (("birthDate", "absent"),)
    assert found.parameters == (("use", "code"),)


def test_places_are_those_of_the_file() -> None:
    found, _ = read("map: A[B]\nfrom: PID\nto: Patient\nrules:\n  birthDate: PID-7 -> date\n")
    rule = found.rules[0]
    assert (rule.place.line, rule.place.column) == (5, 3)
    assert rule.expression is not None
    assert (rule.expression.place.line, rule.expression.place.column) == (5, 14)


def test_steps_of_a_message_map() -> None:
    found, problems = read(
        """map: ORU_R01
from: ORU_R01
to: Bundle
for: [ORU^R01]
rules:
  - MSH -> MSH[MessageHeader] as header
  - each PATIENT_RESULT as result when result.PATIENT valued:
      - result.PATIENT.PID -> PID[Patient] as patient key=identifier
      - result.PATIENT.PD1 -> PD1[Patient] into patient
      - header.focus[] = reference(patient) when patient valued
  - when PV1 valued:
      - PV1 -> PV1[Encounter] key=(PV1-19, "x") patient=reference(patient)
"""
    )
    assert problems == []
    assert found.events == ("ORU^R01",)
    header, result, when = found.steps
    assert isinstance(header, Emit)
    assert isinstance(result, Each)
    assert isinstance(when, When)
    patient, more, focus = result.body
    assert isinstance(patient, Emit)
    assert isinstance(more, Emit)
    assert more.into == "patient"
    assert isinstance(focus, Assign)
    assert focus.target.text == "focus[]"
    encounter = when.body[0]
    assert isinstance(encounter, Emit)
    assert encounter.key is not None
    assert len(encounter.key) == 2


def test_all_problems_come_at_once_with_their_places() -> None:
    _, problems = read(
        """map: X[Patient]
form: PID
rules:
  birthDate: PID-
  gender: PID-8
  gender: PID-9
  name[].family: PID-5
  deceased[x]:
    - PID-30
ignore: {PID-1: ""}
"""
    )
    lines = sorted((one.place.line or 0, one.code) for one in problems)
    assert lines == [
        (1, "T502"),
        (1, "T502"),
        (2, "T501"),
        (4, "T504"),
        (6, "C402"),
        (7, "T504"),
        (9, "T503"),
        (10, "T503"),
    ]


def test_a_misspelt_key_is_answered_with_the_right_one() -> None:
    _, problems = read("map: X[Y]\nfrom: PID\nto: Patient\nruels: {}\nrules: {}\n")
    assert problems[0].hint == 'did you mean "rules"?'


def test_two_spellings_of_one_target_are_a_problem() -> None:
    _, problems = read('map: X[Y]\nfrom: PID\nto: Patient\nrules:\n  a[] : PID-1\n  "a[]": PID-2\n')
    assert [one.code for one in problems] == ["C402"]


def test_files_that_are_no_maps() -> None:
    for text in ("", "- a\n", "x: 1\n", "a: [\n"):
        found, problems = read_map_file(text, "m.yaml")
        assert found is None
        assert problems


def test_an_overlay_is_read() -> None:
    found, problems = read_map_file(
        "overlay: PID[Patient]\nreason: site\nrules:\n  birthDate: PID-7\nremove: [gender]\n",
        "o.yaml",
    )
    assert problems == []
    assert isinstance(found, OverlayFile)
    assert (found.map_name, found.reason, found.remove) == ("PID[Patient]", "site", ("gender",))


def test_brackets_inside_a_flow_list_are_explained() -> None:
    _, problems = read_map_file("overlay: A\nreason: r\nremove: [value[x]]\n", "o.yaml")
    assert problems


def test_nesting_is_bounded_for_rules_and_steps() -> None:
    deep = "map: X[Y]\nfrom: PID\nto: Patient\nrules:\n  a:\n"
    for level in range(12):
        deep += "  " * (level + 2) + "- when PID-1 valued:\n"
    _, problems = read(deep + "  " * 14 + "- PID-1\n")
    assert {one.code for one in problems} == {"T511"}
    deep = "map: X\nfrom: ADT_A01\nto: Bundle\nrules:\n"
    for level in range(12):
        deep += "  " * (level + 1) + f"- each NK1 as k{level}:\n"
    _, problems = read(deep + "  " * 13 + "- PID -> PID[Patient]\n")
    assert {one.code for one in problems} == {"T511"}
