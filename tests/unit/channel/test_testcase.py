"""Tests written beside channels and maps: what passes, what fails, and what is said."""

import pytest

from engine.channel.model import ChannelConfig, ChannelTest, MllpListenerConfig
from engine.channel.testcase import (
    Outcome,
    TestResult,
    check_outcome,
    find_in_resources,
    run_channel_tests,
    run_map_tests,
)
from engine.mapping.library import read_library
from engine.mapping.syntax import MapFile

PATIENT = {
    "resourceType": "Patient",
    "active": True,
    "name": [{"family": "Okafor", "given": ["Adaeze", "N"]}],
}
OUTCOME = Outcome(
    state="TRANSFORMED",
    codes=("T561",),
    resources=(
        PATIENT,
        {"resourceType": "Observation", "valueQuantity": {"value": 98}},
        {"resourceType": "Observation", "status": "final"},
    ),
)


def failures(*expect: tuple[str, tuple[str, ...]]) -> list[str]:
    return list(check_outcome(ChannelTest(name="one", message="", expect=expect), OUTCOME))


def test_everything_expected_and_found_passes():
    assert (
        failures(
            ("state", ("TRANSFORMED",)),
            ("diagnostics", ("T561",)),
            ("Patient", ("1",)),
            ("Observation", ("2",)),
            ("Encounter", ("0",)),
            ("Patient.active", ("true",)),
            ("Patient.name[0].given", ("Adaeze", "N")),
            ("Patient.birthDate", ("absent",)),
            ("Observation.valueQuantity.value", ("98",)),
            ("Observation[1].status", ("final",)),
        )
        == []
    )


@pytest.mark.parametrize(
    ("key", "expected", "said"),
    [
        ("state", "ERROR", "state: expected ERROR, found TRANSFORMED"),
        ("diagnostics", "T999", "diagnostics: expected T999, found T561"),
        ("Patient", "2", "Patient: expected 2, found 1"),
        ("Patient.active", "absent", "Patient.active: expected nothing, found true"),
        ("Patient.gender", "female", "Patient.gender: expected female, found nothing"),
        ("Observation[2].status", "final", "Observation[2].status: expected final, found nothing"),
        ("Patient.name[0]", "x", "Patient.name[0]: expected x, found (object)"),
    ],
)
def test_a_failure_says_what_was_expected_and_what_was_found(key: str, expected: str, said: str):
    assert failures((key, (expected,))) == [said]


def test_paths_that_lead_nowhere_find_nothing():
    for path in ("Patient.name[7].family", "Patient.name.family", "Patient.name[x]", "[0]", ""):
        assert find_in_resources([PATIENT, "no resource"], path) is None


def test_channel_tests_take_the_message_from_the_file_or_from_the_test():
    received: list[bytes] = []

    def process(raw: bytes) -> Outcome:
        received.append(raw)
        return Outcome(state="SENT")

    expect = (("state", ("SENT",)),)
    config = ChannelConfig(
        name="adt",
        file="channels/adt.yaml",
        listener=MllpListenerConfig(port=1),
        tests=(
            ChannelTest(name="inline", message="MSH|1\n  PID|1\n\n", expect=expect, line=3),
            ChannelTest(name="file", file="a.hl7", expect=expect, line=5),
            ChannelTest(name="gone", file="b.hl7", expect=expect, line=7),
        ),
    )
    results = run_channel_tests(config, process, {"a.hl7": b"MSH|2\r"}.get)
    assert received == [b"MSH|1\rPID|1\r", b"MSH|2\r"]
    assert [(one.name, one.line, one.passed) for one in results] == [
        ("inline", 3, True),
        ("file", 5, True),
        ("gone", 7, False),
    ]
    assert results[2] == TestResult(
        owner="adt",
        name="gone",
        file="channels/adt.yaml",
        line=7,
        failures=("there is no file b.hl7",),
    )


MAPS = {
    "PID_Patient.yaml": """\
map: PID[Patient]
from: PID
to: Patient
key: [PID-1]
rules:
  gender: '"female"'
tests:
  - name: gender
    in: "PID|1"
    expect: {gender: female, "name[0].family": absent}
""",
    "ADT_A01.yaml": """\
map: ADT_A01
from: ADT_A01
to: Bundle
for: [ADT^A01]
rules:
  - PID -> PID[Patient] as patient
tests:
  - name: bundle
    in: "MSH|"
    expect: {Patient: 1, Patient.gender: male}
""",
}


def test_map_tests_name_elements_of_the_resource_and_message_tests_of_the_bundle():
    library, problems = read_library(MAPS)
    assert problems == []

    def run(map_file: MapFile, text: str) -> object:
        made = {"resourceType": "Patient", "gender": "female"}
        return [made] if text.startswith("MSH") else made

    results = {one.owner: one for one in run_map_tests(library, run)}
    assert results["PID[Patient]"].failures == ()
    assert results["ADT_A01"].failures == ("Patient.gender: expected male, found female",)
    assert (results["ADT_A01"].file, results["ADT_A01"].line) == ("ADT_A01.yaml", 8)
