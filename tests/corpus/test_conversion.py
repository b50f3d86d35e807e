"""Every message of the shared corpora becomes valid R4, or says with a code why not."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from converted import (
    CONTEXT,
    CORPUS,
    Converted,
    body_of,
    convert,
    converted_messages,
)
from shipped import shipped_program
from validity import dangling_and_doubles, failed_rules, is_system, refusals, systems

from engine.hl7v2 import groups

NO_MAP = "T560"

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
    yield from failed_rules(one.result.diagnostics)


def test_every_resource_passes_the_gate_and_fhir_resources() -> None:
    faults: Counter[str] = Counter()
    for one in made():
        assert one.result is not None
        found = refusals(one.result.entries, one.resources())
        faults.update(f"{fault}, {one.name}" for fault in found)
    assert not faults


def test_no_reference_dangles_and_no_resource_comes_twice() -> None:
    faults: list[str] = []
    for one in made():
        assert one.result is not None
        found = dangling_and_doubles(one.result.entries, one.resources())
        faults += [f"{one.name}: {fault}" for fault in found]
    assert faults == []


def test_every_system_is_an_absolute_uri() -> None:
    faults: Counter[str] = Counter()
    seen = 0
    for one in made():
        for resource in one.resources():
            for path, system in systems(resource, resource["resourceType"]):
                seen += 1
                if not is_system(system):
                    faults[f"{path}, {one.name}"] += 1
    assert not faults
    assert seen > 10_000


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
