"""Pure. Checks the HL7 paths in a channel file: lane, search keys, route.

The grammar and the dictionary checks are those of the mapping language, so a path means the same in
a map and in a channel.
"""

import re

from engine.channel import codes
from engine.diagnostics import Diagnostic, did_you_mean
from engine.hl7v2 import definitions
from engine.hl7v2.path import parse_path as parse_read_path
from engine.mapping.checker.checker_source import check_message_path
from engine.mapping.expression import parse_path
from engine.mapping.source_types import VERSIONS
from engine.mapping.syntax import Path
from engine.yamltext import Scalar

_TYPE_TABLES = {
    "MSH-9.1": ("0076", "message type"),
    "MSH-9.2": ("0003", "trigger event"),
    "MSH-9.3": ("0354", "message structure"),
}


def check_lane_path(scalar: Scalar) -> list[Diagnostic]:
    """Check a path that yields a lane key: one value, as `hl7v2.path` reads it."""
    _, problems = _message_path(scalar)
    if problems:
        return problems
    _, refused = parse_read_path(scalar.text)
    if refused is None:
        return []
    hint = "a lane key is one value: write PID-3[type=MR].1 or PID-3[1].1"
    return [codes.PATH_FORM(scalar.place, what=f"`lane`: {scalar.text}", hint=hint)]


def check_search_path(scalar: Scalar) -> list[Diagnostic]:
    """Check a path that yields search keys: every value it names, from the whole message."""
    path, problems = _message_path(scalar)
    if path is not None and path.steps:
        hint = f"name the segment alone: every {path.segment} is read"
        problems.append(codes.PATH_FORM(scalar.place, what="a group", hint=hint))
    return problems


def _message_path(scalar: Scalar) -> tuple[Path | None, list[Diagnostic]]:
    """A path to a field that HL7 knows."""
    path, problems = parse_path(scalar.text, scalar)
    if path is None:
        return None, problems
    problems = [*problems, *check_message_path(path)]
    if not problems and path.field is None:
        hint = f"name a field: {scalar.text}-1"
        problems.append(codes.PATH_FORM(scalar.place, what="a whole segment", hint=hint))
    return (None if problems else path), problems


_OF_DOCUMENTS = re.compile(r"CDA|[0-9]{1,7}-[0-9]")
"""Documents stand as `CDA^` and the LOINC code of their type where messages have MSH-9."""


def check_route(key: Scalar, values: tuple[Scalar, ...]) -> list[Diagnostic]:
    """Check one entry of a route: an MSH field without selectors, and values HL7 knows."""
    path, problems = parse_path(key.text, key)
    if path is None:
        return problems
    if path.segment != "MSH" or path.steps or path.variable:
        return [codes.ROUTE_PATH(key.place, path=key.text)]
    problems = [*problems, *check_message_path(path)]
    narrow = path.repetition or path.segment_selector or len(path.components) > 1
    if not problems and (path.field is None or narrow):
        hint = "name a field and, if need be, a component: MSH-9.1"
        problems.append(codes.PATH_FORM(key.place, what="a route", hint=hint))
    if problems or first_component(key.text) not in _TYPE_TABLES:
        return problems
    table, what = _TYPE_TABLES[first_component(key.text)]
    known = known_codes(table)
    for value in values:
        own = value.text.startswith("Z") or _OF_DOCUMENTS.fullmatch(value.text)
        if known and value.text not in known and not own:
            near = did_you_mean(value.text, known)
            problems.append(codes.ROUTE_VALUE(value.place, what=what, value=value.text, hint=near))
    return problems


def first_component(path: str) -> str:
    """The component a route reads: `MSH-9` means `MSH-9.1`."""
    return path if "." in path else f"{path}.1"


def known_codes(table: str) -> frozenset[str]:
    """The codes of an HL7 table in any version."""
    found: set[str] = set()
    for version in VERSIONS:
        found.update(definitions.table(version, table) or ())
    return frozenset(found)
