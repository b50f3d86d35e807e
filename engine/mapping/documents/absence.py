"""Pure. Why an element is empty: HL7's null flavours as FHIR's data-absent-reason.

Sources: HL7 v3 NullFlavor; R4 data-absent-reason; the map between them of HL7's C-CDA on FHIR
2.0.0.
"""

from typing import Any

from engine.cda.document import Node

EXTENSION = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_REASONS = {
    "ASKU": "asked-unknown",
    "MSK": "masked",
    "NA": "not-applicable",
    "NASK": "not-asked",
    "NAV": "temp-unknown",
    "NINF": "negative-infinity",
    "NP": "unknown",
    "OTH": "unsupported",
    "PINF": "positive-infinity",
    "TRC": "unsupported",
    "UNK": "unknown",
}


def reason_of(node: Node | None) -> str:
    """The reason for an element: `unknown` where it is absent or says no more."""
    if node is None:
        return "unknown"
    return _REASONS.get(node.get("nullFlavor", ""), "unknown")


def write_absent(
    target: dict[str, Any], element: str, node: Node | None, how: str, *, many: bool, must: bool
) -> None:
    """Write why an element is empty.

    Args:
        target: the object the element is missing in.
        element: its JSON key.
        node: what its rule reads, None when that is not there.
        how: `primitive` or `object`.
        many: the element is a list.
        must: write it also when no null flavour says anything.
    """
    if not must and (node is None or node.get("nullFlavor") is None):
        return
    absent = {"extension": [{"url": EXTENSION, "valueCode": reason_of(node)}]}
    key = f"_{element}" if how == "primitive" else element
    target[key] = [absent] if many else absent
