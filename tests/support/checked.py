"""Converting one message and asserting what holds for every one."""

from engine.fhir import checker
from engine.fhir.bundle import check_references
from engine.hl7v2 import groups, parser
from engine.mapping.compiler.compiler import Program
from engine.mapping.run import MapContext, MapResult


def convert_checked(program: Program, raw: bytes, context: MapContext) -> MapResult:
    """What it becomes: valid resources, no dangling reference, no fault of the engine."""
    message = parser.parse(raw).message
    assert message is not None
    result = program.convert(groups.group(message), context)
    assert [one.code for one in result.diagnostics if one.code in ("T569", "T570")] == []
    assert all(checker.check(entry.resource) == () for entry in result.entries)
    assert check_references(result.entries) == ()
    return result
