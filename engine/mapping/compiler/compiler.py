"""Pure. Maps to a program: Python source, compiled when first needed, and conversion by it.

The source is kept (`Program.source`) for those who want to see what a map does. A second, traced
variant of the same source is made when somebody first asks why; the ordinary one knows nothing of
tracing.
"""

from collections.abc import Sequence
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.fhir.containing import NEVER_STORED, contain
from engine.hl7v2.delimiters import Delimiters
from engine.hl7v2.groups import Grouped
from engine.hl7v2.message import Message
from engine.hl7v2.path import leaves
from engine.mapping.codes import MAP_FAILED, NO_MAP
from engine.mapping.compiler.emit_code import RuleInfo
from engine.mapping.compiler.emit_paths import HEADER_WIDTH
from engine.mapping.compiler.variant import MESSAGE, Variant, make_variant
from engine.mapping.functions.dates import header_offset
from engine.mapping.library import Library
from engine.mapping.made import Made
from engine.mapping.memory import Memories
from engine.mapping.people import drop_repeats, same_people
from engine.mapping.run import MapContext, MapResult, Run
from engine.mapping.support import PADDING
from engine.mapping.syntax import MapFile


class Program:
    """All maps of a channel, ready to convert messages. Made by `compile_library`."""

    __slots__ = ("_by_event", "_by_structure", "_memories", "_plain", "_traced", "library")

    def __init__(self, library: Library, *, remembers: bool = True) -> None:
        self.library = library
        self._plain = make_variant(library, traced=False)
        self._traced = make_variant(library, traced=True)
        self._memories = Memories() if remembers else None
        self._by_event: dict[str, str] = {}
        self._by_structure: dict[str, str] = {}
        for map_file in library.message_maps():
            self._by_structure.setdefault(map_file.from_name, map_file.name)
            for event in map_file.events:
                self._by_event.setdefault(event, map_file.name)

    @property
    def source(self) -> str:
        """The generated Python source of all maps."""
        return self._plain.whole().source

    @property
    def places(self) -> dict[str, str]:
        """Where the site's own segments stand."""
        return self.library.places()

    @property
    def rules(self) -> tuple[RuleInfo, ...]:
        """Every rule of the program by number."""
        return tuple(self._plain.whole().rules)

    def traced(self) -> Variant:
        """The variant that records what it does."""
        return self._traced

    def find_map(self, message: Message) -> MapFile | None:
        """The message map by event, else by structure."""
        name = self._by_event.get(message.message_type) or self._by_structure.get(message.structure)
        return self.library.maps.get(name) if name else None

    def convert(
        self,
        grouped: Grouped,
        context: MapContext,
        map_name: str = "auto",
        trace: Any = None,
    ) -> MapResult:
        """Convert one message.

        Args:
            grouped: the message with its groups.
            context: what the channel says.
            map_name: a message map, or `auto`: by event, else by structure.
            trace: a `trace.Trace` that is filled with what was done; None: nothing is recorded.

        Returns:
            The resources and everything to be said; never raises for any message.
        """
        message = grouped.message
        found = self.find_map(message) if map_name == "auto" else self.library.maps.get(map_name)
        if found is None or not found.steps:
            shown = message.message_type if map_name == "auto" else map_name
            problem = NO_MAP(Place(path="MSH-9"), message_type=shown)
            return MapResult(entries=[], diagnostics=[problem], held=False)
        variant = self._plain if trace is None else self._traced
        run = start(message, context, variant.places)
        if trace is not None:
            trace.start(message, variant.rules)
            run.trace = trace
        elif self._memories is not None:
            memory = self._memories.of(context, message.delimiters, message.codec)
            run.memory = memory.codings
            if run.header:
                run.recent = memory.recent(run.header, run.header_offset_minutes)
        try:
            function = variant.function(found.name, MESSAGE)
            variant.module(message.delimiters, message.codec)[function](grouped.root, run)
        except Exception as problem:  # noqa: BLE001  a fault of ours costs one message, not the engine
            run.diagnostics.append(
                MAP_FAILED(Place(file=found.file), problem=type(problem).__name__)
            )
        if run.people:
            drop_repeats(run.made, run.trace)
        if trace is not None:
            trace.finish(run.made)
        return finish(run, found.name)

    def convert_segment(
        self, map_name: str, message: Message, context: MapContext, trace: Any = None
    ) -> tuple[Any, list[Diagnostic]]:
        """Convert the first segment that a segment map is for, for tests beside the map.

        Returns:
            What the map made (None for nothing, or when the segment is absent), and the problems.
        """
        segments = message.segment_list(self.library.maps[map_name].from_name)
        if not segments:
            return None, []
        return self._alone(map_name, 0, segments[0], message, context, trace)

    def convert_value(
        self, map_name: str, text: str, context: MapContext, trace: Any = None
    ) -> tuple[Any, list[Diagnostic]]:
        """Convert one value by a datatype map, for tests beside the map.

        Args:
            map_name: a map from a datatype.
            text: a repetition with standard delimiters; a component when it holds `&` but no `^`.
            context: what the channel says.
            trace: as in `convert`.

        Returns:
            What the map made (None for nothing), and the problems.
        """
        is_component = "&" in text and "^" not in text
        level = 2 if is_component and self._plain.whole().has(map_name, 2) else 1
        message = Message(
            text="MSH|^~\\&|\r",
            segments=[],
            delimiters=Delimiters(),
            codec="utf-8",
            raw=b"",
            structure="",
            version="2.5.1",
        )
        return self._alone(map_name, level, text, message, context, trace)

    def _alone(
        self,
        map_name: str,
        level: int,
        source: Any,
        message: Message,
        context: MapContext,
        trace: Any,
    ) -> tuple[Any, list[Diagnostic]]:
        """Run one function of the program on its own."""
        variant = self._plain if trace is None else self._traced
        function = variant.function(map_name, level)
        run = start(message, context, variant.places)
        if isinstance(source, str):
            run.escaped, run.subcomponents = "\\" in source, "&" in source
        if trace is not None:
            trace.start(message, variant.rules)
            run.trace = trace
        made = variant.module(message.delimiters, message.codec)[function](source, run)
        if run.faults:
            run.settle_loose(0)
        if trace is not None and isinstance(made, dict):
            whole = Made(made, self.library.maps[map_name].to_name, "")
            trace.finish([*run.made, whole])
        return made, run.diagnostics


