"""Maps that remember make the same, byte for byte, as maps that do not, in any order."""

from pathlib import Path
from random import Random

import pytest

from engine.channel.model import FhirDestinationConfig
from engine.fhir.bundle import encode_bundle
from engine.hl7v2 import batch, groups, parser
from engine.mapping.compiler.compiler import Program, compile_library
from engine.mapping.library import Library, read_library
from engine.mapping.run import MapContext, MapResult
from engine.pipeline.repair import repair_entries

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpora" / "v2"
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities
CONTEXTS = (
    MapContext(time_zone="America/New_York", source_system="urn:corpus"),
    MapContext(source_system="urn:other", authorities={"NORTH": "http://north.test"}),
)

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def library() -> Library:
    files = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for path in sorted((ROOT / "transforms" / "hl7v2").rglob("*"))
        if path.suffix in (".yaml", ".csv")
    }
    library, problems = read_library(files)
    assert problems == []
    return library


def _messages(folder: Path) -> list[bytes]:
    return [
        raw
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".hl7", ".txt", ".HL7") and path.is_file()
        for raw in batch.split(path.read_bytes()).messages
    ]


def _shown(result: MapResult) -> tuple[bytes, str]:
    """The bytes to send, as mapped and as repaired, and all that was said."""
    bodies = b""
    repaired, problems = repair_entries(result.entries)
    said = [*result.diagnostics, *problems]
    for entries in (result.entries, repaired):
        for identity in ("update", "conditional"):
            encoded = encode_bundle(
                entries, interaction="transaction", identity=identity, capabilities=CAPABILITIES
            )
            bodies += encoded.body
            said += encoded.diagnostics
    return bodies, repr((said, result.held, result.nulls, result.map_name))


def _assert_same(raws: list[bytes], remembering: Program, forgetful: Program) -> int:
    count = 0
    for raw in raws:
        parsed = parser.parse(raw).message
        if parsed is None:
            continue
        for context in CONTEXTS:
            grouped = groups.group(parsed)
            here = _shown(remembering.convert(grouped, context))
            assert here == _shown(forgetful.convert(grouped, context)), parsed.header_segment
            count += 1
    return count


def test_samples_become_the_same_with_memory_and_without(library: Library) -> None:
    raws = _messages(ROOT / "samples") * 3
    Random(1).shuffle(raws)
    remembering = compile_library(library)
    forgetful = compile_library(library, remembers=False)
    assert _assert_same(raws, remembering, forgetful) > 30


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpora are not here")
@pytest.mark.parametrize("seed", [1, 2])
def test_corpus_messages_become_the_same_with_memory_and_without(
    library: Library, seed: int
) -> None:
    raws = _messages(CORPUS)
    raws += raws
    Random(seed).shuffle(raws)
    remembering = compile_library(library)
    forgetful = compile_library(library, remembers=False)
    assert _assert_same(raws, remembering, forgetful) > 100
