"""What differs for the messages of single senders: the site in samples/senders."""

from pathlib import Path

import pytest

from engine.channel.lint import read_channel
from engine.diagnostics import has_errors
from engine.runtime.desk.workbench import Workbench, open_workbench
from engine.runtime.worker.plans import load_plans

ROOT = Path(__file__).parents[3]
SITE = ROOT / "samples" / "senders"
SOUTH = "urn:oid:2.16.840.1.113883.3.9999.2.4"


@pytest.fixture(scope="module")
def bench() -> Workbench:
    return open_workbench(SITE)


def adt(*, sender: str, pid: str, control: str = "1") -> bytes:
    head = f"MSH|^~\\&|PAS|{sender}|E|H|20260305081500||ADT^A08^ADT_A01|{control}|P|2.5.1"
    return f"{head}\rEVN|A08|20260305081500\rPID|{pid}\rPV1|1|O\r".encode()


def test_the_tests_of_the_sample_site_pass(bench: Workbench) -> None:
    found = [one for one in bench.run_tests(lambda _name: None) if "regional" in str(one.owner)]
    assert len(found) == 3
    assert all(not one.failures for one in found)


def test_the_first_sender_whose_condition_holds_applies(bench: Workbench) -> None:
    south = bench.convert(adt(sender="SOUTHMOOR", pid="1|7|||A||19700101|2")).result
    north = bench.convert(adt(sender="NORTHVALE", pid="1|7|||A||19700101|F")).result
    assert (south.sender, north.sender) == (0, None)  # MSH-4
    patient = south.entries[-1].resource if south.entries else {}
    patients = [one.resource for one in south.entries if one.resource["resourceType"] == "Patient"]
    assert patients[0]["gender"] == "female", patient  # PID-8, the overlay's table


def test_what_rules_did_is_told(bench: Workbench) -> None:
    result = bench.convert(adt(sender="SOUTHMOOR", pid="1|7|||A||19700101|F")).result
    assert [(one.path, one.rule) for one in result.edits] == [
        ("PID[1]-3", "move PID-2 to PID-3"),
        ("PID[1]-3", 'PID-3[1].4 = "SMNUM" when PID-3[1].4 not valued'),
        ("PID[1]-3", 'PID-3[1].5 = "PI" when PID-3[1].5 not valued'),
    ]


def test_identifiers_are_chosen_in_the_sender_s_order(bench: Workbench) -> None:
    both = "1||7^^^NVMRN^MR~8^^^SMNUM^PI||A"
    south = bench.convert(adt(sender="SOUTHMOOR", pid=both)).result
    (patient,) = [one for one in south.entries if one.resource["resourceType"] == "Patient"]
    assert patient.identifier == (SOUTH, "8")  # PID-3 of type PI goes first
    other = bench.convert(adt(sender="SOUTHMOOR", pid="1||8^^^SMNUM^PI||A")).result
    (again,) = [one for one in other.entries if one.resource["resourceType"] == "Patient"]
    assert again.resource_id == patient.resource_id


def test_updates_of_a_sender_go_before_the_maps(bench: Workbench) -> None:
    south = bench.convert(adt(sender="SOUTHMOOR", pid="1|7|||A")).result
    north = bench.convert(adt(sender="NORTHVALE", pid="1||7^^^NVMRN^MR||A")).result
    for result, wanted in ((south, True), (north, False)):
        merges = {one.resource["resourceType"]: one.merges for one in result.entries}
        assert merges["Patient"] is wanted


def test_a_trace_is_of_the_edited_message_with_the_sender_s_maps(bench: Workbench) -> None:
    traced = bench.trace(adt(sender="SOUTHMOOR", pid="1|7|||A||19700101|2"))
    assert traced is not None
    (record,) = traced.trace.why("Patient.gender")[:1]
    assert record.rule.place.file == "overlays/southmoor/PID_Patient.yaml"
    record = traced.trace.why("Patient.identifier[0].value")[0]
    assert [one.path for one in traced.trace.spans(record.sources)][:1] == ["PID[1]-3[1].1.1"]


def test_senders_of_the_same_overlays_share_their_program(bench: Workbench) -> None:
    loaded = bench.loaded
    load_plans(loaded)
    before = loaded.program_with(("overlays/southmoor",))
    load_plans(loaded)
    assert loaded.program_with(("overlays/southmoor",)) is before


def test_wrong_conditions_rules_and_folders_are_refused_at_their_line() -> None:
    text = (
        'channel: a\nlistener: {mllp: {port: 2575}}\nsenders:\n  - when: MSH-99 = "X"\n'
        '    preprocess:\n      - PID-3.4 = "N"\n      - swap PID-2\n'
        "destinations:\n  - file: {name: f, path: out}\n"
    )
    _, problems = read_channel(text, "channels/a.yaml", {})
    assert has_errors(problems)
    assert [(one.code, one.place.line) for one in problems] == [
        ("T521", 4),
        ("T524", 6),
        ("T504", 7),
    ]
