"""The hand-made messy messages, end to end: each becomes what its MANIFEST line promises.

`test_messy.py` proves that they parse; this proves what the pure step and the shipped maps make of
them. One test or more for every line: the first test counts.
"""

import base64
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.hl7v2.batch import split
from engine.pipeline.plan import plan
from engine.pipeline.process import process
from engine.runtime.desk.workbench import Conversion, Workbench, open_workbench

ROOT = Path(__file__).parents[2]
MESSY = ROOT.parent / "shared" / "corpora" / "v2" / "messy"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not MESSY.is_dir(), reason="the shared corpora are not here"),
]


@pytest.fixture(scope="module")
def bench() -> Workbench:
    return open_workbench(ROOT)


def read(number: str) -> bytes:
    (found,) = MESSY.glob(f"{number}_*.hl7")
    return found.read_bytes()


class Outcome:
    """A conversion, with its resources as they are sent."""

    def __init__(self, made: Conversion) -> None:
        self.state = made.result.state.value
        self.diagnostics = made.result.diagnostics
        self.codes = [problem.code for problem in self.diagnostics]
        self.text = (made.bundle or b"{}").decode()
        entries = orjson.loads(self.text).get("entry", [])
        self.resources = [entry["resource"] for entry in entries]
        self.by_reference = {entry["fullUrl"]: entry["resource"] for entry in entries}

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [found for found in self.resources if found["resourceType"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.all(kind)
        return found

    def paths(self, code: str) -> list[str]:
        return [found.place.path or "" for found in self.diagnostics if found.code == code]

    def referred(self, reference: dict[str, Any]) -> dict[str, Any]:
        return self.by_reference[reference["reference"]]


def converted(bench: Workbench, number: str) -> Outcome:
    return Outcome(bench.convert(read(number)))


def each_message(bench: Workbench, number: str) -> list[Outcome]:
    return [Outcome(bench.convert(raw)) for raw in split(read(number)).messages]


def empties(value: Any, path: str = "") -> list[str]:
    """Paths of empty texts, lists and objects, and of nulls."""
    if value is None or value in ("", [], {}):
        return [path]
    if isinstance(value, dict):
        return [found for key, one in value.items() for found in empties(one, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for at, one in enumerate(value) for found in empties(one, f"{path}[{at}]")]
    return []


NUMBERS = sorted(path.name[:2] for path in MESSY.glob("*.hl7"))


def test_every_line_of_the_manifest_has_a_test() -> None:
    lines = (MESSY / "MANIFEST.md").read_text("utf-8").splitlines()
    listed = {line[2:4] for line in lines if re.match(r"\| \d\d_", line)}
    tested = {name[5:7] for name in globals() if re.match(r"test_\d\d_", name)}
    assert listed == set(NUMBERS)
    assert listed - tested == set()


@pytest.mark.parametrize("number", NUMBERS)
def test_nothing_empty_is_written_and_a_second_run_gives_the_same_bytes(
    bench: Workbench, number: str
) -> None:
    for raw in split(read(number)).messages:
        made = bench.convert(raw)
        again = bench.convert(raw)
        assert made.bundle == again.bundle
        assert made.result.diagnostics == again.result.diagnostics
        assert empties(orjson.loads(made.bundle or b'{"a": 1}')) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_no_diagnostic_holds_a_value_of_the_patient(bench: Workbench, number: str) -> None:
    for raw in split(read(number)).messages:
        for problem in bench.convert(raw).result.diagnostics:
            shown = " ".join(str(value) for value in problem.as_dict().values())
            for value in ("Doe", "Roe", "Jane", "19800229", "19820229", "20230230", "haemolysed"):
                assert value not in shown


def test_02_crlf_makes_no_empty_segments(bench: Workbench) -> None:
    made = converted(bench, "02")
    assert made.state == "TRANSFORMED"
    assert made.one("Observation")["valueQuantity"]["value"] == 95  # OBX-5
    assert "H208" in made.codes


def test_04_a_wrapped_line_is_joined_to_its_segment_and_reported(bench: Workbench) -> None:
    made = converted(bench, "04")
    value = made.one("Observation")["valueString"]  # OBX-5
    assert value == "First part of a wrapped\ntext that the sender broke over lines"
    assert made.one("Observation")["status"] == "final"  # OBX-11 behind the break
    assert "H210" in made.codes


def test_05_frame_bytes_do_not_reach_the_output(bench: Workbench) -> None:
    made = converted(bench, "05")
    assert made.state == "TRANSFORMED"
    assert "\\u000b" not in made.text and "\\u001c" not in made.text
    assert "H207" in made.codes


def test_08_latin_1_is_decoded_by_msh_18(bench: Workbench) -> None:
    assert converted(bench, "08").one("Patient")["name"][0]["family"] == "Søndergård"  # PID-5.1


def test_12_a_yen_sign_in_msh_2_is_the_escape_character(bench: Workbench) -> None:
    names = converted(bench, "12").one("Patient")["name"]  # PID-5
    assert [name["family"] for name in names] == ["漢字", "カンジ"]
    assert [name["extension"][0]["valueCode"] for name in names] == ["IDE", "SYL"]  # PID-5.8


def test_14_other_separators_give_the_same_resources(bench: Workbench) -> None:
    usual, other = converted(bench, "02"), converted(bench, "14")
    for kind in ("Patient", "Observation", "DiagnosticReport", "ServiceRequest"):
        assert other.all(kind) == usual.all(kind)


def test_15_a_truncation_character_is_no_fault(bench: Workbench) -> None:
    made = converted(bench, "15")
    assert made.one("Patient")["name"][0]["given"] == ["Jane", "Q"]
    assert not [code for code in made.codes if code != "H243"]  # the OBR that is missing


def test_17_the_structure_comes_from_the_event_table(bench: Workbench) -> None:
    made = converted(bench, "17")
    assert made.one("Encounter")["class"]["code"] == "AMB"  # PV1-2 of ADT^A04 by ADT_A01
    assert made.one("Encounter")["status"] == "in-progress"


def test_19_a_missing_version_is_assumed_with_a_warning(bench: Workbench) -> None:
    made = converted(bench, "19")
    assert made.state == "TRANSFORMED"
    assert made.paths("H224") == ["MSH-12"]


def test_20_explicit_nulls_are_never_written_and_delete_by_absence(bench: Workbench) -> None:
    made = converted(bench, "20")
    assert '\\"\\"' not in made.text
    patient, encounter = made.one("Patient"), made.one("Encounter")
    assert not {"address", "telecom"} & set(patient)  # PID-12, PID-14
    assert "location" not in encounter  # PV1-3
    assert "S728" not in made.codes


def test_21_two_quotes_inside_a_text_are_text(bench: Workbench) -> None:
    made = converted(bench, "21")
    assert made.one("Observation")["valueString"] == 'said "" and left'  # OBX-5
    assert "S728" not in made.codes


def test_23_hexadecimal_escapes_are_decoded(bench: Workbench) -> None:
    assert converted(bench, "23").one("Observation")["valueString"] == "a\rb\r\ncàdée\rf"  # OBX-5


def test_24_lone_backslashes_are_kept_and_the_pointer_is_not_lost(bench: Workbench) -> None:
    made = converted(bench, "24")
    (content,) = made.one("DocumentReference")["content"]
    assert "url" not in content["attachment"]  # a UNC path is no URI
    assert r"\\server\share\file.pdf" in content["attachment"]["title"]  # OBX-5.1
    assert "H213" in made.codes


def test_26_a_missing_value_type_is_inferred_and_reported(bench: Workbench) -> None:
    made = converted(bench, "26")
    assert made.one("Observation")["valueQuantity"] == {"value": 95, "unit": "mg/dL"}  # OBX-5, -6
    assert made.paths("T576") == ["OBX[1]-5[1]"]


def test_27_a_value_of_an_unknown_type_is_text_and_reported(bench: Workbench) -> None:
    made = converted(bench, "27")
    assert made.one("Observation")["valueString"] == "182"  # OBX-5
    assert made.paths("T576") == ["OBX[1]-5[1]"]


def test_29_every_repetition_of_a_result_is_kept(bench: Workbench) -> None:
    found = converted(bench, "29").one("Observation")
    values = [part["valueCodeableConcept"]["coding"][0]["code"] for part in found["component"]]
    assert values == ["A", "B", "C"]  # OBX-5[1] to [3]
    assert not [key for key in found if key.startswith("value")]


def test_30_an_observation_behind_a_specimen_is_produced(bench: Workbench) -> None:
    made = converted(bench, "30")
    observation, report = made.one("Observation"), made.one("DiagnosticReport")
    assert observation["valueQuantity"]["value"] == 95
    assert made.referred(observation["specimen"]) == made.one("Specimen")
    assert made.referred(report["result"][0]) == observation


def test_31_each_observation_is_under_its_own_order(bench: Workbench) -> None:
    made = converted(bench, "31")
    found = {}
    for report in made.all("DiagnosticReport"):
        filler = next(
            one["value"]
            for one in report["identifier"]
            if one["type"]["coding"][0]["code"] == "FILL"
        )
        (result,) = report["result"]
        (request,) = report["basedOn"]
        placer = made.referred(request)["identifier"][0]["value"]
        found[filler] = (placer, made.referred(result)["valueQuantity"]["value"])
    assert found == {"F1": ("P1", 95), "F2": ("P2", 13)}  # OBR-3: OBR-2, OBX-5


def test_33_site_segments_are_listed_as_unmapped(bench: Workbench) -> None:
    made = converted(bench, "33")
    assert made.state == "TRANSFORMED"
    assert made.codes.count("H240") == 2
    unmapped = bench.unmapped(read("33"))
    assert {path.partition("[")[0] for path in unmapped} == {"ZPI", "ZBE"}
    assert "ZPI[1]-2[1].2.1" in unmapped and "ZBE[1]-1[1].1.1" in unmapped


def test_35_no_patient_is_invented_and_its_absence_is_reported(bench: Workbench) -> None:
    made = converted(bench, "35")
    assert made.all("Patient") == []
    assert "subject" not in made.one("DiagnosticReport")
    assert "subject" not in made.one("Observation")
    assert made.one("Observation")["valueQuantity"]["value"] == 95  # nothing else is lost
    assert made.paths("T577") == ["OBR[1]"]


def test_37_bad_dates_are_reported_and_move_nothing(bench: Workbench) -> None:
    made = converted(bench, "37")
    assert {"PID[1]-7[1]", "PV1[1]-45[1]", "OBR[1]-7[1]"} == set(made.paths("T561"))
    assert made.paths("T567") == ["PID[1]-30[1]"]
    assert "birthDate" not in made.one("Patient")
    assert not {"deceasedBoolean", "deceasedDateTime"} & set(made.one("Patient"))
    assert "effectiveDateTime" not in made.one("DiagnosticReport")
    encounter = made.one("Encounter")
    period = encounter.get("period", {})
    assert not period.keys() & {"start", "end"}
    assert encounter["status"] == "in-progress"  # "0" in PV1-45 discharges nobody
    for moved in ("1982-03-01", "1982-02-28", "2023-03-02", "2023-02-28"):
        assert moved not in made.text


def test_37_the_raw_text_of_a_bad_date_is_kept(bench: Workbench) -> None:
    made = converted(bench, "37")
    kept = made.one("Patient")["_birthDate"]["extension"][0]
    assert kept["valueString"] == "19820229"  # PID-7
    assert made.one("Encounter")["period"]["_end"]["extension"][0]["valueString"]  # PV1-45
    report = made.one("DiagnosticReport")
    assert report["_effectiveDateTime"]["extension"][0]["valueString"]  # OBR-7


def test_38_precision_and_offsets_are_kept(bench: Workbench) -> None:
    raw = read("38")
    channel = bench.choose(raw)
    in_berlin = replace(channel, transform=replace(channel.transform, time_zone="Europe/Berlin"))
    result = process(raw, plan(in_berlin, bench.loaded.program(channel)), received_at=0.0)
    resources = {entry.resource["resourceType"]: entry.resource for entry in result.entries}
    assert resources["Patient"]["birthDate"] == "1985-02"  # PID-7 YYYYMM
    assert resources["Encounter"]["period"] == {
        "start": "2024-01-02T03:04:00+01:00",  # PV1-44: minutes, the zone of the channel
        "end": "2024-01-02T03:04:05.1234-05:00",  # PV1-45: the fraction and its own offset
    }
    report = resources["DiagnosticReport"]
    assert report["effectiveDateTime"] == "2018-07-03T21:20:10+00:00"  # OBR-7 +00


def test_38_an_end_before_its_start_is_left_out_and_reported(bench: Workbench) -> None:
    made = converted(bench, "38")  # the channel is west of the offset that PV1-45 names
    period = made.one("Encounter")["period"]
    assert period["start"] == "2024-01-02T03:04:00-06:00"
    assert "end" not in period
    (kept,) = period["_end"]["extension"]  # the text of PV1-45 is not lost with its meaning
    assert kept["url"].endswith("/originalText")
    assert kept["valueString"] == "20240102030405.1234-0500"
    assert {"T573", "S725"} & set(made.codes)


def test_41_names_are_read_component_by_component(bench: Workbench) -> None:
    junior, prefixed, long = converted(bench, "41").one("Patient")["name"]  # PID-5[2] to [4]
    assert junior == {"use": "official", "family": "Doe", "suffix": ["JR"]}
    assert prefixed["family"] == "van" and prefixed["given"] == ["Jane"]
    (extension,) = prefixed["_family"]["extension"]
    assert extension["url"].endswith("/humanname-own-prefix")  # PID-5.1.2
    assert extension["valueString"] == "van"
    assert long["given"] == ["Mary Anne", "Lee Ann"]  # PID-5.2, PID-5.3
    assert long["suffix"] == ["III", "MD", "PhD"]  # PID-5.4, PID-5.6, PID-5.14
    assert long["period"] == {"start": "2020-01-01", "end": "2021-01-01"}


def test_42_separators_alone_make_nothing(bench: Workbench) -> None:
    usual, trailing = converted(bench, "02"), converted(bench, "42")
    for kind in ("Patient", "Observation", "DiagnosticReport"):
        assert trailing.all(kind) == usual.all(kind)


def test_43_of_duplicate_segments_the_first_counts_and_the_rest_is_reported(
    bench: Workbench,
) -> None:
    made = converted(bench, "43")
    assert len(made.all("Patient")) == 1 and len(made.all("Encounter")) == 1
    assert made.codes.count("H244") == 2
    unmapped = bench.unmapped(read("43"))
    assert {path[:6] for path in unmapped} == {"PID[2]", "PV1[2]"}


def test_44_merges_link_both_ways_and_never_cross(bench: Workbench) -> None:
    made = converted(bench, "44")
    patients = {found["identifier"][0]["value"]: found for found in made.all("Patient")}
    assert set(patients) == {"100", "90", "91", "200", "190"}  # PID-3 and every MRG-1
    for survivor, priors in (("100", ["90", "91"]), ("200", ["190"])):
        links = patients[survivor]["link"]
        assert [link["type"] for link in links] == ["replaces"] * len(priors)
        assert [made.referred(link["other"]) for link in links] == [patients[one] for one in priors]
        for prior in priors:
            assert patients[prior]["active"] is False
            (link,) = patients[prior]["link"]
            assert link["type"] == "replaced-by"
            assert made.referred(link["other"]) == patients[survivor]


def test_46_a_batch_is_two_conversions(bench: Workbench) -> None:
    made = each_message(bench, "46")
    assert split(read("46")).diagnostics == ()  # BTS-1 and FTS-1 hold
    assert [one.one("Observation")["valueQuantity"]["value"] for one in made] == [95, 96]


def test_48_one_bad_message_of_a_batch_fails_alone(bench: Workbench) -> None:
    assert [found.code for found in split(read("48")).diagnostics] == ["H260"]  # BTS-1
    made = each_message(bench, "48")
    assert [one.state for one in made] == ["TRANSFORMED", "ERROR", "TRANSFORMED"]
    assert "H226" in made[1].codes


def test_49_messages_without_a_batch_header_are_split(bench: Workbench) -> None:
    made = each_message(bench, "49")
    assert [one.state for one in made] == ["TRANSFORMED", "TRANSFORMED"]


def test_51_a_huge_document_is_kept_whole(bench: Workbench) -> None:
    raw = read("51")
    (content,) = converted(bench, "51").one("DocumentReference")["content"]
    sent = raw.split(b"^Base64^")[1].split(b"|")[0]  # OBX-5.5
    assert content["attachment"]["data"].encode() == sent
    assert content["attachment"]["contentType"] == "application/pdf"


def test_52_line_breaks_are_taken_out_of_base64(bench: Workbench) -> None:
    (content,) = converted(bench, "52").one("DocumentReference")["content"]
    assert base64.b64decode(content["attachment"]["data"], validate=True) == b"%PDF-1.4\n"


def test_53_units_are_text_unless_they_are_ucum(bench: Workbench) -> None:
    found = [one["valueQuantity"] for one in converted(bench, "53").all("Observation")]
    assert [quantity["unit"] for quantity in found] == ["x10*9/L", "10^9/L", "mmol/L"]  # OBX-6
    assert not [quantity for quantity in found if {"system", "code"} & set(quantity)]


def test_55_status_codes_follow_the_tables(bench: Workbench) -> None:
    made = converted(bench, "55")
    assert made.one("DiagnosticReport")["status"] == "unknown"  # OBR-25 Z
    statuses = [one["status"] for one in made.all("Observation")]  # OBX-11 N, empty, D, W
    assert statuses == ["cancelled", "unknown", "entered-in-error", "entered-in-error"]


def test_55_a_status_without_a_row_is_unknown_and_reported(bench: Workbench) -> None:
    raw = read("55").replace(b"|D\r", b"|Q\r").replace(b"|CH|Z", b"|CH|7")
    made = Outcome(bench.convert(raw))
    assert made.all("Observation")[2]["status"] == "unknown"
    assert made.one("DiagnosticReport")["status"] == "unknown"
    assert {"OBX[3]-11[1]", "OBR[1]-25[1]"} <= set(made.paths("T578"))


def test_56_an_acknowledgment_says_what_it_answers(bench: Workbench) -> None:
    made = converted(bench, "56").one("MessageHeader")
    response, [outcome] = made["response"], made["contained"]
    assert response["identifier"] == "M31"  # MSA-2
    assert response["code"] == "fatal-error"  # MSA-1 AE
    assert response["details"]["reference"] == f"#{outcome['id']}"
    assert [one["code"] for one in outcome["issue"]] == ["processing", "value"]
    assert outcome["issue"][0]["diagnostics"] == "bad thing"  # MSA-3
    assert outcome["issue"][1]["details"]["coding"][0]["display"] == "Data type error"  # ERR-3
    assert bench.unmapped(read("56")) == []
