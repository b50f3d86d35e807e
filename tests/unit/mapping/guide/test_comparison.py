import pytest

from engine.mapping.guide.comparison import Comparison
from engine.mapping.guide.guide_tables import GuideMap, GuideRow
from engine.mapping.guide.places import aliases, group_names, same_place
from engine.mapping.guide.verdicts import source_tuple
from engine.mapping.library import read_library

PATIENT = """map: PID[Patient]
from: PID
to: Patient
rules:
  identifier[]: PID-3 -> CX[Identifier] type=MR
  birthDate: PID-7 -> date
  gender: PID-8 -> table Sex
  multipleBirth[x]:
    - integer: PID-25 -> integer
  active: true
ignore:
  PID-4: an older number
differs:
  PID-9 -> name: aliases are left to the site
"""
IDENTIFIER = """map: CX[Identifier]
from: CX
to: Identifier
parameters: {type: code}
rules:
  value: CX.1
  use: type
"""
ORDER = """map: OBR[ServiceRequest]
from: OBR
to: ServiceRequest
parameters: {orc: ORC}
guide:
  - OBR[ServiceRequest]
  - TQ1[ServiceRequest]
rules:
  authoredOn: orc-9 -> dateTime
"""
CONTACT = """map: NK1[Patient.contact]
from: NK1
to: Patient.contact
guide:
  - NK1[Patient]
rules:
  gender: NK1-15 -> table Sex
"""
MESSAGE = """map: ADT_A01
from: ADT_A01
to: Bundle
rules:
  - PID -> PID[Patient] as patient
  - each NK1 as kin:
      - patient.contact[] = kin -> NK1[Patient.contact]
differs:
  PV2: no visit here
"""
SEX = (
    "source_code,source_system,target_code,target_system,target_display,comment\n"
    "F,,female,http://hl7.org/fhir/administrative-gender,Female,\n"
    "A,,other,http://hl7.org/fhir/administrative-gender,Other,ambiguous is no gender of its own\n"
    "M,,female,http://hl7.org/fhir/administrative-gender,Female,\n"
)
NOTES = "guide:\n  EVN[Provenance]: not used here\ntables:\n  AdministrativeSex: Sex\n"
NOTES += "  EventType: kept\n"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    files = {
        f"m{at}.yaml": text
        for at, text in enumerate((PATIENT, IDENTIFIER, ORDER, CONTACT, MESSAGE))
    }
    library, problems = read_library(files | {"Sex.csv": SEX, "guide.yaml": NOTES})
    assert problems == []
    return Comparison(library=library)


def state(
    comparison: Comparison, name: str, source: str, target: str, literal: str | None = None
) -> tuple[str, str]:
    kind = "message" if "_" in name else "segment" if "-" in source else "codesystem"
    kind = "datatype" if "." in source and kind == "codesystem" else kind
    system = "http://hl7.org/fhir/administrative-gender" if kind == "codesystem" else ""
    row = GuideRow(line=3, source=source, target=target, literal=literal, target_system=system)
    made = GuideMap(kind=kind, name=name, file="", rows=(row,))
    (verdict,) = comparison.compare(made)
    return verdict.state, verdict.reason


@pytest.mark.parametrize(
    ("source", "target", "literal", "expected"),
    [
        ("PID-3", "identifier[2]", None, "same"),
        ("PID-3", "identifier[2].value", None, "same"),
        ("PID-3.1", "identifier[2].value", None, "same"),
        ("PID-3", "identifier[2].system", None, "missing"),
        ("PID-3", "identifier[2].use", "MR", "same"),
        ("PID-3", "identifier[2].use", "PI", "missing"),
        ("PID-7", "birthDate", None, "same"),
        ("PID-7", "birthDate.extension[1].valueDateTime", None, "missing"),
        ("PID-8", "gender", None, "same"),
        ("PID-25", "multipleBirthInteger", None, "same"),
        ("PID-25", "multipleBirthBoolean", None, "missing"),
        ("PID-4", "identifier[3]", None, "overridden"),
        ("PID-9", "name[2]", None, "overridden"),
        ("PID-9", "name[2].use", "old", "overridden"),
        ("PID-9", "contact.name", None, "missing"),
    ],
)
def test_a_row_is_same_overridden_or_missing(
    comparison: Comparison, source: str, target: str, literal: str | None, expected: str
) -> None:
    assert state(comparison, "PID[Patient]", source, target, literal)[0] == expected


def test_a_field_that_no_version_we_map_has_needs_no_reason_of_ours(comparison: Comparison) -> None:
    found = state(comparison, "PID[Patient]", "PID-99", "name")
    assert found[0] == "overridden"
    assert "2.9" in found[1]


