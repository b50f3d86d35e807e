"""One specification, many uses: model, JSON Schema, documentation and examples agree."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from engine.channel.documentation import components, replace_generated
from engine.channel.fields import ComponentSpec, default_of
from engine.channel.lint import check_configuration
from engine.channel.schema import json_schema

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "channels").glob("*.yaml"))
UPDATE = "run pytest with --update"
NOT_OPTIONS = {
    *("file", "line", "server_name", "ehr_api_token_url", "go_live"),
    *("tenant", "calls", "finders", "gaps", "mode", "release_first", "environment"),
}
"""Where it was read; TLS of listeners has no server name, and only tenants have an EHR API; what a
Millennium destination names, and what the environment says, is put in place later."""

COMPONENTS = [pytest.param(spec, id=path or "channel") for spec, path in components()]


@pytest.mark.parametrize("spec", COMPONENTS)
def test_every_option_has_an_attribute_and_every_attribute_an_option(spec: ComponentSpec):
    attributes = {attribute.name for attribute in dataclasses.fields(spec.model)}
    options = {field.target for field in spec.fields}
    assert options <= attributes
    assert attributes - options <= NOT_OPTIONS | {"file"}
    for field in spec.fields:
        default_of(spec, field)


@pytest.mark.parametrize("spec", COMPONENTS)
def test_every_option_is_described_in_a_sentence(spec: ComponentSpec):
    for field in spec.fields:
        assert field.description.endswith((".", ".")), field.name
        assert field.kind.value


def test_the_schema_is_valid_draft_7():
    jsonschema.Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_example_channels_satisfy_the_schema(file: Path):
    validator = jsonschema.Draft7Validator(json_schema())
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["transform"].pop("time_zone")  # an editor's YAML has no dates here either
    assert [
        error.message
        for error in validator.iter_errors(json.loads(json.dumps(content, default=str)))
    ] == []


@pytest.mark.parametrize(
    "content",
    [
        {"channel": "a", "listener": {"mllp": {"port": 2575}}, "rout": {}},
        {"channel": "a", "listener": {"mllp": {"port": 70000}}},
        {"channel": "a", "listener": {"mllp": {"port": 1}, "http": {"port": 2}}},
        {"channel": "a"},
        {
            "channel": "a",
            "listener": {"mllp": {"port": 1}},
            "destinations": [{"fhir": {"name": "r", "url": "http://x", "bearer": "literal"}}],
        },
    ],
)
def test_the_schema_marks_what_lint_refuses(content: object):
    assert not jsonschema.Draft7Validator(json_schema()).is_valid(content)


def test_the_example_channels_are_in_order():
    files = {f"channels/{file.name}": file.read_text(encoding="utf-8") for file in EXAMPLES}
    configuration, problems = check_configuration(files, {})
    assert problems == []
    assert configuration is not None
    assert {channel.name for channel in configuration.channels} == {
        "adt",
        "archive",
        "care",
        "documents",
        "oru",
    }


def test_the_option_table_of_the_guide_is_current(update: bool):
    page = ROOT / "docs" / "channels.md"
    text = page.read_text(encoding="utf-8")
    if update:
        page.write_text(replace_generated(text), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == replace_generated(text), UPDATE


def test_the_schema_beside_the_example_channels_is_current(update: bool):
    file = ROOT / "channels" / "channel.schema.json"
    current = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    if update:
        file.write_text(current, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == current, UPDATE


def test_the_examples_of_the_guide_are_in_order():
    page = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    _, problems = check_configuration({"channels/adt.yaml": example}, {})
    assert problems == []
