"""ADT over time: ids that stay, events that undo others, records that are merged and moved."""

from pathlib import Path
from typing import Any

import pytest
from checked import convert_checked
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped import shipped_program

from engine.mapping.compiler.compiler import Program
from engine.mapping.run import MapContext, MapResult

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples" / "hl7v2").rglob("*.hl7"))
CONTEXT = MapContext(time_zone="Europe/London", source_system="https://northvale.example.org")
PID = "PID|1||88120034^^^NVMRN^MR~X1120^^^OLDPAS^PI||Fairbrother^Elspeth||19580617|F"
WARD, UNIT = "W12^B3^07^NORTHVALE", "CCU^1^02^NORTHVALE"
Resource = dict[str, Any]


@pytest.fixture(scope="module")
def program() -> Program:
    return shipped_program()


def convert(program: Program, raw: bytes) -> MapResult:
    return convert_checked(program, raw, CONTEXT)


def message(event: str, *segments: str) -> bytes:
    header = f"MSH|^~\\&|PAS|NV|REC|NV|20240312091000+0000||ADT^{event}|C{event}|P|2.5.1"
    return "".join(f"{one}\r" for one in (header, f"EVN|{event}", *segments)).encode()


def visit(**fields: str) -> str:
    """PV1 of visit V1, by field: `pv1_3="W12"`."""
    known = {"pv1_1": "1", "pv1_2": "I", "pv1_3": WARD, "pv1_19": "V1^^^NVVISIT^VN"} | fields
    numbers = {int(name.removeprefix("pv1_")): value for name, value in known.items()}
    return "PV1|" + "|".join(numbers.get(number, "") for number in range(1, max(numbers) + 1))


def kind(result: MapResult, name: str) -> list[Resource]:
    entries = [entry.resource for entry in result.entries]
    return [resource for resource in entries if resource["resourceType"] == name]


def ids(result: MapResult, *names: str) -> set[tuple[str, str]]:
    return {
        (entry.resource["resourceType"], entry.resource_id)
        for entry in result.entries
        if entry.resource["resourceType"] in names
    }


# -- ids --


def test_patient_and_encounter_keep_their_ids_from_A01_over_A08_A02_A03_to_A13(
    program: Program,
) -> None:
    start, end = "20240311141500+0000", "20240314110000+0000"
    chain = (
        message("A01", PID, visit(pv1_44=start)),
        message("A08", PID.replace("Fairbrother", "Tolland"), visit(pv1_44=start)),
        message("A02", PID, visit(pv1_3=UNIT, pv1_6=WARD, pv1_44=start)),
        message("A03", PID, visit(pv1_3=UNIT, pv1_44=start, pv1_45=end)),
        message("A13", PID, visit(pv1_3=UNIT, pv1_44=start, pv1_45=end)),
    )
    found = [ids(convert(program, raw), "Patient", "Encounter") for raw in chain]
    assert all(one == found[0] for one in found)
    assert len(found[0]) == 2


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_empty_fields_at_the_end_of_segments_change_nothing(sample: Path, program: Program) -> None:
    raw = sample.read_bytes()
    mark = raw[3:4]
    longer = b"\r".join(
        segment + mark * 3 if segment.strip() and not segment.startswith(b"MSH") else segment
        for segment in raw.split(b"\r")
    )
    before, after = convert(program, raw), convert(program, longer)
    assert [one.resource for one in after.entries] == [one.resource for one in before.entries]
    assert [one.resource_id for one in after.entries] == [one.resource_id for one in before.entries]


# -- status, period and places of the Encounter --


