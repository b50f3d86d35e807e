"""Pure. Maps of documents to a program, and the conversion of a document by it."""

from typing import Any

from engine.cda.document import Document, Node
from engine.cda.nodes import is_valued, node_code, node_text
from engine.diagnostics import Diagnostic, Place
from engine.hl7v2.delimiters import Delimiters
from engine.mapping.accounts import LeafAccount
from engine.mapping.codes import MAP_FAILED, NO_MAP
from engine.mapping.compiler.emit_code import NODE_LEVEL
from engine.mapping.compiler.variant import Variant, make_variant
from engine.mapping.documents.absence import write_absent
from engine.mapping.documents.dispatch import candidates
from engine.mapping.documents.narratives_read import reads_other_narratives
from engine.mapping.documents.node_types import ANY
from engine.mapping.documents.run import begin
from engine.mapping.documents.statements_read import StatementReads
from engine.mapping.functions.dates import header_offset
from engine.mapping.library import Library
from engine.mapping.made import Made
from engine.mapping.run import MapContext, MapResult, Run
from engine.mapping.syntax import MapFile

DOCUMENT_CLASS = "ClinicalDocument"
ROOT_MAP = "document[Composition]"
"""The map of the whole document."""

_SUPPORT = {
    "is_valued": is_valued,
    "node_code": node_code,
    "node_text": node_text,
    "write_absent": write_absent,
}
_DELIMITERS = Delimiters()


class DocumentProgram:
    """All maps of documents, ready to convert. Made by `compile_documents`."""

    __slots__ = ("_plain", "_reads", "_traced", "folds", "library")

    def __init__(self, library: Library) -> None:
        self.library = library
        self.folds = not reads_other_narratives(library)
        """Narratives may be folded while their section is not the one that is converted."""
        self._reads = StatementReads(library)
        self._plain = _variant(library, traced=False)
        self._traced = _variant(library, traced=True)

    def traced(self) -> Variant:
        """The variant that records what it does."""
        return self._traced

    def convert(self, document: Document, context: MapContext, trace: Any = None) -> MapResult:
        """Convert one document.

        Args:
            document: as read.
            context: what the channel says.
            trace: a `trace.Trace` that is filled with what was done; None: nothing is recorded.

        Returns:
            The resources, the Composition first, and everything to be said; never raises for any
            document.
        """
        if ROOT_MAP not in self.library.maps:
            problem = NO_MAP(Place(path="/ClinicalDocument"), message_type="ClinicalDocument")
            return MapResult(entries=[], diagnostics=[problem], held=False)
        run, function = self._start(ROOT_MAP, document, context, trace)
        try:
            made = function(document.root, run)
            if made is not None:
                _put_first(run, made)
            self._make_others(run, trace)
            run.document.account(run, self._reads)
        except Exception as problem:  # noqa: BLE001  a fault of ours costs one document, not the engine
            file = self.library.maps[ROOT_MAP].file
            run.diagnostics.append(MAP_FAILED(Place(file=file), problem=type(problem).__name__))
        if trace is not None:
            trace.finish(run.made)
        if run.faults:
            run.settle_loose(0)
        return MapResult(
            entries=run.entries(), diagnostics=run.diagnostics, held=run.held, map_name=ROOT_MAP
        )

    def accounts(self, document: Document, context: MapContext) -> list[LeafAccount]:
        """What became of every clinical statement of a document, in order."""
        run, function = self._start(ROOT_MAP, document, context, None)
        function(document.root, run)
        side = run.document
        return self._reads.accounts(document, side.taken, side.reported, side.applied)

    def _make_others(self, run: Run, trace: Any) -> None:
        """Make what stands beside the Composition: the maps of a document that stand under it.

        One of any class is given every statement that has authors of its own.
        """
        variant = self._plain if trace is None else self._traced
        beside = candidates(self.library, ROOT_MAP)
        for one in beside:
            if one.from_name == DOCUMENT_CLASS:
                _make_one(run, variant, one, run.document.root)
        run.document.group_by_author()
        for one in beside:
            if one.from_name == ANY:
                for node in run.document.written:
                    _make_one(run, variant, one, node)

    def convert_node(
        self, map_name: str, node: Node, document: Document, context: MapContext, trace: Any = None
    ) -> tuple[Any, list[Made], list[Diagnostic]]:
        """Convert one element by one map, for tests beside the map.

        Returns:
            What the map made (None for nothing), the resources put in the bundle on the way, and
            the problems.
        """
        run, function = self._start(map_name, document, context, trace)
        made = function(node, run)
        if trace is not None:
            whole = Made(made, self.library.maps[map_name].to_name, "")
            trace.finish([*run.made, whole] if isinstance(made, dict) else run.made)
        return made, run.made, run.diagnostics

    def _start(
        self, map_name: str, document: Document, context: MapContext, trace: Any
    ) -> tuple[Run, Any]:
        variant = self._plain if trace is None else self._traced
        name = variant.function(map_name, NODE_LEVEL)
        run = Run(context, variant.places)
        run.document = begin(document)
        run.header_offset_minutes = _offset_of(document)
        if trace is not None:
            trace.start(None, variant.rules)
            run.trace = trace
        return run, variant.module(_DELIMITERS, "utf-8")[name]


def compile_documents(library: Library) -> DocumentProgram:
    """Compile the maps of documents, which `checker.check_library` has found nothing wrong with."""
    return DocumentProgram(library)


def _make_one(run: Run, variant: Variant, one: MapFile, node: Node) -> None:
    """Run a map on an element and put what it makes in the bundle, if no other map has yet."""
    function = variant.function(one.name, NODE_LEVEL)
    if (function, node) in run.document.references:
        return
    made = variant.module(_DELIMITERS, "utf-8")[function](node, run)
    if made is None:
        return
    key = None
    if one.key is not None:
        name = variant.function(f"{one.name}#key", NODE_LEVEL)
        key = variant.module(_DELIMITERS, "utf-8")[name](node, run)
    run.add(made, one.to_name, key)


def _variant(library: Library, *, traced: bool) -> Variant:
    variant = make_variant(library, traced=traced)
    variant.builder.objects.update(_SUPPORT)
    return variant


def _offset_of(document: Document) -> int | None:
    """The offset from UTC of the time of the document, which holds where a time has none."""
    found = document.root.find("{urn:hl7-org:v3}effectiveTime")
    return header_offset(found.get("value", "")) if found is not None else None


def _put_first(run: Run, composition: dict[str, Any]) -> None:
    """Put the Composition at the head of the bundle, as documents have it (R4 documents)."""
    key = run.document.composition_key(composition)
    made = run.add(composition, "Composition", key)
    run.made.remove(made)
    run.made.insert(0, made)
