"""Pure. The fast gate of the hot path: what is surely valid passes, the rest asks the checker.

The gate is a table per type and depth, from JSON key to a check of its value, built from the
definitions as keys occur. It only ever says yes to what it fully understands; everything unusual
(contained resources, lists with gaps, absolute references, great depth, and every fault) goes to
`checker.check`, so the two cannot disagree about what is wrong, only about what takes longer.

Measured against structs of msgspec made from the same definitions: those need a regular expression
call for each code and URI and a second pass for choices and empty objects, and took as long without
that second pass. `benchmarks/check.py` measures the gate.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache
from math import isfinite
from typing import Any

from engine.fhir import definitions, primitives
from engine.fhir.checker import check
from engine.fhir.definitions.model import ElementDefinition, TypeDefinition, ValueSetBinding
from engine.fhir.invariants import NAME_RULES, VALUE_RULES

DEPTH_SURE_MAX = 20
"""Deeper than this the gate leaves the answer to the checker (whose limit is higher)."""
KEY_SETS_MAX = 512
MEMO_ENTRIES_MAX = 4096
MEMO_LENGTH_MAX = 128

Check = Callable[[Any], Any]
"""Takes a value; true means surely valid. TypeError, KeyError and AttributeError mean doubt."""

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ID = "[A-Za-z0-9\\-.]{1,64}"


def is_valid(resource: dict[str, Any]) -> bool:
    """True when `checker.check` finds no error, most often without asking it."""
    return is_surely_valid(resource) or not check(resource)


def is_surely_valid(resource: dict[str, Any]) -> bool:
    """The gate alone: True is a promise that the checker finds no error, False says nothing."""
    try:
        return bool(_resource_check(0)(resource))
    except (KeyError, TypeError, AttributeError, RecursionError):
        return False


class _Memo(dict[str, bool]):
    """Format checks of short texts that come again and again: code systems, codes, URLs."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def __missing__(self, text: str) -> bool:
        valid = primitives.is_valid(self._kind, text)
        if valid and len(text) <= MEMO_LENGTH_MAX:
            if len(self) >= MEMO_ENTRIES_MAX:
                self.clear()
            self[text] = valid
        return valid


class _Fields(dict[str, Check]):
    """JSON key to check, for one type at one depth; filled as keys occur. KeyError: no such key."""

    def __init__(self, definition: TypeDefinition, targets: tuple[str, ...], depth: int) -> None:
        super().__init__()
        self._definition = definition
        self._targets = targets
        self._depth = depth

    def __missing__(self, key: str) -> Check:
        if key == "resourceType" and self._definition.kind == "resource":
            made: Check = _yes
        elif key.startswith("_"):
            made = self._extension_of_primitive(key)
        else:
            element, kind = self._definition.keys[key]
            made = _element_check(self._definition, element, kind, self._targets, self._depth)
        self[key] = made
        return made

    def _extension_of_primitive(self, key: str) -> Check:
        element, kind = self._definition.keys[key[1:]]
        if element.max_many or element.attribute or not _is_primitive(kind):
            return _doubt
        return _object_check("Element", (), None, self._depth + 1)


def _yes(_: object) -> bool:
    return True


def _doubt(_: object) -> bool:
    return False


def _is_primitive(kind: str) -> bool:
    definition = definitions.type_definition(kind)
    return definition is not None and definition.kind == "primitive"


@cache
def _fields(type_name: str, targets: tuple[str, ...], depth: int) -> _Fields:
    definition = definitions.type_definition(type_name)
    if definition is None or depth > DEPTH_SURE_MAX:
        raise KeyError(type_name)
    return _Fields(definition, targets, depth)


@cache
def _resource_check(depth: int) -> Check:
    """A check of any resource, by its resourceType."""

    def check_resource(value: dict[str, Any]) -> Any:
        return _one_resource_check(value["resourceType"], depth)(value)

    return check_resource


@cache
def _one_resource_check(type_name: str, depth: int) -> Check:
    if type_name not in definitions.resource_types():
        raise KeyError(type_name)
    return _object_check(type_name, (), None, depth)


def _element_check(
    owner: TypeDefinition,
    element: ElementDefinition,
    kind: str,
    targets: tuple[str, ...],
    depth: int,
) -> Check:
    """The check of one key of `owner`; `targets` are those of the Reference that `owner` may be."""
    if kind == "Resource":
        return _doubt if element.max_many else _resource_check(depth + 1)
    if _is_primitive(kind):
        check_one = _primitive_check(owner, element, kind, targets)
        return _each(check_one) if element.max_many else check_one
    if element.max_many:
        return _list_check(kind, element.targets, element.binding, depth + 1)
    return _object_check(kind, element.targets, element.binding, depth + 1)


