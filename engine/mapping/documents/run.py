"""Pure. What the conversion of one document keeps beside its resources.

Which map takes an element, what elements have become resources already, which statements were met,
and where in the document a problem is.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from engine.cda import codes as cda_codes
from engine.cda.document import (
    AUTHOR,
    CDA,
    STATEMENTS,
    TEMPLATE_ID,
    Document,
    Node,
    local_name,
    place_of,
)
from engine.cda.folding import SECTION
from engine.diagnostics import Place
from engine.fhir.identity import resource_id
from engine.mapping.documents.names import NAMED, another_name
from engine.mapping.documents.statements_read import StatementReads
from engine.mapping.run import PROBLEMS_MAX, Run
from engine.mapping.syntax import MapFile

_CODE = f"{{{CDA}}}code"
_ACCOUNTED = STATEMENTS | {SECTION, f"{{{CDA}}}ClinicalDocument"}
_TAGS = {
    "ClinicalDocument": "ClinicalDocument",
    "Section": "section",
}


_TELLING = (
    "code",
    "vaccineCode",
    "medicationCodeableConcept",
    "effectiveDateTime",
    "occurrenceDateTime",
    "onsetDateTime",
    "performedDateTime",
    "valueCodeableConcept",
    "valueQuantity",
    "valueString",
)
"""Elements by which one statement differs from another."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The maps under one map, by what they take; the numbers are their places in the list."""

    templates: dict[tuple[str, str], int]
    """(tag, template root)."""
    codes: dict[tuple[str, str], int]
    """(tag, code)."""
    otherwise: dict[str, int]
    """Tag."""


def choices_of(maps: list[MapFile]) -> Choices:
    """The choices of `-> template` among these maps, the first before the later ones."""
    found = Choices({}, {}, {})
    for number, one in enumerate(maps):
        if one.match is None:
            continue
        tag = tag_of(one.from_name)
        for root in one.match.templates:
            found.templates.setdefault((tag, root), number)
        for code in one.match.codes:
            found.codes.setdefault((tag, code), number)
        if one.match.otherwise:
            found.otherwise.setdefault(tag, number)
    return found


def tag_of(class_name: str) -> str:
    """`{urn:hl7-org:v3}substanceAdministration` of `SubstanceAdministration`."""
    name = _TAGS.get(class_name, class_name[:1].lower() + class_name[1:])
    return f"{{{CDA}}}{name}"


