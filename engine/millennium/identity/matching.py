"""Pure. May this be what was sent, when the answer to it was lost? (Report section 5, step 10.)

A resource without a business key is searched for by patient, code and date, and that finds others
too: the same test twice on one day. What says otherwise in its value, its time or its text is not
it. What cannot be compared may be it: then a person is asked rather than a second one made.
"""

from datetime import datetime
from typing import Any

from engine.millennium.resources.comparing import says

Json = dict[str, Any]

_TIMES = frozenset(
    {
        "effectiveDateTime",
        "occurrenceDateTime",
        "performedDateTime",
        "onsetDateTime",
        "recordedDate",
        "date",
        "issued",
    }
)
_VALUES = frozenset(
    {
        "valueQuantity",
        "valueString",
        "valueInteger",
        "valueBoolean",
        "valueDateTime",
        "valueCodeableConcept",
        "code",
        "vaccineCode",
        "component",
        "lotNumber",
        "description",
    }
)


def may_be(sent: Json, found: Json) -> bool:
    """False when something the service shows is not what was sent.

    Args:
        sent: the resource as it was sent.
        found: of the service, which may show more, or in another form.
    """
    return not any(
        name in found and _differ(name, sent[name], found[name])
        for name in sent
        if name in _TIMES or name in _VALUES
    )


def _differ(name: str, sent: Any, found: Any) -> bool:
    if name in _TIMES:
        ours, theirs = instant(sent), instant(found)
        return ours is not None and theirs is not None and ours != theirs
    if name == "valueQuantity" and isinstance(found, dict):
        return not says(found.get("value"), sent.get("value"))
    return not says(found, sent)


def instant(text: object) -> float | None:
    """Unix seconds of an instant with its offset; None when it says less than that."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo is not None else None
