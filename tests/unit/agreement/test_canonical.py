"""Values that mean the same are spelt the same, and others are not."""

from decimal import Decimal

import pytest

from benchmarks.agreement.canonical import (
    canonical_scalar,
    canonical_system,
    canonical_telecom,
)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1989-08-18T14:41:00+05:30", "1989-08-18T09:11:00Z"),
        ("1989-08-18T09:11:00.000Z", "1989-08-18T09:11:00+00:00"),
        (Decimal("1.20"), 1.2),
        (100, Decimal("1E+2")),
        ("urn:oid:1.2.3", "1.2.3"),
        ("Ann  Arbor ", "Ann Arbor"),
        (True, "true"),
    ],
)
def test_values_that_mean_the_same_are_equal(first: object, second: object) -> None:
    assert canonical_scalar(first) == canonical_scalar(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1989-08-18", "1989-08-18T00:00:00Z"),
        ("1989-08", "1989-08-01"),
        ("1989-08-18T09:11:00", "1989-08-18T09:11:00Z"),
        ("M", "m"),
        (1.2, 1.21),
    ],
)
def test_values_of_other_precision_or_meaning_differ(first: object, second: object) -> None:
    assert canonical_scalar(first) != canonical_scalar(second)


@pytest.mark.parametrize(
    ("spellings", "name"),
    [
        (("http://loinc.org", "LN", "urn:oid:2.16.840.1.113883.6.1"), "loinc.org"),
        (("http://snomed.info/sct", "SCT"), "snomed.info/sct"),
        (("http://unitsofmeasure.org/", "UCUM"), "unitsofmeasure.org"),
        (
            (
                "http://terminology.hl7.org/CodeSystem/v2-0203",
                "https://terminology.hl7.org/3.0.0/CodeSystem-v2-0203",
                "http://hl7.org/fhir/v2/0203",
                "urn:oid:2.16.840.1.113883.12.203",
                "HL70203",
            ),
            "v2-0203",
        ),
        (("http://hl7.org/fhir/sid/us-ssn", "http://hl7.org/fhir/sid/us-ssn."), None),
    ],
)
def test_systems_of_one_meaning_have_one_name(spellings: tuple[str, ...], name: str | None) -> None:
    names = {canonical_system(one) for one in spellings}
    assert len(names) == 1
    assert name is None or names == {name}


@pytest.mark.parametrize(
    "text", ["http://example.com/v2-to-fhir-converter/Identifier/HCD", "unknown", "ZAL", "", "urn:"]
)
def test_what_names_no_system_is_unresolved(text: str) -> None:
    assert canonical_system(text) is None


def test_telephone_numbers_are_their_digits_and_addresses_stay() -> None:
    assert canonical_telecom("(555) 555-0100") == canonical_telecom("5555550100")
    assert canonical_telecom("Fred@north.test") == "fred@north.test"
    assert canonical_telecom("tel:+1 555") == "1555"
