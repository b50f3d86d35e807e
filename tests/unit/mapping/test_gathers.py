"""`[*]` on groups and segments: one value of many segments."""

from typing import Any

REPORT = """
map: OBR[DiagnosticReport]
from: OBR
to: DiagnosticReport
parameters: {words: text}
rules:
  code.text: OBR-4.2
  conclusion: words
"""

ORU = """
map: ORU_R01
from: ORU_R01
to: Bundle
for: [ORU^R01]
rules:
  - each PATIENT_RESULT as result:
      - each result.ORDER_OBSERVATION as order:
          - order.OBR -> OBR[DiagnosticReport] words=WORDS as report
"""

HEAD = "MSH|^~\\&|LAB|NORTH|||20260102030405+0000||ORU^R01^ORU_R01|C1|P|2.5.1\nPID|||1\n"


def conclusion(maps: Any, words: str, body: str) -> list[str | None]:
    made = maps(ORU.replace("WORDS", words), REPORT).resources(HEAD + body)
    return [one.get("conclusion") for one in made]


def test_lines_of_OBX_5_keep_blank_lines_and_the_blanks_of_columns(maps: Any) -> None:
    body = (
        "OBR|1||F|^A\nOBX|1|TX|^a||Heart\nOBX|2|TX|^a\nOBX|3|FT|^a||  size   normal~  rate   72\n"
    )
    found = conclusion(maps, "lines(order.OBSERVATION[*].OBX-5[*])", body)
    assert found == ["Heart\n\n  size   normal\n  rate   72"]


def test_lines_of_OBX_5_leave_out_what_OBX_2_says_is_no_text(maps: Any) -> None:
    body = "OBR|1||F|^A\nOBX|1|NM|^a||5\nOBX|2|TX|^a||five\n"
    assert conclusion(maps, "lines(order.OBSERVATION[*].OBX-5[*])", body) == ["five"]


def test_lines_of_OBX_5_belong_to_their_own_OBR(maps: Any) -> None:
    body = "OBR|1||F|^A\nOBX|1|TX|^a||one\nOBR|2||G|^A\nOBX|1|TX|^a||two\n"
    assert conclusion(maps, "lines(order.OBSERVATION[*].OBX-5[*])", body) == ["one", "two"]


def test_join_of_NTE_3_takes_every_segment_that_is_populated(maps: Any) -> None:
    body = "OBR|1||F|^A\nNTE|1||one~two\nNTE|2\nNTE|3||three\n"
    assert conclusion(maps, 'join("; ", order.NTE[*]-3[*])', body) == ["one; two; three"]


def test_lines_of_NTE_3_are_decoded_after_they_are_split(maps: Any) -> None:
    body = "OBR|1||F|^A\nNTE|1||a\\T\\b\\R\\c~d\n"
    assert conclusion(maps, "lines(order.NTE[*]-3[*])", body) == ["a&b~c\nd"]
