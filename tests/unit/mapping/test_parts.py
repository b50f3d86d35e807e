"""Parts of message maps: written out where they are used, fitted to the structure."""

from engine.diagnostics import Diagnostic
from engine.mapping.checker.checker import check_library
from engine.mapping.library import Library, read_library, with_overlays
from engine.mapping.overlays import step_name
from engine.mapping.syntax import Each, Emit, MessageStep, When

MAPS = {
    "PID.yaml": "map: PID[Patient]\nfrom: PID\nto: Patient\nrules:\n  birthDate: PID-7 -> date\n",
    "NK1.yaml": """map: NK1[RelatedPerson]
from: NK1
to: RelatedPerson
parameters: {patient: Reference, other: Reference}
rules:
  patient: patient
  birthDate: NK1-16 -> date
""",
}
PATIENT = """part: patient
description: the patient and those around them
rules:
  - PID -> PID[Patient] as patient key=identifier
  - each NK1 as kin when kin-2 valued:
      - kin -> NK1[RelatedPerson] patient=reference(patient) other=reference(header) as related
ignore:
  PID-1: set id
"""
NO_HEADER = PATIENT.replace(" other=reference(header)", "")


def message(structure: str, *steps: str, event: str = "") -> str:
    events = f"for: [{event}]\n" if event else ""
    lines = "".join(f"  - {step}\n" for step in steps)
    return f"map: {structure}\nfrom: {structure}\nto: Bundle\n{events}rules:\n{lines}"


def read(patient: str = PATIENT, **files: str) -> tuple[Library, list[Diagnostic]]:
    named = {f"{name}.yaml": text for name, text in files.items()}
    return read_library({**MAPS, "parts/patient.yaml": patient, **named})


def names(steps: tuple[MessageStep, ...]) -> list[str]:
    found: list[str] = []
    for step in steps:
        found.append(step_name(step))
        if isinstance(step, Each | When):
            found.extend(names(step.body))
    return found


def test_a_part_is_written_out_where_it_is_used_with_the_places_of_its_own_file() -> None:
    found, problems = read(
        NO_HEADER, m=message("ADT_A01", "use patient", "patient.language = PID-15.1")
    )
    assert problems == []
    steps = found.maps["ADT_A01"].steps
    assert names(steps) == [
        "PID -> PID[Patient]",
        "each NK1 as kin",
        "kin -> NK1[RelatedPerson]",
        "patient.language",
    ]
    assert (steps[0].place.file, steps[0].place.line) == ("parts/patient.yaml", 4)
    assert check_library(found) == []


def test_what_a_part_ignores_the_message_map_ignores() -> None:
    found, _ = read(m=message("ADT_A01", "use patient"))
    assert [one.path for one in found.maps["ADT_A01"].ignore] == ["PID-1"]


def test_a_segment_that_the_structure_has_in_no_version_is_left_out() -> None:
    found, problems = read(m=message("ADT_A09", "use patient"))
    assert problems == []
    assert names(found.maps["ADT_A09"].steps) == ["PID -> PID[Patient]"]


def test_a_prefix_goes_before_segments_and_groups_and_not_before_msh() -> None:
    part = NO_HEADER.replace("as patient key=identifier", 'as patient when MSH-9.2 = "R01"')
    found, problems = read(
        part,
        m=message(
            "ORU_R01", "each PATIENT_RESULT as result:\n      - use patient in result.PATIENT"
        ),
    )
    assert problems == []
    each = found.maps["ORU_R01"].steps[0]
    assert isinstance(each, Each)
    assert names(each.body)[:2] == [
        "result.PATIENT.PID -> PID[Patient]",
        "each result.PATIENT.NK1 as kin",
    ]
    emit = each.body[0]
    assert isinstance(emit, Emit)
    assert emit.when is not None
    assert check_library(found) == []


def test_a_name_that_nothing_binds_where_the_part_is_used_is_empty_there() -> None:
    found, problems = read(
        m=message("ADT_A01", "use patient"),
        n=message("ADT_A03", "PID -> PID[Patient] as header", "use patient"),
    )
    assert problems == []
    assert [name for name, _ in related(found, "ADT_A01").arguments] == ["patient"]
    assert [name for name, _ in related(found, "ADT_A03").arguments] == ["patient", "other"]


