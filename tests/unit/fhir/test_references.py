"""The forms of a literal reference."""

import pytest

from engine.fhir.references import ReferenceForm, read_reference

UUID = "0f6d1f8e-5b7a-5c3e-9d42-7d1a0c5b9e11"


@pytest.mark.parametrize(
    ("text", "form", "resource_type"),
    [
        ("Patient/1", ReferenceForm.RELATIVE, "Patient"),
        ("Patient/1/_history/2", ReferenceForm.RELATIVE, "Patient"),
        ("Patient?identifier=a%7Cb", ReferenceForm.CONDITIONAL, "Patient"),
        ("#o", ReferenceForm.FRAGMENT, None),
        ("#", ReferenceForm.FRAGMENT, None),
        (f"urn:uuid:{UUID}", ReferenceForm.URN, None),
        ("urn:oid:2.999.1", ReferenceForm.URN, None),
        ("https://example.org/fhir/Patient/1", ReferenceForm.ABSOLUTE, "Patient"),
        ("https://example.org/fhir/Patient/1/_history/3", ReferenceForm.ABSOLUTE, "Patient"),
        ("https://example.org/page", ReferenceForm.ABSOLUTE, None),
        ("https://example.org/Pateint/1", ReferenceForm.ABSOLUTE, None),
        ("Pateint/1", ReferenceForm.UNREADABLE, None),
        ("Patient/", ReferenceForm.UNREADABLE, None),
        ("Patient/a_b", ReferenceForm.UNREADABLE, None),
        ("Patient", ReferenceForm.UNREADABLE, None),
        ("Patient/1\n", ReferenceForm.UNREADABLE, None),
        ("urn:uuid:1", ReferenceForm.UNREADABLE, None),
        ("a b", ReferenceForm.UNREADABLE, None),
        ("", ReferenceForm.UNREADABLE, None),
    ],
)
def test_a_reference_is_read(text: str, form: ReferenceForm, resource_type: str | None) -> None:
    assert read_reference(text) == (form, resource_type)
