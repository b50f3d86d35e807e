"""Maps run alone on the text of a test, by the code that converts messages."""

import pytest

from engine.channel.map_runner import MapRunner
from engine.channel.testcase import run_tests
from engine.mapping.compiler.compiler import compile_library
from engine.mapping.library import Library, read_library

MAPS = {
    "CX.yaml": "map: CX[Identifier]\nfrom: CX\nto: Identifier\nrules:\n  value: CX.1\n",
    "PID.yaml": """\
map: PID[Patient]
from: PID
to: Patient
key: ["PID-3[1].1"]
rules:
  identifier[]: PID-3 -> CX[Identifier]
  birthDate: PID-7 -> date
tests:
  - name: found
    in: "PID|1||A1||||19870412"
    expect: {"identifier[0].value": A1, birthDate: 1987-04-12, gender: absent}
  - name: not found
    in: "PID|1||A1"
    expect: {birthDate: 1987-04-12}
""",
    "ADT.yaml": """\
map: ADT_A01
from: ADT_A01
to: Bundle
for: [ADT^A01]
rules:
  - PID -> PID[Patient] as patient
tests:
  - name: no visit
    in: |
      MSH|^~\\&|A|B|||20260101||ADT^A01^ADT_A01|1|P|2.5.1
      PID|1||A1
    expect: {Patient: 1, Encounter: absent}
""",
}


@pytest.fixture(scope="module")
def library() -> Library:
    found, problems = read_library(MAPS)
    assert problems == []
    return found


@pytest.fixture
def runner(library: Library) -> MapRunner:
    return MapRunner(program=compile_library(library))


def test_a_value_a_segment_and_a_message_each_go_their_way(library: Library, runner: MapRunner):
    maps = library.maps
    assert runner(maps["CX[Identifier]"], "A1^^^NORTH^MR") == {"value": "A1"}
    assert runner(maps["PID[Patient]"], "PID|1||A1") == {
        "resourceType": "Patient",
        "identifier": [{"value": "A1"}],
    }
    made = runner(maps["ADT_A01"], "MSH|^~\\&|A|B|||20260101||ADT^A01|1|P|2.5.1\nPID|1||A1\n")
    assert isinstance(made, list)
    assert [resource["resourceType"] for resource in made] == ["Patient"]


def test_a_segment_may_come_with_a_header_of_its_own(library: Library, runner: MapRunner):
    text = "MSH$%~\\*$A$B$$$20260101$$ADT%A01$1$P$2.5.1\nPID$1$$A1%%%N"
    made = runner(library.maps["PID[Patient]"], text)
    assert made == {"resourceType": "Patient", "identifier": [{"value": "A1"}]}


def test_text_that_holds_no_such_segment_makes_nothing(library: Library, runner: MapRunner):
    made, _ = runner.run(library.maps["PID[Patient]"], "PV1|1")
    assert made is None


def test_problems_met_are_given_with_the_value(library: Library, runner: MapRunner):
    _, problems = runner.run(library.maps["PID[Patient]"], "PID|1||A1||||someday")
    assert "T561" in [problem.code for problem in problems]


def test_all_tests_of_a_library_run_and_say_what_failed(library: Library):
    results = run_tests(compile_library(library), library)
    assert [(one.owner, one.name, one.passed) for one in results] == [
        ("ADT_A01", "no visit", True),
        ("PID[Patient]", "found", True),
        ("PID[Patient]", "not found", False),
    ]
    assert results[2].failures == ("birthDate: expected 1987-04-12, found nothing",)