@dataclass(slots=True)
class DocumentSide:
    """The document that is being converted."""

    document: Document
    root: Node
    """ClinicalDocument."""
    top: Any
    """What stands above it, for paths that begin with `/`."""
    references: dict[tuple[str, Node], Any] = field(default_factory=dict)
    """(map's function, element) to the Reference it became; of a concern, to a list of them."""
    taken: set[Node] = field(default_factory=set)
    """Statements that a map was given."""
    reported: set[Node] = field(default_factory=set)
    """Statements that nobody took, or that were refused."""
    applied: list[tuple[str, Node]] = field(default_factory=list)
    """(map, statement or section), in order."""
    written: dict[Node, list[dict[str, str]]] = field(default_factory=dict)
    """A statement with authors of its own to what was made of it; see `group_by_author`."""

    def choose(self, run: Run, node: Node, choices: Choices) -> int:
        """The number of the map that takes an element, -1 for none, which is reported."""
        tag = str(node.tag)
        best = -1
        for one in node.iterchildren(TEMPLATE_ID):
            found = choices.templates.get((tag, one.get("root", "")), -1)
            if found >= 0 and (best < 0 or found < best):
                best = found
        if best < 0:
            code = next(node.iterchildren(_CODE), None)
            if code is not None:
                best = choices.codes.get((tag, code.get("code", "")), -1)
        if best < 0:
            best = choices.otherwise.get(tag, -1)
        if best < 0 and tag in _ACCOUNTED:
            self.report(run, cda_codes.NOT_MAPPED, node)
        return best

    def take(self, map_name: str, node: Node) -> None:
        """A map is given an element."""
        if node.tag in _ACCOUNTED:
            self.taken.add(node)
            self.applied.append((map_name, node))
            if self.document.narratives is not None and node.tag == SECTION:
                self.document.narratives.open_section(node)

    def account(self, run: Run, reads: StatementReads) -> None:
        """Report every statement that no map and no rule took."""
        for node in reads.unread(self.document, self.taken, self.reported, self.applied):
            self.report(run, cda_codes.NOT_MAPPED, node)

    def report(self, run: Run, code: Any, node: Node) -> None:
        """Report a statement by its place and kind."""
        self.reported.add(node)
        if len(run.diagnostics) < PROBLEMS_MAX:
            place = Place(line=node.sourceline, path=place_of(node))
            run.diagnostics.append(code(place, kind=local_name(str(node.tag))))

    def refuse(self, run: Run, node: Node) -> None:
        """A negated element whose map says nothing of negation makes nothing."""
        self.report(run, cda_codes.NEGATED, node)

    def group_by_author(self) -> None:
        """Fill `written`: what is in a statement belongs to its author unless it has its own."""
        for (_, node), reference in self.references.items():
            if node.tag not in STATEMENTS or not isinstance(reference, dict):
                continue  # what a concern refers to is in the list by itself
            author = node if _has_author(node) else None
            if author is None:
                around = node.iterancestors(*STATEMENTS)
                author = next((one for one in around if _has_author(one)), None)
            if author is not None and reference not in self.written.setdefault(author, []):
                self.written[author].append(reference)

    def own(
        self, run: Run, resource_type: str, key: tuple[str, ...] | None
    ) -> dict[str, str] | None:
        """The Reference to a resource that is being made; None when it has no key."""
        if not key:
            return None
        identity = resource_id(run.source_system, resource_type, key)
        return {"reference": f"{resource_type}/{identity}"}

    def composition_key(self, composition: dict[str, Any]) -> tuple[str, ...]:
        """The document's own identifier; a document without one is known by its bytes."""
        identifier = composition.get("identifier", {})
        if identifier.get("value"):
            return (str(identifier.get("system", "")), str(identifier["value"]))
        return ("content", sha256(self.document.raw).hexdigest())

    def settle(self, run: Run, rule: int, node: Node) -> None:
        """Make diagnostics of all problems met at an element."""
        path = place_of(node)
        for pending in run.faults:
            run.report(pending, rule if pending.rule is None else pending.rule, path)
        run.faults.clear()

    def refer(
        self,
        run: Run,
        resource: dict[str, Any],
        resource_type: str,
        key: tuple[str, ...] | None,
        known: tuple[str, Node],
    ) -> dict[str, str]:
        """Put a resource in the bundle; the same element makes it once for each map.

        An id that comes again in another section names the same thing: it is one resource, in all
        the categories. An id that senders give to different things does not make them one.
        """
        present = run.by_key.get((resource_type, key)) if key else None
        if key and present is not None and resource_type in NAMED:
            name = another_name(present.resource, resource)
            key = (*key, "name", name) if name else key
        elif key and present is not None and known[1].tag in STATEMENTS:
            if _is_another(present.resource, resource):
                content = sha256(repr(sorted(resource.items())).encode()).hexdigest()
                key = (*key, "content", content)
            else:
                _join_categories(present.resource, resource)
        made = run.add(resource, resource_type, key)
        self.references[known] = made.reference
        return made.reference


def _has_author(node: Node) -> bool:
    return next(node.iterchildren(AUTHOR), None) is not None


def _is_another(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """True when two resources of one id say different things of what they are or when it was."""
    return any(
        name in first and name in second and first[name] != second[name] for name in _TELLING
    )


def _join_categories(first: dict[str, Any], second: dict[str, Any]) -> None:
    known = first.get("category")
    if isinstance(known, list):
        first["category"] = [*known, *(o for o in second.get("category", ()) if o not in known)]


def begin(document: Document) -> DocumentSide:
    """What is kept for one document."""
    root = document.root
    return DocumentSide(document=document, root=root, top=root.getroottree())
