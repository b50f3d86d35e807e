"""Pure. The HL7 v2 dictionary: segments, fields, datatypes, tables, message grammars.

The data files beside this module are made by `scripts/build_hl7v2_definitions.py` from hl7apy's
tables and each names its source and licence. A version is read when it is first asked for (a few
milliseconds); entries become objects one by one. All results are immutable and may be kept.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import orjson

VERSIONS = (
    "2.1",
    "2.2",
    "2.3",
    "2.3.1",
    "2.4",
    "2.5",
    "2.5.1",
    "2.6",
    "2.7",
    "2.8",
    "2.8.1",
    "2.8.2",
)
"""Every version known, oldest first."""
DEFAULT_VERSION = "2.5.1"
"""Used where a message does not say its version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDefinition:
    """A field of a segment."""

    number: int
    name: str
    datatype: str
    """Such as `CX`; `varies` for OBX-5; empty where the version withdrew the field."""
    required: bool
    repeats: bool
    table: str | None
    """Four digits, such as `0001`."""
    length: int | None = None
    """Not known to the source of the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDefinition:
    """A segment and its fields by number."""

    name: str
    fields: dict[int, FieldDefinition]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentDefinition:
    """A component of a datatype."""

    number: int
    name: str
    short_name: str
    """The word of selectors such as `PID-3[type=MR]`; unique within the datatype."""
    datatype: str
    required: bool
    table: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatatypeDefinition:
    """A datatype; a primitive one has no components."""

    name: str
    components: dict[int, ComponentDefinition]

    @property
    def primitive(self) -> bool:
        """True when values of it are a plain text."""
        return not self.components

    def component(self, word: str) -> ComponentDefinition | None:
        """The component with this short name or number, or None."""
        for found in self.components.values():
            if found.short_name == word or str(found.number) == word:
                return found
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSlot:
    """A segment's place in a message grammar."""

    name: str
    min: int
    max: int
    """-1: no upper bound."""

    @property
    def repeats(self) -> bool:
        """True when more than one may stand here."""
        return self.max != 1

    @property
    def required(self) -> bool:
        """True when at least one must stand here."""
        return self.min > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDefinition:
    """A group of a message grammar, or the whole grammar (then `name` is the structure's)."""

    name: str
    min: int
    max: int
    """-1: no upper bound."""
    children: "tuple[SegmentSlot | GroupDefinition, ...]"

    @property
    def repeats(self) -> bool:
        """True when more than one may stand here."""
        return self.max != 1

    @property
    def required(self) -> bool:
        """True when at least one must stand here."""
        return self.min > 0

    def child(self, name: str) -> "SegmentSlot | GroupDefinition | None":
        """The first child with this name, or None."""
        for found in self.children:
            if found.name == name:
                return found
        return None

    def segment_names(self) -> frozenset[str]:
        """Every segment that may stand in it, at any depth."""
        found: set[str] = set()
        for child in self.children:
            if isinstance(child, GroupDefinition):
                found |= child.segment_names()
            else:
                found.add(child.name)
        return frozenset(found)


@cache
def _data(version: str) -> dict[str, dict[str, Any]]:
    path = files("engine.hl7v2.definitions") / "data" / f"v{version}.json"
    loaded: dict[str, dict[str, Any]] = orjson.loads(path.read_bytes())
    return loaded


def header(version: str) -> dict[str, str]:
    """Source, version and licence of the data of a known version."""
    return _data(version)["header"]


@lru_cache(maxsize=256)
def nearest_version(text: str) -> str:
    """The known version a message means: itself, else the newest one not above it, else the oldest.

    `2.5.1^AUS` and `2.5.1 ` mean 2.5.1, `2.9` means 2.8.2, an empty or unreadable text the default.
    """
    word = text.strip().split("^", 1)[0].strip()
    if word in VERSIONS:
        return word
    wanted = _numbers(word)
    if not wanted or wanted[0] != 2:
        return DEFAULT_VERSION
    found = VERSIONS[0]
    for known in VERSIONS:
        if _numbers(known) <= wanted:
            found = known
    return found


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers: 2.3.z is (2, 3)."""
    found: list[int] = []
    for part in version.split("."):
        if not (part.isascii() and part.isdigit() and len(part) < 4):
            break
        found.append(int(part))
    return tuple(found)


@cache
def segment(version: str, name: str) -> SegmentDefinition | None:
    """The segment `name` in a known `version`, or None when that version has none."""
    rows = _data(version)["segments"].get(name)
    if rows is None:
        return None
    fields = {
        number: FieldDefinition(
            number=number,
            name=long_name,
            datatype=datatype,
            required=low > 0,
            repeats=high != 1,
            table=table or None,
        )
        for number, long_name, datatype, low, high, table in rows
    }
    return SegmentDefinition(name=name, fields=fields)


@cache
def segment_names(version: str) -> frozenset[str]:
    """Every segment of a known version."""
    return frozenset(_data(version)["segments"])


_PRIMITIVES = frozenset(
    ("ST", "TX", "FT", "NM", "SI", "ID", "IS", "DT", "TM", "DTM", "TN", "GTS", "WD", "varies")
)


@cache
def datatype(version: str, name: str) -> DatatypeDefinition | None:
    """The datatype `name` in a known `version`, or None when that version has none."""
    rows = _data(version)["datatypes"].get(name)
    if rows is None:
        return DatatypeDefinition(name=name, components={}) if name in _PRIMITIVES else None
    components = {
        number: ComponentDefinition(
            number=number,
            name=long_name,
            short_name=short_name,
            datatype=component_type,
            required=low > 0,
            table=table or None,
        )
        for number, long_name, short_name, component_type, low, table in rows
    }
    return DatatypeDefinition(name=name, components=components)


@cache
def structure(version: str, name: str) -> GroupDefinition | None:
    """The grammar of a message structure such as `ADT_A01`, or None when the version has none."""
    rows = _data(version)["structures"].get(name)
    return None if rows is None else _group(name, 1, 1, rows)


def _group(name: str, low: int, high: int, rows: list[list[Any]]) -> GroupDefinition:
    children = tuple(
        SegmentSlot(name=row[0], min=row[1], max=row[2])
        if len(row) == 3
        else _group(row[0], row[1], row[2], row[3])
        for row in rows
    )
    return GroupDefinition(name=name, min=low, max=high, children=children)


@cache
def structure_names(version: str) -> tuple[str, ...]:
    """Every message structure of a known version, sorted."""
    return tuple(_data(version)["structures"])


def structure_for(version: str, message_code: str, trigger_event: str) -> str | None:
    """The structure that serves MSH-9.1 and MSH-9.2 in a known version: ADT, A04 gives ADT_A01."""
    known: dict[str, str] = _data(version)["events"]
    if not trigger_event:
        return known.get(message_code)
    found = known.get(f"{message_code}^{trigger_event}")
    return "ACK" if found is None and message_code == "ACK" else found


@cache
def table(version: str, number: str) -> dict[str, str] | None:
    """The codes of an HL7 table such as `0001`, or None when the version's data has no such table.

    The texts are empty: the source of the data has codes only.
    """
    found = _data(version)["tables"].get(number)
    return None if found is None else dict.fromkeys(found[1], "")
