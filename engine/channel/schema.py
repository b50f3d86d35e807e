"""Pure. The JSON Schemas of channel and environment files, for editors: completion, descriptions.

Draft 7, which older editors read as well. It is looser than `channel.lint` where a schema cannot
say it (paths, filters, pairs of options), and never stricter. Write as the first line of a file:
`# yaml-language-server: $schema=channel.schema.json`, or `$schema=environment.schema.json`.
"""

from typing import Any

from engine.channel.channel_fields import CHANNEL
from engine.channel.environment_fields import ENVIRONMENT
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, default_text

_REFERENCE = r"^.*\$\{(env|secret):.+\}.*$"
_FROM_OUTSIDE = r"^\$\{secret:(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)\}$"


def json_schema() -> dict[str, Any]:
    """The schema of channel files as a JSON value."""
    return _schema("Channel", CHANNEL)


def environment_schema() -> dict[str, Any]:
    """The schema of environment files as a JSON value."""
    return _schema("Environment", ENVIRONMENT)


def _schema(title: str, spec: ComponentSpec) -> dict[str, Any]:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        **_component(spec),
    }


def _component(spec: ComponentSpec) -> dict[str, Any]:
    required = [field.name for field in spec.fields if field.required]
    found: dict[str, Any] = {
        "type": "object",
        "description": spec.summary,
        "properties": {field.name: _described(spec, field) for field in spec.fields},
        "additionalProperties": False,
    }
    if required:
        found["required"] = required
    return found


def _described(spec: ComponentSpec, field: FieldSpec) -> dict[str, Any]:
    description = field.description
    default = default_text(spec, field)
    if default:
        description += f" Default: {default}."
    found = {"description": description, **_value(field)}
    if field.example:
        found["description"] = f"{description} Example: {field.example}"
    return found


def _value(field: FieldSpec) -> dict[str, Any]:
    if field.kind is Kind.OBJECT and field.component is not None:
        return _component(field.component)
    if field.kind is Kind.ONE_OF:
        return {
            "type": "object",
            "properties": {variant.key: _component(variant) for variant in field.variants},
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        }
    if field.kind is Kind.TABLE and field.item is not None:
        return {"type": "object", "additionalProperties": _value(field.item)}
    if field.kind is Kind.LIST and field.item is not None:
        item = _value(field.item)
        several = {"type": "array", "items": item}
        if field.item.kind in (Kind.OBJECT, Kind.ONE_OF):
            return several
        return {"anyOf": [item, several]}
    return _with_references(field, _scalar(field))


def _scalar(field: FieldSpec) -> dict[str, Any]:
    if field.kind is Kind.SECRET:
        return {"type": "string", "pattern": _FROM_OUTSIDE}
    if field.kind is Kind.BOOLEAN:
        return {"type": "boolean"}
    if field.kind is Kind.CHOICE:
        return {"enum": list(field.choices)}
    if field.kind in (Kind.INTEGER, Kind.NUMBER):
        found: dict[str, Any] = {"type": "integer" if field.kind is Kind.INTEGER else "number"}
        if field.minimum is not None:
            found["minimum"] = field.minimum
        if field.maximum is not None:
            found["maximum"] = field.maximum
        return found
    # Editors read a bare 2.1 or true as a number or boolean; here every scalar is text.
    return {"type": ["string", "number", "boolean"]}


def _with_references(field: FieldSpec, plain: dict[str, Any]) -> dict[str, Any]:
    if not field.environment or plain.get("type") == ["string", "number", "boolean"]:
        return plain
    return {"anyOf": [plain, {"type": "string", "pattern": _REFERENCE}]}
