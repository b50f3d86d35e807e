"""Pure. What a source path reads, by the HL7 dictionary of all versions, newest first.

A field has had other datatypes in other versions (PID-8: IS, then CWE), so its type is a tuple,
newest first. Segments that begin with Z are the site's own: nothing is known of them, so anything
goes. HL7 v2.8.2 chapters 2 and 2A.
"""

from functools import cache

from engine.hl7v2 import definitions
from engine.hl7v2.definitions import FieldDefinition, GroupDefinition

VERSIONS = (
    "2.8.2",
    "2.8.1",
    "2.8",
    "2.7",
    "2.6",
    "2.5.1",
    "2.5",
    "2.4",
    "2.3.1",
    "2.3",
    "2.2",
    "2.1",
)
_NOT_TYPES = frozenset({"", "WD", "-"})
ANY_TYPE = frozenset({"varies", "Varies", "VARIES", "*", "ANY", "CM"})
"""Datatypes that may hold anything: OBX-5, and composites of before 2.5 without a name."""

TEXT_TYPES = frozenset({"ST", "TX", "FT", "ID", "IS", "NM", "SI", "GTS", "SNM"})
TIME_TYPES = frozenset({"TS", "DTM", "DT", "TM", "TSComponentOne"})
NUMBER_TYPES = frozenset({"NM", "SI"})
_FAMILIES = (
    frozenset({"CE", "CWE", "CNE", "CF"}),
    frozenset({"TS", "DTM", "DT"}),
    frozenset({"XPN", "PN", "PPN"}),
    frozenset({"XCN", "CN", "CNN", "NDL"}),
    frozenset({"XAD", "AD", "SAD"}),
    frozenset({"XTN", "TN"}),
    frozenset({"CX", "CK"}),
    frozenset({"EI", "EIP"}),
    frozenset({"PL", "NDL"}),
    frozenset({"DR", "TS", "DTM"}),
    frozenset({"CQ", "NM"}),
    frozenset({"ELD", "ERL", "CWE", "CE"}),
)
"""Types that took each other's place in the course of versions."""


def is_local(segment: str) -> bool:
    """True for a site's own segment."""
    return segment.startswith("Z")


@cache
def structures(
    name: str, events: tuple[str, ...] = (), also: tuple[str, ...] = ()
) -> tuple[GroupDefinition, ...]:
    """The grammar of a structure in each version that has it, newest first.

    Then those that its events had in other versions (A21 of 2.3 is an ADT_A01), and those in
    `also`.
    """
    names = dict.fromkeys((name, *also))
    for event in events:
        code, _, trigger = event.partition("^")
        served = (definitions.structure_for(version, code, trigger) for version in VERSIONS)
        names.update((one, None) for one in served if one)
    found = (definitions.structure(version, one) for one in names for version in VERSIONS)
    return tuple(one for one in found if one is not None)


@cache
def segment_exists(name: str) -> bool:
    """True when any version has the segment, or it is a site's own."""
    return is_local(name) or any(definitions.segment(version, name) for version in VERSIONS)


@cache
def segment_names() -> frozenset[str]:
    """The standard segments of the newest and the most used version, for suggestions."""
    found: set[str] = set()
    for version in ("2.8.2", "2.5.1"):
        found.update(definitions.segment_names(version))
    return frozenset(found)


@cache
def field_definition(segment: str, number: int) -> FieldDefinition | None:
    """The field in the newest version that has not withdrawn it."""
    for version in VERSIONS:
        found = definitions.segment(version, segment)
        field = found.fields.get(number) if found else None
        if field is not None and field.datatype not in _NOT_TYPES:
            return field
    return None


@cache
def last_field(segment: str) -> int:
    """The highest field number any version knows."""
    found = [definitions.segment(version, segment) for version in VERSIONS]
    return max((number for one in found if one for number in one.fields), default=0)


@cache
def field_types(segment: str, number: int) -> tuple[str, ...]:
    """The datatypes the field has had, newest first; empty when there is no such field."""
    found: dict[str, None] = {}
    for version in VERSIONS:
        definition = definitions.segment(version, segment)
        field = definition.fields.get(number) if definition else None
        if field is not None and field.datatype not in _NOT_TYPES:
            found[field.datatype] = None
    return tuple(found)


@cache
def component_types(datatypes: tuple[str, ...], number: int) -> tuple[str, ...]:
    """The datatypes of a component, newest first; empty when none of the types has it.

    A primitive's only component is itself, as HL7 2.5.3 of chapter 2 has it for later extension.
    """
    found: dict[str, None] = {}
    for datatype in datatypes:
        if datatype in ANY_TYPE:
            found[datatype] = None
            continue
        for version in VERSIONS:
            definition = definitions.datatype(version, datatype)
            if definition is None:
                continue
            component = definition.components.get(number)
            if component is not None and component.datatype not in _NOT_TYPES:
                found[component.datatype] = None
            elif number == 1 and not definition.components:
                found[datatype] = None
    return tuple(found)


@cache
def last_component(datatypes: tuple[str, ...]) -> int:
    """The highest component number of these datatypes; 0 for primitives."""
    highest = 0
    for datatype in datatypes:
        for version in VERSIONS:
            definition = definitions.datatype(version, datatype)
            if definition is not None:
                highest = max([highest, *definition.components])
    return highest


@cache
def component_names(datatypes: tuple[str, ...]) -> dict[str, int]:
    """Short name (`type` of CX.5) to number; the newest version's name wins."""
    found: dict[str, int] = {}
    for datatype in datatypes:
        for version in VERSIONS:
            definition = definitions.datatype(version, datatype)
            for number, component in definition.components.items() if definition else ():
                found.setdefault(component.short_name, number)
    return found


def component_number(segment: str, field: int, name: str) -> int | None:
    """The number of a component by number or short name, or None when the field has none such."""
    if name.isdigit():
        return int(name)
    return component_names(field_types(segment, field)).get(name)


@cache
def datatype_exists(name: str) -> bool:
    """True when any version has the datatype."""
    return any(definitions.datatype(version, name) for version in VERSIONS)


@cache
def is_primitive(name: str) -> bool:
    """True for a datatype without components in the newest version that has it."""
    for version in VERSIONS:
        definition = definitions.datatype(version, name)
        if definition is not None:
            return not definition.components
    return False


def serves(wanted: str, given: tuple[str, ...]) -> bool:
    """True when a map from datatype `wanted` can be given a value of one of the types `given`.

    Types that replaced each other over the versions serve one another; a text serves a composite as
    its first component, as HL7's rule for extending a field by components demands.
    """
    for datatype in given:
        if datatype == wanted or datatype in ANY_TYPE or wanted in ANY_TYPE:
            return True
        if any(wanted in family and datatype in family for family in _FAMILIES):
            return True
        if datatype in TEXT_TYPES and (wanted in TEXT_TYPES or _begins_with_text(wanted)):
            return True
    return False


@cache
def _begins_with_text(datatype: str) -> bool:
    if datatype in TIME_TYPES:
        return False
    first = component_types((datatype,), 1)
    return any(one in TEXT_TYPES or _begins_with_text(one) for one in first if one != datatype)
