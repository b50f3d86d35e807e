"""Pure. Whether two persons or organisations that bear one number are the same, by their names.

Senders give one number, or the bare root of their own, to several of them.
"""

import re
from typing import Any

NAMED = frozenset({"Organization", "Practitioner"})
"""Resources whose numbers are given to several; their names tell them apart."""


def another_name(first: dict[str, Any], second: dict[str, Any]) -> str:
    """The name of the second when one number stands for two; empty when they are the same.

    Persons with a word of their names in common are one, as titles and initials come and go.
    """
    ours, theirs = _words(first.get("name")), _words(second.get("name"))
    same = ours == theirs if first["resourceType"] == "Organization" else bool(ours & theirs)
    return "" if same or not ours or not theirs else " ".join(sorted(theirs))


def _words(name: Any) -> frozenset[str]:
    """The words of a name, whatever stands between them."""
    if isinstance(name, str):
        return frozenset(re.findall(r"\w+", name.casefold()))
    parts = [part for one in name or () for part in (one.get("family"), one.get("text")) if part]
    given = [part for one in name or () for part in one.get("given", ())]
    return frozenset(re.findall(r"\w{2,}", " ".join([*parts, *given]).casefold()))
