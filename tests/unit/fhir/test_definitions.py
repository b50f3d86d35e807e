"""The R4 definitions as shipped."""

import pytest

from engine.fhir import definitions

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def test_every_r4_resource_type_is_known_and_no_other() -> None:
    types = definitions.resource_types()
    codes = definitions.value_set("http://hl7.org/fhir/ValueSet/resource-types")
    assert codes is not None
    assert types == codes - {"Resource", "DomainResource"}
    assert len(types) == 146
    assert "SubscriptionStatus" not in types  # R4B


def test_every_element_has_a_known_type() -> None:
    names = definitions.type_names() | {"Resource"}
    for name in definitions.type_names():
        definition = definitions.type_definition(name)
        assert definition is not None
        for element in definition.elements.values():
            assert element.types, f"{name}.{element.name}"
            assert set(element.types) <= names, f"{name}.{element.name}"
            assert set(element.targets) <= definitions.resource_types(), f"{name}.{element.name}"


def test_every_required_binding_of_a_code_has_its_codes_but_the_open_ones() -> None:
    open_sets = set()
    for name in definitions.type_names():
        definition = definitions.type_definition(name)
        assert definition is not None
        for element in definition.elements.values():
            binding = element.binding
            if binding is not None and binding.strength == "required" and binding.codes is None:
                open_sets.add(binding.url)
    assert open_sets == {
        "http://hl7.org/fhir/ValueSet/mimetypes",
        "http://hl7.org/fhir/ValueSet/ucum-units",
        "http://loinc.org/vs/LL379-9",
    }


def test_kinds_of_types() -> None:
    kinds = {"Patient": "resource", "HumanName": "complex", "Patient.contact": "complex"}
    kinds |= {"dateTime": "primitive", "Extension": "complex", "Dosage": "complex"}
    for name, kind in kinds.items():
        definition = definitions.type_definition(name)
        assert definition is not None
        assert definition.kind == kind
    assert definitions.type_definition("Pateint") is None


def test_cardinality_and_binding_of_an_element() -> None:
    element = definitions.element("Encounter", "status")
    assert element is not None
    assert (element.min, element.max_many, element.types) == (1, False, ("code",))
    assert element.binding is not None
    assert element.binding.strength == "required"
    assert element.binding.codes is not None
    assert "in-progress" in element.binding.codes


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("contact.name.family", ("string",)),
        ("contact[0].name", ("HumanName",)),
        ("name[].given", ("string",)),
        ("deceased[x]", ("boolean", "dateTime")),
        ("deceased", ("boolean", "dateTime")),
        ("deceasedBoolean", ("boolean",)),
        ("contact", ("Patient.contact",)),
    ],
)
def test_elements_are_found_by_path(path: str, types: tuple[str, ...]) -> None:
    element = definitions.element("Patient", path)
    assert element is not None
    assert element.types == types


@pytest.mark.parametrize(
    "path", ["gendre", "gender.x", "deceasedString", "contact.name.famly", "deceased[x].x", ""]
)
def test_paths_that_r4_does_not_have_are_not_found(path: str) -> None:
    assert definitions.element("Patient", path) is None


def test_a_content_reference_is_walked_like_a_type() -> None:
    element = definitions.element("Questionnaire", "item.item.item.linkId")
    assert element is not None
    assert element.min == 1
    inner = definitions.element("Observation", "component.referenceRange")
    assert inner is not None
    assert inner.content_reference == "Observation.referenceRange"
    assert inner.types == ("Observation.referenceRange",)


def test_targets_of_a_reference() -> None:
    subject = definitions.element("Encounter", "subject")
    assert subject is not None
    assert subject.targets == ("Patient", "Group")
    focus = definitions.element("Observation", "focus")
    assert focus is not None
    assert focus.targets == ()  # any resource


def test_choice_keys_lead_to_element_and_type() -> None:
    definition = definitions.type_definition("Observation")
    assert definition is not None
    element, kind = definition.keys["valueQuantity"]
    assert (element.name, kind) == ("value", "Quantity")
    assert "value" not in definition.keys


def test_ids_and_extension_urls_carry_no_extensions() -> None:
    for type_name, path in (("Patient", "id"), ("HumanName", "id"), ("Extension", "url")):
        element = definitions.element(type_name, path)
        assert element is not None
        assert element.attribute
    other = definitions.element("Identifier", "system")
    assert other is not None
    assert not other.attribute


@pytest.mark.parametrize(
    ("type_name", "path"),
    [
        ("Meta", "project"),  # Medplum's own
        ("ObservationDefinition", "publisher"),
        ("Observation", "triggeredBy"),  # R5
        ("EvidenceVariable", "characteristic.definitionId"),  # R4B
    ],
)
def test_elements_of_other_versions_and_makers_are_left_out(type_name: str, path: str) -> None:
    assert definitions.element(type_name, path) is None


def test_elements_too_long_for_the_official_package_are_there() -> None:
    path = "specifiedSubstance.strength.referenceStrength.strengthLowLimit"
    assert definitions.element("MedicinalProductIngredient", path) is not None


def test_value_sets_with_and_without_version() -> None:
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert definitions.value_set(url) == {"male", "female", "other", "unknown"}
    assert definitions.value_set(f"{url}|4.0.1") == definitions.value_set(url)
    assert definitions.value_set("http://example.org/none") is None
    clinical = definitions.value_set_codings("http://hl7.org/fhir/ValueSet/condition-clinical")
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    assert clinical is not None
    assert (system, "active") in clinical


@pytest.mark.parametrize(
    ("system", "code", "display"),
    [
        ("http://hl7.org/fhir/administrative-gender", "male", "Male"),
        ("http://terminology.hl7.org/CodeSystem/v2-0001", "F", "Female"),
        (ACT_CODE, "IMP", "inpatient encounter"),
        (
            "http://terminology.hl7.org/CodeSystem/observation-category",
            "laboratory",
            "Laboratory",
        ),
        (ACT_CODE, "no such code", None),
        ("http://loinc.org", "2823-3", None),
    ],
)
def test_displays_of_hl7_code_systems(system: str, code: str, display: str | None) -> None:
    assert definitions.display(system, code) == display


@pytest.mark.parametrize("table", ["0001", "1", "HL70001"])
def test_v2_tables_have_a_system(table: str) -> None:
    assert definitions.v2_system(table) == "http://terminology.hl7.org/CodeSystem/v2-0001"


def test_user_tables_have_none() -> None:
    assert definitions.v2_system("9999") is None


def test_sources_name_package_version_and_licence() -> None:
    sources = definitions.sources()
    assert {"hl7.fhir.r4.elements", "hl7.terminology.r4"} <= {s["package"] for s in sources}
    assert all(source["version"] and source["licence"] for source in sources)
