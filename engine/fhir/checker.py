"""Pure. The full check of a resource against R4: every problem, each with its exact path.

One walk over the JSON and the definitions together. It is the reference: `fhir.compiled` is a fast
gate that asks here whenever it is in doubt. Diagnostics name paths, types and value sets, never
values. FHIR R4 4.0.1, https://hl7.org/fhir/R4/json.html and the definitions of each type.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.diagnostics import Code, Diagnostic, Place, did_you_mean
from engine.fhir import codes, definitions, primitives
from engine.fhir.definitions.model import ElementDefinition, TypeDefinition, ValueSetBinding
from engine.fhir.invariants import NAME_RULES, VALUE_RULES
from engine.fhir.references import FRAGMENT, ReferenceForm, read_reference

DEPTH_MAX = 50
PROBLEMS_MAX = 100
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(slots=True)
class _Findings:
    """What one walk has found so far."""

    problems: list[Diagnostic] = field(default_factory=list)
    fragments: list[tuple[str, str]] = field(default_factory=list)
    """(path, id) of each reference to a contained resource."""

    def add(self, code: Code, path: str, hint: str | None = None, **values: object) -> None:
        """Note a problem, up to the limit and one more that says so."""
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(code(Place(path=path), hint=hint, **values))
        elif len(self.problems) == PROBLEMS_MAX:
            self.problems.append(codes.MORE_PROBLEMS(Place(path=path), limit=PROBLEMS_MAX))


def check(resource: object) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with a resource; empty when nothing is.

    Args:
        resource: a resource as JSON values (dict, list, str, int, float, Decimal, bool, None).
    """
    findings = _Findings()
    _check_resource(resource, "", 0, findings)
    return tuple(findings.problems)


def _check_resource(value: object, path: str, depth: int, findings: _Findings) -> None:
    """A resource at the top, contained, or in an entry of a Bundle or a parameter."""
    if not isinstance(value, dict):
        findings.add(codes.WRONG_TYPE, path, type="Resource")
        return
    name = value.get("resourceType")
    definition = definitions.type_definition(name) if isinstance(name, str) else None
    if definition is None or definition.kind != "resource":
        hint = did_you_mean(name, definitions.resource_types()) if isinstance(name, str) else None
        findings.add(codes.UNKNOWN_RESOURCE, f"{path}.resourceType".lstrip("."), hint)
        return
    path = path or definition.name
    outer = findings.fragments
    findings.fragments = []
    _check_object(value, definition, path, depth, findings)
    contained = value.get("contained")
    known = set()
    for each in contained if isinstance(contained, list) else []:
        identity = each.get("id") if isinstance(each, dict) else None
        if isinstance(identity, str):
            known.add(identity)
    if path.rpartition(".")[2].startswith("contained["):
        outer.extend(findings.fragments)  # resolved in the resource around it
    else:
        for place, identity in findings.fragments:
            if identity and identity not in known:
                findings.add(codes.UNKNOWN_FRAGMENT, place)
    findings.fragments = outer


def _check_object(
    value: dict[str, Any], definition: TypeDefinition, path: str, depth: int, findings: _Findings
) -> None:
    """A resource, datatype or backbone element, known to be an object."""
    if depth > DEPTH_MAX:
        findings.add(codes.TOO_DEEP, path, limit=DEPTH_MAX)
        return
    if not value:
        findings.add(codes.EMPTY, path)
        return
    present: dict[str, str] = {}
    for key, item in value.items():
        known = definition.keys.get(key.removeprefix("_"))
        if known is None or (key[0] == "_" and not _is_extensible(*known)):
            if key != "resourceType" or definition.kind != "resource":
                _unknown_element(key, definition, path, findings)
            continue
        element, kind = known
        name = key.removeprefix("_")
        if present.setdefault(element.name, name) != name:
            findings.add(codes.CHOICE_TWICE, f"{path}.{name}", name=element.name)
            continue
        if key[0] == "_":
            _check_primitive_extension(value, key, element, path, depth, findings)
        else:
            _check_element(item, element, kind, f"{path}.{key}", depth, findings, value)
    for name, element in definition.elements.items():
        if element.min and name not in present:
            shown = f"{name}[x]" if element.choice else name
            findings.add(codes.MISSING, f"{path}.{shown}", type=definition.name, name=shown)
    if definition.name == "Extension":
        _check_extension(value, path, findings)
    _check_invariants(value, definition.name, present, path, findings)


