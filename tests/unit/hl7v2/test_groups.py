"""Groups: by the grammar where a message follows it, and never a lost segment where it does not."""

import pytest

from engine.hl7v2.groups import Group, group
from engine.hl7v2.parser import parse


def grouped(kind, version, *names):
    """A message of bare segments, grouped."""
    lines = [f"MSH|^~\\&|A|B|C|D|2024||{kind}|1|P|{version}"]
    lines += [f"{name}|{number}" for number, name in enumerate(names, 1)]
    found = parse(("\r".join(lines) + "\r").encode())
    assert found.message is not None
    result = group(found.message)
    placed = sorted(segment.index for segment in result.root.all_segments())
    assert placed == list(range(len(lines))), "every segment is in one group"
    return result


def shape(found):
    """The groups as text."""
    inner = [shape(child) if isinstance(child, Group) else child.name for child in found.children]
    return f"{found.name}({' '.join(inner)})"


def codes_of(found):
    return [problem.code for problem in found.diagnostics]


def test_a_flat_message_has_its_segments_in_the_root():
    found = grouped("ADT^A01", "2.5.1", "EVN", "PID", "NK1", "NK1", "PV1", "AL1", "DG1")
    assert shape(found.root) == "ADT_A01(MSH EVN PID NK1 NK1 PV1 AL1 DG1)"
    assert found.diagnostics == ()


def test_lookups_give_segments_and_groups_by_name():
    root = grouped("ADT^A01", "2.5.1", "EVN", "PID", "PV1", "IN1", "IN2", "IN1").root
    assert [segment.name for segment in root.segments("PID")] == ["PID"]
    assert root.first("PV1").name == "PV1"
    assert root.first("ZZZ") is None
    assert root.segments("ZZZ") == []
    assert [shape(inner) for inner in root.groups("INSURANCE")] == [
        "INSURANCE(IN1 IN2)",
        "INSURANCE(IN1)",
    ]
    assert root.first_group("INSURANCE") is root.groups("INSURANCE")[0]
    assert root.first_group("PROCEDURE") is None


def test_orders_and_observations_nest():
    found = grouped(
        "ORU^R01", "2.5.1", "PID", "PV1", "ORC", "OBR", "NTE", "OBX", "NTE", "OBX", "OBR", "OBX"
    )
    assert shape(found.root) == (
        "ORU_R01(MSH PATIENT_RESULT(PATIENT(PID VISIT(PV1))"
        " ORDER_OBSERVATION(ORC OBR NTE OBSERVATION(OBX NTE) OBSERVATION(OBX))"
        " ORDER_OBSERVATION(OBR OBSERVATION(OBX))))"
    )
    assert found.diagnostics == ()


def test_an_observation_after_a_specimen_belongs_to_the_specimen():
    found = grouped("ORU^R01", "2.5.1", "PID", "OBR", "SPM", "OBX", "OBX", "OBR", "OBX", "SPM")
    assert shape(found.root.groups("PATIENT_RESULT")[0]) == (
        "PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR SPECIMEN(SPM OBX OBX))"
        " ORDER_OBSERVATION(OBR OBSERVATION(OBX) SPECIMEN(SPM)))"
    )
    assert found.diagnostics == ()


def test_from_2_7_the_observations_of_a_specimen_have_their_own_group():
    found = grouped("ORU^R01", "2.7", "PID", "OBR", "SPM", "OBX")
    assert "SPECIMEN(SPM SPECIMEN_OBSERVATION(OBX))" in shape(found.root)


def test_two_patients_give_two_results():
    found = grouped("ORU^R01", "2.5.1", "PID", "OBR", "OBX", "PID", "OBR", "OBX")
    assert len(found.root.groups("PATIENT_RESULT")) == 2


def test_a_result_without_patient_keeps_its_order():
    found = grouped("ORU^R01", "2.5.1", "OBR", "OBX")
    assert shape(found.root) == (
        "ORU_R01(MSH PATIENT_RESULT(ORDER_OBSERVATION(OBR OBSERVATION(OBX))))"
    )


def test_a_visit_without_patient_is_placed_and_the_patient_reported_missing():
    found = grouped("ORU^R01", "2.5.1", "PV1", "OBR", "OBX")
    assert "PATIENT(VISIT(PV1))" in shape(found.root)
    assert codes_of(found) == ["H243"]
    assert found.diagnostics[0].place.path == "PID"


def test_merges_pair_each_patient_with_its_prior_one():
    found = grouped("ADT^A40", "2.5.1", "EVN", "PID", "MRG", "PID", "PD1", "MRG")
    assert shape(found.root) == "ADT_A39(MSH EVN PATIENT(PID MRG) PATIENT(PID PD1 MRG))"


def test_a_merge_without_mrg_still_begins_a_new_pair():
    found = grouped("ADT^A40", "2.5.1", "EVN", "PID", "PID", "MRG")
    assert shape(found.root) == "ADT_A39(MSH EVN PATIENT(PID) PATIENT(PID MRG))"
    assert codes_of(found) == ["H243"]


def test_a_second_patient_where_one_is_allowed_is_kept_beside_the_first():
    found = grouped("ORU^R01", "2.5.1", "PID", "PID", "PV1", "PV1", "OBR", "OBX")
    assert "PATIENT(PID PID VISIT(PV1 PV1))" in shape(found.root)
    assert codes_of(found) == ["H244", "H244"]


