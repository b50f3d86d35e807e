"""Message maps: groups, names, references, identity, merging."""

from typing import Any

import pytest

PATIENT = """
map: PID[Patient]
from: PID
to: Patient
rules:
  identifier[]: PID-3 -> CX[Identifier]
  language: PID-15
"""

CX = """
map: CX[Identifier]
from: CX
to: Identifier
rules:
  value: CX.1
  system: CX.4 -> system
  type.coding[]:
    code: CX.5
"""

OBX = """
map: OBX[Observation]
from: OBX
to: Observation
parameters: {subject: Reference}
rules:
  subject: subject
  code.text: OBX-3.2
  valueString: OBX-5
"""

REPORT = """
map: OBR[DiagnosticReport]
from: OBR
to: DiagnosticReport
parameters: {orc: ORC}
key:
  - OBR-3
rules:
  code.text: OBR-4.2
  conclusion: orc-1
"""

ORU = """
map: ORU_R01
from: ORU_R01
to: Bundle
for: [ORU^R01]
rules:
  - each PATIENT_RESULT as result:
      - result.PATIENT.PID -> PID[Patient] as patient key=identifier
      - each result.ORDER_OBSERVATION as order:
          - order.OBR -> OBR[DiagnosticReport] orc=order.ORC as report
          - each order.OBSERVATION.OBX as obx when obx-11 != "X":
              - obx -> OBX[Observation] subject=reference(patient) as observation
              - report.result[] = reference(observation)
          - report.conclusion = order.OBR-13 when order.ORC not valued
"""

HEAD = "MSH|^~\\&|LAB|NORTH|||20260102030405+0000||ORU^R01^ORU_R01|C1|P|2.5.1\n"


def by_type(resources: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in resources if one["resourceType"] == kind]


def test_groups_decide_which_OBX_belongs_to_which_OBR(maps: Any) -> None:
    made = maps(ORU, PATIENT, CX, OBX, REPORT).resources(
        HEAD
        + "PID|||1\nORC|RE\nOBR|1||F1|^One\nOBX|1|ST|^a||1\nOBX|2|ST|^b||2\n"
        + "OBR|2||F2|^Two|||||||||note\nOBX|1|ST|^c||3\nOBX|2|ST|^d||4||||||X\n"
    )
    one, two = by_type(made, "DiagnosticReport")
    observations = by_type(made, "Observation")
    assert [each["code"]["text"] for each in observations] == ["a", "b", "c"]
    assert len(one["result"]) == 2
    assert len(two["result"]) == 1
    assert (one["conclusion"], two["conclusion"]) == ("RE", "note")


def test_references_name_entries_of_the_bundle(maps: Any) -> None:
    result = maps(ORU, PATIENT, CX, OBX, REPORT).convert(
        HEAD + "PID|||1\nOBR|1||F1|^One\nOBX|1|ST|^a||1\n"
    )
    ids = {f"{one.resource['resourceType']}/{one.resource_id}" for one in result.entries}
    observation = next(
        one.resource for one in result.entries if one.resource["resourceType"] == "Observation"
    )
    report = next(
        one.resource for one in result.entries if one.resource["resourceType"] == "DiagnosticReport"
    )
    assert observation["subject"]["reference"] in ids
    assert report["result"][0]["reference"] in ids


def test_identical_content_gets_ids_of_its_own(maps: Any) -> None:
    result = maps(ORU, PATIENT, CX, OBX, REPORT).convert(
        HEAD + "PID|||1\nOBR|1||F1|^One\nOBX|1|ST|^a||1\nOBX|1|ST|^a||1\n"
    )
    ids = [
        one.resource_id for one in result.entries if one.resource["resourceType"] == "Observation"
    ]
    assert len(set(ids)) == 2


ADT = """
map: ADT_A01
from: ADT_A01
to: Bundle
for: [ADT^A01, ADT^A08]
rules:
  - PID -> PID[Patient] as patient key=identifier
"""


def patient_id(maps: Any, segment: str, **context: Any) -> str:
    found: str = maps(ADT, PATIENT, CX).convert(segment, **context).entries[0].resource_id
    return found


def test_the_id_does_not_depend_on_the_order_of_PID_3(maps: Any) -> None:
    assert patient_id(maps, "PID|||1^^^H^PI~2^^^H^MR~3^^^H^SS") == patient_id(
        maps, "PID|||3^^^H^SS~2^^^H^MR~1^^^H^PI"
    )


def test_the_best_type_of_PID_3_makes_the_id(maps: Any) -> None:
    assert patient_id(maps, "PID|||1^^^H^PI~2^^^H^MR") == patient_id(maps, "PID|||2^^^H^MR")
    assert patient_id(maps, "PID|||1^^^H^PI~9^^^H^ZZ") == patient_id(maps, "PID|||1^^^H^PI")
    assert patient_id(maps, "PID|||2^^^H^MR") != patient_id(maps, "PID|||3^^^H^MR")


