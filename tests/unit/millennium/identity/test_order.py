"""An older message never undoes a newer one."""

from engine.millennium.identity.order import in_order, is_older

PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"value": "1"}],
    "name": [{"family": "A"}],
    "address": [{"city": "B"}],
}


def test_groups_a_newer_event_wrote_are_left_out_and_named():
    found = in_order(PATIENT, 100.0, {"name": 200.0, "address": 50.0, "gender": 300.0})
    assert found.older == ("name",)
    assert set(found.resource) == {"resourceType", "identifier", "address"}
    assert found.applied == {"address": 100.0}


def test_the_same_event_is_applied_again():
    assert in_order(PATIENT, 200.0, {"name": 200.0}).older == ()


def test_without_a_time_nothing_is_known_to_be_older():
    found = in_order(PATIENT, None, {"name": 200.0})
    assert (found.resource, found.older, found.applied) == (PATIENT, (), {})


def test_a_resource_written_whole_has_one_time():
    assert is_older(1.0, {"resource": 2.0})
    assert not is_older(2.0, {"resource": 2.0})
    assert not is_older(2.0, {})
    assert not is_older(None, {"resource": 2.0})
