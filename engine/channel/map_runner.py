"""Pure. Runs one map alone, on the text of a test beside it: a value, a segment, or a message.

The generated code is that of the engine; only the way in is another, because in a channel a segment
map is always called by a message map.
"""

import re
from dataclasses import dataclass, field

from engine.cda.reader import parse_document
from engine.diagnostics import Diagnostic
from engine.hl7v2.groups import group
from engine.hl7v2.message import Message
from engine.hl7v2.parser import parse
from engine.mapping.compiler.compiler import Program
from engine.mapping.compiler.documents import DocumentProgram
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
        grouped = group(message, self.program.places)
        result = self.program.convert(grouped, self.context, map_file.name)
        return [entry.resource for entry in result.entries], [*problems, *result.diagnostics]

    def _segment(self, map_file: MapFile, text: str) -> tuple[object, list[Diagnostic]]:
        whole = text if text.lstrip().startswith("MSH") else f"{HEADER}\n{text}"
        message, problems = _parse(whole)
        if message is None:
            return None, problems
        made, found = self.program.convert_segment(map_file.name, message, self.context)
        return made, [*problems, *found]


_AROUND = (
    '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<id root="2.16.840.1.113883.19.5" extension="TEST"/>'
    '<effectiveTime value="20260101000000+0000"/>'
    '<recordTarget><patientRole><id root="2.16.840.1.113883.19.5" extension="1"/><patient><name>'
    "<family>Test</family></name></patient></patientRole></recordTarget><component><structuredBody>"
    "<component>{section}</component></structuredBody></component></ClinicalDocument>"
)
"""Stands around an element that is tested alone: a document with a patient."""
_SECTION = '<section><code code="{code}"/><text/><entry>{entry}</entry></section>'
_CODE_OF = re.compile(r"\s*<!--\s*section\s+(\S+)\s*-->")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMapRunner:
    """Runs maps of documents on an element written in a test; calling it is a `testcase.RunMap`.

    The element stands in a section of a small document; a comment before it says which section:
    `<!-- section 11450-4 -->`. A test may hold a whole section or document too.
    """

    program: DocumentProgram
    context: MapContext = field(default_factory=MapContext)

    def __call__(self, map_file: MapFile, text: str) -> object:
        """What the map makes first, then the resources put in the bundle on the way."""
        made, resources, _ = self.run(map_file, text)
        first = [] if isinstance(made, list) else [made]
        return [*first, *resources]

    def run(self, map_file: MapFile, text: str) -> tuple[object, list[object], list[Diagnostic]]:
        """What the map makes, the other resources, and the problems met."""
        code = _CODE_OF.match(text)
        entry = text[code.end() :].strip() if code else text.strip()
        whole = entry
        if not entry.startswith("<ClinicalDocument"):
            section = entry
            if not entry.startswith("<section"):
                section = _SECTION.format(code=code.group(1) if code else "", entry=entry)
            whole = _AROUND.format(section=section)
        parsed = parse_document(whole.encode())
        document = parsed.document
        if document is None:
            return None, [], list(parsed.diagnostics)
        node = document.root
        if whole is not entry:
            node = next(document.root.iter("{urn:hl7-org:v3}section"))
            node = node if entry.startswith("<section") else node[-1][0]
        made, resources, problems = self.program.convert_node(
            map_file.name, node, document, self.context
        )
        return made, [one.resource for one in resources], problems


def _parse(text: str) -> tuple[Message | None, list[Diagnostic]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    parsed = parse("".join(f"{line}\r" for line in lines).encode())
    return parsed.message, list(parsed.diagnostics)
