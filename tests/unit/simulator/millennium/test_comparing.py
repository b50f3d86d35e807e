"""Search parameters compare as FHIR R4 says."""

from typing import Any

import pytest

from engine.simulator.millennium.answers import RefusedError
from engine.simulator.millennium.chart import Record
from engine.simulator.millennium.comparing import compares

RESOURCE: dict[str, Any] = {
    "resourceType": "Observation",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
    "status": "final",
    "active": True,
    "subject": {"reference": "Patient/1"},
    "effectiveDateTime": "2026-01-05T14:30:00-06:00",
    "birthDate": "1987-04-12",
    "name": [{"family": "Okafor", "given": ["Adaeze", "Ify"]}],
    "telecom": [{"system": "phone", "value": "(555) 010-0"}],
    "address": [{"postalCode": "80118"}],
    "context": {"period": {"start": "2026-01-01T00:00:00Z"}},
    "identifier": [{"system": "urn:x", "value": "1|2"}],
}
RECORD = Record(kind="Observation", identity="L-1", etag="1", resource=RESOURCE, updated_at=0.0)


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("_id", "L-1,L-2", True),
        ("_id", "L-2", False),
        ("code", "http://loinc.org|2823-3", True),
        ("code", "http://loinc.org|1,http://loinc.org|2823-3", True),
        ("code", "urn:y|2823-3", False),
        ("status", "final", True),
        ("active", "true", True),
        ("patient", "1", True),
        ("subject", "Patient/1", True),
        ("subject:Patient", "2", False),
        ("date", "2026-01-05T20:30:00Z", True),
        ("date", "2026-01-05", True),
        ("date", "2026-01", True),
        ("date", "2025", False),
        ("date", "ge2026-01-05", True),
        ("date", "gt2026-01-05", False),
        ("date", "lt2026-01-05", False),
        ("date", "le2026", True),
        ("birthdate", "1987-04-12", True),
        ("birthdate", "ge1990-01-01", False),
        ("period", "ge2030-01-01", True),
        ("period", "lt2025-01-01", False),
        ("_lastUpdated", "1970-01-01", True),
        ("name", "ada", True),
        ("given", "IFY", True),
        ("family:exact", "okafor", False),
        ("family:exact", "Okafor", True),
        ("phone", "5550100", True),
        ("email", "5550100", False),
        ("address-postalcode", "801", True),
        ("identifier", "urn:x|1|2", False),
        ("identifier", "2", False),
    ],
)
def test_a_parameter_fits_or_not(name: str, value: str, fits: bool) -> None:
    assert compares(RECORD, name, value) is fits


@pytest.mark.parametrize("value", ["20260105", "2026-13", "yesterday", "ge", "2026-01-05T99:00Z"])
def test_a_date_of_another_form_is_refused(value: str) -> None:
    with pytest.raises(RefusedError) as refused:
        compares(RECORD, "date", value)
    assert refused.value.answer.status == 400
