"""Rim. What `engine docs TOPIC` answers: from the HL7 dictionary, FHIR R4, the codes, the
functions.
"""

import re

from engine.cli.reference import all_codes
from engine.hl7v2 import definitions as hl7
from engine.hl7v2.definitions import SegmentDefinition

_FIELD = re.compile(r"([A-Z][A-Z0-9]{2})(?:-(\d+)(?:\.(\d+))?)?")
_COMPONENT = re.compile(r"([A-Z]{2,3})(?:\.(\d+))?")
_TABLE = re.compile(r"(?:table\s+)?(?:HL7)?(\d{4})", re.IGNORECASE)
CODES_SHOWN_MAX = 40

_ELEMENT = re.compile(r"([A-Z][A-Za-z]+)(?:\.([A-Za-z.]+))?")


def lookup(topic: str, version: str) -> list[str]:
    """Lines about a topic; empty when nothing is known."""
    topic = topic.strip()
    for answer in (_code, _function, _table, _field, _component, _element):
        lines = answer(topic, version)
        if lines:
            return lines
    return _words(topic, version)


def _code(topic: str, _version: str) -> list[str]:
    return [
        line
        for code in all_codes()
        if code.code == topic.upper()
        for line in (
            f"{code.code} {code.severity.value}",
            f"  {code.text}",
            f"  remedy: {code.remedy}",
        )
    ]


def _function(topic: str, _version: str) -> list[str]:
    from engine.mapping.functions.registry import FUNCTIONS

    record = FUNCTIONS.get(topic)
    if record is None:
        return []
    lines = [f"function {record.name} -> {', '.join(record.returns)}", f"  {record.doc}"]
    lines += [f"  {item.name}: {item.kind.value}  {item.doc}" for item in record.parameters]
    return lines + [
        f"  example: {example.arguments} gives {example.result!r}" for example in record.examples
    ]


def _table(topic: str, version: str) -> list[str]:
    match = _TABLE.fullmatch(topic)
    rows = hl7.table(version, match[1]) if match else None
    if not match or not rows:
        return []
    from engine.fhir import definitions as fhir

    system = fhir.v2_system(match[1])
    lines = [f"table {match[1]}  {system or ''}"]
    for code, text in rows.items():
        shown = text or (fhir.display(system, code) if system else None) or ""
        lines.append(f"  {code}  {shown}".rstrip())
    return lines


def _field(topic: str, version: str) -> list[str]:
    match = _FIELD.fullmatch(topic)
    segment = hl7.segment(version, match[1]) if match else None
    if not match or segment is None:
        return []
    if match[2] is None:
        return [f"segment {match[1]}, HL7 {version}", *_field_rows(match[1], segment)]
    found = segment.fields.get(int(match[2]))
    if found is None:
        return []
    lines = _field_rows(match[1], segment, only=found.number)
    return lines + _component_rows(found.datatype, version, match[3])


def _field_rows(name: str, segment: SegmentDefinition, only: int | None = None) -> list[str]:
    return [
        f"  {name}-{field.number}  {field.name}  {field.datatype}"
        f"{'  repeats' if field.repeats else ''}{'  required' if field.required else ''}"
        f"{'  table ' + field.table if field.table else ''}"
        for number, field in sorted(segment.fields.items())
        if only in (None, number)
    ]


def _component(topic: str, version: str) -> list[str]:
    match = _COMPONENT.fullmatch(topic)
    return _component_rows(match[1], version, match[2]) if match else []


def _component_rows(datatype: str, version: str, only: str | None) -> list[str]:
    found = hl7.datatype(version, datatype)
    if found is None:
        return []
    return [
        f"    {datatype}.{number}  {part.name}  {part.datatype}  [{part.short_name}]"
        f"{'  table ' + part.table if part.table else ''}"
        for number, part in sorted(found.components.items())
        if only in (None, str(number))
    ]


def _element(topic: str, _version: str) -> list[str]:
    from engine.fhir import definitions as fhir

    match = _ELEMENT.fullmatch(topic)
    if not match:
        return []
    if match[2] is None:
        kind = fhir.type_definition(match[1])
        if kind is None:
            return []
        return [f"{kind.name} ({kind.kind})"] + [
            f"  {name}: {'|'.join(item.types)} {item.min}..{'*' if item.max_many else '1'}"
            for name, item in kind.elements.items()
        ]
    element = fhir.element(match[1], match[2])
    if element is None:
        return []
    lines = [
        f"{topic}: {'|'.join(element.types)} {element.min}..{'*' if element.max_many else '1'}"
    ]
    if element.targets:
        lines.append(f"  refers to {', '.join(element.targets)}")
    if element.binding:
        codes = element.binding.codes
        listed = f": {', '.join(sorted(codes))}" if codes and len(codes) <= CODES_SHOWN_MAX else ""
        lines.append(f"  {element.binding.strength} {element.binding.url}{listed}")
    return lines


def _words(topic: str, version: str) -> list[str]:
    """Fields whose name holds every word."""
    words = topic.casefold().split()
    lines = []
    for name in hl7.segment_names(version):
        segment = hl7.segment(version, name)
        if segment is not None:
            lines += [
                row
                for row in _field_rows(name, segment)
                if words and all(word in row.casefold() for word in words)
            ]
    return lines
