"""One number that a sender gives to several persons or organisations does not make them one."""

from typing import Any

from converted_documents import convert_document

AUTHOR = (
    '<author><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="1234567893"/>'
    "<assignedPerson><name>{name}</name></assignedPerson></assignedAuthor></author>"
)
CLINIC = (
    '<author><assignedAuthor><id nullFlavor="NI"/><representedOrganization>'
    '<id root="2.16.840.1.113883.19.5"/><name>{name}</name></representedOrganization>'
    "</assignedAuthor></author>"
)


def _made(kind: str, authors: str) -> list[dict[str, Any]]:
    """The resources of one type made of a document by these authors."""
    text = (
        '<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="2.16.840.1.113883.19.5" '
        f'extension="D1"/><effectiveTime value="20240101"/>{authors}</ClinicalDocument>'
    )
    entries = convert_document("a test", text.encode()).entries
    return [one.resource for one in entries if one.resource["resourceType"] == kind]


def _person(family: str, *given: str) -> str:
    names = "".join(f"<given>{one}</given>" for one in given)
    return AUTHOR.format(name=f"{names}<family>{family}</family>")


def test_same_number_with_and_without_a_second_name_is_one_person() -> None:
    made = _made("Practitioner", _person("Marsh", "Henry") + _person("Marsh", "Henry", "John"))
    assert len(made) == 1


def test_same_number_with_no_name_in_common_is_two_persons() -> None:
    made = _made("Practitioner", _person("Marsh", "Henry") + _person("Fairbrother", "Ann"))
    assert [one["name"][0]["family"] for one in made] == ["Marsh", "Fairbrother"]


def test_organisations_of_one_root_are_told_apart_by_name() -> None:
    names = ("Northvale Clinic", "Northvale Laboratory", "NORTHVALE CLINIC")
    made = _made("Organization", "".join(CLINIC.format(name=one) for one in names))
    assert [one["name"] for one in made] == ["Northvale Clinic", "Northvale Laboratory"]
