"""Our Bundle of a message, by the library in `transforms/`."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.agreement.pairs import TIME_ZONES
from engine.channel.model import FhirDestinationConfig
from engine.fhir.bundle import encode_bundle
from engine.hl7v2 import batch, groups, header, parser
from engine.mapping.compiler.compiler import Program, compile_library
from engine.mapping.library import read_library
from engine.mapping.run import MapContext

ROOT = Path(__file__).resolve().parents[2]
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities


@cache
def library_program() -> Program:
    """The compiled library."""
    files = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for path in sorted((ROOT / "transforms" / "hl7v2").rglob("*"))
        if path.suffix in (".yaml", ".csv")
    }
    library, problems = read_library(files)
    if problems:
        raise SystemExit("\n".join(str(problem) for problem in problems))
    return compile_library(library)


def first_message(path: Path) -> bytes:
    """The first message of a file, which may be a batch."""
    raw = path.read_bytes()
    messages = batch.split(raw).messages
    return messages[0] if messages else raw


def message_type(path: Path) -> str:
    """`ADT_A01` as MSH-9 says it."""
    head = header.peek(first_message(path))
    return f"{head.message_code}_{head.trigger_event}"


def our_bundle(path: Path, family: str) -> Any:
    """What we make of the first message of a file, as parsed JSON; None when it does not parse."""
    message = parser.parse(first_message(path), repair_cp1252=True).message
    if message is None:
        return None
    zone = TIME_ZONES.get(family, "UTC")
    context = MapContext(time_zone=zone, source_system="urn:agreement")
    made = library_program().convert(groups.group(message), context)
    body = encode_bundle(
        made.entries, interaction="transaction", identity="update", capabilities=CAPABILITIES
    ).body
    return msgspec.json.decode(body)
