"""Messages of care: each converts to what it tells, without an error."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson
import pytest

from engine.runtime.desk.workbench import open_workbench
from engine.simulator.care import CARE
from engine.simulator.hospital import Hospital

START = datetime(2026, 11, 22, tzinfo=UTC)
MADE = {
    "VXU": "Immunization", "SIU": "Appointment", "MDM": "DocumentReference",
    "RDE": "MedicationRequest", "DFT": "ChargeItem", "OML": "ServiceRequest",
}  # fmt: skip


def test_the_types_promised_here_are_those_that_are_sent() -> None:
    assert set(MADE) == set(CARE)


@pytest.mark.parametrize("kind", sorted(MADE))
def test_a_message_of_care_becomes_what_it_tells(kind: str) -> None:
    bench = open_workbench(Path())
    stream = islice(Hospital(seed=7, start=START, mistakes=0).messages(), 400)
    raw = next(sent.payload for sent in stream if sent.message_type.startswith(kind))
    made = bench.convert(raw)
    assert made.channel == "care"
    assert made.result.diagnostics == ()
    assert made.bundle is not None
    types = [entry["resource"]["resourceType"] for entry in orjson.loads(made.bundle)["entry"]]
    assert MADE[kind] in types
