"""Steps of an appointment that is there: the documented ones, and what is said of the others."""

from typing import Any

import pytest

from engine.millennium.resources.appointment import patch_appointment, shape_appointment
from engine.millennium.resources.shaping import Shaped

REASON = {"text": "Patient request"}
PERIOD = [{"start": "2030-03-04T09:00:00Z", "end": "2030-03-04T09:30:00Z"}]


def there(status: str, slot: str = "", **more: Any) -> dict[str, Any]:
    listed = [{"reference": f"https://example.org/r4/t/Slot/{slot}"}] if slot else []
    return {"resourceType": "Appointment", "status": status, "slot": listed, **more}


def said(status: str, slot: str = "", **more: Any) -> dict[str, Any]:
    listed = {"slot": [{"reference": f"Slot/{slot}"}]} if slot else {}
    return {"resourceType": "Appointment", "status": status, **listed, **more}


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


@pytest.mark.parametrize(
    ("present", "wanted", "operations"),
    [
        (
            there("proposed"),
            said("booked", "s1", reasonCode=[REASON]),
            [
                replace("/status", "booked"),
                add("/slot", [{"reference": "Slot/s1"}]),
                add("/reasonCode", [REASON]),
            ],
        ),
        (
            there("booked", "s1"),
            said("booked", "s2"),
            [replace("/slot", [{"reference": "Slot/s2"}])],
        ),
        (there("booked", "s1"), said("booked", "s1"), []),
        (there("booked", "s1"), said("arrived"), [replace("/status", "arrived")]),
        (there("booked", "s1"), said("checked-in"), [replace("/status", "checked-in")]),
        (there("arrived", "s1"), said("checked-in"), [replace("/status", "checked-in")]),
        (there("checked-in", "s1"), said("arrived"), []),
        (there("fulfilled", "s1"), said("checked-in"), []),
        (
            there("arrived"),
            said("cancelled", cancelationReason=REASON),
            [replace("/status", "cancelled"), add("/cancelationReason", REASON)],
        ),
        (there("cancelled"), said("cancelled", cancelationReason=REASON), []),
        (
            there("proposed", requestedPeriod=PERIOD),
            said("proposed", requestedPeriod=PERIOD),
            [],
        ),
    ],
)
def test_a_step_has_the_operations_that_go_together(
    present: dict[str, Any], wanted: dict[str, Any], operations: list[dict[str, Any]]
):
    made = patch_appointment(present, wanted)
    assert made.operations == operations
    assert made.refused == []


@pytest.mark.parametrize(
    ("present", "wanted", "reason"),
    [
        (there("proposed"), said("arrived"), "one that is proposed cannot be arrived"),
        (there("cancelled"), said("booked", "s1"), "one that is cancelled cannot be booked"),
        (there("arrived"), said("booked", "s1"), "one that is arrived cannot be booked"),
        (
            there("booked", start="2030-03-04T10:00:00Z"),
            said("proposed", requestedPeriod=PERIOD),
            "it moves to a slot of Millennium's alone",
        ),
    ],
)
def test_what_has_no_step_is_said(present: dict[str, Any], wanted: dict[str, Any], reason: str):
    made = patch_appointment(present, wanted)
    assert made.operations == []
    assert [one.reason for one in made.refused] == [reason]


@pytest.mark.parametrize("status", ["noshow", "fulfilled", "entered-in-error"])
def test_an_end_without_an_api_is_not_taken_for_a_request(status: str):
    shaped = Shaped(resource=said(status))
    shape_appointment(shaped)
    assert "send it by MLLP" in shaped.skipped


def test_an_arrival_says_whose_it_is_and_nothing_else():
    actors = [{"actor": {"reference": one}} for one in ("Patient/1", "Location/2")]
    shaped = Shaped(
        resource=said("arrived", participant=actors, serviceType=[REASON], comment="early")
    )
    shape_appointment(shaped)
    assert shaped.resource == said("arrived", participant=actors[:1])
