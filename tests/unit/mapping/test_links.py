"""Functions that join what one message says in several places."""

from typing import Any

ORDERS = """
map: ORU_R01
from: ORU_R01
to: Bundle
for: [ORU^R01]
rules:
  - each PATIENT_RESULT as result:
      - each result.ORDER_OBSERVATION as o:
          - o.OBR -> OBR[DiagnosticReport] as report
          - report.result[] = known_report(report, o.OBR-2.1, o.OBR-3.1)
          - each o.OBSERVATION as g when g.OBX valued:
              - g.OBX -> OBX[Observation] as it
              - report.result[] = known_result(it, report, g.OBX-3.1, g.OBX-4.1)
              - it.derivedFrom[] = parent_result(it, o.OBR-29.1.1, o.OBR-29.2.1,
                  o.OBR-26.1.1, o.OBR-26.2.1)
              - it.derivedFrom[] = parent_group(it, report, g.OBX-4.1)
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


def test_child_finds_the_parent_result_by_the_sub_id_of_OBR_26(maps: Any) -> None:
    body = "OBR|1||F1|CULT\nOBX|1|ST|ORG|1|x\nOBX|2|ST|ORG|2|y\n"
    body += CHILD.replace("|ORG|", "|ORG^2|") + "OBX|1|ST|AMP||S\n"
    first, second, _ = made(maps, body)
    assert "hasMember" not in first
    assert len(second["hasMember"]) == 1


def test_child_finds_the_parent_result_by_the_placer_number_of_OBR_29(maps: Any) -> None:
    body = "OBR|1|P1||CULT\nOBX|1|ST|ORG||x\n" + CHILD.replace("^F1", "P1")
    parent, child = made(maps, body + "OBX|1|ST|AMP||S\n")
    assert parent["hasMember"]
    assert child["derivedFrom"]


def test_result_with_a_dotted_OBX_4_is_a_member_of_the_one_above_it(maps: Any) -> None:
    body = "OBR|1||F1|A\nOBX|1|ST|a|1|x\nOBX|2|ST|b|1.1|y\nOBX|3|ST|c|1.1.2|z\nOBX|4|ST|d|1.2|z\n"
    first, second, third, fourth = made(maps, body)
    assert len(first["hasMember"]) == 2
    assert second["derivedFrom"]
    assert len(second["hasMember"]) == 1
    assert third["derivedFrom"] == first["hasMember"][:1]
    assert "hasMember" not in fourth


def test_two_results_with_one_OBX_4_have_no_members(maps: Any) -> None:
    body = "OBR|1||F1|A\nOBX|1|ST|a|1|x\nOBX|2|ST|b|1|y\nOBX|3|ST|c|1.1|z\n"
    assert all("hasMember" not in one and "derivedFrom" not in one for one in made(maps, body))
