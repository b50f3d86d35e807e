"""Pure. Checks targets against FHIR R4: the element, its cardinality, what may be put in it.

FHIR R4 4.0.1, https://hl7.org/fhir/R4/datatypes.html. An HL7 value goes into a text element as it
is (a composite by its first component); into anything else only by a map, a table or a function.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.fhir import primitives
from engine.fhir.definitions import type_definition
from engine.fhir.definitions.model import ElementDefinition
from engine.mapping import codes
from engine.mapping.checker.checker_source import which_repetition
from engine.mapping.checker.given import Given
from engine.mapping.source_types import (
    ANY_TYPE,
    NUMBER_TYPES,
    TIME_TYPES,
    datatype_exists,
    segment_exists,
    serves,
)
from engine.mapping.syntax import Target, TargetPart
from engine.mapping.terminology import Unmapped

CHOICES_SHOWN = 12
TEXT_LIKE = frozenset(
    {"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid"}
)
_FREE_TEXT = frozenset({"string", "markdown"})
_WHOLE_NUMBERS = frozenset({"integer", "positiveInt", "unsignedInt"})
_QUANTITIES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration"})
_CODED = frozenset({"code", "Coding", "CodeableConcept"})
_ANY_FHIR = frozenset({"any", "*", "element"})
_WIDENING = {
    "dateTime": frozenset({"date", "instant"}),
    "decimal": _WHOLE_NUMBERS,
    "integer": _WHOLE_NUMBERS,
    "positiveInt": _WHOLE_NUMBERS,
    "unsignedInt": _WHOLE_NUMBERS,
}
"""FHIR types that may be given where the key is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Where a rule writes: the element at the end of a target."""

    owner: str
    """The type the element belongs to, such as `Patient.contact`."""
    text: str
    """The target as shown: `Patient.contact.name`."""
    types: tuple[str, ...]
    many: bool
    """True when the rule may yield several values."""
    element: ElementDefinition | None = None


def find_slot(owner: str, target: Target, shown: str) -> tuple[Slot | None, list[Diagnostic]]:
    """The element a target names, walking from the type `owner`.

    Args:
        owner: a FHIR type name.
        target: what the rule fills.
        shown: how `owner` is called in messages.

    Returns:
        None with the problem when the target does not exist or is not written as it must be.
    """
    if target.parts[0].name == "$this":
        return Slot(owner=owner, text=shown, types=(owner,), many=False), []
    current, path = owner, shown
    slot: Slot | None = None
    for index, part in enumerate(target.parts):
        last = index == len(target.parts) - 1
        element, problem = _element(current, part, path, target)
        if element is None:
            return None, [problem] if problem else []
        path = f"{path}.{part.name}"
        problem = _check_form(element, part, path, target.place, last=last)
        if problem is not None:
            return None, [problem]
        many = element.max_many and (part.append or (last and part.label is not None))
        slot = Slot(
            owner=current,
            text=path,
            types=element.types,
            many=many and part.append,
            element=element,
        )
        if not last:
            if element.choice or len(element.types) != 1:
                return None, [codes.CHOICE_NEEDED(target.place, target=path)]
            current = element.types[0]
    return slot, []


def _element(
    owner: str, part: TargetPart, path: str, target: Target
) -> tuple[ElementDefinition | None, Diagnostic | None]:
    definition = type_definition(owner)
    if definition is None:
        return None, None
    element = element_of(owner, part.name)
    if element is not None:
        return element, None
    hint = did_you_mean(part.name, (*definition.elements, *definition.keys))
    if hint is None:
        known = [name for name in definition.elements if name not in _PLUMBING]
        hint = f"known: {', '.join(known[:CHOICES_SHOWN] or _ON_PRIMITIVES)}"
    return None, codes.UNKNOWN_ELEMENT(target.place, owner=path, name=part.name, hint=hint)


def element_of(owner: str, name: str) -> ElementDefinition | None:
    """The element of a type by its name or by the JSON key of one type of a choice.

    `valueString` is the choice `value` narrowed to that type. A primitive may have an `extension`
    and an `id`, https://hl7.org/fhir/R4/json.html#primitive.
    """
    definition = type_definition(owner)
    if definition is None:
        return None
    if definition.kind == "primitive":
        string = type_definition("Extension")
        return string.elements.get(name) if string and name in _ON_PRIMITIVES else None
    found = definition.elements.get(name)
    if found is None and name in definition.keys:
        whole, kind = definition.keys[name]
        return replace(whole, types=(kind,), choice=False)
    return found


_ON_PRIMITIVES = ("id", "extension")
_PLUMBING = frozenset({"id", "meta", "implicitRules", "language", "text", "contained"})


def _check_form(
    element: ElementDefinition, part: TargetPart, path: str, place: Place, *, last: bool
) -> Diagnostic | None:
    """`[]`, `[x]` and `[label]` as the element's cardinality and choice demand."""
    if (part.append or part.label) and not element.max_many:
        return codes.ONE_ONLY(place, target=path)
    if element.max_many and not (part.append or part.label):
        return codes.LIST_NEEDED(place, target=path)
    if part.choice and not element.choice:
        hint = f"{path} has one type: write `{part.name}`"
        return codes.NOT_A_CHOICE(
            place, target=path, given="a choice", known=", ".join(element.types), hint=hint
        )
    if last and element.choice and not part.choice:
        return codes.CHOICE_NEEDED(place, target=path)
    return None