def _is_extensible(element: ElementDefinition, kind: str) -> bool:
    """True when the element may have a `_name` beside it."""
    definition = definitions.type_definition(kind)
    return definition is not None and definition.kind == "primitive" and not element.attribute


def _unknown_element(key: str, definition: TypeDefinition, path: str, findings: _Findings) -> None:
    name = key.removeprefix("_")
    element = definition.elements.get(name)
    if element is not None and element.choice:
        hint: str | None = f"add the type to the name, such as {next(iter(element.json_keys()))}"
    else:
        hint = did_you_mean(name, definition.keys)
    # A key that is not a name may be a value put in the wrong place.
    shown = key if _NAME.fullmatch(key) else "?"
    findings.add(codes.UNKNOWN_ELEMENT, f"{path}.{shown}", hint, type=definition.name)


def _check_element(
    item: object,
    element: ElementDefinition,
    kind: str,
    path: str,
    depth: int,
    findings: _Findings,
    parent: Mapping[str, Any],
) -> None:
    """One key with its value: list or not, then each value."""
    if item is None or item == []:
        findings.add(codes.EMPTY, path)
    elif not element.max_many:
        if isinstance(item, list):
            findings.add(codes.LIST_UNEXPECTED, path)
        else:
            _check_value(item, element, kind, path, depth, findings)
    elif not isinstance(item, list):
        findings.add(codes.LIST_EXPECTED, path)
    else:
        gaps_allowed = "_" + path.rpartition(".")[2] in parent
        for index, each in enumerate(item):
            if each is not None or not gaps_allowed:
                _check_value(each, element, kind, f"{path}[{index}]", depth, findings)


def _check_value(
    value: object,
    element: ElementDefinition,
    kind: str,
    path: str,
    depth: int,
    findings: _Findings,
) -> None:
    """One value of an element, known not to be a list of them."""
    if kind == "Resource":
        _check_contained(value, path, depth, findings)
        return
    definition = definitions.type_definition(kind)
    if definition is None:
        raise KeyError(kind)
    if value is None or value == "":
        findings.add(codes.EMPTY, path)
    elif definition.kind == "primitive":
        _check_primitive(value, kind, element.binding, path, findings)
    elif not isinstance(value, dict):
        findings.add(codes.WRONG_TYPE, path, type=kind)
    else:
        _check_object(value, definition, path, depth + 1, findings)
        if kind == "Reference":
            _check_reference(value, element.targets, path, findings)
        elif element.binding is not None and element.binding.codings is not None:
            _check_concept(value, kind, element.binding, path, findings)


def _check_primitive(
    value: object, kind: str, binding: ValueSetBinding | None, path: str, findings: _Findings
) -> None:
    if not primitives.has_json_type(kind, value):
        findings.add(codes.WRONG_TYPE, path, type=kind)
    elif not primitives.has_format(kind, value):
        findings.add(codes.BAD_FORMAT, path, type=kind)
    elif binding is not None and binding.codes is not None and value not in binding.codes:
        findings.add(codes.NOT_IN_VALUE_SET, path, url=binding.url)


def _check_contained(value: object, path: str, depth: int, findings: _Findings) -> None:
    if depth >= DEPTH_MAX:
        findings.add(codes.TOO_DEEP, path, limit=DEPTH_MAX)
        return
    _check_resource(value, path, depth + 1, findings)
    if (
        path.rpartition(".")[2].startswith("contained[")
        and isinstance(value, dict)
        and ("id" not in value or "contained" in value)
    ):
        findings.add(codes.CONTAINED, path)


