"""A block of literals round one source: its own `when` writes it, a source alone does not."""

from typing import Any

import pytest

from engine.mapping.trace import Trace

MESSAGE = "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nrules:\n  - PID -> PID[Patient] as patient\n"
PATIENT = "map: PID[Patient]\nfrom: PID\nto: Patient\nrules:\n"
OF_ONE = "  maritalStatus.coding[]:\n    system: '\"urn:local\"'\n    code: PID-16.1\n"
WITH_WHEN = OF_ONE.replace("[]:", "[] when PID-8 valued:")
EMPTY = "PID|1|||||||F"
FILLED = "PID|1|||||||F||||||||M"


@pytest.mark.parametrize(
    ("rules", "segment", "expected"),
    [
        (OF_ONE, EMPTY, None),
        (OF_ONE, FILLED, {"system": "urn:local", "code": "M"}),  # PID-16
        (WITH_WHEN, EMPTY, {"system": "urn:local"}),
        (WITH_WHEN, FILLED, {"system": "urn:local", "code": "M"}),
        (WITH_WHEN, "PID|1|||||||||||||||M", None),
    ],
)
def test_plain_and_traced_code_agree_on_a_block(
    maps: Any, rules: str, segment: str, expected: dict[str, str] | None
) -> None:
    library = maps(PATIENT + rules, MESSAGE)
    plain = library.convert(segment).entries
    assert library.convert(segment, trace=Trace()).entries == plain
    found = [entry.resource.get("maritalStatus") for entry in plain]
    assert found in ([], [None]) if expected is None else found == [{"coding": [expected]}]
