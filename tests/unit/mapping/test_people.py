"""One person in several fields, or with several numbers, is one Practitioner."""

from typing import Any

import pytest
from shipped import shipped_program

from engine.hl7v2.groups import group
from engine.hl7v2.message import Message
from engine.hl7v2.parser import parse
from engine.mapping.compiler.compiler import Program
from engine.mapping.people import person_fields, same_people
from engine.mapping.run import MapContext

CONTEXT = MapContext(
    source_system="urn:test",
    authorities={"NVSTAFF": "https://ids.northvale.test/staff"},
)
HEAD = "MSH|^~\\&|PAS|NORTHVALE|||20240311142205+0000||ADT^A01^ADT_A01|1|P|2.5.1"
NPI = "http://hl7.org/fhir/sid/us-npi"
STAFF = "https://ids.northvale.test/staff"


@pytest.fixture(scope="module")
def program() -> Program:
    return shipped_program()


def message(*segments: str) -> Message:
    found = parse("".join(f"{line}\r" for line in (HEAD, *segments)).encode()).message
    assert found is not None
    return found


def people(*segments: str) -> dict[Any, Any]:
    return same_people(message(*segments), CONTEXT.authorities)


def made(program: Program, *segments: str) -> list[dict[str, Any]]:
    result = program.convert(group(message("PID|1||1^^^H^MR||A^B", *segments)), CONTEXT)
    return [entry.resource for entry in result.entries]


