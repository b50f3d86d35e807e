"""Every document of the shared corpora, converted once, for the tests that look at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from shipped import shipped_library

from engine.cda.document import Document
from engine.cda.reader import parse_document
from engine.channel.model import FhirDestinationConfig
from engine.diagnostics import Diagnostic
from engine.fhir.bundle import encode_bundle
from engine.fhir.entries import Entry
from engine.mapping.compiler.documents import DocumentProgram, compile_documents
from engine.mapping.run import MapContext, MapResult
from engine.pipeline.repair import repair_entries

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpora" / "ccda"
FOLDERS = ("vendor-samples", "hl7-scenarios", "onc-site", "microsoft", "nurra", "srdc")
SUFFIXES = (".xml", ".ccda")
CONTEXT = MapContext(time_zone="America/New_York", source_system="urn:corpus")
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedDocument:
    """One document and what became of it."""

    name: str
    """Its path in the corpora."""
    raw: bytes
    document: Document | None
    """None when it cannot be read."""
    diagnostics: tuple[Diagnostic, ...]
    """Of reading it."""
    result: MapResult | None
    entries: tuple[Entry, ...]
    """As they are sent: what no rule foresaw is left out (`pipeline.repair`)."""
    repairs: tuple[Diagnostic, ...]
    body: bytes
    """The Bundle as it is sent; empty when nothing was made."""

    @property
    def file(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2]

    def resources(self) -> list[dict[str, Any]]:
        """The resources as they are sent, with ids."""
        return [entry["resource"] for entry in msgspec.json.decode(self.body)["entry"]]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The resources of one type, in the order of the Bundle."""
        return [one for one in self.resources() if one["resourceType"] == kind]


@cache
def documents_program() -> DocumentProgram:
    """The compiled library of documents."""
    return compile_documents(shipped_library("cda"))


def document_files() -> Iterator[Path]:
    """Every file that holds a ClinicalDocument, or should. Fixtures of nurra are fragments."""
    for folder in FOLDERS:
        for path in sorted((CORPUS / folder).rglob("*")):
            if path.suffix in SUFFIXES and b"ClinicalDocument" in path.read_bytes():
                yield path


@cache
def converted_documents() -> tuple[ConvertedDocument, ...]:
    """All of them, in the order of their folders and names. Kept for the process."""
    return tuple(
        convert_document(str(path.relative_to(CORPUS)), path.read_bytes())
        for path in document_files()
    )


def convert_document(
    name: str, raw: bytes, context: MapContext = CONTEXT, *, folds_from: int | None = None
) -> ConvertedDocument:
    """Parse and convert one document, as the engine does."""
    parsed = parse_document(raw, repair_cp1252=True, folds_from=folds_from)
    result: MapResult | None = None
    entries: list[Entry] = []
    repairs: list[Diagnostic] = []
    body = b""
    if parsed.document is not None:
        result = documents_program().convert(parsed.document, context)
        entries, repairs = repair_entries(result.entries)
        if entries:
            body = encode_bundle(
                entries, interaction="transaction", identity="update", capabilities=CAPABILITIES
            ).body
    return ConvertedDocument(
        name=name,
        raw=raw,
        document=parsed.document,
        diagnostics=parsed.diagnostics,
        result=result,
        entries=tuple(entries),
        repairs=tuple(repairs),
        body=body,
    )
