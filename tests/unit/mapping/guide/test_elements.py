import pytest

from engine.mapping.guide.elements import compatible, element_names


@pytest.mark.parametrize(
    ("text", "root", "names"),
    [
        ("name[1].given[2]", "Patient", "name given"),
        ("location[1].location(Location.physicalType.coding.code)", "Encounter",
         "location location physicalType coding code"),
        ("performer[2](PractitionerRole.organization(Organization.address))", "DiagnosticReport",
         "performer organization address"),
        ("deceasedDateTime", "Patient", "deceasedDateTime"),
        ("extension[2].valuedateTime", "Patient", "extension valueDateTime"),
        ("component[each].value.CodeableConcept.coding[1].code", "Observation",
         "component valueCodeableConcept coding code"),
        ("$this", "Patient", ""),
        ("[2].partOf.reference(Location[3])", "Location", "partOf"),
        # slips
        ("type.coding.sytem", "Identifier", "type coding system"),
        ("occurneceTiming.boundsPeriod.start", "ServiceRequest",
         "occurrenceTiming repeat boundsPeriod start"),
        ("name.suffix[2}", "Practitioner", "name suffix"),
        ("coding[3.version", "CodeableConcept", "coding version"),
        ("diagnosis.condition(Condition.verificationStatus.coding.system", "Encounter",
         "diagnosis condition verificationStatus coding system"),
        ("participant[1].individual(PractitionerRole.organziation.(Organization))", "Encounter",
         "participant individual organization"),
        ("participant.role", "Nothing", "participant role"),
    ],
)  # fmt: skip
def test_a_target_of_the_guide_becomes_names_of_r4(text: str, root: str, names: str) -> None:
    assert element_names(text, root) == tuple(names.split())


def test_an_extension_is_told_by_its_url() -> None:
    urls = {("extension[1]",): "http://a.org/x"}
    assert element_names("extension[1].valueString", "Patient", urls) == (
        "extension=http://a.org/x",
        "valueString",
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("name",), ("name", "given"), True),
        (("name", "given"), ("name", "family"), False),
        (("value",), ("valueString",), True),
        (("valueString",), ("valueQuantity",), False),
        (("extension",), ("extension=http://a.org/x",), True),
        (("extension=http://a.org/x",), ("extension=http://a.org/y",), False),
        (("extension=http://hl7.org/fhir/a/x",), ("extension=https://hl7.org/fhir/5.0/b/x",), True),
    ],
)
def test_elements_are_the_same_when_one_begins_with_the_other(
    first: tuple[str, ...], second: tuple[str, ...], expected: bool
) -> None:
    assert compatible(first, second) is expected