def test_two_source_systems_never_share_an_id(maps: Any) -> None:
    assert patient_id(maps, "PID|||1", source_system="urn:a") != patient_id(
        maps, "PID|||1", source_system="urn:b"
    )


def test_the_best_identifier_with_a_system_is_for_conditional_forms(maps: Any) -> None:
    program = maps(ADT, PATIENT, CX)
    entry = program.convert("PID|||1^^^H^MR~2^^^&1.2.3&ISO^PI").entries[0]
    assert entry.identifier == ("urn:oid:1.2.3", "2")


MERGING = """
map: ADT_A01
from: ADT_A01
to: Bundle
rules:
  - PID -> PID[Patient] as patient key=(PID-3[1].1)
  - PV1 -> PV1[Patient] key=(PID-3[1].1) as again
  - PV2 -> PV2[Patient] into patient
  - patient.link[] = reference(again) when again valued
"""
VISIT = "map: PV1[Patient]\nfrom: PV1\nto: Patient\nrules:\n  language: PV1-2\n  gender: PV1-4\n"
VISIT2 = """
map: PV2[Patient]
from: PV2
to: Patient
rules:
  gender: PV2-2
  birthDate: PV2-8 -> date
"""


def test_resources_with_one_id_are_one_and_the_first_stands(maps: Any) -> None:
    made = maps(MERGING, PATIENT, CX, VISIT, VISIT2).resources(
        "PID|||1||||||||||||en\nPV1||fr||male\nPV2||other||||||2020"
    )
    assert len(made) == 1
    assert made[0]["language"] == "en"
    assert made[0]["gender"] == "male"
    assert made[0]["birthDate"] == "2020"


def test_into_makes_the_resource_when_there_is_none(maps: Any) -> None:
    made = maps(
        "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n"
        "  - PV1 -> PV1[Patient] as patient when PV1-2 valued\n"
        "  - PV2 -> PV2[Patient] into patient\n  - patient.language = MSH-3.1\n",
        VISIT,
        VISIT2,
    ).resources("PV1||\nPV2||other")
    assert made == [{"resourceType": "Patient", "gender": "other", "language": "PAS"}]


REFERRING = """
map: PV1[Encounter]
from: PV1
to: Encounter
rules:
  participant[]:
    - each PV1-7 as doctor:
        individual: doctor -> XCN[Practitioner] -> reference
    - each PV1-8 as doctor:
        individual: doctor -> XCN[Practitioner] -> reference
"""
DOCTOR = """
map: XCN[Practitioner]
from: XCN
to: Practitioner
key:
  - XCN.9.1
  - XCN.1
rules:
  identifier[]:
    - value: XCN.1
  name[]:
    - family: XCN.2.1
"""
VISITS = "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n  - PV1 -> PV1[Encounter] as encounter\n"


def test_a_practitioner_named_twice_is_in_the_bundle_once(maps: Any) -> None:
    result = maps(VISITS, REFERRING, DOCTOR).convert(
        "PV1|||||||7^^^^^^^^H~8^Who^^^^^^^H|7^Foster^^^^^^^H"
    )
    kinds = [one.resource["resourceType"] for one in result.entries]
    assert kinds == ["Practitioner", "Practitioner", "Encounter"]
    assert result.entries[0].resource["name"] == [{"family": "Foster"}]
    references = [
        one["individual"]["reference"] for one in result.entries[2].resource["participant"]
    ]
    assert references[0] == references[2]


@pytest.mark.parametrize("event", ["A01", "A08"])
def test_the_map_is_found_by_event_then_by_structure(maps: Any, event: str) -> None:
    program = maps(ADT, PATIENT, CX)
    head = f"MSH|^~\\&|A|B|||20260101||ADT^{event}^ADT_A01|1|P|2.5.1\n"
    assert program.convert(head + "PID|||1").map_name == "ADT_A01"
    head = "MSH|^~\\&|A|B|||20260101||ADT^A04^ADT_A01|1|P|2.5.1\n"
    assert program.convert(head + "PID|||1").map_name == "ADT_A01"


def test_names_bound_in_a_loop_are_empty_in_the_next_round(maps: Any) -> None:
    made = maps(ORU, PATIENT, CX, OBX, REPORT).resources(
        HEAD + "PID|||1\nOBR|1||F1|^One\nOBX|1|ST|^a||1\nPID|||\nOBR|1||F2|^Two\nOBX|1|ST|^b||1\n"
    )
    assert ["subject" in one for one in by_type(made, "Observation")] == [True, False]


def test_a_repetition_of_a_field_makes_resources(maps: Any) -> None:
    steps = (
        "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n"
        "  - each PV1-7 as doctor when doctor.1 valued:\n"
        "      - doctor -> XCN[Practitioner] as one\n"
    )
    made = maps(steps, DOCTOR).resources("PV1|||||||1^A~^B~2^C")
    assert [one["name"][0]["family"] for one in made] == ["A", "C"]
