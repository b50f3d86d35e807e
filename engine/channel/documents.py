"""Pure. A channel of C-CDA documents alone: what its conditions can read, and what it cannot use.

A document is asked by the fields of MSH and PID where it says the same things
(`pipeline.document_message`). A route of `MSH-9.1: CDA` takes nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping

from engine.channel import codes
from engine.channel.paths import first_component
from engine.diagnostics import Diagnostic
from engine.mapping.expression import parse_condition
from engine.mapping.sources import condition_paths
from engine.mapping.syntax import Path
from engine.yamltext import Scalar

MESSAGE_CODE = "CDA"
"""MSH-9.1 of every document."""

FIELDS: Mapping[str, frozenset[int]] = {
    "MSH": frozenset({4, 7, 9, 10, 12, 21}),
    "PID": frozenset({3, 5, 7, 8}),
}
"""Segment to the fields that a document fills."""

Route = Iterable[tuple[Scalar, tuple[Scalar, ...]]]
"""Paths in MSH, and the values allowed."""


def takes_documents_alone(route: Route) -> bool:
    """True when no message of HL7 v2 takes the route."""
    return any(
        first_component(key.text) == "MSH-9.1"
        and values
        and all(value.text == MESSAGE_CODE for value in values)
        for key, values in route
    )


def check_condition_on_documents(condition: Scalar) -> Iterator[Diagnostic]:
    """A warning for each path of a condition that no document fills."""
    parsed, _ = parse_condition(condition.text, condition)
    paths = () if parsed is None else condition_paths(parsed)
    for path in dict.fromkeys(_shown(path) for path in paths if not _is_filled(path)):
        yield codes.NOT_OF_DOCUMENTS(condition.place, path=path)


def check_preprocess_on_documents(rules: Iterable[Scalar]) -> Iterator[Diagnostic]:
    """An error for the first rule: there is no message it could edit."""
    for rule in rules:
        yield codes.PREPROCESS_OF_DOCUMENTS(rule.place)
        return


def _is_filled(path: Path) -> bool:
    fields = FIELDS.get(path.segment or "", frozenset())
    return bool(fields) if path.field is None else path.field in fields


def _shown(path: Path) -> str:
    return path.segment or "" if path.field is None else f"{path.segment}-{path.field}"