def test_segments_out_of_order_go_back_to_their_place():
    found = grouped("ADT^A01", "2.5.1", "EVN", "PID", "PV1", "DG1", "AL1", "DG1", "IN1", "NK1")
    assert shape(found.root) == "ADT_A01(MSH EVN PID PV1 DG1 AL1 DG1 INSURANCE(IN1) NK1)"
    assert codes_of(found) == ["H242", "H242"]


def test_a_patient_after_the_orders_begins_a_new_result():
    found = grouped("ORU^R01", "2.5.1", "OBR", "OBX", "PID", "OBR", "OBX")
    assert len(found.root.groups("PATIENT_RESULT")) == 2


def test_a_visit_after_the_orders_returns_to_the_patient_it_belongs_to():
    found = grouped("ORU^R01", "2.5.1", "PID", "OBR", "OBX", "PV1", "OBX")
    result = found.root.groups("PATIENT_RESULT")[0]
    assert len(result.groups("PATIENT")) == 1
    assert "H242" in codes_of(found)


def test_a_note_stays_with_what_it_follows():
    found = grouped("ORU^R01", "2.5.1", "PID", "OBR", "OBX", "SPM", "NTE")
    assert "SPECIMEN(SPM NTE)" in shape(found.root)
    assert codes_of(found) == ["H241"]


def test_z_segments_stay_where_they_stand():
    found = grouped("ORU^R01", "2.5.1", "PID", "ZPI", "OBR", "OBX", "ZOB", "OBX", "ZLA")
    assert shape(found.root) == (
        "ORU_R01(MSH PATIENT_RESULT(PATIENT(PID ZPI)"
        " ORDER_OBSERVATION(OBR OBSERVATION(OBX ZOB) OBSERVATION(OBX ZLA))))"
    )
    assert codes_of(found) == ["H240", "H240", "H240"]


def test_a_segment_the_standard_lacks_is_kept_and_reported():
    found = grouped("ADT^A01", "2.5.1", "EVN", "PID", "XYZ", "PV1")
    assert shape(found.root) == "ADT_A01(MSH EVN PID XYZ PV1)"
    assert codes_of(found) == ["H246"]


def test_a_specimen_in_an_old_version_borrows_a_newer_grammar():
    found = grouped("ORU^R01", "2.3", "PID", "ORC", "OBR", "OBX", "SPM", "OBX")
    assert "ORDER_OBSERVATION(ORC OBR OBSERVATION(OBX) SPECIMEN(SPM OBX))" in shape(found.root)
    assert codes_of(found) == ["H245"]


def test_borrowing_never_moves_segments_to_groups_of_another_name():
    found = grouped("ORU^R01", "2.5.1", "PID", "ORC", "OBR", "OBX", "TXA")
    order = found.root.groups("PATIENT_RESULT")[0].groups("ORDER_OBSERVATION")[0]
    assert order.first("ORC") is not None  # in 2.8 it stands in COMMON_ORDER
    assert codes_of(found) == ["H241"]


def test_a_structure_withdrawn_from_the_version_is_grouped_by_another_one():
    found = grouped("ORM^O01", "2.8", "PID", "ORC", "OBR")
    assert shape(found.root) == "ORM_O01(MSH PATIENT(PID) ORDER(ORC ORDER_DETAIL(OBR)))"
    assert codes_of(found) == ["H245"]


def test_a_second_order_detail_begins_a_new_order():
    found = grouped("ORM^O01", "2.5.1", "PID", "ORC", "OBR", "OBX", "OBR", "OBX")
    assert len(found.root.groups("ORDER")) == 2
    assert codes_of(found) == ["H243"]


def test_an_order_after_an_order_is_no_prior_result():
    found = grouped(
        "OMG^O19", "2.5.1", "PID", "ORC", "OBR", "OBX", "ORC", "OBR", "PV1", "ORC", "OBR", "OBX"
    )
    first, second = found.root.groups("ORDER")
    assert first.groups("PRIOR_RESULT") == []
    assert len(second.groups("PRIOR_RESULT")) == 1


def test_an_unknown_structure_keeps_all_segments_in_the_root():
    found = grouped("FOO^B99", "2.5.1", "PID", "OBX")
    assert shape(found.root) == "(MSH PID OBX)"
    assert codes_of(found) == ["H247"]


def test_what_is_still_missing_at_the_end_is_reported():
    found = grouped("ORU^R01", "2.5.1", "PID")
    assert codes_of(found) == ["H243"]
    assert found.diagnostics[0].place.path == "ORDER_OBSERVATION"


def test_diagnostics_are_bounded():
    found = grouped("ADT^A01", "2.5.1", *["EVN", "PID", "PV1", *["NTE"] * 500])
    assert len(found.diagnostics) == 50


@pytest.mark.parametrize(
    "version", ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.6", "2.7", "2.8.2"]
)
def test_every_version_groups_results_under_the_same_names(version):
    found = grouped("ORU^R01", version, "PID", "ORC", "OBR", "OBX", "OBX")
    result = found.root.groups("PATIENT_RESULT")[0]
    assert result.groups("PATIENT")[0].first("PID") is not None
    order = result.groups("ORDER_OBSERVATION")[0]
    assert order.first("ORC") is not None and order.first("OBR") is not None
    assert len(order.groups("OBSERVATION")) == 2


def test_values_do_not_show_in_a_representation():
    assert repr(grouped("ADT^A01", "2.5.1", "PID").root) == "<Group ADT_A01, 2 children>"


def test_a_note_does_not_open_a_group_before_its_subject():
    found = grouped("SIU^S12", "2.3", "SCH", "PID", "RGS", "NTE", "AIS", "NTE")
    assert "RESOURCES(RGS NTE SERVICE(AIS NTE))" in shape(found.root)
