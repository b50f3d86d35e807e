"""Rim. What was made, as lines: every element with its value, its rule and where it came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine.mapping.trace import TraceRecord
from engine.runtime.desk.masking import HIDDEN, MaskingPolicy
from engine.runtime.desk.source_ids import SourceIds
from engine.runtime.desk.workbench import Traced

LINES_MAX = 6_000
"""Of all resources together; the rest is in the Bundle itself."""
VALUE_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementLine:
    """One element."""

    path: str
    """`Patient.name[0].family`."""
    depth: int
    label: str
    """Its name, or its number in a list."""
    value: str = field(default="", repr=False)
    """Of a primitive, as JSON has it; hidden for who may not see it."""
    is_hidden: bool = False
    rule: str = ""
    """`transforms/hl7v2/datatypes/XPN_HumanName.yaml:21`."""
    sources: tuple[str, ...] = ()
    """Names of the places it came from, see `source_ids`."""
    origin: str = ""
    """The same in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLines:
    """One resource."""

    resource_type: str
    resource_id: str
    lines: tuple[ElementLine, ...]
    is_sent: bool
    """False: checks left it out of what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """All resources of a message."""

    resources: tuple[ResourceLines, ...]
    is_all: bool


def element_lines(traced: Traced, ids: SourceIds, policy: MaskingPolicy | None) -> Made:
    """The resources of a traced conversion.

    Args:
        traced: the conversion.
        ids: names of the places of its message.
        policy: what is shown; None: everything.
    """
    records: dict[str, dict[str, TraceRecord]] = {}
    for record in traced.trace.records:
        records.setdefault(record.resource_id, {}).setdefault(record.path, record)
    sent = {entry.resource_id for entry in traced.conversion.result.entries}
    found: list[ResourceLines] = []
    room = LINES_MAX
    for entry in traced.made.entries:
        if room <= 0:
            return Made(resources=tuple(found), is_all=False)
        kind = str(entry.resource["resourceType"])
        shown = entry.resource
        if policy is not None:
            shown = policy.traced(entry.resource, entry.resource_id, traced.trace)
        own = records.get(entry.resource_id, {})
        lines = tuple(_lines(shown, kind, 0, own, ids, None))[:room]
        room -= len(lines)
        found.append(
            ResourceLines(
                resource_type=kind,
                resource_id=entry.resource_id,
                lines=lines,
                is_sent=entry.resource_id in sent,
            )
        )
    return Made(resources=tuple(found), is_all=True)


def _lines(
    value: Any,
    path: str,
    depth: int,
    records: Mapping[str, TraceRecord],
    ids: SourceIds,
    around: TraceRecord | None,
) -> Iterator[ElementLine]:
    items: list[tuple[str, str, Any]] = []
    if isinstance(value, Mapping):
        items = [(key, f"{path}.{key}", item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(f"[{at}]", f"{path}[{at}]", item) for at, item in enumerate(value)]
    for label, below, item in items:
        if depth == 0 and label == "resourceType":
            continue
        record = records.get(below) or around
        primitive = not isinstance(item, Mapping | list)
        yield ElementLine(
            path=below,
            depth=depth,
            label=label,
            value=_text(item) if primitive else "",
            is_hidden=primitive and item == HIDDEN,
            rule=_place(record),
            sources=ids.ids(record.sources) if record is not None and primitive else (),
            origin=_origin(record, ids) if primitive else "",
        )
        yield from _lines(item, below, depth + 1, records, ids, record)


def _text(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    text = str(value) if isinstance(value, str | int | float | Decimal) else ""
    if len(text) > VALUE_CHARACTERS_MAX:
        return f"{text[:VALUE_CHARACTERS_MAX]}… ({len(text):,} characters)"
    return text


def _place(record: TraceRecord | None) -> str:
    if record is None or record.rule.place.file is None:
        return ""
    return f"{record.rule.place.file}:{record.rule.place.line}"


def _origin(record: TraceRecord | None, ids: SourceIds) -> str:
    if record is None:
        return ""
    return ids.paths(record.sources) or "a fixed value of the rule"
