"""The map checker: each kind of fault is found once, with its place; sound maps pass."""

import pytest

from engine.diagnostics import Diagnostic
from engine.mapping.checker.checker import check_library
from engine.mapping.library import read_library

CX = """\
map: CX[Identifier]
from: CX
to: Identifier
parameters: {use: code}
rules:
  use: use
  value: CX.1
  period.start: CX.7 -> date
"""
XPN = """\
map: XPN[HumanName]
from: XPN
to: HumanName
rules:
  family: XPN.1.1
  given[]: XPN.2
"""
SEX = "source_code,target_code\nM,male\nF,female\n"
PRIOR = """\
map: MRG[Patient]
from: MRG
to: Patient
rules:
  identifier[]: MRG-1 -> CX[Identifier]
"""


def check(**files: str) -> list[Diagnostic]:
    """Check maps and tables by file stem; a table's text begins with its columns."""
    named = {
        f"{stem}.csv" if text.startswith("source_code") else f"{stem}.yaml": text
        for stem, text in {"CX": CX, "XPN": XPN, "Sex": SEX, **files}.items()
    }
    library, problems = read_library(named)
    return [*problems, *check_library(library)]


def patient(*rules: str, head: str = "") -> list[Diagnostic]:
    """Check a PID map of these rule lines."""
    lines = "".join(f"  {rule}\n" for rule in rules)
    return check(PID=f"map: PID[Patient]\nfrom: PID\nto: Patient\n{head}rules:\n{lines}")


def observation(*rules: str) -> list[Diagnostic]:
    """Check an OBX map that fills what an Observation requires, and these rule lines."""
    lines = "".join(f"  {rule}\n" for rule in rules)
    text = "map: OBX[Observation]\nfrom: OBX\nto: Observation\nrules:\n"
    return check(OBX=f"{text}  status: '\"final\"'\n  code.text: OBX-3.2\n{lines}")


def message(*steps: str, structure: str = "ORU_R01", **more: str) -> list[Diagnostic]:
    """Check a message map of these step lines."""
    lines = "".join(f"  {step}\n" for step in steps)
    pid = "map: PID[Patient]\nfrom: PID\nto: Patient\nparameters: {merge: MRG}\nrules:\n"
    head = f"map: {structure}\nfrom: {structure}\nto: Bundle\nrules:\n"
    return check(M=head + lines, PID=f"{pid}  identifier[]: PID-3 -> CX[Identifier]\n", **more)


def codes(found: list[Diagnostic]) -> list[str]:
    return [one.code for one in found]


SOUND_RULES = [
    "identifier[]: PID-3 -> CX[Identifier] use=usual",
    "identifier[mrn].value: PID-3[type=MR].1",
    "name[]: PID-5 -> XPN[HumanName]",
    "birthDate: PID-7 -> date",
    "gender: PID-8 -> table Sex",
    "gender: PID-8 -> table Sex unmapped=unknown",
    "active: true",
    "multipleBirthInteger: PID-25",
    "birthDate.extension[]: {url: '\"http://x\"', valueDateTime: PID-7 -> dateTime}",
    "contact[] each PID-3 as one: {name.family: one.1}",
    "maritalStatus.coding[local]: {code: PID-16.1}",
    "maritalStatus.text: PID-16.2 | PID-16.1",
    "meta.versionId: MSH-10",
    'active: true when PID-3 valued and PID-30 = "N"',
    "managingOrganization.display: PID-2",
    'text.status: \'"generated"\'\n  text.div: \'"<div xmlns=\\"http://www.w3.org/1999/xhtml\\"/>"\'',
]


