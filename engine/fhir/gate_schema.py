"""Pure. The definitions as JSON Schema, for the fast gate: what it accepts is surely valid R4.

It is not R4's official schema but a stricter and smaller one: no empty strings, lists or objects,
one value per choice, codes of required bindings, real dates, reference targets, R4's rules between
elements. It refuses what is rare and valid too (contained resources, extensions three deep, lists
with gaps), which the checker then looks at. It never refers to itself: a recursive schema would let
a hostile depth exhaust the stack of the validator.

JSON Schema draft 4, in which 1.0 is no integer, as in FHIR.
https://json-schema.org/specification-links#draft-4.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.fhir import definitions, primitives
from engine.fhir.definitions.model import ElementDefinition, TypeDefinition, ValueSetBinding
from engine.fhir.invariants import NAME_RULES, NameRule, Relation

Schema = dict[str, Any]

PERIOD_KEYWORD = "startNotAfterEnd"
"""A keyword of our own, evaluated on a Period that has an end."""

EXTENSION_TYPES = frozenset(
    {"Address", "Age", "Annotation", "Attachment", "CodeableConcept", "Coding", "ContactPoint"}
    | {"Duration", "HumanName", "Identifier", "Money", "Period", "Quantity", "Range", "Ratio"}
    | {"Reference"}
)
"""Complex types the gate knows in Extension.value[x], besides all primitives."""

LEVEL_MAX = 2
"""Extensions inside values of extensions are known, but nothing deeper."""

TARGETS_MAX = 20
"""Up to so many types of a reference are tried one after the other."""

_NEVER: Schema = {"not": {}}
_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ID = "[A-Za-z0-9.-]{1,64}"
_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$"
_UNBOUNDED = frozenset({"id", "xhtml", "date", "dateTime", "instant", "time"})
"""Texts whose pattern bounds their length, or which R4 does not bound."""


def schema_by_type(resource_types: Iterable[str]) -> Schema:
    """The schema of an object with one key, a type, whose value is a resource of that type.

    Raises KeyError when R4 has no such type.
    """
    build = _Build()
    properties: dict[str, Schema] = {}
    for resource_type in resource_types:
        if resource_type not in definitions.resource_types():
            raise KeyError(resource_type)
        properties[resource_type] = build.reference(resource_type)
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "definitions": build.schemas,
    }


@dataclass(slots=True)
class _Build:
    """The schemas of the types one resource type needs."""

    schemas: dict[str, Schema] = field(default_factory=dict)
    open: list[tuple[str, int]] = field(default_factory=list)
    """(type, level) being built: an element that would lead back to one of them is left out."""

    def reference(
        self,
        kind: str,
        targets: tuple[str, ...] = (),
        binding: ValueSetBinding | None = None,
        level: int = 0,
    ) -> Schema:
        """A `$ref` to the schema of a type, which is built when there is none yet.

        Args:
            kind: the type.
            targets: for a Reference, the resource types it may point to.
            binding: for a CodeableConcept, its required binding.
            level: how many extensions (or returns to a type being built) it is inside of.
        """
        name = "-".join([kind, *targets, str(level)])
        if binding is not None:
            name += binding.url.rpartition("/")[2]
        if name not in self.schemas:
            definition = definitions.type_definition(kind)
            if definition is None:
                raise KeyError(kind)
            self.open.append((kind, level))
            schema = self._object(definition, targets, level)
            if binding is not None:
                schema["properties"]["coding"] = self._bound_codings(binding, level)
                schema["required"] = ["coding"]
            self.schemas[name] = schema
            self.open.pop()
        return {"$ref": f"#/definitions/{name}"}

    def _object(self, owner: TypeDefinition, targets: tuple[str, ...], level: int) -> Schema:
        properties: dict[str, Schema] = {}
        if owner.kind == "resource":
            properties["resourceType"] = {"enum": [owner.name]}
        for key, (element, kind) in owner.keys.items():
            one = self._value(owner, element, kind, targets, level)
            if one is None:
                continue
            many = {"type": "array", "items": one, "minItems": 1}
            properties[key] = many if element.max_many else one
            if _may_be_extended(owner, element, kind) and level < LEVEL_MAX:
                properties["_" + key] = self._extensions_only(level)
        schema: Schema = {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "minProperties": 1,
        }
        required = ["resourceType"] if owner.kind == "resource" else []
        required += [
            name
            for name, found in owner.elements.items()
            if found.min and not found.choice and "_" + name not in properties
        ]
        if required:
            schema["required"] = required
        schema |= _between_elements(owner, properties)
        if owner.name == "Extension":  # its url, and either a value or nested extensions
            schema |= {"minProperties": 2, "maxProperties": 2}
        return schema

    def _value(
        self,
        owner: TypeDefinition,
        element: ElementDefinition,
        kind: str,
        targets: tuple[str, ...],
        level: int,
    ) -> Schema | None:
        """The schema of one value of an element, None where the gate does not know it."""
        if kind == "Resource" or (owner.name == "Extension" and element.name == "id"):
            return None
        if _is_primitive(kind):
            return _primitive(owner, element, kind, targets)
        if kind == "Extension":
            return self.reference(kind, level=level + 1) if level < LEVEL_MAX else None
        if owner.name == "Extension" and kind not in EXTENSION_TYPES:
            return None
        while (kind, level) in self.open:
            level += 1
        if level > LEVEL_MAX:
            return None
        binding = element.binding
        bound = binding if binding is not None and binding.codings is not None else None
        return self.reference(kind, element.targets, bound, level)

    def _extensions_only(self, level: int) -> Schema:
        """`_name`: the extensions of a primitive."""
        extension = self.reference("Extension", level=level + 1)
        return {
            "type": "object",
            "properties": {"extension": {"type": "array", "items": extension, "minItems": 1}},
            "additionalProperties": False,
            "required": ["extension"],
        }

    def _bound_codings(self, binding: ValueSetBinding, level: int) -> Schema:
        """The first coding is of the value set (where another one is, the checker is asked)."""
        systems: dict[str, list[str]] = {}
        for system, code in sorted(binding.codings or ()):
            systems.setdefault(system, []).append(code)
        bound = [
            {"properties": {"system": {"enum": [system]}, "code": {"enum": codes}}}
            for system, codes in systems.items()
        ]
        coding = self.reference("Coding", level=level)
        first = {"allOf": [coding, {"required": ["system", "code"]}, {"anyOf": bound}]}
        return {"type": "array", "items": [first], "additionalItems": coding, "minItems": 1}


def _is_primitive(kind: str) -> bool:
    definition = definitions.type_definition(kind)
    return definition is not None and definition.kind == "primitive"


def _may_be_extended(owner: TypeDefinition, element: ElementDefinition, kind: str) -> bool:
    """Whether the gate knows `_name` beside the element: not in lists, choices and extensions."""
    return (
        _is_primitive(kind)
        and not (element.max_many or element.choice or element.attribute)
        and owner.name not in ("Extension", "Element")
    )


def _primitive(
    owner: TypeDefinition, element: ElementDefinition, kind: str, targets: tuple[str, ...]
) -> Schema:
    if owner.name == "Reference" and element.name == "reference":
        return _reference(targets)
    if owner.name == "Reference" and element.name == "type":
        return {"enum": list(targets) or sorted(definitions.resource_types())}
    if element.binding is not None and element.binding.codes is not None:
        return {"enum": sorted(element.binding.codes)}
    if kind in primitives.RANGES:
        low, high = primitives.RANGES[kind]
        return {"type": "integer", "minimum": low, "maximum": high}
    if kind in ("boolean", "decimal"):
        return {"type": "number" if kind == "decimal" else "boolean"}
    if kind == "base64Binary":
        return {"type": "string", "pattern": _BASE64}
    # Surrogates cannot be in the text that the validator sees, nor in its patterns.
    pattern = primitives.PATTERNS[kind].replace("\\ud800-\\udfff", "")
    bound = {} if kind in _UNBOUNDED else {"maxLength": primitives.TEXT_LENGTH_MAX}
    return {"type": "string", "pattern": f"^({pattern})$", **bound}


def _reference(targets: tuple[str, ...]) -> Schema:
    """The text of a reference.

    One pattern for the form of all, and plain beginnings for the types: a pattern for each set of
    types would be a hundred automata, none of which stays in a cache.
    """
    if not targets or len(targets) > TARGETS_MAX:
        types = "|".join(targets or sorted(definitions.resource_types()))
        pattern = f"^(urn:uuid:{_UUID}|({types})(/{_ID}|\\?[^\\s]+))$"
        return {"type": "string", "pattern": pattern}
    beginnings = [f"^{name}/" for name in targets] + ["^urn:uuid:"]
    return {
        "type": "string",
        "pattern": f"^(urn:uuid:{_UUID}|[A-Z][A-Za-z]+/{_ID})$",
        "anyOf": [{"pattern": beginning} for beginning in beginnings],
    }


def _between_elements(owner: TypeDefinition, properties: dict[str, Schema]) -> Schema:
    """Choices made once, required choices, and R4's rules over names."""
    keys = {
        name: [key for key in found.json_keys() if key in properties]
        for name, found in owner.elements.items()
    }
    needed: dict[str, list[str]] = {}
    forbidden: dict[str, list[str]] = {}
    one_of: list[list[str]] = []
    for name, found in owner.elements.items():
        for key in keys[name] if found.choice and owner.name != "Extension" else ():
            forbidden.setdefault(key, []).extend(other for other in keys[name] if other != key)
        if found.min and found.choice:
            one_of.append(keys[name])
        elif found.min and "_" + name in properties:
            one_of.append([name, "_" + name])
    for rule in NAME_RULES.get(owner.name, ()):
        _add_rule(rule, keys, needed, forbidden, one_of)
    dependencies: dict[str, Any] = {}
    for key in sorted({*needed, *forbidden}):
        dependencies[key] = {"required": needed[key]} if key in needed else {}
        if key in forbidden:
            dependencies[key]["properties"] = dict.fromkeys(forbidden[key], _NEVER)
    if owner.name == "Period":
        dependencies["end"] = {PERIOD_KEYWORD: True}
    schema: Schema = {"dependencies": dependencies} if dependencies else {}
    if one_of:
        schema["allOf"] = [{"anyOf": [{"required": [key]} for key in group]} for group in one_of]
    return schema


def _add_rule(
    rule: NameRule,
    keys: dict[str, list[str]],
    needed: dict[str, list[str]],
    forbidden: dict[str, list[str]],
    one_of: list[list[str]],
) -> None:
    if rule.relation is Relation.ANY:
        one_of.append([key for name in rule.names for key in keys[name]])
        return
    first, second = rule.names
    for key in keys[first]:
        if rule.relation is Relation.EXCLUDES:
            forbidden.setdefault(key, []).extend(keys[second])
            # An extension of the other one counts as much.
            forbidden[key].extend("_" + other for other in keys[second])
        else:
            needed.setdefault(key, []).append(keys[second][0])
    if rule.relation is Relation.TOGETHER:
        needed.setdefault(keys[second][0], []).append(first)
