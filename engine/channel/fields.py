"""Pure. What an option is: one specification for lint, defaults, documentation and JSON Schema.

A `ComponentSpec` describes one YAML mapping and the model class made from it; a `FieldSpec` one
option in it. Defaults are never written here: they are the defaults of the model's attributes, so
file, documentation and engine cannot drift apart.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.diagnostics import Diagnostic, Place


class Kind(Enum):
    """The form a value has in YAML; the value says it in words."""

    TEXT = "text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    CHOICE = "one of the known words"
    SECRET = "a secret reference"  # noqa: S105  words, not a secret
    TEXT_OR_SECRET = "text or a secret reference"  # noqa: S105  words, not a secret
    LIST = "a list"
    TABLE = "names and values"
    OBJECT = "a group of options"
    ONE_OF = "exactly one type and its options"


Form = Callable[[str], str | None]
"""Checks one text: None when it is well formed, else what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One option."""

    name: str
    """As written in YAML."""
    description: str
    """One sentence for documentation and for the editor."""
    kind: Kind = Kind.TEXT
    example: str | None = None
    required: bool = False
    attribute: str | None = None
    """The model's attribute, when it is not `name`."""
    scale: float = 1.0
    """NUMBER: the model's value is what is written times this (hours to seconds)."""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    form: Form | None = None
    """TEXT: what it must look like."""
    form_name: str = ""
    """What `form` demands, in words: `a CIDR network`."""
    environment: bool = False
    """May hold `${env:NAME}`."""
    item: "FieldSpec | None" = None
    """LIST and TABLE: the specification of an entry (of its value)."""
    key_form: Form | None = None
    """TABLE: what a key must look like."""
    component: "ComponentSpec | None" = None
    """OBJECT."""
    variants: tuple["ComponentSpec", ...] = ()
    """ONE_OF: the types, told apart by their key."""
    convert: Callable[[Any], Any] | None = None
    """Turns the read value into the model's (an enum, a frozenset, another class)."""

    @property
    def target(self) -> str:
        """The model's attribute."""
        return self.attribute or self.name


Values = dict[str, Any]
PlaceOf = Callable[[str], Place]
"""The place of an option by its name; of the whole component when it is not written."""
ComponentCheck = Callable[[Values, PlaceOf], list[Diagnostic]]
"""Checks options against each other: what was read by attribute, with defaults filled in.

A required option that is missing or wrong is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSpec:
    """A group of options and the frozen model class made of them."""

    key: str
    """The YAML key it stands under, such as `mllp`."""
    title: str
    """In words, such as `the MLLP listener`."""
    summary: str
    model: type
    fields: tuple[FieldSpec, ...]
    checks: tuple[ComponentCheck, ...] = ()

    def field(self, name: str) -> FieldSpec | None:
        """The option of that name, or None."""
        for found in self.fields:
            if found.name == name:
                return found
        return None


NO_DEFAULT = object()


def default_of(component: ComponentSpec, field: FieldSpec) -> Any:
    """The model's own default for an option, or NO_DEFAULT when the model demands a value."""
    for attribute in dataclasses.fields(component.model):
        if attribute.name == field.target:
            if attribute.default is not dataclasses.MISSING:
                return attribute.default
            if attribute.default_factory is not dataclasses.MISSING:
                return attribute.default_factory()
            return NO_DEFAULT
    raise KeyError(f"{component.model.__name__} has no attribute {field.target}")


def default_text(component: ComponentSpec, field: FieldSpec) -> str:
    """The default as one would write it in YAML; empty when there is none to show."""
    value = default_of(component, field)
    if value is NO_DEFAULT or value is None or field.kind in (Kind.OBJECT, Kind.ONE_OF):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, frozenset):
        return f"[{', '.join(sorted(value))}]"
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]" if value else ""
    if isinstance(value, int | float):
        written = value / field.scale
        return str(int(written)) if written == int(written) else str(written)
    return str(value) if isinstance(value, str) else ""
