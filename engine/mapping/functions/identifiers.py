"""Pure. Functions on references and telephone numbers.

XTN sends a number in one piece (XTN.1, XTN.12) or in pieces (XTN.5 to XTN.8); HL7 v2.5.1 ch. 2.A.89.
"""

from typing import Any

from engine.mapping.functions.record import (
    TEXT_TYPES,
    Example,
    FunctionRecord,
    Kind,
    Parameter,
)


def reference(resource: dict[str, Any] | None) -> dict[str, str] | None:
    """A Reference to a resource of this bundle."""
    if not resource:
        return None
    if "reference" in resource:
        return resource
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def phone(
    number: str | None,
    area: str | None,
    country: str | None,
    extension: str | None,
    whole: str | None,
) -> str | None:
    """A telephone number in one piece: `+1 313 555-1212 x45`."""
    if not number:
        return whole
    pieces: list[str] = []
    if country:
        pieces.append(country if country.startswith("+") else f"+{country}")
    if area:
        pieces.append(area)
    pieces.append(number)
    if extension:
        pieces.append(f"x{extension}")
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
                arguments=({"resourceType": "Patient", "id": "a"},),
                result={"reference": "Patient/a"},
            ),
            Example(arguments=(None,), result=None),
        ),
        body=reference,
    ),
    FunctionRecord(
        name="phone",
        doc="A telephone number of its pieces, or `whole` when there are none.",
        parameters=(
            _optional("number", "XTN.7"),
            _optional("area", "XTN.6"),
            _optional("country", "XTN.5"),
            _optional("extension", "XTN.8"),
            _optional("whole", "XTN.12 or XTN.1"),
        ),
        returns=TEXT_TYPES,
        accepts=("NM", "ST", "SNM", "TN"),
        examples=(
            Example(arguments=("5551212", "313", "1", "45", None), result="+1 313 5551212 x45"),
            Example(arguments=(None, None, None, None, "(313)555-1212"), result="(313)555-1212"),
        ),
        body=phone,
    ),
)
