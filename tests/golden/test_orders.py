"""Orders and results: which segment belongs to which, parents, ids that stay, whose results."""

from typing import Any

import pytest
from checked import convert_checked
from shipped import shipped_program

from engine.mapping.compiler.compiler import Program
from engine.mapping.run import MapContext

CONTEXT = MapContext(time_zone="Europe/London", source_system="https://northvale.example.org")
PID = "PID|1||88120101^^^NVMRN^MR||Pettigrew^Dorian||19710130|M"
REPORT = "OBR|1|PO-1^EHR|FO-1^LAB|600-7^Culture^LN|||20240313080000+0000||||||||||||||||||F"
Resource = dict[str, Any]


@pytest.fixture(scope="module")
def program() -> Program:
    return shipped_program()


class Made:
    """What a message became: resources by type, with their ids."""

    def __init__(self, program: Program, kind: str, version: str, *segments: str) -> None:
        header = f"MSH|^~\\&|LAB|NV|REC|NV|20240313130000+0000||{kind}|M1|P|{version}"
        raw = "".join(f"{one}\r" for one in (header, *segments)).encode()
        self.entries = convert_checked(program, raw, CONTEXT).entries

    def all(self, kind: str) -> list[Resource]:
        found = [entry.resource for entry in self.entries]
        return [one for one in found if one["resourceType"] == kind]

    def ids(self, kind: str) -> list[str]:
        return [
            f"{kind}/{one.resource_id}"
            for one in self.entries
            if one.resource["resourceType"] == kind
        ]


def references(items: list[Resource] | None) -> list[str]:
    return [one["reference"] for one in items or []]


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5.1", "2.7", "2.8"])
def test_every_OBX_is_a_result_of_the_OBR_before_it(program: Program, version: str) -> None:
    second = REPORT.replace("PO-1", "PO-2").replace("FO-1", "FO-2")
    results = ("OBX|1|ST|A^a^L||x||||||F", "OBX|1|ST|B^b^L||y||||||F", "OBX|2|ST|C^c^L||z||||||F")
    made = Made(program, "ORU^R01", version, PID, REPORT, results[0], second, *results[1:])
    first, other = made.all("DiagnosticReport")
    ids = made.ids("Observation")
    assert references(first["result"]) == ids[:1]
    assert references(other["result"]) == ids[1:]


@pytest.mark.parametrize("version", ["2.5.1", "2.7"])
def test_result_points_to_the_SPM_of_its_order_that_follows_it(
    program: Program, version: str
) -> None:
    tube = "SPM|1|^S1&LAB||SER^Serum^HL70487"
    made = Made(program, "ORU^R01", version, PID, REPORT, "OBX|1|ST|A^a^L||x||||||F", tube)
    assert [made.all("Observation")[0]["specimen"]["reference"]] == made.ids("Specimen")
    assert references(made.all("DiagnosticReport")[0]["specimen"]) == made.ids("Specimen")


def test_OBX_after_SPM_is_of_the_specimen_and_kept(program: Program) -> None:
    made = Made(
        program,
        "ORU^R01",
        "2.5.1",
        *(PID, REPORT, "OBX|1|ST|A^a^L||x||||||F", "SPM|1|^S1&LAB||SER^Serum^HL70487"),
        "OBX|1|ST|V^Volume^L||3||||||F",
    )
    values = {one["valueString"]: one["specimen"]["reference"] for one in made.all("Observation")}
    assert values == dict.fromkeys(("x", "3"), made.ids("Specimen")[0])


def test_results_of_a_child_order_are_members_of_the_isolate_of_OBR_26(program: Program) -> None:
    isolates = ("OBX|1|ST|600-7^O^LN|1|E. coli||||||F", "OBX|2|ST|600-7^O^LN|2|S. aureus||||||F")
    child = "OBR|2|PO-1^EHR|FO-2^LAB|29576-6^S^LN|||||||G||||||||||||||F"
    child += "|600-7&O&LN^2|||PO-1&EHR^FO-1&LAB"
    made = Made(
        program,
        *("ORU^R01", "2.5.1", PID, REPORT, *isolates, child),
        "OBX|1|SN|18864-9^A^LN||>^32||||||F",
    )
    first, second, tested = made.all("Observation")
    ids = made.ids("Observation")
    assert "hasMember" not in first  # OBR-26.2 names sub-id 2
    assert references(second["hasMember"]) == ids[2:]
    assert references(tested["derivedFrom"]) == ids[1:2]
    order, reflex = made.all("ServiceRequest")
    assert reflex["intent"] == "reflex-order"  # OBR-11
    assert references(reflex["basedOn"]) == made.ids("ServiceRequest")[:1]  # OBR-29
    assert order["status"] == "completed"  # OBR-25


def test_child_of_an_order_of_another_message_names_it_by_OBR_29(program: Program) -> None:
    child = REPORT + "|600-7&O&LN^1|||PO-9&EHR^FO-9&LAB"
    made = Made(program, "ORU^R01", "2.5.1", PID, child, "OBX|1|ST|A^a^L||x||||||F")
    numbers = [one["identifier"]["value"] for one in made.all("ServiceRequest")[0]["basedOn"]]
    assert numbers == ["PO-9", "FO-9"]
    assert "derivedFrom" not in made.all("Observation")[0]


