"""Pure. What is known of a FHIR type: its elements, their types, cardinality and bindings.

Backbone elements are types of their own, named by their path (`Patient.contact`), so one walk
serves resources, datatypes and backbones alike.
FHIR R4 4.0.1, https://hl7.org/fhir/R4/elementdefinition.html.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSetBinding:
    """The value set an element is bound to."""

    strength: str
    """required, extensible, preferred or example."""
    url: str
    """Canonical URL without version; empty when the definition only describes the set."""
    codes: frozenset[str] | None = None
    """All codes of a required binding; None for other strengths and for open sets (mime types)."""
    codings: frozenset[tuple[str, str]] | None = None
    """The same codes as (system, code), for elements that are not of type code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementDefinition:
    """One element of a type."""

    name: str
    """Without `[x]`."""
    types: tuple[str, ...]
    """Type names; a backbone element has the type named by its path."""
    min: int = 0
    max_many: bool = False
    choice: bool = False
    """True for `value[x]`: the JSON key is the name with the type appended."""
    binding: ValueSetBinding | None = None
    targets: tuple[str, ...] = ()
    """Resource types a Reference may point to; empty: any."""
    attribute: bool = False
    """`id` and `Extension.url`: plain strings that cannot carry extensions (no `_id`)."""
    content_reference: str | None = None
    """The path whose definition is reused (`Questionnaire.item`); then it is the type too."""

    def json_keys(self) -> dict[str, str]:
        """JSON key to type: one entry, or one for each type of a choice."""
        if not self.choice:
            return {self.name: self.types[0]}
        return {self.name + kind[0].upper() + kind[1:]: kind for kind in self.types}


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDefinition:
    """A resource, a datatype, a backbone element or a primitive."""

    name: str
    kind: str
    """resource, complex or primitive."""
    elements: dict[str, ElementDefinition]
    """By name without `[x]`, in the order of the specification; inherited ones included."""
    keys: dict[str, tuple[ElementDefinition, str]]
    """JSON key to its element and type, so `valueQuantity` is found at once."""