def of_type(resources: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [one for one in resources if one["resourceType"] == name]


def test_XCN_fields_of_a_segment_are_those_of_the_dictionary():
    assert person_fields("2.5.1", "PV1") == (7, 8, 9, 17, 52)
    assert person_fields("2.5.1", "ZZZ") == ()


def test_PV1_7_and_PV1_17_with_one_text_need_no_key_but_their_own():
    assert people("PV1|1|I|||||C1^Raman^Anita||||||||||C1^Raman^Anita") == {}


def test_PV1_7_repetitions_of_one_name_with_two_authorities_are_one_person():
    found = people("PV1|1|I|||||C4411^Raman^Anita^^^^^^NVSTAFF~1093817465^RAMAN^Anita^^^^^^NPI")
    assert found == {(STAFF, "C4411"): (NPI, "1093817465")}


def test_PV1_7_repetitions_in_another_order_give_the_same_key():
    found = people("PV1|1|I|||||1093817465^Raman^Anita^^^^^^NPI~C4411^Raman^Anita^^^^^^NVSTAFF")
    assert found == {(STAFF, "C4411"): (NPI, "1093817465")}


@pytest.mark.parametrize(
    "field",
    [
        "C1^Raman^Anita^^^^^^NVSTAFF~C2^Raman^Anita^^^^^^NVSTAFF",
        "C1^Raman^Anita^^^^^^NVSTAFF~C2^Raman^Anil^^^^^^NPI",
        "C1^Raman^^^^^^^NVSTAFF~C2^Raman^^^^^^^NPI",
        "C1^^^^^^^^NVSTAFF~C2^^^^^^^^NPI",
        "C1\\T\\^Raman^Anita^^^^^^NVSTAFF~C2^Raman^Anita^^^^^^NPI",
    ],
    ids=["two numbers of one giver", "other given name", "no given name", "no name", "escapes"],
)
def test_PV1_7_repetitions_that_may_be_two_persons_stay_two(field: str):
    assert people(f"PV1|1|I|||||{field}") == {}


def test_number_without_authority_is_that_of_the_one_authority_with_the_same_surname():
    found = people("PV1|1|I|||||C4411^Raman^Anita^^^^^^NVSTAFF", "DG1|1||X|||||||||||||C4411^Raman")
    assert found == {("", "C4411"): (STAFF, "C4411")}


def test_number_without_authority_stays_apart_when_two_authorities_gave_it():
    found = people(
        "PV1|1|I|||||C1^Raman^Anita^^^^^^NVSTAFF|C1^Raman^Anita^^^^^^OTHER",
        "DG1|1||X|||||||||||||C1^Raman",
    )
    assert ("", "C1") not in found


def test_PV1_7_in_two_writings_of_one_name_is_one_participant(program: Program):
    resources = made(
        program,
        "PV1|1|I|||||D7^佐藤^健一^^^^^^NVSTAFF^L^^^^^I~D7^サトウ^ケンイチ^^^^^^NVSTAFF^L^^^^^P",
    )
    [doctor] = of_type(resources, "Practitioner")
    assert [one["family"] for one in doctor["name"]] == ["佐藤", "サトウ"]
    [visit] = of_type(resources, "Encounter")
    assert len(visit["participant"]) == 1


def test_PV1_17_with_the_whole_name_in_one_piece_is_the_same_person():
    found = people("PV1|1|I|||||C1^Raman^Anita^^^^^^NVSTAFF||||||||||C1^RAMAN, ANITA")
    assert found == {("", "C1"): (STAFF, "C1")}


def test_PV1_7_twice_the_same_person_is_one_Practitioner_and_one_participant(program: Program):
    resources = made(
        program, "PV1|1|I|||||C4411^Raman^Anita^^^Dr^^^NVSTAFF~1093817465^Raman^Anita^^^^^^NPI"
    )
    [doctor] = of_type(resources, "Practitioner")
    assert [one["value"] for one in doctor["identifier"]] == ["C4411", "1093817465"]
    assert doctor["name"] == [{"family": "Raman", "given": ["Anita"], "prefix": ["Dr"]}]
    [visit] = of_type(resources, "Encounter")
    assert len(visit["participant"]) == 1


def test_five_fields_with_different_detail_are_one_Practitioner(program: Program):
    resources = made(
        program,
        "PD1||||C4411^Raman^Anita^^^Dr^^^NVSTAFF",
        "PV1|1|I|||||C4411^Raman^Anita^^^^^^NVSTAFF|C4411^Raman^Anita^^^Dr^MD^^NVSTAFF"
        "||||||||C4411^Raman^Anita^^^^^^NVSTAFF^L",
        "DG1|1||R07.4^Chest pain^I10|||||||||||||C4411^Raman^Anita",
    )
    [doctor] = of_type(resources, "Practitioner")
    assert [one["value"] for one in doctor["identifier"]] == ["C4411"]
    assert doctor["identifier"][0]["system"] == STAFF


def test_first_mention_by_one_number_has_the_id_of_both(program: Program):
    both = "C4411^Raman^Anita^^^^^^NVSTAFF~1093817465^Raman^Anita^^^^^^NPI"
    text = message("PID|1||1", "PD1||||C4411^Raman^Anita^^^^^^NVSTAFF", f"PV1|1|I|||||{both}")
    entries = program.convert(group(text), CONTEXT).entries
    [doctor] = [one for one in entries if one.resource["resourceType"] == "Practitioner"]
    [patient] = [one for one in entries if one.resource["resourceType"] == "Patient"]
    reference = f"Practitioner/{doctor.resource_id}"
    assert patient.resource["generalPractitioner"] == [{"reference": reference}]


def test_what_a_message_joins_is_not_kept_for_the_next_one(program: Program):
    alone = "PV1|1|I|||||C4411^Raman^Anita^^^^^^NVSTAFF"
    both = f"{alone}~1093817465^Raman^Anita^^^^^^NPI"
    before = program.convert(group(message(alone)), CONTEXT).entries
    program.convert(group(message(both)), CONTEXT)
    after = program.convert(group(message(alone)), CONTEXT).entries
    assert [(one.resource_id, one.resource) for one in after] == [
        (one.resource_id, one.resource) for one in before
    ]


def test_PV1_3_and_PV1_6_of_one_ward_share_its_Location(program: Program):
    resources = made(program, "PV1|1|I|W12^B3^07^NORTHVALE|||W12^B1^02^NORTHVALE")
    names = sorted(one["name"] for one in of_type(resources, "Location"))
    assert names == ["02", "07", "B1", "B3", "NORTHVALE", "W12"]
