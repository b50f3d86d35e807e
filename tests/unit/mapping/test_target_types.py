import pytest

from engine.mapping.syntax import TargetPart
from engine.mapping.target_types import (
    choice_key,
    element_type,
    is_primitive,
    json_names,
    root_type,
)


def parts(text: str) -> tuple[TargetPart, ...]:
    return tuple(TargetPart(name=name) for name in text.split("."))


@pytest.mark.parametrize(
    ("root", "path", "names"),
    [
        ("Patient", "birthDate", ("birthDate",)),
        ("Patient", "birthDate.extension", ("_birthDate", "extension")),
        ("Patient", "name.family.extension", ("name", "_family", "extension")),
        ("MessageHeader", "source.endpoint.extension", ("source", "_endpoint", "extension")),
        ("Extension", "valueAddress.text", ("valueAddress", "text")),
        ("NoSuch", "a.b", ("a", "b")),
    ],
)
def test_extensions_of_a_primitive_stand_under_an_underscore(
    root: str, path: str, names: tuple[str, ...]
) -> None:
    assert json_names(root_type(root), parts(path)) == names


def test_a_word_after_a_hyphen_is_no_part_of_the_type() -> None:
    assert root_type("string-Unit").name == "string"
    assert root_type("Location-Bed").name == "Location"


def test_types_of_elements_choices_and_backbones() -> None:
    patient = root_type("Patient")
    assert element_type(patient, "gender").is_required_binding
    assert element_type(patient, "maritalStatus").name == "CodeableConcept"
    assert element_type(element_type(patient, "contact"), "name").name == "HumanName"
    assert element_type(patient, "deceased").name == ""
    assert element_type(patient, "deceasedBoolean").name == "boolean"
    assert choice_key("value", "Quantity") == "valueQuantity"
    assert choice_key("value", "dateTime") == "valueDateTime"
    assert is_primitive(element_type(patient, "birthDate"))
    assert not is_primitive(patient)
