"""Every message of the shared corpora, parsed and converted once, for the tests that look at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from shipped import shipped_program

from engine.channel.model import FhirDestinationConfig
from engine.diagnostics import Diagnostic
from engine.fhir.bundle import encode_bundle
from engine.hl7v2 import batch, groups, parser
from engine.hl7v2.message import Message
from engine.mapping.run import MapContext, MapResult

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpora" / "v2"
SUFFIXES = (".hl7", ".txt", ".HL7")
CONTEXT = MapContext(time_zone="America/New_York", source_system="urn:corpus")
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """One message of a file and what became of it."""

    name: str
    """File and number of the message in it."""
    raw: bytes
    message: Message | None
    """None when it does not parse."""
    diagnostics: tuple[Diagnostic, ...]
    """Of parsing."""
    result: MapResult | None
    body: bytes
    """The Bundle as it is sent; empty when nothing was made."""

    @property
    def folder(self) -> str:
        """The folder of the corpora it is from."""
        return self.name.partition("/")[0]

    def resources(self) -> list[dict[str, Any]]:
        """The resources as they are sent, with ids."""
        return [entry["resource"] for entry in msgspec.json.decode(self.body)["entry"]]


def raw_messages() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every message, split from batches."""
    if not CORPUS.exists():
        return
    for path in sorted(CORPUS.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file():
            for number, raw in enumerate(batch.split(path.read_bytes()).messages, 1):
                yield f"{path.relative_to(CORPUS)}#{number}", raw


@cache
def converted_messages() -> tuple[Converted, ...]:
    """All of them, in the order of their names. Some ten megabytes, kept for the process."""
    return tuple(convert(name, raw) for name, raw in raw_messages())


def convert(name: str, raw: bytes) -> Converted:
    """Parse and convert one message."""
    parsed = parser.parse(raw, repair_cp1252=True)
    result, body = None, b""
    if parsed.message is not None:
        result = shipped_program().convert(groups.group(parsed.message), CONTEXT)
        body = body_of(result) if result.entries else b""
    return Converted(
        name=name,
        raw=raw,
        message=parsed.message,
        diagnostics=tuple(parsed.diagnostics),
        result=result,
        body=body,
    )


def body_of(result: MapResult) -> bytes:
    """The Bundle as it is sent."""
    return encode_bundle(
        result.entries, interaction="transaction", identity="update", capabilities=CAPABILITIES
    ).body