def test_another_fixed_value_is_named(comparison: Comparison) -> None:
    assert state(comparison, "PID[Patient]", "PID-3", "identifier.use", "PI") == (
        "missing",
        'ours writes "MR"',
    )


def test_a_segment_given_as_a_parameter_counts_for_the_guides_map_of_it(
    comparison: Comparison,
) -> None:
    assert state(comparison, "ORC[ServiceRequest]", "ORC-9", "authoredOn") == ("same", "")
    names = [one.name for one in comparison.counterparts("TQ1[ServiceRequest]")]
    assert names == ["OBR[ServiceRequest]"]


def test_a_map_of_a_part_stands_where_that_part_is(comparison: Comparison) -> None:
    assert state(comparison, "NK1[Patient]", "NK1-15", "contact.gender") == ("same", "")


def test_a_map_of_the_guide_that_nobody_implements_has_a_reason_or_is_missing(
    comparison: Comparison,
) -> None:
    assert state(comparison, "EVN[Provenance]", "EVN-2", "recorded") == (
        "overridden",
        "not used here",
    )
    assert state(comparison, "AL1[AllergyIntolerance]", "AL1-3", "code") == (
        "missing",
        "no map of ours stands for this one",
    )


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("ADT_A01.PID", "PID[Patient]", "same"),
        ("ADT_A01.NEXT_OF_KIN.NK1", "NK1[Patient]", "same"),
        ("ADT_A01.PV2", "PV2[Encounter]", "overridden"),
        ("ADT_A01.EVN", "EVN[Provenance]", "overridden"),
        ("ADT_A01.PD1", "PD1[Patient]", "missing"),
    ],
)
def test_a_segment_of_a_message_goes_through_the_same_map(
    comparison: Comparison, source: str, target: str, expected: str
) -> None:
    assert state(comparison, "ADT_A01", source, target)[0] == expected


@pytest.mark.parametrize(
    ("code", "target", "expected"),
    [
        ("F", "female", ("same", "")),
        ("A", "ambiguous", ("overridden", "ambiguous is no gender of its own")),
        ("M", "male", ("missing", 'ours writes "female"')),
        ("U", "unknown", ("missing", "")),
    ],
)
def test_a_code_has_the_same_target_or_a_comment(
    comparison: Comparison, code: str, target: str, expected: tuple[str, str]
) -> None:
    assert state(comparison, "AdministrativeSex", code, target) == expected


@pytest.mark.parametrize(
    ("code", "target", "table", "expected"),
    [
        ("A01", "A01", "0003", "same"),
        ("A01", "A02", "0003", "missing"),
        ("A01", "A01", "0004", "missing"),
    ],
)
def test_a_code_that_is_kept_has_the_system_of_its_table(
    comparison: Comparison, code: str, target: str, table: str, expected: str
) -> None:
    system = f"http://terminology.hl7.org/CodeSystem/v2-{table}"
    row = GuideRow(line=3, source=code, system="HL70003", target=target, target_system=system)
    made = GuideMap(kind="codesystem", name="EventType", file="", rows=(row,))
    assert [one.state for one in comparison.compare(made)] == [expected]


@pytest.mark.parametrize(
    ("source", "owner", "expected"),
    [
        (("ORC", 7, 4), "TQ", (("TQ", 4),)),
        (("XPN", 1, 2), "FN", (("FN", 2),)),
        (("CWE", 2), "CE", (("CE", 2),)),
        (("PID", 3), "XPN", ()),
        (("PID", 3), "PV1", ()),
    ],
)
def test_a_field_is_also_a_value_of_its_datatype(
    source: tuple[str | int, ...], owner: str, expected: tuple[tuple[str | int, ...], ...]
) -> None:
    assert aliases(source, owner) == expected


def test_places_of_segments_are_the_same_through_groups_of_other_versions() -> None:
    visit = ("PATIENT_RESULT", "PATIENT", "VISIT", "PV1")
    assert same_place(("PATIENT_RESULT", "PATIENT", "PV1"), visit, frozenset())
    assert not same_place(("PATIENT", "NTE"), ("ORDER", "NTE"), frozenset())
    assert "INSURANCE" in group_names("ADT_A01")
    there = frozenset({("PATIENT", "NTE"), ("NTE",)})
    assert not same_place(("PATIENT", "NTE"), ("NTE",), there)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("PID-3.1.2", ("PID", 3, 1, 2)), ("CX.4", ("CX", 4)), ("PATIENT.NTE", ("PATIENT", "NTE")),
     ("orc-2", ()), ("what is this", ())],
)  # fmt: skip
def test_a_path_is_taken_apart(text: str, expected: tuple[str | int, ...]) -> None:
    assert source_tuple(text) == expected
