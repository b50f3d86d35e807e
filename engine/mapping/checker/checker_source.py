"""Pure. Checks source paths against the HL7 v2 dictionary: segment, field, component, selector.

Used for maps and, through `check_message_path`, for filters, lanes and search keys of channels.
"""

from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.mapping import codes, source_types
from engine.mapping.syntax import Path, Selector

CHOICES_SHOWN = 12


def check_message_path(path: Path) -> list[Diagnostic]:
    """Check a path that starts at the message: `PID-3[type=MR].1`, `OBX[2]-5`, `PV1`.

    It may name many values; whoever reads it takes all or the first.
    """
    if path.variable is not None or path.datatype is not None or path.segment is None:
        what = path.variable or path.datatype or path.text
        return [
            codes.OUT_OF_REACH(
                path.place,
                given="a whole message",
                what=f'"{what}"',
                hint="write a segment and a field, such as PID-3.1",
            )
        ]
    return check_field_path(path, path.segment)


def check_field_path(path: Path, segment: str) -> list[Diagnostic]:
    """Check field, selector and components of a path in `segment`."""
    if not source_types.segment_exists(segment):
        hint = near_segment(segment)
        return [codes.UNKNOWN_SEGMENT(path.place, segment=segment, hint=hint)]
    if path.field is None or source_types.is_local(segment):
        return []
    datatypes = source_types.field_types(segment, path.field)
    if not datatypes:
        hint = f"{segment} has the fields 1 to {source_types.last_field(segment)}"
        return [codes.UNKNOWN_FIELD(path.place, segment=segment, field=path.field, hint=hint)]
    where = f"{segment}-{path.field}"
    found = check_selector(path, path.repetition, datatypes, where)
    found.extend(check_components(path, datatypes, where))
    return found


def which_repetition(place: Place, where: str) -> Diagnostic:
    """The problem of a repeating source where one value is wanted."""
    hint = f"write {where}[1], {where}[type=..], `each {where} as name`, or a target with []"
    return codes.WHICH_REPETITION(place, where=where, hint=hint if "-" in where else None)


def near_segment(name: str) -> str | None:
    """Two letters exchanged is the usual slip; a difference of one letter the next."""
    known = sorted(source_types.segment_names())
    exchanged = [one for one in known if sorted(one) == sorted(name)]
    return did_you_mean(name, exchanged) or did_you_mean(name, known)


def check_selector(
    path: Path, selector: Selector | None, datatypes: tuple[str, ...], where: str
) -> list[Diagnostic]:
    """Check the component of `[type=MR]` or `[5=MR]`."""
    if selector is None or selector.component is None or _anything(datatypes):
        return []
    name = selector.component
    names = source_types.component_names(datatypes)
    shown = datatypes[0]
    if name.isdigit():
        if source_types.component_types(datatypes, int(name)):
            return []
        hint = _component_hint(datatypes)
        return [
            codes.UNKNOWN_COMPONENT(path.place, where=where, datatype=shown, number=name, hint=hint)
        ]
    if name in names:
        return []
    hint = did_you_mean(name, names) or f"known: {', '.join(list(names)[:CHOICES_SHOWN])}"
    return [codes.UNKNOWN_SELECTOR(path.place, where=where, datatype=shown, name=name, hint=hint)]


_SUFFIXED = frozenset({"OBX", "OBR"})
"""OBX-3.1.2 and OBR-4.1.2 are no part of a datatype but a suffix of the code, such as `71020&IMP`
(HL7 v2.5.1 ch. 7.2, observation ID suffixes)."""


def check_components(path: Path, datatypes: tuple[str, ...], where: str) -> list[Diagnostic]:
    """Check component and subcomponent numbers below a value of one of `datatypes`."""
    if path.segment in _SUFFIXED and path.field in (3, 4) and path.components == (1, 2):
        return []
    for number in path.components:
        inner = source_types.component_types(datatypes, number)
        if not inner:
            hint = _component_hint(datatypes)
            return [
                codes.UNKNOWN_COMPONENT(
                    path.place, where=where, datatype=datatypes[0], number=number, hint=hint
                )
            ]
        datatypes, where = inner, f"{where}.{number}"
    return []


def path_types(path: Path, datatypes: tuple[str, ...]) -> tuple[str, ...]:
    """The datatypes below a value of `datatypes` at the path's components; empty when unknown."""
    for number in path.components:
        datatypes = source_types.component_types(datatypes, number)
    return datatypes


def _anything(datatypes: tuple[str, ...]) -> bool:
    return any(datatype in source_types.ANY_TYPE for datatype in datatypes)


def _component_hint(datatypes: tuple[str, ...]) -> str:
    last = source_types.last_component(datatypes)
    if last == 0:
        return f"{datatypes[0]} is a primitive: it has no components"
    return f"{datatypes[0]} has the components 1 to {last}"
