"""Pure. CDA R2 by name: classes, what stands in them, and the templates of C-CDA.

The tables are made by `scripts/build_cda_definitions.py` from HL7's C-CDA package (CC0-1.0). They
load on first use.
"""

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

STATEMENTS = frozenset(
    {
        "Act",
        "Encounter",
        "Observation",
        "ObservationMedia",
        "Organizer",
        "Procedure",
        "RegionOfInterest",
        "SubstanceAdministration",
        "Supply",
    }
)
"""The classes of clinical statements (CDA R2, the entries)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildDefinition:
    """An element or attribute of a class."""

    types: tuple[str, ...]
    """Classes or datatypes it may have; several where `xsi:type` tells; none for an attribute."""
    many: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDefinition:
    """A template of C-CDA."""

    name: str
    class_name: str
    code: str
    """Its fixed code, such as the LOINC code of a section; empty when it has none."""


def class_names() -> frozenset[str]:
    """The names of all classes and datatypes."""
    return frozenset(_tables()["classes"])


@lru_cache(maxsize=512)
def children_of(name: str) -> dict[str, ChildDefinition] | None:
    """What stands in a class or datatype, None when there is no such class.

    Returns:
        Step of a path (`code`, `sdtc:raceCode`, `@root`) to its definition.
    """
    rows = _tables()["classes"].get(name)
    if rows is None:
        return None
    return {
        step: ChildDefinition(types=tuple(types), many=many) for step, (types, many) in rows.items()
    }


@lru_cache(maxsize=1024)
def template(root: str) -> TemplateDefinition | None:
    """The template with that root, whatever its extension."""
    row = _tables()["templates"].get(root)
    if row is None:
        return None
    return TemplateDefinition(name=row["name"], class_name=row["class"], code=row["code"])


@cache
def _tables() -> dict[str, Any]:
    data = files(__package__).joinpath("data/cda.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(data)
    return found