def _check_reference(
    value: dict[str, Any], targets: tuple[str, ...], path: str, findings: _Findings
) -> None:
    """The form of a literal reference, and whether its target's type is allowed here."""
    text = value.get("reference")
    named = value.get("type")
    found: str | None = None
    if isinstance(text, str) and text:
        form, found = read_reference(text)
        if form is ReferenceForm.UNREADABLE:
            findings.add(codes.BAD_REFERENCE, f"{path}.reference")
        elif form is ReferenceForm.FRAGMENT:
            findings.fragments.append((f"{path}.reference", text.removeprefix(FRAGMENT)))
    if found is None and isinstance(named, str) and named in definitions.resource_types():
        found = named
    if found is not None and targets and found not in targets:
        hint = f"the element may point to: {', '.join(targets)}"
        findings.add(codes.WRONG_TARGET, path, hint, type=found)


def _check_concept(
    value: dict[str, Any], kind: str, binding: ValueSetBinding, path: str, findings: _Findings
) -> None:
    """A CodeableConcept or Coding with a required binding: one coding must be of the value set."""
    codings = value.get("coding") if kind == "CodeableConcept" else [value]
    allowed = binding.codings or frozenset()
    for coding in codings if isinstance(codings, list) else []:
        if not isinstance(coding, dict):
            continue
        system, code = coding.get("system"), coding.get("code")
        if isinstance(system, str) and isinstance(code, str) and (system, code) in allowed:
            return
    findings.add(codes.NOT_IN_VALUE_SET, path, url=binding.url)


def _check_extension(value: dict[str, Any], path: str, findings: _Findings) -> None:
    """R4 ext-1: a value or nested extensions, not both, not neither."""
    has_value = any(key.startswith(("value", "_value")) for key in value)
    if has_value == ("extension" in value):
        findings.add(codes.EXTENSION, path)


def _check_invariants(
    value: dict[str, Any], kind: str, present: Mapping[str, str], path: str, findings: _Findings
) -> None:
    for rule in NAME_RULES.get(kind, ()):
        if not rule.holds(present.keys()):
            place = f"{path}.{present.get(rule.at, rule.at)}" if rule.at else path
            findings.add(codes.INVARIANT, place, key=rule.key, text=rule.text)
    for value_rule in VALUE_RULES.get(kind, ()):
        fault = value_rule.fault(value)
        if fault is not None:
            place = f"{path}.{fault}"
            findings.add(codes.INVARIANT, place, key=value_rule.key, text=value_rule.text)


def _check_primitive_extension(
    parent: dict[str, Any],
    key: str,
    element: ElementDefinition,
    path: str,
    depth: int,
    findings: _Findings,
) -> None:
    """`_name` beside a primitive `name`: an Element, or a list of them and nulls."""
    item = parent[key]
    values = parent.get(key[1:])
    path = f"{path}.{key}"
    if item is None or item == []:
        findings.add(codes.EMPTY, path)
    elif not element.max_many:
        _check_extensions_of_one(item, path, depth, findings)
    elif not isinstance(item, list):
        findings.add(codes.LIST_EXPECTED, path)
    else:
        partners = values if isinstance(values, list) else [None] * len(item)
        if len(partners) != len(item) or any(
            one is None and other is None for one, other in zip(item, partners, strict=True)
        ):
            findings.add(codes.UNALIGNED, path)
            return
        for index, each in enumerate(item):
            if each is not None:
                _check_extensions_of_one(each, f"{path}[{index}]", depth, findings)


def _check_extensions_of_one(value: object, path: str, depth: int, findings: _Findings) -> None:
    definition = definitions.type_definition("Element")
    if not isinstance(value, dict):
        findings.add(codes.WRONG_TYPE, path, type="Element")
    elif definition is not None:
        _check_object(value, definition, path, depth + 1, findings)