@pytest.mark.parametrize("rule", SOUND_RULES)
def test_sound_rules_pass(rule: str):
    assert patient(rule) == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        # sources
        ("birthDate: PDI-7 -> date", "T526"),
        ("birthDate: PID-99 -> date", "T521"),
        ("birthDate: PID-7.9 -> date", "T522"),
        ("birthDate: MSH-77 -> date", "T521"),
        ("identifier[mrn].value: PID-3[typ=MR].1", "T523"),
        ("identifier[mrn].value: PID-3[77=MR].1", "T522"),
        ("identifier[mrn].value: PID-3.1", "T524"),
        ('active: true when PID-3.1 = "X"', "T524"),
        ("active: true when PID-99 valued", "T521"),
        ("birthDate: CX.1 -> date", "T526"),
        ("birthDate: PATIENT.PID-7 -> date", "T526"),
        ("contact[] each PID-7 as one: {name.text: one}", "T528"),
        # targets
        ("gendr: PID-8", "T531"),
        ("active: PID-7", "T532"),
        ("birthDate: PID-7", "T532"),
        ("maritalStatus: PID-16", "T532"),
        ("birthDate: '\"yesterday\"'", "T541"),
        ("active: '\"true\"'", "T532"),
        ("active: 1", "T532"),
        ("active[]: true", "T533"),
        ("name: PID-5 -> XPN[HumanName]", "T534"),
        ("name.family: PID-5[1].1", "T534"),
        ("deceased: true", "T535"),
        ("deceased[x]: [integer: PID-25]", "T536"),
        ("gender[x]: [code: PID-8]", "T536"),
        ("link[]: {other.display: PID-2}", "T537"),
        ("link[old].other.display: PID-2", "T537"),
        ("gender: '\"femail\"'", "T538"),
        ("gender: PID-8 -> table Sex unmapped=nobody", "T538"),
        ("gender: PID-8 -> table Bad", "T539"),
        ("gender: PID-8 -> table Sex unmapped=keep", "T542"),
        # steps and calls
        ("birthDate: PID-7 -> dat", "T514"),
        ("gender: PID-8 -> table Sexes", "T513"),
        ("gender: PID-8 -> table Sex other=1", "T515"),
        ("name[]: PID-5 -> XPN[Human]", "T512"),
        ("name[]: PID-5 -> XPN[HumanName] use=official", "T515"),
        ("identifier[]: PID-3 -> CX[Identifier] use=PID-5", "T524"),
        ("identifier[]: PID-3 -> CX[Identifier] use=true", "T548"),
        ("name[]: PID-11 -> XPN[HumanName]", "T545"),
        ("managingOrganization: PID-3 -> reference", "T546"),
        ("birthDate: PID-5[1] -> date", "T547"),
        ("birthDate: date()", "T515"),
        ("birthDate: date(PID-7, PID-29, PID-33, PID-6, PID-2)", "T515"),
    ],
)
def test_each_fault_of_a_rule_is_found_once(rule: str, code: str):
    bad = "source_code,target_code\nM,male\nX,femail\n"
    lines = f"map: PID[Patient]\nfrom: PID\nto: Patient\nrules:\n  {rule}\n"
    found = [one for one in check(PID=lines, Bad=bad) if one.code != "T524" or code == "T524"]
    assert codes(found) == [code]
    assert found[0].place.line is not None
    assert found[0].hint


def test_all_faults_of_a_library_are_found_at_once_by_file_and_line():
    found = patient("gendr: PID-8", "birthDate: PID-99 -> date", "active[]: true")
    assert [(one.code, one.place.line) for one in found] == [("T531", 5), ("T521", 6), ("T533", 7)]


def test_a_problem_points_at_the_part_that_is_wrong():
    (found,) = patient("gender: PID-8 -> table Sexes")
    assert (found.place.line, found.place.column, found.place.width) == (5, 20, 11)
    assert found.hint == 'did you mean "Sex"?'


def test_the_map_for_the_datatype_is_suggested():
    (found,) = patient("name[]: PID-5")
    assert found.hint == "write `-> XPN[HumanName]`"
    (found,) = patient("identifier[]: PID-5 -> CX[Identifier]")
    assert found.code == "T545"


def test_a_field_withdrawn_in_the_newest_version_is_still_known():
    assert patient("identifier[old].value: PID-2.1", "identifier[alt].value: PID-4[1].1") == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("value[x]: [Quantity: 'OBX-5[1] -> quantity unit=OBX-6', string: 'OBX-5[1]']", []),
        ("valueString: OBX-5[1]", []),
        ("valueStrin: OBX-5[1]", ["T531"]),
        ("value[x]: [Quantity: OBX-6]", ["T532"]),
        ("note[]: {text: OBX-4}", []),
        ("subject: {reference: OBX-4}", []),
    ],
)
def test_choices_are_checked_by_their_type(rule: str, expected: list[str]):
    assert codes(observation(rule)) == expected


