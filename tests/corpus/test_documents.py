"""Every document of the shared corpora becomes valid R4, or says with a code why not."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from converted_documents import (
    CORPUS,
    FOLDERS,
    ConvertedDocument,
    convert_document,
    converted_documents,
)
from validity import dangling_and_doubles, failed_rules, is_system, refusals, systems

NULL_FLAVOURS = frozenset({"NI", "UNK", "NASK", "ASKU", "NAV", "NA", "MSK", "OTH"})
LEFT = ("D340", "D341")
LEFT_MAX = 0.005
"""Of all statements: those no map takes, or that are negated where nobody says what that means."""
REPAIRED_MAX = 0.01
"""Of all resources: those that lost an element no rule foresaw, such as an end before its start."""

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpora are not here"),
]


def made() -> list[ConvertedDocument]:
    """The documents that became a Bundle."""
    return [one for one in converted_documents() if one.body]


def test_every_well_formed_document_converts_and_others_say_with_a_code_why_not() -> None:
    faults = [f"{one.name}: {fault}" for one in converted_documents() for fault in silent(one)]
    assert faults == []
    assert {one.name.partition("/")[0] for one in made()} == set(FOLDERS)
    assert len(made()) > 150


def silent(one: ConvertedDocument) -> Iterator[str]:
    if one.result is None:
        if not one.diagnostics:
            yield "not read, and no diagnostic says why"
        if is_well_formed(one.raw):
            yield f"well-formed, and refused: {[found.code for found in one.diagnostics]}"
        return
    if not one.body:
        yield "nothing was made"
    yield from failed_rules(one.result.diagnostics)


def is_well_formed(raw: bytes) -> bool:
    """As a parser says that knows nothing of us."""
    try:
        ET.fromstring(raw)
    except ET.ParseError:
        return False
    return True


def test_every_resource_passes_the_gate_and_fhir_resources() -> None:
    faults: Counter[str] = Counter()
    for one in made():
        found = refusals(one.entries, one.resources())
        faults.update(f"{fault}, {one.name}" for fault in found)
    assert not faults


def test_repair_is_the_exception_and_drops_no_clinical_resource() -> None:
    repaired = sum(len(one.repairs) for one in made())
    resources = sum(len(one.entries) for one in made())
    assert repaired < resources * REPAIRED_MAX
    lost = [
        (one.name, found.message)
        for one in made()
        for found in one.repairs
        if found.code == "S726" and not found.message.startswith(("Composition.", "Provenance."))
    ]
    assert lost == []


def test_every_statement_is_taken_or_reported_with_its_place() -> None:
    """That nothing else is lost is what `engine.mapping` accounts for; here, how much is left."""
    statements = reported = 0
    for one in made():
        assert one.result is not None
        assert one.document is not None
        statements += len(one.document.statements())
        for found in one.result.diagnostics:
            if found.code in LEFT:
                reported += 1
                assert found.place.path is not None
                assert found.place.path.startswith("/ClinicalDocument/")
    assert statements > 8_000
    assert reported < statements * LEFT_MAX


def test_no_reference_dangles_and_no_resource_comes_twice() -> None:
    faults: list[str] = []
    for one in made():
        found = dangling_and_doubles(one.entries, one.resources())
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
    assert [
        one.name for one in made() if convert_document(one.name, one.raw).body != one.body
    ] == []


def test_no_resource_bears_what_a_null_flavour_stands_for() -> None:
    """`nullFlavor` is CDA's; a receiver must never meet it as a value."""
    bearing = [
        f"{one.name}: {resource['resourceType']}"
        for one in made()
        for resource in one.resources()
        for coding in codings(resource)
        if coding.keys() == {"code"} and coding["code"] in NULL_FLAVOURS
    ]
    assert bearing == []


def codings(value: Any) -> Iterator[dict[str, Any]]:
    """Every coding, and what else holds a code."""
    if isinstance(value, list):
        for item in value:
            yield from codings(item)
    elif isinstance(value, dict):
        if isinstance(value.get("code"), str):
            yield value
        for item in value.values():
            yield from codings(item)
