"""Rim. Hides values of patients on a terminal. Fails closed: only what is listed here is shown.

The lists name parts that carry no identity: types, codes, statuses, set ids. Everything else
becomes `***`, also the words of acknowledgments and outcomes: receivers say in them what they
were sent. Piped output is data and is not masked.
"""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

SHOWN_SEGMENTS = frozenset({"MSH", "FHS", "BHS", "BTS", "FTS"})
"""Shown whole."""

SHOWN_FIELDS: Mapping[str, frozenset[int]] = {
    "EVN": frozenset({1, 2, 4}),
    "MSA": frozenset({1, 2, 4}),
    "ERR": frozenset({1, 2, 3, 4, 5}),
    "PID": frozenset({1, 8}),
    "PV1": frozenset({1, 2, 4, 10, 14, 18, 36, 39}),
    "PV2": frozenset({2}),
    "ORC": frozenset({1, 5}),
    "OBR": frozenset({1, 4, 24, 25}),
    "OBX": frozenset({1, 2, 3, 6, 11}),
    "AL1": frozenset({1, 2}),
    "DG1": frozenset({1, 2, 6}),
    "PR1": frozenset({1}),
    "NK1": frozenset({1, 3}),
    "GT1": frozenset({1}),
    "IN1": frozenset({1}),
    "SPM": frozenset({1, 4}),
    "NTE": frozenset({1, 2}),
    "PD1": frozenset(),
    "MRG": frozenset(),
}
"""Fields shown of other segments; a segment that is not listed is hidden but for its name."""

SHOWN_ELEMENTS = frozenset(
    {
        "resourceType", "type", "status", "system", "code", "class", "use", "active", "gender",
        "intent", "method", "fullUrl", "mode", "rank", "unit", "clinicalStatus",
        "verificationStatus", "category", "eventCoding", "severity",
        "profile", "lastUpdated",
    }
)  # fmt: skip
"""FHIR elements whose texts are shown; of codes those of a code system, not the sender's own."""


_PLAIN_PATH = re.compile(r"[A-Z][A-Za-z]*(?:\.[A-Za-z]+(?:\[[0-9]+\])?)+")
"""An `expression` of an outcome that names a place and compares nothing."""


def mask_segment(text: str, separator: str) -> str:
    """One segment's text with hidden fields replaced; the name and the separators stay."""
    fields = text.split(separator)
    name = fields[0]
    if name in SHOWN_SEGMENTS:
        return text
    shown = SHOWN_FIELDS.get(name, frozenset())
    return separator.join(
        value if number == 0 or number in shown or not value else HIDDEN
        for number, value in enumerate(fields)
    )


def mask_resource(value: Any, element: str = "") -> Any:
    """A FHIR value with every text hidden unless its element is listed."""
    if isinstance(value, dict):
        own = value.keys().isdisjoint(("system", "severity"))
        return {
            key: HIDDEN
            if own and key == "code" and isinstance(item, str)
            else mask_resource(item, key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [mask_resource(item, element) for item in value]
    if isinstance(value, bool) or value is None or element in SHOWN_ELEMENTS:
        return value
    if element == "expression" and isinstance(value, str) and _PLAIN_PATH.fullmatch(value):
        return value
    return HIDDEN


def mask_source(text: str) -> str:
    """Where a message came from; of a file only the folder: senders name files by patients."""
    if not text.startswith("directory "):
        return text
    folder, slash, name = text.rpartition("/")
    return f"{folder}{slash}{HIDDEN}" if name else text
