"""Functions that join what one message says in several places."""

from typing import Any

ORDERS = """
map: ORU_R01
from: ORU_R01
to: Bundle
for: [ORU^R01]
rules:
  - each PATIENT_RESULT as result:
      - each result.ORDER_OBSERVATION as order:
          - order.OBR -> OBR[DiagnosticReport] as report
          - each order.OBSERVATION as group when group.OBX valued:
              - group.OBX -> OBX[Observation] as observation
              - report.result[] = remember(observation, "result", order.OBR-3.1, group.OBX-3.1)
              - observation.derivedFrom[] = member_of(observation, "result", order.OBR-29.2.1, order.OBR-26.1.1)
"""
REPORT = """
map: OBR[DiagnosticReport]
from: OBR
to: DiagnosticReport
key:
  - OBR-4.1
  - occurrence("report", OBR-4.1)
rules:
  status: '"final"'
  code.text: OBR-4.1
"""
RESULT = """
map: OBX[Observation]
from: OBX
to: Observation
key:
  - OBX-3.1
  - OBX-1
rules:
  status: '"final"'
  code.text: OBX-3.1
"""
HEAD = "MSH|^~\\&|LAB|NORTH|||20260102030405+0000||ORU^R01^ORU_R01|C1|P|2.5.1\nPID|||1\n"
CHILD = "OBR|2||F2|SENS||||||||||||||||||||||ORG|||^F1\n"


def made(maps: Any, body: str, kind: str = "Observation") -> list[dict[str, Any]]:
    found = maps(ORDERS, REPORT, RESULT).resources(HEAD + body)
    return [one for one in found if one["resourceType"] == kind]


def test_result_of_a_child_order_and_the_result_of_OBR_26_point_to_each_other(maps: Any) -> None:
    body = "OBR|1||F1|CULT\nOBX|1|ST|ORG||x\n" + CHILD + "OBX|1|ST|AMP||S\nOBX|2|ST|CIP||R\n"
    parent, first, second = made(maps, body)
    assert len(parent["hasMember"]) == 2
    assert first["derivedFrom"] == second["derivedFrom"]
    assert "hasMember" not in first


def test_two_results_under_the_name_of_OBR_26_are_neither_of_them_the_parent(maps: Any) -> None:
    body = "OBR|1||F1|CULT\nOBX|1|ST|ORG||x\nOBX|2|ST|ORG||y\n" + CHILD + "OBX|1|ST|AMP||S\n"
    assert all("hasMember" not in one and "derivedFrom" not in one for one in made(maps, body))


def test_two_OBR_that_only_their_place_tells_apart_are_two_reports(maps: Any) -> None:
    reports = made(
        maps, "OBR|1|||GLU\nOBX|1|ST|a||x\nOBR|1|||GLU\nOBX|1|ST|b||y\n", "DiagnosticReport"
    )
    assert [len(one["result"]) for one in reports] == [1, 1]


def test_lines_of_a_field_of_the_own_segment_keep_its_blank_lines(maps: Any) -> None:
    words = RESULT + "  note[]:\n    - text: lines(OBX-5[*])\n"
    found = maps(ORDERS, REPORT, words).resources(HEAD + "OBR|1||F|A\nOBX|1|TX|a||one~~  two\n")
    assert found[-1]["note"] == [{"text": "one\n\n  two"}]
