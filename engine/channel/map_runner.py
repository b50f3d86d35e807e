"""Pure. Runs one map alone, on the text of a test beside it: a value, a segment, or a message.

The generated code is that of the engine; only the way in is another, because in a channel a segment
map is always called by a message map.
"""

from dataclasses import dataclass, field

from engine.diagnostics import Diagnostic
from engine.hl7v2.groups import group
from engine.hl7v2.message import Message
from engine.hl7v2.parser import parse
from engine.mapping.compiler.compiler import Program
from engine.mapping.run import MapContext
from engine.mapping.source_types import segment_exists
from engine.mapping.syntax import MapFile

HEADER = "MSH|^~\\&|TEST|TEST|||20260101000000+0000||ADT^A01^ADT_A01|1|P|2.5.1"
"""Stands before a segment that is tested alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRunner:
    """Runs maps of one program; calling it is a `testcase.RunMap`."""

    program: Program
    context: MapContext = field(default_factory=MapContext)

    def __call__(self, map_file: MapFile, text: str) -> object:
        """What the map makes of the text: a resource, a value, or the resources of a message."""
        return self.run(map_file, text)[0]

    def run(self, map_file: MapFile, text: str) -> tuple[object, list[Diagnostic]]:
        """The same, with the problems met."""
        if map_file.steps:
            return self._message(map_file, text)
        if segment_exists(map_file.from_name):
            return self._segment(map_file, text)
        made, problems = self.program.convert_value(map_file.name, text.strip(), self.context)
        return made, problems

    def _message(self, map_file: MapFile, text: str) -> tuple[object, list[Diagnostic]]:
        message, problems = _parse(text)
        if message is None:
            return [], problems
        grouped = group(message)
        result = self.program.convert(grouped, self.context, map_file.name)
        return [entry.resource for entry in result.entries], [*problems, *result.diagnostics]

    def _segment(self, map_file: MapFile, text: str) -> tuple[object, list[Diagnostic]]:
        whole = text if text.lstrip().startswith("MSH") else f"{HEADER}\n{text}"
        message, problems = _parse(whole)
        if message is None:
            return None, problems
        made, found = self.program.convert_segment(map_file.name, message, self.context)
        return made, [*problems, *found]


def _parse(text: str) -> tuple[Message | None, list[Diagnostic]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    parsed = parse("".join(f"{line}\r" for line in lines).encode())
    return parsed.message, list(parsed.diagnostics)
