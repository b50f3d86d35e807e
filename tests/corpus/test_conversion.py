"""Every message of the shared corpora becomes valid R4, or says with a code why not."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from converted import (
    CONTEXT,
    CORPUS,
    Converted,
    body_of,
    convert,
    converted_messages,
)
from fhir.resources.R4B import get_fhir_model_class
from shipped import shipped_program

from engine.fhir import checker
from engine.fhir.bundle import check_references
from engine.hl7v2 import groups

NO_MAP = "T560"
OUR_FAULTS = ("T569", "T570")
ABSOLUTE = re.compile(r"(?:https?://[^\s/]+(?:/\S*)?|urn:(?:oid:[012](?:\.\d+)+|\w[\w-]*:\S+))")

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpora are not here"),
]


def made() -> list[Converted]:
    """The messages that became a Bundle."""
    return [one for one in converted_messages() if one.body]


def test_message_makes_a_bundle_or_says_with_a_code_why_not() -> None:
    faults = [f"{one.name}: {fault}" for one in converted_messages() for fault in silent(one)]
    assert faults == []
    assert len(made()) > 400


def silent(one: Converted) -> Iterator[str]:
    if one.result is None:
        if not one.diagnostics:
            yield "not parsed, and no diagnostic says why"
        return
    codes = [found.code for found in one.result.diagnostics]
    if not one.body and NO_MAP not in codes:
        yield f"nothing was made: {codes}"
    for found in one.result.diagnostics:
        if found.code in OUR_FAULTS:
            yield f"a rule failed: {found.message} at {found.place.file}:{found.place.line}"


def test_every_resource_passes_the_gate_and_fhir_resources() -> None:
    faults: Counter[str] = Counter()
    for one in made():
        assert one.result is not None
        for entry in one.result.entries:
            kind = entry.resource["resourceType"]
            for problem in checker.check(entry.resource):
                faults[f"{kind}: {problem.code} {problem.place.path}, {one.name}"] += 1
        for resource in one.resources():
            try:
                get_fhir_model_class(resource["resourceType"]).model_validate(resource)
            except ValueError as refused:
                faults[f"fhir.resources: {str(refused)[:200]}, {one.name}"] += 1
    assert not faults


def test_no_reference_dangles_and_no_resource_comes_twice() -> None:
    faults: list[str] = []
    for one in made():
        assert one.result is not None
        faults += [
            f"{one.name}: {found.place.path}" for found in check_references(one.result.entries)
        ]
        names = Counter((found["resourceType"], found["id"]) for found in one.resources())
        faults += [f"{one.name}: {kind} twice" for (kind, _), count in names.items() if count > 1]
    assert faults == []


def test_every_system_is_an_absolute_uri() -> None:
    faults: Counter[str] = Counter()
    seen = 0
    for one in made():
        for resource in one.resources():
            for path, system in systems(resource, resource["resourceType"]):
                seen += 1
                if not ABSOLUTE.fullmatch(system) or "example.com" in system:
                    faults[f"{path}, {one.name}"] += 1
    assert not faults
    assert seen > 10_000


def systems(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, text) of every `system` but those of telephone numbers, which are codes."""
    if isinstance(value, list):
        for item in value:
            yield from systems(item, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "system" and isinstance(item, str) and not path.endswith("elecom"):
                if not path.endswith("ContactPoint"):
                    yield path, item
            else:
                yield from systems(item, f"{path}.{key}")


def test_second_run_gives_the_same_bytes() -> None:
    faults: list[str] = []
    for one in made():
        assert one.message is not None
        again = shipped_program().convert(groups.group(one.message), CONTEXT)
        if body_of(again) != one.body:
            faults.append(one.name)
    assert faults == []


def test_order_of_pid_3_repetitions_changes_no_id() -> None:
    faults: list[str] = []
    tried = 0
    for one in made():
        turned = with_pid_3_reversed(one.raw)
        if turned == one.raw:
            continue
        tried += 1
        other = convert(one.name, turned)
        if ids(one) != ids(other):
            faults.append(f"{one.name}: {sorted({kind for kind, _ in ids(one) ^ ids(other)})}")
    assert faults == []
    assert tried > 50


def ids(one: Converted) -> set[tuple[str, str]]:
    return {(found["resourceType"], found["id"]) for found in one.resources()}


def with_pid_3_reversed(raw: bytes) -> bytes:
    """The message with the repetitions of every PID-3 the other way round."""
    start = raw.find(b"MSH")
    mark, repetition = raw[start + 3 : start + 4], raw[start + 5 : start + 6]
    lines = re.split(rb"(\r\n|\r|\n)", raw)
    for index, line in enumerate(lines):
        fields = line.split(mark)
        if fields[0] == b"PID" and len(fields) > 3:
            fields[3] = repetition.join(reversed(fields[3].split(repetition)))
            lines[index] = mark.join(fields)
    return b"".join(lines)
