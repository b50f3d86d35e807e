"""The JSON Schema of the gate."""

from typing import Any

import pytest
from jsonschema_rs import Draft4Validator

from engine.fhir import definitions
from engine.fhir.gate_schema import PERIOD_KEYWORD, schema_by_type

Schema = dict[str, Any]


def references(schema: Any) -> set[str]:
    """Names of the definitions a schema refers to directly."""
    if isinstance(schema, list):
        return {name for item in schema for name in references(item)}
    if not isinstance(schema, dict):
        return set()
    found = {name for item in schema.values() for name in references(item)}
    if isinstance(schema.get("$ref"), str):
        found.add(schema["$ref"].removeprefix("#/definitions/"))
    return found


@pytest.mark.parametrize("resource_type", sorted(definitions.resource_types()))
def test_no_schema_leads_back_to_itself(resource_type: str) -> None:
    parts: dict[str, Schema] = schema_by_type([resource_type])["definitions"]
    open_names: set[str] = set()
    done: set[str] = set()

    def visit(name: str) -> None:
        assert name not in open_names
        if name in done:
            return
        open_names.add(name)
        for other in references(parts[name]):
            visit(other)
        open_names.remove(name)
        done.add(name)

    visit(f"{resource_type}-0")


@pytest.mark.parametrize("resource_type", ["Patient", "Bundle", "Questionnaire", "ValueSet"])
def test_the_validator_takes_the_schema(resource_type: str) -> None:
    class Keyword:
        def __init__(self, *_: Any) -> None:
            pass

        def validate(self, instance: Any) -> None:
            pass

    schema = schema_by_type([resource_type])
    validator = Draft4Validator(schema, keywords={PERIOD_KEYWORD: Keyword})
    assert not validator.is_valid({resource_type: {"resourceType": "Nothing"}})
    assert not validator.is_valid({"Nothing": {"resourceType": resource_type}})


def test_the_same_definitions_make_the_same_schema() -> None:
    types = ["Encounter", "Patient"]
    assert schema_by_type(types) == schema_by_type(types)


def test_a_type_has_the_same_schema_alone_and_beside_others() -> None:
    alone = schema_by_type(["Encounter"])
    beside = schema_by_type(["Condition", "Encounter", "Patient"])
    assert beside["properties"]["Encounter"] == alone["properties"]["Encounter"]
    assert alone["definitions"].items() <= beside["definitions"].items()


@pytest.mark.parametrize("name", ["HumanName", "Pateint", "Resource", "date"])
def test_only_resources_have_a_schema(name: str) -> None:
    with pytest.raises(KeyError):
        schema_by_type([name])
