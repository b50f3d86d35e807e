"""`update=merge`, and what the explicit null deletes."""

from typing import Any

from engine.fhir.entries import Entry
from engine.mapping.library import read_library

PID = """
map: PID[Patient]
from: PID
to: Patient
rules:
  identifier[]:
    - PID-3 -> CX[Identifier]
  birthDate: PID-7 -> date
  gender: PID-8 -> table Sex
  telecom[]:
    - PID-13 -> XTN[ContactPoint] use=home
    - PID-14 -> XTN[ContactPoint] use=work
  extension[]:
    - url: '"urn:religion"'
      valueString: PID-17
    - url: '"urn:birth-place"'
      valueString: PID-23
"""
CX = "map: CX[Identifier]\nfrom: CX\nto: Identifier\nrules:\n  value: CX.1\n"
XTN = """
map: XTN[ContactPoint]
from: XTN
to: ContactPoint
parameters: {use: code}
rules:
  value: XTN.1
  use: use
"""
PV1 = """
map: PV1[Encounter]
from: PV1
to: Encounter
rules:
  status: '"unknown"'
  class.code: PV1-2
  period.start: PV1-44 -> dateTime
  period.end: PV1-45[1] -> dateTime
"""
SEX = "source_code,source_system,target_code,target_system,target_display,comment\nF,,female,,,\n"


def message_map(*steps: str, updates: str = "") -> str:
    lines = "\n".join(f"  - {step}" for step in steps)
    return f"map: ADT_A01\nfrom: ADT_A01\nto: Bundle\n{updates}\nrules:\n{lines}\n"


def entry(maps: Any, segment: str, head: str = "PID -> PID[Patient] update=merge") -> Entry:
    made = maps(PID, CX, XTN, PV1, message_map(head), tables={"Sex": SEX}).convert(segment)
    found: Entry = made.entries[0]
    return found


def test_a_step_may_say_that_its_resource_is_only_a_part(maps: Any) -> None:
    assert entry(maps, "PID|1||N1").merges
    assert not entry(maps, "PID|1||N1", "PID -> PID[Patient]").merges


def test_a_map_may_say_it_for_a_type(maps: Any) -> None:
    text = message_map("PID -> PID[Patient]", updates="updates: {Patient: merge}")
    made = maps(PID, CX, XTN, text, tables={"Sex": SEX}).convert("PID|1||N1")
    assert made.entries[0].merges


def test_a_step_goes_before_its_map(maps: Any) -> None:
    text = message_map("PID -> PID[Patient] update=replace", updates="updates: {Patient: merge}")
    made = maps(PID, CX, XTN, text, tables={"Sex": SEX}).convert("PID|1||N1")
    assert not made.entries[0].merges


def test_a_word_that_is_no_update_is_refused_where_it_stands() -> None:
    _, problems = read_library({"m.yaml": message_map("PID -> PID[Patient] update=fill")})
    assert [(one.code, one.place.line) for one in problems] == [("T504", 6)]
    _, problems = read_library(
        {"m.yaml": message_map("PID -> P[Patient]", updates="updates: {Pat: merge}")}
    )
    assert [(one.code, one.place.line) for one in problems] == [("T503", 4)]


def test_a_null_deletes_the_element_of_its_rule_and_needs_no_report(maps: Any) -> None:
    library = maps(
        PID, CX, XTN, message_map("PID -> PID[Patient] update=merge"), tables={"Sex": SEX}
    )
    made = library.convert('PID|1||N1||||""|""')
    assert made.entries[0].deletes == ("birthDate", "gender")  # PID-7, PID-8
    assert made.nulls == ()


def test_a_null_that_no_rule_reads_is_reported(maps: Any) -> None:
    library = maps(
        PID, CX, XTN, message_map("PID -> PID[Patient] update=merge"), tables={"Sex": SEX}
    )
    made = library.convert('PID|1||N1||||||||||||""')  # PID-15
    assert made.nulls == ("PID[1]-15[1].1.1",)


def test_of_a_list_with_two_sources_the_items_marked_by_the_other_stay(maps: Any) -> None:
    assert entry(maps, 'PID|1||N1||||||||||""').deletes == ("telecom[use!=work]",)  # PID-13
    assert entry(maps, 'PID|1||N1||||||||||""|""').deletes == ("telecom",)  # PID-13, PID-14


def test_an_element_that_the_message_fills_is_not_deleted(maps: Any) -> None:
    assert entry(maps, 'PID|1||N1||||||||||""|555').deletes == ()  # PID-13, PID-14


def test_an_extension_is_deleted_by_its_url(maps: Any) -> None:
    found = entry(maps, 'PID|1||N1||||||||||||||""||||||Malmo')
    assert found.deletes == ("extension[url=urn:religion]",)  # PID-17


def test_a_part_of_an_object_is_deleted_alone(maps: Any) -> None:
    found = entry(maps, "PV1|1|I" + "|" * 42 + '20260102|""', "PV1 -> PV1[Encounter] update=merge")
    assert found.deletes == ("period.end",)  # PV1-45


def test_identifiers_of_a_merged_resource_are_never_deleted(maps: Any) -> None:
    library = maps(
        PID, CX, XTN, message_map("PID -> PID[Patient] update=merge"), tables={"Sex": SEX}
    )
    made = library.convert('PID|1||""||||19800101')
    assert made.entries[0].deletes == ()
    assert made.nulls == ("PID[1]-3[1].1.1",)  # PID-3


def test_of_a_replaced_resource_the_absence_is_enough(maps: Any) -> None:
    library = maps(PID, CX, XTN, message_map("PID -> PID[Patient]"), tables={"Sex": SEX})
    assert library.convert('PID|1||""||||19800101').nulls == ()  # PID-3