def test_two_OBR_without_numbers_are_two_reports_even_with_one_OBR_1(program: Program) -> None:
    plain = "OBR|1|||GLU^Glucose^L|||20240313080000+0000"
    made = Made(
        program,
        *("ORU^R01", "2.3", PID, plain, "OBX|1|NM|GLU^G^L||5||||||F"),
        *(plain, "OBX|1|NM|GLU^G^L||6||||||F"),
    )
    assert len(set(made.ids("DiagnosticReport"))) == 2
    assert len(set(made.ids("ServiceRequest"))) == 2
    assert [one["valueQuantity"]["value"] for one in made.all("Observation")] == [5, 6]


def test_order_and_its_result_are_one_ServiceRequest(program: Program) -> None:
    ordered = ("ORC|NW|PO-1^EHR", "OBR|1|PO-1^EHR||600-7^Culture^LN")
    order = Made(program, "OML^O21^OML_O21", "2.5.1", PID, *ordered)
    result = Made(program, "ORU^R01", "2.5.1", PID, REPORT, "OBX|1|ST|A^a^L||x||||||F")
    assert order.ids("ServiceRequest") == result.ids("ServiceRequest")


@pytest.mark.parametrize(
    ("control", "status"),
    [
        ("NW", "active"), ("XO", "active"), ("CA", "revoked"), ("OC", "revoked"),
        ("DC", "revoked"), ("OD", "revoked"), ("CR", "revoked"), ("OH", "on-hold"),
        ("HR", "on-hold"), ("RL", "active"), ("DE", "entered-in-error"), ("RU", "revoked"),
        ("UC", "active"), ("RE", "unknown"),
    ],
)  # fmt: skip
def test_ORC_1_is_a_status_and_never_a_deletion(
    program: Program, control: str, status: str
) -> None:
    made = Made(program, "ORM^O01", "2.3", PID, f"ORC|{control}|PO-1^EHR")
    assert made.all("ServiceRequest")[0]["status"] == status


def test_results_of_a_control_specimen_are_no_patient_s(program: Program) -> None:
    segments = (
        "SPM|1|^QC1&LAB||SER^Serum^HL70487|||||||Q^Control specimen^HL70369",
        "OBR|1||FO-1^LAB|718-7^Hb^LN|||20240313080000+0000",
        "OBX|1|NM|718-7^Hb^LN||150||||||F",
        "SPM|2|^S1&LAB||SER^Serum^HL70487|||||||P^Patient specimen^HL70369",
        "OBR|2||FO-2^LAB|718-7^Hb^LN|||20240313080000+0000",
        "OBX|1|NM|718-7^Hb^LN||140||||||F",
    )
    made = Made(program, "OUL^R22^OUL_R22", "2.5.1", PID, *segments)
    subjects = {one["valueQuantity"]["value"]: "subject" in one for one in made.all("Observation")}
    assert subjects == {150: False, 140: True}  # SPM-11


def test_answers_at_order_entry_stay_with_their_order(program: Program) -> None:
    segments = (
        "ORC|NW|PO-1^EHR",
        "OBR|1|PO-1^EHR||A^a^L",
        "OBX|1|CWE|FAST^Fasting^L||Y^Yes^HL70136||||||O",
        "ORC|NW|PO-2^EHR",
        "OBR|2|PO-2^EHR||B^b^L",
        "NTE|1|L|Of the second.",
    )
    made = Made(program, "OML^O21^OML_O21", "2.5.1", PID, *segments)
    first, second = made.all("ServiceRequest")
    assert references(first["supportingInfo"]) == made.ids("Observation")  # OBX
    assert made.all("Observation")[0]["status"] == "final"  # OBX-11 O with OBX-5
    assert "supportingInfo" not in second
    assert [one["text"] for one in second["note"]] == ["Of the second."]
    assert "note" not in first


def test_document_in_OBX_5_is_kept_whole_with_its_type(program: Program) -> None:
    data = "JVBERi0xLjQK" * 20
    made = Made(
        program,
        *("ORU^R01", "2.4", PID, REPORT),
        f"OBX|1|ED|R^Report^L||ENDO^AP^PDF^Base64^{data}||||||F",
    )
    attachment = made.all("DocumentReference")[0]["content"][0]["attachment"]
    assert (attachment["contentType"], attachment["data"]) == ("application/pdf", data)
    assert references(made.all("Observation")[0]["derivedFrom"]) == made.ids("DocumentReference")


def test_result_leaves_on_the_server_what_its_order_said(program: Program) -> None:
    made = Made(program, "ORU^R01", "2.5.1", PID, REPORT, "OBX|1|ST|A^a^L||x||||||F")
    merged = {one.resource["resourceType"]: one.merges for one in made.entries}
    assert (merged["ServiceRequest"], merged["DiagnosticReport"]) == (True, False)
