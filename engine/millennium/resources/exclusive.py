"""Pure. Proprietary and standard codings never share one array on a write (reference 0.4).

A read gives both: Millennium's own code value and what it is mapped to. A PUT made of such a copy
is refused with 422 unless one kind goes; the mapped one does, as Millennium maps it again.
"""

import re
from typing import Any

_PROPRIETARY = re.compile(r"https://fhir(\.[a-z]+)?\.cerner\.com/")


def with_exclusive_codings(value: Any) -> Any:
    """The value with each list of codings of one kind; the given one stays as it is."""
    if isinstance(value, list):
        return [with_exclusive_codings(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: with_exclusive_codings(item) for name, item in value.items()}
    codings = made.get("coding")
    if isinstance(codings, list):
        own = [one for one in codings if _is_proprietary(one)]
        made["coding"] = own or codings
    return made


def _is_proprietary(coding: Any) -> bool:
    system = coding.get("system") if isinstance(coding, dict) else None
    return isinstance(system, str) and _PROPRIETARY.match(system) is not None