@pytest.mark.parametrize(
    ("event", "pv1_2", "status"),
    [
        ("A01", "I", "in-progress"), ("A02", "I", "in-progress"), ("A03", "I", "finished"),
        ("A04", "O", "in-progress"), ("A05", "P", "planned"), ("A06", "I", "in-progress"),
        ("A07", "O", "in-progress"), ("A08", "I", "in-progress"), ("A09", "I", "in-progress"),
        ("A10", "O", "arrived"), ("A10", "I", "in-progress"), ("A11", "I", "cancelled"),
        ("A12", "I", "in-progress"), ("A13", "I", "in-progress"), ("A14", "I", "planned"),
        ("A15", "I", "in-progress"), ("A16", "I", "in-progress"), ("A21", "I", "onleave"),
        ("A22", "I", "in-progress"), ("A23", "I", "entered-in-error"),
        ("A25", "I", "in-progress"), ("A26", "I", "in-progress"), ("A27", "I", "cancelled"),
        ("A32", "O", "in-progress"), ("A33", "O", "in-progress"), ("A38", "P", "cancelled"),
        ("A52", "I", "in-progress"), ("A53", "I", "onleave"),
    ],
)  # fmt: skip
def test_MSH_9_2_gives_the_status_of_the_encounter(
    event: str, pv1_2: str, status: str, program: Program
) -> None:
    [encounter] = kind(convert(program, message(event, PID, visit(pv1_2=pv1_2))), "Encounter")
    assert encounter["status"] == status


@pytest.mark.parametrize("event", ["A13", "A16", "A25"])
def test_PV1_45_ends_nothing_while_the_discharge_is_pending_or_cancelled(
    event: str, program: Program
) -> None:
    pv1 = visit(pv1_36="01", pv1_44="20240311141500+0000", pv1_45="20240314110000+0000")
    [encounter] = kind(convert(program, message(event, PID, pv1)), "Encounter")
    assert encounter["status"] == "in-progress"
    assert encounter["period"] == {"start": "2024-03-11T14:15:00+00:00"}
    assert [one["status"] for one in encounter["location"]] == ["active"]


def test_PV1_36_of_a_cancelled_discharge_is_left_out(program: Program) -> None:
    [encounter] = kind(convert(program, message("A13", PID, visit(pv1_36="01"))), "Encounter")
    assert "hospitalization" not in encounter


PLACES: dict[str, dict[int, str | None]] = {
    "A01": {3: "active", 6: "completed", 42: "reserved", 43: "completed"},
    "A02": {3: "active", 6: "completed", 11: "active", 43: "completed"},
    "A03": {3: "completed"},
    "A05": {3: "planned"},
    "A09": {3: "active", 11: "planned"},
    "A10": {3: "active", 11: "active"},
    "A11": {3: None},
    "A12": {3: "active", 6: "absent"},
    "A14": {3: "planned"},
    "A15": {3: "active", 42: "reserved"},
    "A21": {3: "reserved"},
    "A22": {3: "active"},
    "A23": {3: None},
    "A26": {3: "active", 42: "absent"},
    "A27": {3: None, 42: "absent"},
    "A32": {3: "active", 11: "planned"},
    "A33": {3: "active", 11: "absent"},
    "A53": {3: "reserved"},
}


@pytest.mark.parametrize("event", PLACES)
def test_event_gives_the_status_of_the_places_of_PV1(event: str, program: Program) -> None:
    places = PLACES[event]
    pv1 = visit(**{f"pv1_{number}": f"P{number}" for number in places})
    result = convert(program, message(event, PID, pv1))
    [encounter] = kind(result, "Encounter")
    names = {
        f"Location/{entry.resource_id}": entry.resource["name"]
        for entry in result.entries
        if entry.resource["resourceType"] == "Location"
    }
    found = {
        names[one["location"]["reference"]]: one.get("status") for one in encounter["location"]
    }
    wanted = {f"P{number}": status for number, status in places.items() if status != "absent"}
    assert found == wanted


@pytest.mark.parametrize("event", ["A28", "A29", "A31"])
@pytest.mark.parametrize(("pv1_2", "count"), [("N", 0), ("", 0), ("O", 1)])
def test_person_events_make_an_encounter_only_of_a_class_in_PV1_2(
    event: str, pv1_2: str, count: int, program: Program
) -> None:
    result = convert(program, message(event, PID, visit(pv1_2=pv1_2)))
    assert len(kind(result, "Encounter")) == count


def test_A29_is_a_status_and_nothing_is_deleted(program: Program) -> None:
    result = convert(program, message("A29", PID, "PV1|1|N"))
    [patient] = kind(result, "Patient")
    assert patient["active"] is False
    assert len(patient["identifier"]) == 2
    assert ids(result, "Patient") == ids(convert(program, message("A28", PID)), "Patient")


# -- two patients in one message --


