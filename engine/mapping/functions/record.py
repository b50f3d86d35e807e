"""Pure. What a named function of the mapping language is: a record that describes itself.

The checker reads `accepts` and `returns`, the documentation prints the rest, the tests run
`examples`, the compiler calls `body`. Adding a function is one record in one file of this package.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from engine.diagnostics import Code


class Facts(Protocol):
    """What a body may know of the channel and the message, and where it reports."""

    time_zone: str | None
    """IANA zone for times without an offset."""
    header_offset_minutes: int | None
    """Offset of MSH-7, the default of the whole message (HL7 v2.5.1 ch. 2.A.22)."""
    authorities: dict[str, str]
    """Assigning authority or coding system, by name or OID, to its URI."""
    source_system: str
    memory: dict[tuple[Any, ...], Any]
    """What texts became that come again in most messages of the feed: codes, units, ranges."""
    made: list[Any]
    """Resources put in the bundle so far."""
    document: Any
    """Of a document: `mapping.documents.run.DocumentSide`; None for a message."""

    def fault(self, code: Code, **values: object) -> None:
        """Report a problem with the value at hand; the caller adds its place and the rule's."""

    def fault_once(self, code: Code, about: str) -> None:
        """The same, but reported once a message for each `about` (which is not shown)."""


class Kind(Enum):
    """What a parameter is given."""

    TEXT = "text"
    """One decoded value: of a composite its first component."""
    COMPOSITE = "composite"
    """The decoded components as a list of texts, without the empty ones at the end."""
    LINE = "line"
    """One decoded value as it stands: blanks are kept, and an empty one is a line too."""
    VALUE = "value"
    """Whatever the expression makes: text, number, true or false, an R4 object."""
    NODE = "node"
    """An element of a document."""
    RESOURCE = "resource"
    """A resource made earlier, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter, in the order of the body's arguments."""

    name: str
    doc: str
    kind: Kind = Kind.TEXT
    required: bool = True
    many: bool = False
    """The last parameter may take any number of values; the body gets them as more arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call and its result; `result` None: it yields nothing. `fault` is the code reported."""

    arguments: tuple[Any, ...]
    result: Any
    fault: str | None = None
    time_zone: str | None = None
    authorities: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRecord:
    """A named function.

    `body` takes the arguments by position in the order of `parameters` (None for one that is not
    given or empty), after the facts when `uses_facts`. It returns None when it yields nothing, and
    raises nothing.
    """

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    returns: tuple[str, ...]
    """R4 types the result fits. `text` fits every type written as a JSON string."""
    accepts: tuple[str, ...] = ()
    """HL7 datatypes of the first parameter; empty: any."""
    examples: tuple[Example, ...]
    body: Callable[..., Any] = field(repr=False)
    uses_facts: bool = False
    takes_absent: bool = False
    """Called even when nothing is populated."""
    varies: bool = False
    """The result depends on more than the arguments, or a problem is reported only once."""
    remembered: bool = False
    """The same texts come in most messages of a feed: what two fields make is kept. It reads
    nothing else that differs between messages, and yields an object."""
    yields_list: bool = False
    """The result is a list; an append target takes each item."""

    @property
    def is_scalar(self) -> bool:
        """True when the result may be 0 or false, which are values and not nothing."""
        return bool(SCALAR_TYPES & set(self.returns)) or "any" in self.returns


SCALAR_TYPES = frozenset({"boolean", "integer", "decimal", "positiveInt", "unsignedInt"})

TEXT_TYPES = ("text",)
