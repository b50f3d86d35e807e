"""Pure. The text of a value that does not convert, kept beside the element it would have filled.

A primitive of R4 may hold extensions without a value, and then counts as present
(https://hl7.org/fhir/R4/json.html#primitive). The text goes into the extension `originalText`.
Called by generated code where a problem was met, and nowhere else.
"""

from typing import Any

from engine.mapping.codes import (
    BAD_DATE,
    BAD_NUMBER,
    BAD_VALUE,
    END_BEFORE_START,
    NO_TIME,
    UNMAPPED_CODE,
    ZONE_UNKNOWN,
)
from engine.mapping.run import Run

ORIGINAL_TEXT = "http://hl7.org/fhir/StructureDefinition/originalText"

KEPT_TYPES = frozenset(
    {
        "boolean", "code", "date", "dateTime", "decimal", "instant", "integer", "positiveInt",
        "time", "unsignedInt",
    }
)  # fmt: skip
"""Elements of these types can refuse a text. What refuses base64 data would be kept twice."""

_LOSSES = frozenset(
    found.code
    for found in (
        BAD_DATE,
        BAD_NUMBER,
        BAD_VALUE,
        END_BEFORE_START,
        NO_TIME,
        UNMAPPED_CODE,
        ZONE_UNKNOWN,
    )
)
"""Problems that cost the value, or a part of it."""


def keep_text(
    run: Run,
    holder: dict[str, Any],
    key: str,
    text: str,
    others: tuple[str, ...] = (),
    *,
    cut: bool = False,
) -> bool:
    """Keep a text beside an element, when the problems just met cost its value.

    Args:
        run: whose new problems are looked at.
        holder: the object that holds the element.
        key: the JSON key of the element.
        text: what was sent.
        others: keys of the same choice for which a text may have been kept; a choice is there once.
        cut: the element is filled all the same, by a part of the text.

    Returns:
        True when it was kept.
    """
    if not any(one.rule is None and one.code.code in _LOSSES for one in run.faults):
        return False
    if cut:
        drop_text(holder, (key, *others))
    elif any(f"_{other}" in holder for other in (key, *others)):
        return False
    beside = f"_{key}"
    present = holder.get(beside, {})
    before = present.get("extension", [])
    after = [*before, {"url": ORIGINAL_TEXT, "valueString": text}]
    holder[beside] = {**present, "extension": after}
    if run.trace is not None:
        run.trace.merged(present, {}, holder[beside])
        run.trace.copied(before, after)
        run.trace.wrote(holder, beside)
    return True


def drop_text(holder: dict[str, Any], keys: tuple[str, ...]) -> None:
    """Another alternative has filled the element: the text says nothing of that value."""
    for key in keys:
        present = holder.get(f"_{key}")
        if present is None:
            continue
        rest = [one for one in present.get("extension", ()) if one.get("url") != ORIGINAL_TEXT]
        kept = {name: value for name, value in present.items() if name != "extension"}
        if rest:
            kept["extension"] = rest
        if kept:
            holder[f"_{key}"] = kept
        else:
            del holder[f"_{key}"]


def beside_text(run: Run, kept: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The extensions that rules give an element whose text was kept: both."""
    before = kept["extension"]
    after = [*before, *other.get("extension", ())]
    both = {**kept, **other, "extension": after}
    if run.trace is not None:
        run.trace.merged(other, kept, both)
        run.trace.copied(before, after)
        run.trace.copied(other.get("extension", []), after)
    return both