def related(library: Library, name: str) -> Emit:
    each = next(one for one in library.maps[name].steps if isinstance(one, Each))
    emit = each.body[0]
    assert isinstance(emit, Emit)
    return emit


def test_a_name_that_no_use_of_a_part_binds_is_a_problem() -> None:
    _, problems = read(m=message("ADT_A01", "use patient"))
    assert [(one.code, one.place.file, one.place.line) for one in problems] == [
        ("T507", "parts/patient.yaml", 6)
    ]


def test_an_unknown_part_names_the_one_that_was_meant() -> None:
    _, problems = read(m=message("ADT_A01", "use pateint"))
    assert [(one.code, one.hint) for one in problems] == [("T517", 'did you mean "patient"?')]


def test_parts_that_use_each_other_in_a_circle_are_a_problem() -> None:
    one = "part: one\nrules:\n  - PID -> PID[Patient] as patient\n  - use two\n"
    two = "part: two\nrules:\n  - use one\n"
    _, problems = read(m=message("ADT_A01", "use one"), one=one, two=two)
    assert [(one.code, one.place.file) for one in problems] == [("T518", "two.yaml")]
    assert "one -> two -> one" in problems[0].message


def test_parts_inside_one_another_are_limited() -> None:
    parts = {
        f"p{number}": f"part: p{number}\nrules:\n  - use p{number + 1}\n" for number in range(4)
    }
    last = "part: p4\nrules:\n  - PID -> PID[Patient] as patient\n"
    _, problems = read(m=message("ADT_A01", "use p0"), **parts, p4=last)
    assert [one.code for one in problems] == ["T511", "T519"]


def test_a_part_of_which_nothing_fits_is_a_problem() -> None:
    part = "part: kin\nrules:\n  - each NK1 as kin:\n      - kin -> NK1[RelatedPerson]\n"
    _, problems = read(m=message("ADT_A09", "use kin"), kin=part)
    assert [(one.code, one.place.file) for one in problems] == [("T519", "m.yaml")]


def test_a_part_in_what_is_no_group_is_a_problem() -> None:
    _, problems = read(
        m=message("ORU_R01", "use patient in PATIENT_RESALT"),
        n=message("ADT_A01", "use patient in NK1"),
    )
    assert [(one.code, one.place.file) for one in problems] == [
        ("T503", "m.yaml"),
        ("T503", "n.yaml"),
    ]


def test_a_part_in_a_group_that_repeats_needs_each() -> None:
    found, _ = read(m=message("ORU_R01", "use patient in PATIENT_RESULT.PATIENT"))
    assert "T529" in [one.code for one in check_library(found)]


def test_conditions_about_what_is_not_there_go_with_their_step_but_not_in_an_or() -> None:
    part = """part: patient
rules:
  - PID -> PID[Patient] as patient
  - when NK1[1]-2 valued:
      - patient.language = PID-15.1
  - when NK1[1]-2 valued or PID-8 valued:
      - patient.language = PID-15.1
"""
    found, problems = read(part, m=message("ADT_A09", "use patient"))
    assert problems == []
    assert names(found.maps["ADT_A09"].steps) == [
        "PID -> PID[Patient]",
        "when at line 6",
        "patient.language",
    ]


def test_an_overlay_of_a_part_reaches_every_map_that_uses_it() -> None:
    base, _ = read(
        m=message("ADT_A01", "PID -> PID[Patient] as header", "use patient"),
        n=message("ADT_A03", "use patient"),
    )
    overlay = """overlay: patient
reason: this site sends no kin
rules:
  - patient.language = PID-15.1
remove:
  - each NK1 as kin
"""
    found, problems = with_overlays(base, {"o.yaml": overlay})
    assert problems == []
    for name in ("ADT_A01", "ADT_A03"):
        assert names(found.maps[name].steps)[-2:] == ["PID -> PID[Patient]", "patient.language"]
    assert "each NK1 as kin" in names(base.maps["ADT_A03"].steps)


