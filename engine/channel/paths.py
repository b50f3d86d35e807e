"""Pure. Checks the HL7 paths in a channel file: lane, search keys, route.

The grammar and the dictionary checks are those of the mapping language, so a path means the same in
a map and in a channel.
"""

from engine.channel import codes
from engine.diagnostics import Diagnostic, did_you_mean
from engine.hl7v2 import definitions
from engine.hl7v2.path import parse_path as parse_read_path
from engine.mapping.checker_source import check_message_path
from engine.mapping.expression import parse_path
from engine.mapping.source_types import VERSIONS
from engine.yamltext import Scalar

_TYPE_TABLES = {
    "MSH-9.1": ("0076", "message type"),
    "MSH-9.2": ("0003", "trigger event"),
    "MSH-9.3": ("0354", "message structure"),
}


def check_path(scalar: Scalar, option: str) -> list[Diagnostic]:
    """Check a path that is read from the whole message.

    Args:
        scalar: the path as written.
        option: what it is for, in case its field is missing.
    """
    path, problems = parse_path(scalar.text, scalar)
    if path is None:
        return problems
    problems = [*problems, *check_message_path(path)]
    if problems:
        return problems
    if path.field is None:
        what = f"`{option}`: a whole segment"
        return [codes.PATH_FORM(scalar.place, what=what, hint=f"name a field: {scalar.text}-1")]
    _, refused = parse_read_path(scalar.text)
    return [codes.PATH_FORM(scalar.place, what=f"`{option}`: this path")] if refused else []


def check_route(key: Scalar, values: tuple[Scalar, ...]) -> list[Diagnostic]:
    """Check one entry of a route: an MSH field without selectors, and values HL7 knows."""
    path, problems = parse_path(key.text, key)
    if path is None:
        return problems
    if path.segment != "MSH" or path.steps or path.variable:
        return [codes.ROUTE_PATH(key.place, path=key.text)]
    problems = [*problems, *check_message_path(path)]
    if not problems and (path.field is None or path.repetition or path.segment_selector):
        hint = "name a field and, if need be, a component: MSH-9.1"
        problems.append(codes.PATH_FORM(key.place, what="a route", hint=hint))
    if problems or key.text not in _TYPE_TABLES:
        return problems
    table, what = _TYPE_TABLES[key.text]
    known = known_codes(table)
    for value in values:
        if known and value.text not in known and not value.text.startswith("Z"):
            near = did_you_mean(value.text, known)
            problems.append(codes.ROUTE_VALUE(value.place, what=what, value=value.text, hint=near))
    return problems


def known_codes(table: str) -> frozenset[str]:
    """The codes of an HL7 table in any version."""
    found: set[str] = set()
    for version in VERSIONS:
        found.update(definitions.table(version, table) or ())
    return frozenset(found)
