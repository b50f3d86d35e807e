"""What does not convert keeps its text in the extension `originalText` of its element."""

from typing import Any

import pytest

from engine.mapping.trace import Trace

URL = "http://hl7.org/fhir/StructureDefinition/originalText"


def kept(text: str) -> dict[str, Any]:
    return {"extension": [{"url": URL, "valueString": text}]}


def test_a_birth_date_that_is_none_keeps_its_text(patient: Any) -> None:
    found = patient("birthDate: PID-7 -> date", "PID|1||||||19820230")
    assert found == {"resourceType": "Patient", "_birthDate": kept("19820230")}  # PID-7


def test_a_good_date_has_no_extension(patient: Any) -> None:
    found = patient("birthDate: PID-7 -> date", "PID|1||||||19820228")
    assert found == {"resourceType": "Patient", "birthDate": "1982-02-28"}  # PID-7


def test_a_time_cut_to_its_date_keeps_its_text_each_time(maps: Any) -> None:
    rules = """
map: PID[Patient]
from: PID
to: Patient
rules:
  deceased[x]:
    - dateTime: PID-29 -> dateTime
  contact[one].period.start: PID-33 -> dateTime
"""
    message = maps_message()
    result = maps(rules, message).convert(
        no_zone("PID|1" + "|" * 28 + "20260102030405||||202601020304")
    )
    found = result.entries[0].resource
    assert found["deceasedDateTime"] == "2026-01-02"  # PID-29
    assert found["_deceasedDateTime"] == kept("20260102030405")
    assert found["contact"][0]["period"]["_start"] == kept("202601020304")  # PID-33
    assert [one.code for one in result.diagnostics] == ["T562"]


def maps_message() -> str:
    return "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n  - PID -> PID[Patient] as patient\n"


def no_zone(segment: str) -> str:
    return f"MSH|^~\\&|P|N|R|S|20260102030405||ADT^A01^ADT_A01|C1|P|2.5.1\n{segment}"


def test_an_alternative_that_yields_drops_the_text_of_the_one_before(patient: Any) -> None:
    found = patient(
        "birthDate: PID-7 -> date | PID-33 -> date", "PID|1||||||1982x" + "|" * 26 + "1990"
    )
    assert found == {"resourceType": "Patient", "birthDate": "1990"}  # PID-33


def test_of_a_choice_the_type_that_yields_is_alone(patient: Any) -> None:
    rules = "deceased[x]:\n  - dateTime: PID-29 -> dateTime\n  - boolean: PID-30 -> yes_no"
    found = patient(rules, "PID|1" + "|" * 28 + "soon|Y")
    assert found == {"resourceType": "Patient", "deceasedBoolean": True}  # PID-30


def test_of_a_choice_where_nothing_converts_the_first_text_is_kept(patient: Any) -> None:
    rules = "deceased[x]:\n  - dateTime: PID-29 -> dateTime\n  - boolean: PID-30 -> yes_no"
    found = patient(rules, "PID|1" + "|" * 28 + "soon|perhaps")
    assert found == {"resourceType": "Patient", "_deceasedDateTime": kept("soon")}  # PID-29


def test_a_number_keeps_its_text(patient: Any) -> None:
    rules = "multipleBirth[x]:\n  - integer: PID-25 -> integer"
    found = patient(rules, "PID|1" + "|" * 24 + "two")
    assert found["_multipleBirthInteger"] == kept("two")  # PID-25


def test_a_text_turned_into_a_number_without_a_word_keeps_it_too(patient: Any) -> None:
    found = patient("telecom[]:\n  rank: PID-25", "PID|1" + "|" * 24 + "two")
    assert found["telecom"] == [{"_rank": kept("two")}]  # PID-25


def test_a_code_without_a_row_keeps_its_text(patient: Any) -> None:
    table = (
        "source_code,source_system,target_code,target_system,target_display,comment\nF,,female,,,\n"
    )
    found = patient("gender: PID-8 -> table Sex", "PID|1|||||||Q", tables={"Sex": table})
    assert found == {"resourceType": "Patient", "_gender": kept("Q")}  # PID-8


def test_an_unknown_code_carries_no_object_alone(patient: Any) -> None:
    table = (
        "source_code,source_system,target_code,target_system,target_display,comment\nH,,home,,,\n"
    )
    rules = "gender: '\"female\"'\ntelecom[]:\n  system: '\"phone\"'\n  use: PID-8 -> table Use"
    found = patient(rules, "PID|1|||||||Q", tables={"Use": table})
    assert "telecom" not in found  # PID-8


def test_rules_for_extensions_of_the_element_stand_beside_the_text(patient: Any) -> None:
    rules = (
        "birthDate: PID-7 -> date\n"
        "birthDate.extension[]:\n"
        "  - url: '\"urn:note\"'\n"
        "    valueString: PID-23"
    )
    found = patient(rules, "PID|1||||||198x" + "|" * 16 + "Malmo")
    assert found["_birthDate"]["extension"] == [
        {"url": URL, "valueString": "198x"},  # PID-7
        {"url": "urn:note", "valueString": "Malmo"},  # PID-23
    ]


def test_an_extension_of_literals_and_a_date_that_is_none_is_written(patient: Any) -> None:
    rules = "extension[]:\n  - url: '\"urn:seen\"'\n    valueDateTime: PID-33 -> dateTime"
    found = patient(rules, "PID|1" + "|" * 32 + "never")
    assert found["extension"] == [{"url": "urn:seen", "_valueDateTime": kept("never")}]  # PID-33


def test_a_condition_keeps_nothing(patient: Any) -> None:
    found = patient("birthDate: PID-33 -> date when PID-7 -> date valued", "PID|1||||||1x")
    assert found == {}  # PID-7


@pytest.mark.parametrize("segment", ["PID|1||||||1x", "PID|1||||||19820228"])
def test_the_traced_variant_makes_the_same(maps: Any, segment: str) -> None:
    rules = "map: PID[Patient]\nfrom: PID\nto: Patient\nrules:\n  birthDate: PID-7 -> date\n"
    library = maps(rules, maps_message())
    trace = Trace()
    traced = library.convert(segment, trace=trace)
    assert traced.entries == library.convert(segment).entries
    (record,) = trace.why("Patient.birthDate")
    assert record.rule.target == "birthDate"  # PID-7
    assert [one.path for one in trace.spans(record.sources)] == ["PID[1]-7[1].1.1"]


def test_a_later_alternative_of_another_kind_drops_the_text(patient: Any) -> None:
    rules = (
        "extension[]:\n  - url: '\"urn:seen\"'\n    value[x]:\n"
        "      - dateTime: PID-33 -> dateTime\n      - string: PID-33\n"
    )
    found = patient(rules, "PID|1" + "|" * 32 + "never")
    assert found["extension"] == [{"url": "urn:seen", "valueString": "never"}]  # PID-33


def test_an_element_set_by_a_message_map_keeps_its_text(maps: Any) -> None:
    rules = "map: PID[Patient]\nfrom: PID\nto: Patient\nrules:\n  language: PID-15\n"
    step = "  - patient.birthDate = PID-7 -> date\n"
    library = maps(rules, maps_message() + step)
    good = library.first("PID|1||||||19820228||||||||en")
    assert good == {"resourceType": "Patient", "language": "en", "birthDate": "1982-02-28"}  # PID-7
    bad = library.first("PID|1||||||1982x||||||||en")
    assert bad == {"resourceType": "Patient", "language": "en", "_birthDate": kept("1982x")}
    assert library.convert("PID|1||||||1982x||||||||en", trace=Trace()).entries[0].resource == bad
