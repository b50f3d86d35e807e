"""Appointments, documents, accounts and problems over time: what the hard fields promise."""

import base64
from pathlib import Path
from typing import Any

import pytest
from checked import convert_checked
from shipped import shipped_program

from engine.fhir.updating import update
from engine.mapping.compiler.compiler import Program
from engine.mapping.run import MapContext, MapResult

ROOT = Path(__file__).parents[2]
CONTEXT = MapContext(time_zone="Europe/London", source_system="https://northvale.example.org")
PID = "PID|1||88120034^^^NVMRN^MR||Fairbrother^Elspeth"
Resource = dict[str, Any]


@pytest.fixture(scope="module")
def program() -> Program:
    return shipped_program()


def convert(program: Program, raw: bytes) -> MapResult:
    return convert_checked(program, raw, CONTEXT)


def message(event: str, *segments: str) -> bytes:
    header = f"MSH|^~\\&|SCHED|NV|REC|NV|20240312091000+0000||{event}|C1|P|2.5.1"
    return "".join(f"{one}\r" for one in (header, *segments)).encode()


def fields(name: str, **values: str) -> str:
    """A segment by field: `fields("SCH", sch_25="Booked")`."""
    numbers = {int(field.partition("_")[2]): value for field, value in values.items()}
    body = "|".join(numbers.get(number, "") for number in range(1, max(numbers) + 1))
    return f"{name}|{body}"


def one(result: MapResult, kind: str) -> Resource:
    found = [e.resource for e in result.entries if e.resource["resourceType"] == kind]
    assert len(found) == 1, kind
    return found[0]


def sample_id(program: Program, sample: str, kind: str) -> str:
    raw = (ROOT / "samples" / "hl7v2" / f"{sample}.hl7").read_bytes()
    entries = convert(program, raw).entries
    [found] = [e.resource_id for e in entries if e.resource["resourceType"] == kind]
    return found


def test_SCH_2_makes_booking_and_cancellation_one_appointment(program: Program) -> None:
    names = ("SIU_S12/booking-colonoscopy", "SIU_S15/cancelled-by-clinic-v28")
    for kind in ("Appointment", "Encounter"):
        assert len({sample_id(program, name, kind) for name in names}) == 1, kind


@pytest.mark.parametrize(
    ("event", "sch_25", "status"),
    [
        ("S12", "", "booked"),
        ("S13", "Booked", "booked"),
        ("S14", "Pending", "pending"),
        ("S14", "Complete", "fulfilled"),
        ("S15", "Booked", "cancelled"),
        ("S16", "", "cancelled"),
        ("S17", "Booked", "entered-in-error"),
        ("S26", "Cancelled", "noshow"),
        ("S12", "Overbook", "booked"),
        ("S12", "Anything", "booked"),
    ],
)
def test_SCH_25_gives_the_status_where_the_event_does_not_end_it(
    program: Program, event: str, sch_25: str, status: str
) -> None:
    sch = fields("SCH", sch_2="F1^SCHED", sch_25=sch_25)
    made = one(convert(program, message(f"SIU^{event}^SIU_S12", sch, PID)), "Appointment")
    assert made["status"] == status


def test_PV1_44_of_SIU_keeps_a_stay_open_when_its_appointment_is_cancelled(
    program: Program,
) -> None:
    pv1 = fields("PV1", pv1_2="I", pv1_19="V1", pv1_44="20240311")
    made = convert(program, message("SIU^S15^SIU_S12", "SCH||F1", PID, pv1))
    assert one(made, "Encounter")["status"] == "in-progress"
    assert one(made, "Appointment")["status"] == "cancelled"


def test_SCH_11_without_an_end_is_marked_unknown_and_not_made_up(program: Program) -> None:
    sch = fields("SCH", sch_2="F1", sch_11="^^^20240415093000+0100")
    made = one(convert(program, message("SIU^S12^SIU_S12", sch, PID)), "Appointment")
    assert made["start"] == "2024-04-15T09:30:00+01:00"
    assert "end" not in made
    assert made["_end"]["extension"][0]["valueCode"] == "unknown"


def test_SCH_alone_cancels_without_naming_anybody(program: Program) -> None:
    result = convert(program, message("SIU^S15^SIU_S12", "SCH||F1^SCHED"))
    made = one(result, "Appointment")
    [nobody] = made["participant"]
    assert set(nobody) == {"actor", "_status"}
    [entry] = [e for e in result.entries if e.resource["resourceType"] == "Appointment"]
    assert entry.merges
    server = {**made, "status": "booked", "participant": [{"actor": {"reference": "Patient/1"}}]}
    assert update(server, made)["participant"] == [{"actor": {"reference": "Patient/1"}}]
    assert update(server, made)["status"] == "cancelled"


def test_SCH_9_over_a_change_of_clocks_keeps_the_length(program: Program) -> None:
    sch = fields("SCH", sch_2="F1", sch_9="2", sch_10="h", sch_11="^^^20240331003000+0000")
    made = one(convert(program, message("SIU^S12^SIU_S12", sch, PID)), "Appointment")
    assert made["end"] == "2024-03-31T02:30:00+00:00"
    assert made["minutesDuration"] == 120