def test_A17_keeps_what_follows_each_PID_with_its_own_patient(program: Program) -> None:
    raw = message(
        "A17",
        "PID|1||1^^^NVMRN^MR||One^Una",
        "PV1|1|I|W1^1|||W2^2|||||||||||||V1^^^NVVISIT^VN",
        "PID|2||2^^^NVMRN^MR||Two^Tom",
        "PD1||||G1^Brightwater^Tomas",
        "PV1|1|I|W2^2|||W1^1|||||||||||||V2^^^NVVISIT^VN",
        "PV2|||R07.4^Chest pain^I10",
    )
    result = convert(program, raw)
    first, second = kind(result, "Patient")
    assert "generalPractitioner" not in first
    assert "generalPractitioner" in second
    one, two = kind(result, "Encounter")
    assert "reasonCode" not in one
    assert "reasonCode" in two
    places = [[place["location"]["reference"] for place in each["location"]] for each in (one, two)]
    assert places[0] == places[1][::-1]


# -- merges --


def links(result: MapResult) -> set[tuple[str, str, str]]:
    """(number, type of link, other number) of every link of a Patient."""
    patients = {
        f"Patient/{entry.resource_id}": entry.resource
        for entry in result.entries
        if entry.resource["resourceType"] == "Patient"
    }
    return {
        (number(patient), link["type"], number(patients[link["other"]["reference"]]))
        for patient in patients.values()
        for link in patient.get("link", ())
    }


def number(patient: Resource) -> str:
    return str(patient["identifier"][0]["value"])


PAIRS = st.lists(st.integers(min_value=1, max_value=3), min_size=1, max_size=5)
KINDS = st.sampled_from(["^^^NVMRN^MR", "^^^NVMRN", ""])


@settings(max_examples=40, deadline=None)
@given(sizes=PAIRS, form=KINDS, own=st.booleans())
def test_A40_never_crosses_pairs_whatever_MRG_1_looks_like(
    program: Program, sizes: list[int], form: str, own: bool
) -> None:
    segments: list[str] = []
    wanted: set[tuple[str, str, str]] = set()
    for group, size in enumerate(sizes, 1):
        survivor, merged = f"S{group}", [f"M{group}-{index}" for index in range(size)]
        listed = [survivor, *merged] if own else merged
        segments.append(f"PID|{group}||{survivor}{form}||Name{group}")
        segments.append("MRG|" + "~".join(f"{one}{form}" for one in listed))
        for one in merged:
            wanted |= {(survivor, "replaces", one), (one, "replaced-by", survivor)}
    result = convert(program, message("A40", *segments))
    assert links(result) == wanted
    active = {number(one): one.get("active", True) for one in kind(result, "Patient")}
    assert {one for one, state in active.items() if not state} == {old for _, _, old in wanted} - {
        f"S{group}" for group in range(1, len(sizes) + 1)
    }
    reported = [one.place.path for one in result.diagnostics if one.code == "T579"]
    assert len(reported) == (len(sizes) if own else 0)


@pytest.mark.parametrize("event", ["A18", "A30", "A34", "A36", "A39", "A40", "A43", "A47"])
def test_the_record_of_MRG_1_is_inactive_and_points_to_that_of_PID_3(
    event: str, program: Program
) -> None:
    result = convert(program, message(event, "PID|1||2^^^NVMRN^MR||A^B", "MRG|1^^^NVMRN^MR"))
    assert links(result) == {("2", "replaces", "1"), ("1", "replaced-by", "2")}
    assert [one.get("active") for one in kind(result, "Patient")] == [None, False]


@pytest.mark.parametrize("event", ["A35", "A41", "A42", "A44", "A45", "A46", "A48", "A49", "A50"])
def test_no_other_record_is_touched_where_MRG_1_is_not_what_changes(
    event: str, program: Program
) -> None:
    raw = message(event, "PID|1||2^^^NVMRN^MR||A^B", "MRG|1^^^NVMRN^MR", "PV1|1|N")
    assert [number(one) for one in kind(convert(program, raw), "Patient")] == ["2"]


@pytest.mark.parametrize("event", ["A18", "A35", "A36", "A41", "A44", "A49"])
def test_the_account_of_MRG_3_is_closed_and_part_of_that_of_PID_18(
    event: str, program: Program
) -> None:
    pid = "PID|1||1^^^NVMRN^MR||A^B|||||||||||||ACC2^^^NVACC^AN"
    result = convert(program, message(event, pid, "MRG|1^^^NVMRN^MR||ACC1^^^NVACC^AN"))
    found = {number(one): one for one in kind(result, "Account")}
    assert {name: one["status"] for name, one in found.items()} == {
        "ACC2": "active",
        "ACC1": "inactive",
    }
    assert "partOf" in found["ACC1"]
    assert "partOf" not in found["ACC2"]