def start(message: Message, context: MapContext, places: Sequence[Place]) -> Run:
    """A run for one message."""
    run = Run(context, places)
    text, delimiters = message.text, message.delimiters
    run.segments = message.segments
    run.people = same_people(message, context.authorities)
    run.escaped = text.find(delimiters.escape, 9) >= 0
    run.subcomponents = text.find(delimiters.subcomponent, 9) >= 0
    if '""' in text:
        run.has_nulls = True
        run.nulls = null_paths(message)
    if message.segments:
        header = message.segments[0]
        fields = run.cleaned(header) if run.has_nulls else header.fields
        if len(fields) < HEADER_WIDTH:
            fields = fields + PADDING[HEADER_WIDTH - len(fields)]
        run.header = fields
        if fields[7]:
            run.header_offset_minutes = header_offset(fields[7].partition(delimiters.component)[0])
    return run


def null_paths(message: Message) -> list[str]:
    """The paths of all explicit nulls, such as `PID[1]-19` or `PID[1]-3[2].4`."""
    return [leaf.path for leaf in leaves(message) if leaf.null]


def finish(run: Run, map_name: str) -> MapResult:
    """The result of a run."""
    if run.faults:
        run.settle_loose(0)
    entries = run.entries()
    if any(made.resource_type in NEVER_STORED for made in run.made):
        entries = contain(entries)
    return MapResult(
        entries=entries,
        diagnostics=run.diagnostics,
        held=run.held,
        nulls=tuple(run.nulls),
        map_name=map_name,
    )


def compile_library(library: Library, *, remembers: bool = True) -> Program:
    """Compile a library that `checker.check_library` has found nothing wrong with.

    Args:
        library: the maps.
        remembers: keep what texts became for later messages (`mapping.memory`); the output is the
            same without.
    """
    return Program(library, remembers=remembers)