def check_value(slot: Slot, given: Given, place: Place) -> list[Diagnostic]:
    """Check one value against the element it goes into."""
    found: list[Diagnostic] = []
    if given.many and not slot.many:
        found.append(which_repetition(place, given.what or "this"))
    if not given.known or any(fits(wanted, given) for wanted in slot.types):
        found.extend(check_binding(slot, given, place))
        found.extend(_check_reference(slot, given, place))
        return found
    wanted = " or ".join(slot.types[:CHOICES_SHOWN])
    if given.is_text_literal and given.literal is not None and slot.types[0] in primitives.PATTERNS:
        value = given.literal.value
        return [*found, codes.BAD_LITERAL(place, value=value, wanted=slot.types[0])]
    return [*found, codes.WRONG_TYPE(place, target=slot.text, wanted=wanted, given=given)]


def fits(wanted: str, given: Given) -> bool:
    """True when what is given can be, as it is, a value of the type `wanted`.

    Args:
        wanted: a FHIR type; for a parameter also a segment, an HL7 datatype, or `text`.
        given: what there is.
    """
    if wanted == "text":
        return not (given.resource or given.segment or given.groups)
    if segment_exists(wanted):
        return given.segment == wanted
    if datatype_exists(wanted):
        return bool(given.datatypes) and serves(wanted, given.datatypes)
    if given.literal is not None:
        return _literal_fits(wanted, given.literal.value)
    if given.table is not None:
        return wanted in _CODED or wanted in _FREE_TEXT or wanted in TEXT_LIKE
    if given.fhir:
        return any(_fhir_fits(wanted, one) for one in given.fhir)
    if given.datatypes:
        return _hl7_fits(wanted, given.datatypes)
    return False


def _literal_fits(wanted: str, value: str | int | float | bool) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    if isinstance(value, int):
        return wanted in _WHOLE_NUMBERS or wanted == "decimal"
    if isinstance(value, float):
        return wanted == "decimal"
    return wanted in primitives.PATTERNS and primitives.is_valid(wanted, value)


def _fhir_fits(wanted: str, given: str) -> bool:
    if given == wanted or given in _ANY_FHIR:
        return True
    if given == "text":
        return wanted in primitives.PATTERNS or wanted == "base64Binary"
    if given in TEXT_LIKE:
        return wanted in TEXT_LIKE
    if given in _QUANTITIES and wanted in _QUANTITIES:
        return True
    if given in TIMES and wanted in _FREE_TEXT:
        return True
    return given in _WIDENING.get(wanted, frozenset())


TIMES = frozenset({"date", "dateTime", "instant", "time"})


def _hl7_fits(wanted: str, datatypes: tuple[str, ...]) -> bool:
    if any(datatype in ANY_TYPE for datatype in datatypes):
        return True
    if wanted in _FREE_TEXT:
        return True
    if wanted in TEXT_LIKE:
        return not all(datatype in TIME_TYPES for datatype in datatypes)
    if wanted in _WHOLE_NUMBERS or wanted == "decimal":
        return any(datatype in NUMBER_TYPES for datatype in datatypes)
    return False


def check_binding(slot: Slot, given: Given, place: Place) -> list[Diagnostic]:
    """Literals and table rows against a required binding."""
    binding = slot.element.binding if slot.element else None
    if binding is None or binding.codes is None:
        return []
    known = ", ".join(sorted(binding.codes)[:CHOICES_SHOWN])
    if given.is_text_literal and given.literal is not None:
        value = str(given.literal.value)
        if value in binding.codes:
            return []
        hint = did_you_mean(value, binding.codes)
        return [
            codes.NOT_IN_BINDING(place, value=value, target=slot.text, known=known, hint=hint)
            if hint
            else codes.NOT_IN_BINDING(
                place, value=value, target=slot.text, known=known, hint=f"one of: {known}"
            )
        ]
    if given.table is None:
        return []
    return _check_table(slot, given, place, binding.codes)


def _check_table(
    slot: Slot, given: Given, place: Place, allowed: frozenset[str]
) -> list[Diagnostic]:
    assert given.table is not None  # noqa: S101  the caller asked
    found: list[Diagnostic] = []
    reported: set[str] = set()
    for row in given.table.rows:
        value = row.target_code
        if not value or value in allowed or value in reported:
            continue
        reported.add(value)
        near = did_you_mean(value, allowed)
        hint = f"{row.file}:{row.line}" + (f": {near}" if near else ": correct the row")
        found.append(
            codes.TABLE_NOT_IN_BINDING(
                place, table=given.table.name, value=value, target=slot.text, hint=hint
            )
        )
    policy = given.unmapped
    policies = {one.value for one in Unmapped}
    known = ", ".join(sorted(allowed)[:CHOICES_SHOWN])
    if policy in ("keep", "text") and slot.types == ("code",):
        found.append(codes.UNMAPPED_KEPT(place, policy=policy, target=slot.text))
    elif policy is not None and policy not in policies and policy not in allowed:
        hint = did_you_mean(policy, {*allowed, *policies}) or f"one of: {known}"
        found.append(
            codes.NOT_IN_BINDING(place, value=policy, target=slot.text, known=known, hint=hint)
        )
    return found


def _check_reference(slot: Slot, given: Given, place: Place) -> list[Diagnostic]:
    allowed = slot.element.targets if slot.element else ()
    if "Reference" not in slot.types or not given.references or not allowed:
        return []
    if "Resource" in allowed or set(given.references) & set(allowed):
        return []
    return [
        codes.WRONG_REFERENCE(
            place,
            target=slot.text,
            given=" or ".join(given.references),
            known=", ".join(allowed),
            hint=f"it refers to {', '.join(allowed)}",
        )
    ]


def missing_elements(type_name: str, filled: Iterable[str]) -> list[str]:
    """The elements a type requires that are not among the names filled."""
    definition = type_definition(type_name)
    if definition is None:
        return []
    names = set(filled)
    return [
        name
        for name, element in definition.elements.items()
        if element.min > 0 and name not in names
    ]