def _object_check(
    kind: str, targets: tuple[str, ...], binding: ValueSetBinding | None, depth: int
) -> Check:
    """One object of a type."""
    fields = _fields(kind, targets, depth)
    fits = _key_check(kind)
    whole = _whole_check(kind, binding)

    def check_object(value: dict[str, Any]) -> Any:
        if not value:
            return False
        for key, item in value.items():
            if not fields[key](item):
                return False
        return (fits is None or fits(tuple(value))) and (whole is None or whole(value))

    return check_object


def _list_check(
    kind: str, targets: tuple[str, ...], binding: ValueSetBinding | None, depth: int
) -> Check:
    """A list of objects of a type; the loop of `_object_check` is repeated to save a call each."""
    fields = _fields(kind, targets, depth)
    fits = _key_check(kind)
    whole = _whole_check(kind, binding)

    def check_list(values: list[dict[str, Any]]) -> Any:
        if values.__class__ is not list or not values:
            return False
        for value in values:
            if not value or (fits is not None and not fits(tuple(value))):
                return False
            for key, item in value.items():
                if not fields[key](item):
                    return False
            if whole is not None and not whole(value):
                return False
        return True

    return check_list


def _each(check_one: Check) -> Check:
    def check_values(values: list[Any]) -> bool:
        if values.__class__ is not list or not values:
            return False
        return all(map(check_one, values))

    return check_values


@cache
def _key_check(kind: str) -> Check | None:
    """Whether required elements are there, each choice is made once and R4's rules hold, from the
    keys alone.

    Messages of one feed make resources with the same few sets of keys, so answers are kept.
    """
    definition = definitions.type_definition(kind)
    if definition is None:
        raise KeyError(kind)
    choices = any(element.choice for element in definition.elements.values())
    required = {name for name, element in definition.elements.items() if element.min}
    rules = NAME_RULES.get(kind, ())
    if not choices and not required and not rules:
        return None

    @lru_cache(maxsize=KEY_SETS_MAX)
    def keys_fit(keys: tuple[str, ...]) -> bool:
        chosen: dict[str, str] = {}
        for key in keys:
            if key == "resourceType":
                continue
            name = key.removeprefix("_")
            element = definition.keys[name][0].name
            if chosen.setdefault(element, name) != name:
                return False
        if kind == "Extension" and ("value" in chosen) == ("extension" in chosen):
            return False
        return required <= chosen.keys() and all(rule.holds(chosen.keys()) for rule in rules)

    return keys_fit


def _whole_check(kind: str, binding: ValueSetBinding | None) -> Check | None:
    """What is left to check of an object when each of its values is valid by itself."""
    if binding is not None and binding.codings is not None:
        return _concept_check(kind, binding)
    faults = [rule.fault for rule in VALUE_RULES.get(kind, ())]
    if not faults:
        return None
    return lambda value: all(fault(value) is None for fault in faults)


def _concept_check(kind: str, binding: ValueSetBinding) -> Check:
    """A required binding of a CodeableConcept: one coding of the value set."""
    if kind != "CodeableConcept":
        return _doubt
    allowed = binding.codings or frozenset()

    def check_concept(value: dict[str, Any]) -> bool:
        return any(
            (coding.get("system"), coding.get("code")) in allowed for coding in value["coding"]
        )

    return check_concept


def _primitive_check(
    owner: TypeDefinition, element: ElementDefinition, kind: str, targets: tuple[str, ...]
) -> Check:
    if owner.name == "Reference":
        if element.name == "reference":
            return _reference_check(targets)
        if element.name == "type":
            return (frozenset(targets) or definitions.resource_types()).__contains__
    if element.binding is not None and element.binding.codes is not None:
        return element.binding.codes.__contains__
    if kind in _CHECKS:
        return _CHECKS[kind]
    if kind in ("uri", "canonical", "code"):
        return _memo(kind).__getitem__
    if kind in primitives.RANGES or kind == "base64Binary":
        return lambda value: primitives.is_valid(kind, value)
    return re.compile(primitives.PATTERNS[kind]).fullmatch


@cache
def _memo(kind: str) -> _Memo:
    return _Memo(kind)


@cache
def _reference_check(targets: tuple[str, ...]) -> Check:
    """Relative, conditional and urn:uuid references; other forms are left to the checker."""
    types = "|".join(targets or sorted(definitions.resource_types()))
    return re.compile(f"urn:uuid:{_UUID}|(?:{types})(?:/{_ID}|\\?[^\\s]+)").fullmatch


def _is_text(value: str) -> bool:
    return (
        value.__class__ is str
        and 0 < len(value) <= primitives.TEXT_LENGTH_MAX
        and (value.isprintable() or primitives.has_format("string", value))
    )


def _is_boolean(value: object) -> bool:
    return value is True or value is False


def _is_decimal(value: Any) -> bool:
    if value.__class__ is float:
        return isfinite(value)
    return value.__class__ is int or (value.__class__ is Decimal and value.is_finite())


_CHECKS: dict[str, Check] = {
    "boolean": _is_boolean,
    "decimal": _is_decimal,
    "markdown": _is_text,
    "string": _is_text,
}