def test_an_overlay_of_a_message_map_meets_the_steps_of_its_parts() -> None:
    base, _ = read(m=message("ADT_A01", "PID -> PID[Patient] as header", "use patient"))
    overlay = "overlay: ADT_A01\nreason: x\nremove:\n  - kin -> NK1[RelatedPerson]\n"
    found, problems = with_overlays(base, {"o.yaml": overlay})
    assert problems == []
    assert "kin -> NK1[RelatedPerson]" not in names(found.maps["ADT_A01"].steps)


def test_an_overlay_removes_a_whole_part_and_uses_another() -> None:
    base, _ = read(m=message("ADT_A01", "PID -> PID[Patient] as header", "use patient"))
    overlay = "overlay: ADT_A01\nreason: x\nrules:\n  - use local\nremove:\n  - use patient\n"
    local = "part: local\nrules:\n  - header.language = ZPI-3\n"
    found, problems = with_overlays(base, {"o.yaml": overlay, "local.yaml": local})
    assert problems == []
    assert names(found.maps["ADT_A01"].steps) == ["PID -> PID[Patient]", "header.language"]


def test_overlays_of_an_earlier_layer_stay_when_a_later_one_changes_the_part() -> None:
    base, _ = read(m=message("ADT_A01", "PID -> PID[Patient] as header", "use patient"))
    one = "overlay: ADT_A01\nreason: x\nremove:\n  - kin -> NK1[RelatedPerson]\n"
    two = "overlay: patient\nreason: y\nrules:\n  - patient.language = PID-15.1\n"
    first, _ = with_overlays(base, {"one.yaml": one})
    second, problems = with_overlays(first, {"two.yaml": two})
    assert problems == []
    left = names(second.maps["ADT_A01"].steps)
    assert "patient.language" in left
    assert "kin -> NK1[RelatedPerson]" not in left


def test_a_part_without_a_list_of_steps_is_a_problem() -> None:
    _, problems = read("part: patient\nrules:\n  birthDate: PID-7\n")
    assert [one.code for one in problems] == ["T503"]


def test_segments_of_a_structure_in_also_are_mapped_where_a_sender_adds_them() -> None:
    text = message("ADT_A09", "use patient").replace("to: Bundle", "also: [ADT_A01]\nto: Bundle")
    found, problems = read(NO_HEADER, m=text)
    assert problems == []
    assert "each NK1 as kin" in names(found.maps["ADT_A09"].steps)
    assert check_library(found) == []


def test_a_structure_in_also_that_is_none_is_a_problem() -> None:
    text = message("ADT_A09", "use patient").replace("to: Bundle", "also: [ADT_AO1]\nto: Bundle")
    found, _ = read(NO_HEADER, m=text)
    assert [one.code for one in check_library(found)] == ["T525"]


def test_a_layer_reads_only_what_it_changes_anew() -> None:
    base, _ = read(
        m=message("ADT_A01", "PID -> PID[Patient] as header", "use patient"),
        n=message("ADT_A03", "use patient"),
    )
    overlay = "overlay: ADT_A03\nreason: x\nrules:\n  - patient.language = PID-15.1\n"
    found, problems = with_overlays(base, {"o.yaml": overlay})
    assert problems == []
    assert found.maps["ADT_A01"] is base.maps["ADT_A01"]
    assert found.maps["ADT_A03"] is not base.maps["ADT_A03"]


def test_a_part_inside_a_part_that_changes_reaches_its_users() -> None:
    outer = "part: outer\nrules:\n  - use patient\n"
    base, _ = read(m=message("ADT_A03", "PID -> PID[Patient] as header", "use outer"), outer=outer)
    overlay = "overlay: patient\nreason: x\nremove:\n  - each NK1 as kin\n"
    found, problems = with_overlays(base, {"o.yaml": overlay})
    assert problems == []
    assert "each NK1 as kin" not in names(found.maps["ADT_A03"].steps)