@pytest.mark.parametrize("event", ["A18", "A42", "A45", "A50"])
def test_the_visit_of_MRG_5_was_entered_in_error_and_is_part_of_that_of_PV1_19(
    event: str, program: Program
) -> None:
    mrg = "MRG|1^^^NVMRN^MR||||V0^^^NVVISIT^VN"
    result = convert(program, message(event, "PID|1||1^^^NVMRN^MR||A^B", mrg, visit()))
    found = {number(one): one for one in kind(result, "Encounter")}
    assert found["V0"]["status"] == "entered-in-error"
    assert "partOf" in found["V0"]
    before = convert(program, message("A01", PID, visit(pv1_19="V0^^^NVVISIT^VN")))
    assert ids(before, "Encounter") < ids(result, "Encounter")


@pytest.mark.parametrize("event", ["A44", "A45"])
def test_what_is_moved_belongs_to_the_patient_of_PID_and_keeps_its_id(
    event: str, program: Program
) -> None:
    pid = "PID|1||{}^^^NVMRN^MR||A^B|||||||||||||ACC1^^^NVACC^AN"
    mrg = "MRG|1^^^NVMRN^MR||ACC1^^^NVACC^AN||V1^^^NVVISIT^VN"
    before = convert(program, message("A01", pid.format(1), visit()))
    moved = convert(program, message(event, pid.format(2), mrg, visit()))
    assert ids(before, "Account") == ids(moved, "Account")
    [patient] = [one for one in moved.entries if one.resource["resourceType"] == "Patient"]
    reference = f"Patient/{patient.resource_id}"
    [account] = kind(moved, "Account")
    assert account["subject"] == [{"reference": reference}]
    if event == "A45":
        assert ids(before, "Encounter") == ids(moved, "Encounter")
        [encounter] = kind(moved, "Encounter")
        assert encounter["subject"] == {"reference": reference}


@pytest.mark.parametrize(
    ("event", "pid", "mrg", "old"),
    [
        ("A46", "PID|1|X2^^^R7^PI|2^^^NVMRN^MR||A^B", "MRG|2^^^NVMRN^MR|||X1^^^R7^PI", "X1"),
        ("A47", "PID|1||2^^^NVMRN^MR||A^B", "MRG|1^^^NVMRN^MR", "1"),
        ("A48", "PID|1||2^^^NVMRN^MR|Y2^^^OLD^PI|A^B", "MRG|2^^^NVMRN^MR|Y1^^^OLD^PI", "Y1"),
    ],
)
def test_a_number_that_was_changed_stays_as_an_old_one(
    event: str, pid: str, mrg: str, old: str, program: Program
) -> None:
    result = convert(program, message(event, pid, mrg))
    patient = kind(result, "Patient")[0]
    assert [one["value"] for one in patient["identifier"] if one.get("use") == "old"] == [old]


def test_A24_links_both_records_and_A37_takes_it_back(program: Program) -> None:
    pair = ("PID|1||1^^^NVMRN^MR||A^B", "PID|2||2^^^OTHER^MR||A^B")
    linked, unlinked = (convert(program, message(event, *pair)) for event in ("A24", "A37"))
    assert links(linked) == {("1", "seealso", "2"), ("2", "seealso", "1")}
    assert links(unlinked) == set()
    [linkage] = kind(unlinked, "Linkage")
    assert linkage["active"] is False
    assert {one["resource"]["reference"].split("/")[1] for one in linkage["item"]} == {
        resource_id for _, resource_id in ids(unlinked, "Patient")
    }


@pytest.mark.parametrize("event", ["A02", "A06", "A09", "A12", "A15", "A16", "A21", "A38", "A54"])
def test_segments_of_an_admission_are_mapped_in_other_visit_events(
    event: str, program: Program
) -> None:
    raw = message(
        event,
        PID,
        "NK1|1|Tolland^Ruth|SIS",
        visit(),
        "AL1|1|DA|^Penicillin",
        "DG1|1||R07.4^Chest pain^I10",
        "IN1|1|HM01|HMI|Harbour Mutual",
    )
    result = convert(program, raw)
    for name in ("RelatedPerson", "AllergyIntolerance", "Condition", "Coverage"):
        assert len(kind(result, name)) == 1, name


