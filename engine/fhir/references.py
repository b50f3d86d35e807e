"""Pure. The forms of `Reference.reference` and the resource type each one names.

One reader for the checker, the bundle and the gate, so that they cannot disagree.
FHIR R4 4.0.1, https://hl7.org/fhir/R4/references.html#literal.
"""

import re
from enum import Enum

from engine.fhir import definitions

FRAGMENT = "#"


class ReferenceForm(Enum):
    """How a reference is written."""

    RELATIVE = "Type/id"
    CONDITIONAL = "Type?search"
    """Resolved by the server; in transactions only."""
    FRAGMENT = "#id"
    URN = "urn:uuid:... or urn:oid:..."
    ABSOLUTE = "https://host/Type/id"
    UNREADABLE = "none of these"


_URN = re.compile("urn:(?:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|oid:[0-9.]+)")
_ABSOLUTE = re.compile("[A-Za-z][A-Za-z0-9+.-]*:[^\\s\\x00-\\x1f]+")
_RELATIVE = re.compile(
    "([A-Z][A-Za-z]+)(?:/[A-Za-z0-9\\-.]{1,64}(?:/_history/[A-Za-z0-9\\-.]{1,64})?|(\\?[^\\s]+))"
)
_TAIL = re.compile("https?://.*?/([A-Z][A-Za-z]+)/[A-Za-z0-9\\-.]{1,64}(?:/_history/[^/]+)?")


def read_reference(text: str) -> tuple[ReferenceForm, str | None]:
    """The form of a reference and the resource type it names, None when it names none."""
    relative = _RELATIVE.fullmatch(text)
    if relative is not None:
        if relative[1] not in definitions.resource_types():
            return ReferenceForm.UNREADABLE, None
        form = ReferenceForm.CONDITIONAL if relative[2] else ReferenceForm.RELATIVE
        return form, relative[1]
    if text.startswith(FRAGMENT):
        return ReferenceForm.FRAGMENT, None
    if text.startswith("urn:"):
        form = ReferenceForm.URN if _URN.fullmatch(text) else ReferenceForm.UNREADABLE
        return form, None
    if _ABSOLUTE.fullmatch(text) is None:
        return ReferenceForm.UNREADABLE, None
    tail = _TAIL.fullmatch(text)
    named = tail[1] if tail is not None and tail[1] in definitions.resource_types() else None
    return ReferenceForm.ABSOLUTE, named
