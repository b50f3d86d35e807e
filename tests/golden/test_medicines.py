"""One order for a medicine stays one resource from request to administration."""

import pytest
from shipped import shipped_program

from engine.fhir.entries import Entry
from engine.hl7v2 import groups, parser
from engine.mapping.compiler.compiler import Program
from engine.mapping.run import MapContext

CONTEXT = MapContext(time_zone="Europe/London", source_system="https://northvale.example.org")
PID = "PID|1||88120034^^^NVMRN^MR||Fairbrother^Elspeth||19580617|F"
ORC = "ORC|{control}|PO-1^EHR|{filler}"
RXO = "RXO|1191^Aspirin 100 mg^RXNORM|100||mg"
RXE = "RXE||243670^Aspirin 81 mg^RXNORM|81||mg"


@pytest.fixture(scope="module")
def program() -> Program:
    return shipped_program()


def made(program: Program, event: str, kind: str, *segments: str) -> list[Entry]:
    """The entries of one type a message becomes."""
    head = f"MSH|^~\\&|EHR|NORTHVALE|REC|NORTHVALE|20240313||{event}|{event[-3:]}|P|2.5.1"
    message = parser.parse("\r".join((head, PID, *segments)).encode()).message
    assert message is not None
    result = program.convert(groups.group(message), CONTEXT)
    return [one for one in result.entries if one.resource["resourceType"] == kind]


def order_ids(program: Program, event: str, *segments: str) -> list[str]:
    found = made(program, event, "MedicationRequest", *segments)
    return [one.resource_id for one in found]


def test_rxo_1_and_rxe_2_of_one_orc_2_are_one_order_over_all_messages(program: Program) -> None:
    new = ORC.format(control="NW", filler="")
    later = ORC.format(control="RE", filler="FO-1^RX")
    asked = order_ids(program, "OMP^O09^OMP_O09", new, RXO, "RXR|PO")
    encoded = order_ids(program, "RDE^O11^RDE_O11", later, RXE, "TQ1|1||BID", "RXR|PO")
    dispense = "RXD|1|243670^Aspirin 81 mg^RXNORM|20240313|28|TAB||RX-1"
    dispensed = order_ids(
        program, "RDS^O13^RDS_O13", later, RXE, "TQ1|1||BID", "RXR|PO", dispense, "RXR|PO"
    )
    dose = "RXA|0|1|20240314080000+0000||243670^Aspirin 81 mg^RXNORM|81|mg|||||||||||||CP|A"
    given = order_ids(
        program, "RAS^O17^RAS_O17", later, RXE, "TQ1|1||BID", "RXR|PO", dose, "RXR|PO"
    )
    assert len(asked) == 1
    assert asked == encoded == dispensed == given


def test_a_refill_asked_for_by_orc_1_rf_is_not_the_order_it_names(program: Program) -> None:
    order = order_ids(
        program, "RDE^O11^RDE_O11", ORC.format(control="NW", filler=""), RXE, "RXR|PO"
    )
    refill = order_ids(
        program, "RDE^O25^RDE_O11", ORC.format(control="RF", filler=""), RXE, "RXR|PO"
    )
    assert order != refill


def test_groups_that_repeat_orc_2_for_two_doses_make_one_order_and_two_administrations(
    program: Program,
) -> None:
    group = (ORC.format(control="RE", filler="FO-1^RX"), RXE, "TQ1|1||BID", "RXR|PO")
    dose = "RXA|0|{}|202403140{}0000+0000||243670^Aspirin 81 mg^RXNORM|81|mg|||||||||||||CP|A"
    segments = (*group, dose.format(1, 8), "RXR|PO", *group, dose.format(2, 9), "RXR|PO")
    assert len(order_ids(program, "RAS^O17^RAS_O17", *segments)) == 1
    doses = made(program, "RAS^O17^RAS_O17", "MedicationAdministration", *segments)
    assert len({one.resource_id for one in doses}) == 2


def test_vaccines_whose_orc_3_is_9999_are_known_by_vaccine_and_date(program: Program) -> None:
    row = "RXA|0|1|{}||20^DTaP^CVX|999||||||||||||||CP|A"
    segments = [
        text
        for day in ("20230401", "20230603")
        for text in ("ORC|RE||9999^REGISTRY", row.format(day))
    ]
    first = made(program, "VXU^V04^VXU_V04", "Immunization", *segments)
    again = made(program, "VXU^V04^VXU_V04", "Immunization", *segments[2:], *segments[:2])
    assert {one.resource_id for one in first} == {one.resource_id for one in again}
    assert len({one.resource_id for one in first}) == 2
    assert all("identifier" not in one.resource for one in first)


def test_rxa_of_one_orc_3_keeps_its_id_when_more_of_it_is_known(program: Program) -> None:
    orc = "ORC|RE||IZ-1^CLINIC"
    thin = made(program, "VXU^V04^VXU_V04", "Immunization", orc, "RXA|0|1|20240313||03^MMR^CVX|999")
    full = made(
        program,
        "VXU^V04^VXU_V04",
        "Immunization",
        orc,
        "RXA|0|1|20240313160000+0000||03^MMR^CVX|0.5|mL||00|||||||LOT-1|||||CP|U",
    )
    assert thin[0].resource_id == full[0].resource_id