@pytest.mark.parametrize(
    ("event", "fields", "period"),
    [
        ("A01", {}, {"start": "2024-03-11T14:15:00+00:00"}),
        ("A01", {"pv1_44": "20240310"}, {"start": "2024-03-10"}),
        ("A08", {}, None),
        (
            "A03",
            {"pv1_44": "20240310"},
            {"start": "2024-03-10", "end": "2024-03-11T14:15:00+00:00"},
        ),
        ("A03", {"pv1_45": "20240312"}, {"end": "2024-03-12"}),
    ],
)
def test_EVN_6_is_the_time_of_an_admission_or_discharge_without_PV1_44_or_PV1_45(
    event: str, fields: dict[str, str], period: Resource | None, program: Program
) -> None:
    raw = message(event, PID, visit(**fields))
    raw = raw.replace(f"EVN|{event}\r".encode(), f"EVN|{event}|||||20240311141500\r".encode())
    [encounter] = kind(convert(program, raw), "Encounter")
    assert encounter.get("period") == period


@pytest.mark.parametrize("event", ["A11", "A12", "A17", "A23", "A29", "A34", "A40", "A44", "A60"])
def test_thin_events_wipe_nothing_of_what_receivers_have(event: str, program: Program) -> None:
    mrg = "MRG|1^^^NVMRN^MR||ACC1^^^NVACC^AN"
    result = convert(program, message(event, PID, mrg, visit()))
    whole = {"Patient", "Encounter", "Account"}
    replaced = [
        entry.resource["resourceType"]
        for entry in result.entries
        if not entry.merges and entry.resource["resourceType"] in whole
    ]
    assert set(replaced) <= ({"Account"} if event in ("A11", "A12", "A17", "A23", "A29") else set())


@pytest.mark.parametrize("event", ["A01", "A08", "A13", "A37"])
def test_full_events_replace_the_patient(event: str, program: Program) -> None:
    result = convert(program, message(event, PID, visit()))
    assert [one.merges for one in result.entries if one.resource["resourceType"] == "Patient"] == [
        False
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_A40_of_a_chain_makes_the_record_between_both_survivor_and_prior(
    order: tuple[int, int], program: Program
) -> None:
    pairs = (
        ("PID|1||B^^^NVMRN^MR||Name^B", "MRG|A^^^NVMRN^MR"),
        ("PID|1||C^^^NVMRN^MR||Name^C", "MRG|B^^^NVMRN^MR"),
    )
    result = convert(program, message("A40", *(one for at in order for one in pairs[at])))
    assert links(result) == {
        ("B", "replaces", "A"), ("A", "replaced-by", "B"),
        ("C", "replaces", "B"), ("B", "replaced-by", "C"),
    }  # fmt: skip
    active = {number(one): one.get("active") for one in kind(result, "Patient")}
    assert active == {"A": False, "B": False, "C": None}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_order_of_PID_3_changes_an_id(sample: Path, program: Program) -> None:
    raw = sample.read_bytes()
    wanted = all_ids(convert(program, raw))
    for turn in range(1, 4):
        assert all_ids(convert(program, with_pid_3_turned(raw, turn))) == wanted


def all_ids(result: MapResult) -> set[tuple[str, str]]:
    return {(entry.resource["resourceType"], entry.resource_id) for entry in result.entries}


def with_pid_3_turned(raw: bytes, turn: int) -> bytes:
    """Every PID-3 with its repetitions moved round, and two of them swapped."""
    mark, repetition = raw[3:4], raw[5:6]
    segments = raw.split(b"\r")
    for index, segment in enumerate(segments):
        fields = segment.split(mark)
        if fields[0] == b"PID" and len(fields) > 3:
            numbers = fields[3].split(repetition)
            at = turn % len(numbers)
            numbers = numbers[at:] + numbers[:at]
            fields[3] = repetition.join([*numbers[:-2], *reversed(numbers[-2:])])
            segments[index] = mark.join(fields)
    return b"\r".join(segments)
