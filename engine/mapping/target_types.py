"""Pure. What R4 says about the element a rule writes, as far as code generation needs it.

Whether a target is right is the checker's business; here an unknown element simply has no type.
"""

from dataclasses import dataclass

from engine.fhir import definitions
from engine.mapping.syntax import TargetPart

NUMBER_FUNCTIONS = {
    "integer": "integer",
    "positiveInt": "positive_int",
    "unsignedInt": "integer",
    "decimal": "decimal",
    "boolean": "yes_no",
}
"""Types that plain text is converted to without being told, and by which function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetType:
    """Type names of an element (one, unless it is a choice), and whether its codes are bound."""

    names: tuple[str, ...] = ()
    is_required_binding: bool = False

    @property
    def name(self) -> str:
        """The only type, or an empty text."""
        return self.names[0] if len(self.names) == 1 else ""


UNKNOWN = TargetType()


def root_type(name: str) -> TargetType:
    """The type a map makes: `CodeableConcept` of `CodeableConcept`, `string` of `string-Unit`."""
    return TargetType(names=(name.partition("-")[0],)) if name else UNKNOWN


def element_type(parent: TargetType, name: str) -> TargetType:
    """The type of an element below a type; for a choice the JSON key or the name without `[x]`."""
    if not parent.name or name == "$this":
        return parent if name == "$this" else UNKNOWN
    found = definitions.element(parent.name, name.removeprefix("_"))
    if found is None:
        return UNKNOWN
    binding = found.binding
    required = binding is not None and binding.strength == "required"
    if found.content_reference and not found.types:
        return TargetType(names=(found.content_reference.lstrip("#"),))
    return TargetType(names=found.types, is_required_binding=required)


def choice_type(parent: TargetType, name: str, chosen: str) -> TargetType:
    """The type of one item of a choice."""
    return element_type(parent, choice_key(name, chosen))


def choice_key(name: str, chosen: str) -> str:
    """`valueQuantity` of `value` and `Quantity`."""
    return name + chosen[:1].upper() + chosen[1:]


def is_primitive(kind: TargetType) -> bool:
    """True for `string`, `code`, `date` and the like."""
    return bool(kind.name) and kind.name[0].islower() and "." not in kind.name


def json_names(root: TargetType, parts: tuple[TargetPart, ...]) -> tuple[str, ...]:
    """The JSON keys of a target: below a primitive the key begins with an underscore."""
    found: list[str] = []
    kind = root
    for index, part in enumerate(parts):
        kind = element_type(kind, part.name)
        below = index < len(parts) - 1
        found.append(f"_{part.name}" if below and is_primitive(kind) else part.name)
        if below and is_primitive(kind):
            kind = TargetType(names=("Element",))
    return tuple(found)
