"""Pure. What HL7's dictionary says of a source: its name, datatype and cardinality."""

from dataclasses import dataclass

from engine.hl7v2 import definitions
from engine.mapping.guide.our_rows import Source
from engine.mapping.source_types import (
    VERSIONS,
    component_types,
    field_definition,
    field_types,
    last_component,
    last_field,
    segment_exists,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """As the guide's columns have it; empty where nothing is known."""

    name: str = ""
    datatype: str = ""
    least: str = ""
    most: str = ""


def source_text(source: Source) -> str:
    """`PID-3.4.2`, `CX.4`, `type` of a parameter."""
    owner, numbers = str(source[0]).removeprefix("$"), [str(one) for one in source[1:]]
    if not numbers:
        return owner
    mark = "-" if segment_exists(owner) else "."
    return f"{owner}{mark}{'.'.join(numbers)}"


def describe(source: Source) -> SourceFacts:
    """The facts of a field or component."""
    owner, numbers = str(source[0]), [int(one) for one in source[1:]]
    if not numbers:
        return SourceFacts()
    if not segment_exists(owner):
        return _component((owner,), numbers)
    field = field_definition(owner, numbers[0])
    if field is None:
        return SourceFacts()
    if len(numbers) > 1:
        return _component(field_types(owner, numbers[0]), numbers[1:])
    return SourceFacts(
        name=field.name,
        datatype=field.datatype,
        least="1" if field.required else "0",
        most="-1" if field.repeats else "1",
    )


def _component(datatypes: tuple[str, ...], numbers: list[int]) -> SourceFacts:
    for number in numbers[:-1]:
        datatypes = component_types(datatypes, number)
    for datatype in datatypes:
        for version in VERSIONS:
            found = definitions.datatype(version, datatype)
            component = found.components.get(numbers[-1]) if found is not None else None
            if component is not None:
                least = "1" if component.required else "0"
                return SourceFacts(
                    name=component.name, datatype=component.datatype, least=least, most="1"
                )
    return SourceFacts()


def own_parts(owner: str) -> list[Source]:
    """Every field of a segment, or component of a datatype."""
    if segment_exists(owner):
        numbers = range(1, last_field(owner) + 1)
        return [(owner, one) for one in numbers if field_definition(owner, one) is not None]
    return [(owner, one) for one in range(1, last_component((owner,)) + 1)]
