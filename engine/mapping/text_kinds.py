"""Pure. What kind of text a source path reads, by the HL7 dictionary."""

from enum import Enum

from engine.mapping.compiler.emit_code import Body
from engine.mapping.source_types import component_types, field_types
from engine.mapping.syntax import Path


class TextKind(Enum):
    """Whether separators in a text divide it."""

    DIVIDED = "divided"
    PLAIN = "plain"
    """ST, TX and FT have no parts: a bare `&` or `^` is one the sender forgot to escape."""
    BY_OBX_2 = "by OBX-2"
    """OBX-5: what OBX-2 says."""


def path_types(body: Body, path: Path) -> tuple[str, ...]:
    """The datatypes of what a path reads, newest first; empty when nothing is known."""
    bound = body.names.get(path.variable) if path.variable is not None else None
    if path.datatype is not None:
        types: tuple[str, ...] = (path.datatype,)
    elif path.field is not None:
        segment = path.segment or (bound.segment_name if bound is not None else "")
        local = body.builder.library.segments.get(segment)
        declared = local.fields.get(path.field) if local is not None else None
        types = field_types(segment, path.field) if declared is None else (declared.datatype,)
    else:
        types = bound.types if bound is not None else ()
    for component in path.components:
        types = component_types(types, component)
    return types


def text_kind(body: Body, path: Path) -> TextKind:
    """Whether separators divide what a path reads."""
    if body.level == 0 and path.segment == "OBX" and path.field == 5:
        return TextKind.BY_OBX_2 if body.map_file.from_name == "OBX" else TextKind.DIVIDED
    types = path_types(body, path)
    return TextKind.PLAIN if types and PLAIN_TYPES.issuperset(types) else TextKind.DIVIDED


PLAIN_TYPES = frozenset({"ST", "TX", "FT"})