TXA = fields("TXA", txa_1="1", txa_2="DS", txa_12="D1^DICT", txa_17="LA", txa_19="AV")


def text_of(document: Resource) -> str:
    [content] = document["content"]
    return base64.b64decode(content["attachment"]["data"]).decode()


def test_OBX_5_lines_of_MDM_are_one_text_as_it_was_typed(program: Program) -> None:
    lines = ("OBX|1|TX|A^A^L||DRUGS", "OBX|2|TX|A^A^L", "OBX|3|FT|A^A^L||  a  1\\.br\\  b  2~end")
    made = convert(program, message("MDM^T02^MDM_T02", "EVN|T02", PID, "PV1|1|I", TXA, *lines))
    assert text_of(one(made, "DocumentReference")) == "DRUGS\n\n  a  1\n  b  2\nend"


def test_OBX_5_of_a_thousand_lines_is_one_attachment(program: Program) -> None:
    lines = [f"OBX|{number}|TX|A^A^L||line {number}" for number in range(1, 1001)]
    made = convert(program, message("MDM^T02^MDM_T02", "EVN|T02", PID, "PV1|1|I", TXA, *lines))
    assert text_of(one(made, "DocumentReference")).count("\n") == 999


def test_ORC_of_MDM_2_3_is_the_order_of_the_document(program: Program) -> None:
    order = ("ORC|RE|PO-1^EHR", "OBR|1|PO-1^EHR||X^Y^L")
    raw = message("MDM^T02", "EVN|T02", PID, "PV1|1|I", *order, TXA, "OBX|1|TX|A||x")
    made = convert(program, raw.replace(b"|2.5.1", b"|2.3"))
    request = one(made, "ServiceRequest")
    assert request["identifier"][0]["value"] == "PO-1"
    assert len(one(made, "DocumentReference")["context"]["related"]) == 1


def test_TXA_12_makes_a_document_and_its_cancellation_one(program: Program) -> None:
    names = ("MDM_T10/replacement-v24", "MDM_T11/cancelled-v28")
    assert len({sample_id(program, name, "DocumentReference") for name in names}) == 1


@pytest.mark.parametrize(
    ("event", "code"), [("T06", "appends"), ("T08", "replaces"), ("T10", "replaces")]
)
def test_TXA_13_names_the_parent_by_what_the_event_does(
    program: Program, event: str, code: str
) -> None:
    txa = fields("TXA", txa_2="DS", txa_12="D2^DICT", txa_13="D1^DICT")
    segments = ("EVN|" + event, PID, "PV1|1|I", txa, "OBX|1|TX|A||x")
    made = convert(program, message(f"MDM^{event}^MDM_T02", *segments))
    [relation] = one(made, "DocumentReference")["relatesTo"]
    assert (relation["code"], relation["target"]["identifier"]["value"]) == (code, "D1")


def test_FT1_6_of_a_credit_is_not_billable(program: Program) -> None:
    segments = ("EVN|P03", PID, "FT1|1|T1||20240312||CD|X^Y", "FT1|2|T2||20240312||CG|X^Y")
    made = convert(program, message("DFT^P03^DFT_P03", *segments))
    charges = [e.resource for e in made.entries if e.resource["resourceType"] == "ChargeItem"]
    assert [charge["status"] for charge in charges] == ["aborted", "billable"]


@pytest.mark.parametrize(
    ("prb_1", "prb_9", "prb_14", "clinical"),
    [
        ("AD", "", "", "active"),
        ("AD", "20240301", "A", "resolved"),
        ("AD", "20240301", "inactive", "inactive"),
        ("AD", "", "remission", "remission"),
        ("DE", "", "active", None),
    ],
)
def test_PRB_9_and_PRB_14_agree_as_R4_asks(
    program: Program, prb_1: str, prb_9: str, prb_14: str, clinical: str | None
) -> None:
    prb = fields("PRB", prb_1=prb_1, prb_3="I10^Hypertension^I10", prb_9=prb_9, prb_14=prb_14)
    made = one(convert(program, message("PPR^PC2^PPR_PC1", PID, prb)), "Condition")
    status = made.get("clinicalStatus")
    assert (status["coding"][0]["code"] if status else None) == clinical


def test_ERR_of_an_acknowledgment_are_issues_inside_its_header(program: Program) -> None:
    errors = ("ERR||PID^1^3|101|E", "ERR||PV1^1^2|103|W")
    made = convert(program, message("ACK^A01^ACK", "MSA|AE|NV1", *errors))
    header = one(made, "MessageHeader")
    [outcome] = header["contained"]
    assert header["response"]["details"] == {"reference": f"#{outcome['id']}"}
    assert [issue["severity"] for issue in outcome["issue"]] == ["error", "error", "warning"]
    assert outcome["issue"][1]["location"] == ["PID[1]-3"]
