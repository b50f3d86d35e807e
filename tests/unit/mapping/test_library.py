from engine.diagnostics import Diagnostic
from engine.mapping.library import Library, read_library, with_overlays
from engine.mapping.syntax import Each, Literal, Path, Pipe

PID = """map: PID[Patient]
from: PID
to: Patient
parameters: {use: code}
rules:
  birthDate: PID-7 -> date
  name[]: PID-5 -> XPN[HumanName] use=use kind=home
  maritalStatus:
    text: PID-16.2
    coding[own]:
      code: PID-16.1
ignore: {PID-1: set id}
"""

MESSAGE = """map: ADT_A01
from: ADT_A01
to: Bundle
rules:
  - PID -> PID[Patient] as patient
  - each NK1 as kin:
      - kin -> NK1[RelatedPerson] as related
  - patient.language = PID-15
"""

TABLE = "source_code,target_code\nA,one\nB,two\n"


def library() -> Library:
    found, problems = read_library({"PID.yaml": PID, "A01.yaml": MESSAGE, "t/T.csv": TABLE})
    assert problems == []
    return found


def overlaid(**files: str) -> tuple[Library, list[Diagnostic]]:
    return with_overlays(
        library(),
        {
            name.replace("_csv", ".csv").replace("_yaml", ".yaml"): text
            for name, text in files.items()
        },
    )


def targets(found: Library) -> list[str]:
    return [rule.target.text for rule in found.maps["PID[Patient]"].rules]


def test_plain_blocks_are_flattened_so_that_overlays_can_name_every_target() -> None:
    assert targets(library()) == [
        "birthDate",
        "name[]",
        "maritalStatus.text",
        "maritalStatus.coding[own].code",
    ]


def test_bare_words_are_parameters_or_text() -> None:
    rule = library().maps["PID[Patient]"].rules[1]
    assert isinstance(rule.expression, Pipe)
    use, kind = (argument for _, argument in rule.expression.steps[0].arguments)
    assert isinstance(use, Path)
    assert isinstance(kind, Literal)
    assert (kind.value, kind.word) == ("home", True)


def test_a_name_that_nothing_binds_is_a_problem() -> None:
    _, problems = read_library({"P.yaml": PID.replace("PID-16.2", "yuse")})
    assert [(one.code, one.place.line, one.hint) for one in problems] == [
        ("T507", 9, 'did you mean "use"?')
    ]


def test_two_maps_of_one_name_are_a_problem_that_names_both() -> None:
    _, problems = read_library({"A.yaml": PID, "B.yaml": PID})
    assert [one.code for one in problems] == ["T506"]
    assert problems[0].place.file == "B.yaml"
    assert "A.yaml" in problems[0].message


def test_an_overlay_replaces_adds_removes_and_ignores() -> None:
    found, problems = overlaid(
        o_yaml="""overlay: PID[Patient]
reason: the north hospital
rules:
  birthDate: PID-29 -> date
  maritalStatus.text: PID-16.5
  language: PID-15
remove:
  - maritalStatus.coding[own]
ignore: {PID-28: not used}
"""
    )
    assert problems == []
    assert targets(found) == ["birthDate", "name[]", "maritalStatus.text", "language"]
    changed = found.maps["PID[Patient]"]
    assert changed.rules[0].place.file == "o.yaml"
    assert [one.path for one in changed.ignore] == ["PID-1", "PID-28"]
    assert found.overlays[0].reason == "the north hospital"
    assert targets(library())[0] == "birthDate"


def test_later_layers_win() -> None:
    one, _ = overlaid(
        o_yaml="overlay: PID[Patient]\nreason: a\nrules:\n  birthDate: PID-29 -> date\n"
    )
    two, problems = with_overlays(
        one, {"p.yaml": "overlay: PID[Patient]\nreason: b\nrules:\n  birthDate: PID-33 -> date\n"}
    )
    assert problems == []
    assert two.maps["PID[Patient]"].rules[0].place.file == "p.yaml"
    assert [one.file for one in two.overlays] == ["o.yaml", "p.yaml"]


def test_an_overlay_that_names_what_is_not_there_is_a_problem() -> None:
    _, problems = overlaid(
        a_yaml="overlay: PID[Patent]\nreason: x\n",
        b_yaml="overlay: PID[Patient]\nreason: x\nremove: [birthdate]\n",
    )
    assert [(one.code, one.hint) for one in problems] == [
        ("T510", 'did you mean "PID[Patient]"?'),
        ("T510", 'did you mean "birthDate"?'),
    ]


def test_an_overlay_of_a_message_map_extends_loops_and_removes_steps() -> None:
    found, problems = overlaid(
        o_yaml="""overlay: ADT_A01
reason: x
rules:
  - each NK1 as kin:
      - related.gender = kin-15
  - ZPI -> PID[Patient] into patient
remove:
  - patient.language
"""
    )
    assert problems == []
    steps = found.maps["ADT_A01"].steps
    assert len(steps) == 3
    assert isinstance(steps[1], Each)
    assert len(steps[1].body) == 2


def test_rules_and_steps_cannot_be_mixed_up() -> None:
    _, problems = overlaid(o_yaml="overlay: ADT_A01\nreason: x\nrules:\n  a: PID-1\n")
    assert [one.code for one in problems] == ["T500"]


def test_rows_of_a_table_are_added_and_replaced() -> None:
    found, problems = overlaid(T_csv="source_code,target_code\nB,changed\nC,three\n")
    assert problems == []
    assert [(row.source_code, row.target_code) for row in found.tables["T"].rows] == [
        ("A", "one"),
        ("B", "changed"),
        ("C", "three"),
    ]


def test_a_site_may_add_maps_and_tables() -> None:
    found, problems = overlaid(
        z_yaml="map: ZPI[Patient]\nfrom: ZPI\nto: Patient\nrules:\n  language: ZPI-1\n",
        New_csv=TABLE,
    )
    assert problems == []
    assert "ZPI[Patient]" in found.maps
    assert "New" in found.tables