def test_required_elements_may_be_filled_by_pieces_blocks_and_alternatives():
    link = "link[old]: {other.display: PID-2, type: '\"seealso\"'}"
    assert patient(link) == []
    pieces = ("link[old].other.display: PID-2", "link[old].type: '\"seealso\"'")
    assert patient(*pieces) == []
    found = check(
        O="map: OBX[Observation]\nfrom: OBX\nto: Observation\nrules:\n  issued: OBX-14 -> instant\n"
    )
    assert [one.message for one in found] == [
        "Observation requires `status`, and no rule fills it",
        "Observation requires `code`, and no rule fills it",
    ]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["each PATIENT_RESULT as r:", "  - r.PATIENT.PID -> PID[Patient] as p"], []),
        (["PATIENT_RESULT[1].PATIENT.PID -> PID[Patient] as p"], []),
        (["each PATIENT_RESULT.PATIENT.PID as pid:", "  - pid -> PID[Patient]"], []),
        (["PID -> PID[Patient]"], ["T527"]),
        (["PATIENT_RESULT.PATIENT.PID -> PID[Patient]"], ["T529"]),
        (["each PATIENT_RESULTS as r:", "  - r.PATIENT.PID -> PID[Patient]"], ["T527"]),
        (
            ["each MSH as m:", "  - when m-9 valued:", "      - MSH -> PID[Patient]"],
            ["T528", "T545"],
        ),
        (["MSH -> PID[Patients]"], ["T512"]),
        (["MSH -> CX[Identifier]"], ["T546", "T545"]),
        (["MSH -> XPN[HumanName] when MSH-99 valued"], ["T521", "T546", "T545"]),
        (["each PATIENT_RESULT.PATIENT.PID as s:", "  - s -> PID[Patient] mrg=s"], ["T515"]),
        (["each PATIENT_RESULT.PATIENT.PID as s:", "  - s -> PID[Patient] merge=s"], ["T548"]),
        (["each PATIENT_RESULT.PATIENT.PID as s:", "  - s -> PID[Patient] key=(s-3)"], ["T524"]),
    ],
)
def test_message_maps_are_checked_against_the_grammar(steps: list[str], expected: list[str]):
    found = message("- " + steps[0], *("  " + step for step in steps[1:]))
    assert sorted(codes(found)) == sorted(expected)


def test_a_segment_in_a_deeper_group_is_pointed_to():
    (found,) = message("- PID -> PID[Patient]")
    assert found.hint == "write PATIENT_RESULT.PATIENT.PID"


ADT_STEPS = ("- PID -> PID[Patient] as patient", "- MSH -> MSH[Organization] as organization")
ORGANIZATION = "map: MSH[Organization]\nfrom: MSH\nto: Organization\nrules:\n  name: MSH-4.1\n"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("- patient.managingOrganization = reference(organization)", []),
        ("- patient.generalPractitioner[] = reference(organization)", []),
        ("- patient.managingOrganization = reference(patient)", ["T540"]),
        ("- patient.managingOrganisation = reference(organization)", ["T531"]),
        ("- patient.generalPractitioner = reference(organization)", ["T534"]),
        ("- patient.active = reference(organization)", ["T532"]),
        ("- patient.active = reference(PID-3[1])", ["T546"]),
        ("- patient.active = true when PID-99 valued", ["T521"]),
        ("- PID -> PID[Patient] into organization", ["T546"]),
        ("- MSH -> MSH[Organization] into organization", []),
    ],
)
def test_elements_set_on_resources_are_checked(step: str, expected: list[str]):
    found = message(*ADT_STEPS, step, structure="ADT_A01", MSH=ORGANIZATION)
    assert codes(found) == expected


def test_a_map_that_only_fills_other_resources_needs_no_required_elements():
    partial = (
        "map: PV2[Encounter]\nfrom: PV2\nto: Encounter\nrules:\n  reasonCode[].text: PV2-3.2\n"
    )
    partial = partial.replace("reasonCode[].text", "reasonCode[first].text")
    steps = ("- PV2 -> PV2[Encounter] into encounter",)
    assert codes(message(*steps, structure="ADT_A01", PV2=partial)) == []
    steps = ("- PV2 -> PV2[Encounter] as encounter",)
    assert codes(message(*steps, structure="ADT_A01", PV2=partial)) == ["T537", "T537"]


