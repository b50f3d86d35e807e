"""Every ADT and ORU of the shared corpora converts to valid R4, or says with a code why not."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from fhir.resources.R4B import get_fhir_model_class

from engine.channel.model import FhirDestinationConfig
from engine.fhir import checker
from engine.fhir.bundle import check_references, encode_bundle
from engine.hl7v2 import batch, groups, header, parser
from engine.mapping.compiler.compiler import Program, compile_library
from engine.mapping.library import read_library
from engine.mapping.run import MapContext

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpora" / "v2"
SUFFIXES = (".hl7", ".txt", ".HL7")
CONTEXT = MapContext(time_zone="America/New_York", source_system="urn:corpus")
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities
ENCODER = msgspec.json.Encoder(decimal_format="number")
FOLDERS = sorted(path.name for path in CORPUS.iterdir() if path.is_dir()) if CORPUS.exists() else []

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpora are not here"),
]


@pytest.fixture(scope="module")
def program() -> Program:
    files = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for path in sorted((ROOT / "transforms").rglob("*"))
        if path.suffix in (".yaml", ".csv")
    }
    library, problems = read_library(files)
    assert problems == []
    return compile_library(library)


def messages(folder: str) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every ADT and ORU, split from batches."""
    for path in sorted((CORPUS / folder).rglob("*")):
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        for number, raw in enumerate(batch.split(path.read_bytes()).messages, 1):
            head = header.peek(raw)
            if head.message_code in ("ADT", "ORU"):
                yield f"{path.relative_to(CORPUS)}#{number}", raw


@pytest.mark.parametrize("folder", FOLDERS)
def test_corpus_message_converts_to_valid_r4_or_a_coded_problem(
    folder: str, program: Program
) -> None:
    faults: list[str] = []
    for name, raw in messages(folder):
        faults.extend(f"{name}: {fault}" for fault in faults_of(raw, program))
    assert faults == []


def faults_of(raw: bytes, program: Program) -> Iterator[str]:
    parsed = parser.parse(raw, repair_cp1252=True)
    if parsed.message is None:
        if not parsed.diagnostics:
            yield "not parsed, and no diagnostic says why"
        return
    result = program.convert(groups.group(parsed.message), CONTEXT)
    if not result.entries:
        yield f"nothing was made: {[one.code for one in result.diagnostics]}"
        return
    for one in result.diagnostics:
        if one.code in ("T569", "T570"):
            yield f"a rule failed: {one.message} at {one.place.file}:{one.place.line}"
    for entry in result.entries:
        kind = entry.resource["resourceType"]
        for problem in checker.check(entry.resource):
            yield f"{kind}: {problem.code} {problem.place.path}"
        try:
            get_fhir_model_class(kind).model_validate_json(ENCODER.encode(entry.resource))
        except ValueError as refused:
            yield f"{kind}: fhir.resources refuses it: {str(refused)[:200]}"
    for dangling in check_references(result.entries):
        yield f"dangling: {dangling.place.path}"
    again = program.convert(groups.group(parsed.message), CONTEXT)
    if body_of(result.entries) != body_of(again.entries):
        yield "a second run gave other bytes"


def body_of(entries: list) -> bytes:  # type: ignore[type-arg]
    return encode_bundle(
        entries, interaction="transaction", identity="update", capabilities=CAPABILITIES
    ).body
