"""Pure. Functions on references and telephone numbers.

XTN sends a number in one piece (XTN.1, XTN.12) or in pieces (XTN.5 to XTN.8); HL7 v2.5.1 ch.
2.A.89.
"""

from types import SimpleNamespace
from typing import Protocol

from engine.mapping.functions.record import (
    TEXT_TYPES,
    Example,
    FunctionRecord,
    Kind,
    Parameter,
)


class Referable(Protocol):
    """A resource that has an id."""

    reference: dict[str, str]


def reference(resource: Referable | None) -> dict[str, str] | None:
    """A Reference to a resource of this bundle; a Reference is passed on."""
    if resource is None:
        return None
    return resource if isinstance(resource, dict) else resource.reference


def phone_number(
    country: str | None, area: str | None, number: str | None, extension: str | None
) -> str | None:
    """A telephone number in one piece: `+1 313 555-1212 ext. 45`; nothing without the number."""
    if not number:
        return None
    pieces: list[str] = []
    if country:
        pieces.append(country if country.startswith("+") else f"+{country}")
    if area:
        pieces.append(area)
    pieces.append(number)
    if extension:
        pieces.append(f"ext. {extension}")
    return " ".join(pieces)


def _optional(name: str, doc: str) -> Parameter:
    return Parameter(name=name, doc=doc, required=False)


RECORDS = (
    FunctionRecord(
        name="reference",
        doc="A Reference to a resource made earlier; nothing when it was not made.",
        parameters=(Parameter(name="resource", doc="its name", kind=Kind.RESOURCE),),
        returns=("Reference",),
        examples=(
            Example(
                arguments=(SimpleNamespace(reference={"reference": "Patient/a"}),),
                result={"reference": "Patient/a"},
            ),
            Example(arguments=(None,), result=None),
        ),
        body=reference,
    ),
    FunctionRecord(
        name="phone_number",
        doc="A telephone number of its pieces; nothing without the local number.",
        parameters=(
            _optional("country", "XTN.5"),
            _optional("area", "XTN.6"),
            _optional("number", "XTN.7"),
            _optional("extension", "XTN.8"),
        ),
        returns=TEXT_TYPES,
        accepts=("NM", "ST", "SNM", "TN"),
        examples=(
            Example(arguments=("1", "313", "5551212", "45"), result="+1 313 5551212 ext. 45"),
            Example(arguments=("1", "313", None, None), result=None),
        ),
        body=phone_number,
    ),
)
