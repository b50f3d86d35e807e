"""Pure. What an expression will yield, as far as that is known before any message is seen."""

from dataclasses import dataclass

from engine.hl7v2.definitions import GroupDefinition
from engine.mapping.syntax import Literal
from engine.mapping.terminology import CodeTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The static type of an expression; with nothing set nothing is known and all is allowed."""

    datatypes: tuple[str, ...] = ()
    """HL7 datatypes the source has had, newest first."""
    segment: str | None = None
    """A whole segment."""
    classes: tuple[str, ...] = ()
    """An element of a document: the classes it may have."""
    groups: tuple[GroupDefinition, ...] = ()
    """A group of a message: its definition in each version that has it."""
    fhir: tuple[str, ...] = ()
    """FHIR types it may have, `text` among them for plain text."""
    resource: str | None = None
    """A resource, not yet a Reference to it."""
    references: tuple[str, ...] = ()
    """For a Reference: the resource types it points to; empty: not known."""
    table: CodeTable | None = None
    """It comes from this table, and fits code, Coding and CodeableConcept."""
    unmapped: str | None = None
    """The table step's policy for codes without a row, when it is written."""
    literal: Literal | None = None
    many: bool = False
    """It repeats, and the expression does not say which repetition is meant."""
    every: bool = False
    """All repetitions are meant: `[*]`."""
    what: str = ""
    """The source in words, for messages: `PID-3`."""

    @property
    def known(self) -> bool:
        """False when nothing is known of its type."""
        return bool(
            self.datatypes
            or self.segment
            or self.fhir
            or self.resource
            or self.table
            or self.literal
            or self.groups
        )

    def __str__(self) -> str:
        """In words: `the datatype CX of PID-3`."""
        of = f" ({self.what})" if self.what else ""
        if self.literal is not None:
            value = self.literal.value
            return f'"{value}"' if isinstance(value, str) else str(value).lower()
        if self.table is not None:
            return f"a code of table {self.table.name}"
        if self.resource is not None:
            return f"the resource {self.resource}"
        if self.segment is not None:
            return f"the segment {self.segment}"
        if self.classes:
            return f"the CDA class {self.classes[0]}{of}"
        if self.groups:
            return f"the group {self.groups[0].name}"
        if self.datatypes:
            return f"the HL7 datatype {self.datatypes[0]}{of}"
        return " or ".join(self.fhir) or "a value"

    @property
    def is_text_literal(self) -> bool:
        """True for a literal in quotes, or a bare word."""
        return self.literal is not None and isinstance(self.literal.value, str)


UNKNOWN = Given()