@pytest.mark.parametrize(
    ("ignore", "expected"),
    [
        ("PID-1: set id", []),
        ("PID-3.10: not used", []),
        ("PID-99: not there", ["T550"]),
        ("PV1-1: not ours", ["T550"]),
        ("CX.1: not ours", ["T550"]),
        ("what is this: x", ["T550"]),
    ],
)
def test_ignored_paths_exist(ignore: str, expected: list[str]):
    assert codes(patient("active: true", head=f"ignore: {{{ignore}}}\n")) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("differs: {PID-9 -> name: aliases}", []),
        ("differs: {PID: all of it}", []),
        ("differs: {PID-99: not there}", ["T553"]),
        ("differs: {PV1-2: not ours}", ["T553"]),
        ("differs: {PV1-2: ours now}\nguide: [PV1(Patient)]", ["T553"]),
        ("differs: {PV1-2: ours now}\nguide:\n  - PV1[Patient]", []),
        ("differs: {orc-2: a name}", ["T553"]),
        ("parameters: {orc: ORC}\ndiffers: {ORC-2: given}", []),
        ("differs: {PID-9 -> name of: no element}", ["T553"]),
    ],
)
def test_what_differs_from_the_guide_exists(head: str, expected: list[str]):
    assert codes(patient("active: true", head=f"{head}\n")) == expected


def test_an_event_is_served_by_one_map_and_has_its_structure():
    first = "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nfor: [ADT^A01, ADT^A04]\n"
    first += "rules:\n  - MSH -> MSH[Organization]\n"
    second = first.replace("map: ADT_A01", "map: other")
    found = check(A=first, B=second, MSH=ORGANIZATION)
    assert codes(found) == ["T551", "T551"]
    wrong = first.replace("from: ADT_A01", "from: ADT_A02")
    found = check(A=wrong, MSH=ORGANIZATION)
    assert [(one.code, one.hint) for one in found] == [
        ("T552", "ADT^A01 uses ADT_A01"),
        ("T552", "ADT^A04 uses ADT_A01"),
    ]


def test_sources_and_targets_of_a_map_exist():
    text = "map: X[Y]\nfrom: XPM\nto: HumanNam\nrules:\n  family: XPM.1\n"
    assert {"T525", "T530"} <= set(codes(check(X=text)))
    text = "map: ADT_A99\nfrom: ADT_A99\nto: Bundle\nrules:\n  - MSH -> MSH[Organization]\n"
    assert "T525" in codes(check(X=text, MSH=ORGANIZATION))


def test_maps_that_call_each_other_in_a_circle_are_refused():
    text = CX.replace("value: CX.1", "assigner.identifier: CX -> CX[Identifier]")
    assert codes(check(CX=text)) == ["T516"]


def test_a_fixed_argument_is_checked_where_the_map_writes_it():
    xtn = "map: XTN[ContactPoint]\nfrom: XTN\nto: ContactPoint\nparameters: {use: code}\n"
    xtn += "rules:\n  value: XTN.1\n  use: use\n"
    lines = "map: PID[Patient]\nfrom: PID\nto: Patient\n"
    lines += "rules:\n  telecom[]: PID-13 -> XTN[ContactPoint]"
    assert check(XTN=xtn, PID=f"{lines} use=home\n") == []
    (found,) = check(XTN=xtn, PID=f"{lines} use=hom\n")
    assert (found.code, found.hint) == ("T538", 'did you mean "home"?')


def test_the_rows_of_a_table_name_codes_their_system_has():
    head = "source_code,target_code,target_system\n"
    gender = "http://hl7.org/fhir/administrative-gender"
    assert check(T=f"{head}M,male,{gender}\nX,,{gender}\nY,any,http://north.example/codes\n") == []
    (found,) = check(T=f"{head}M,mail,{gender}\n")
    assert (found.code, found.place.line) == ("T543", 2)


def test_a_message_map_cannot_be_a_step():
    (found, *_) = message("- MSH -> M2")
    assert found.code in {"T504", "T512"}


def test_site_segments_are_not_judged():
    text = (
        "map: ZPI[Patient]\nfrom: ZPI\nto: Patient\nrules:\n  language: ZPI-99.1\n  active: true\n"
    )
    assert check(Z=text) == []
