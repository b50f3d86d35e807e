"""Rim. A C-CDA document as people read it: its elements as a tree, its sections as narrative."""

from dataclasses import dataclass, field

from lxml import etree

from engine.cda.document import CDA, Document, Node, local_name, place_of
from engine.cda.narrative import to_xhtml
from engine.runtime.desk.document_masking import mask_document
from engine.runtime.desk.source_ids import node_id

ROWS_MAX = 5_000
SECTIONS_MAX = 200
TEXT_CHARACTERS_MAX = 500

_TEXT = f"{{{CDA}}}text"
_SECTION = f"{{{CDA}}}section"
_TITLE = f"{{{CDA}}}title"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """One element."""

    name: str
    depth: int
    number: str
    """See `source_ids`."""
    attributes: tuple[tuple[str, str], ...] = field(repr=False)
    text: str = field(repr=False)
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The narrative of one section."""

    title: str = field(repr=False)
    narrative: str = field(repr=False)
    """XHTML of a small vocabulary, without anything that runs or loads; see `cda.narrative`."""


def document_rows(document: Document, *, masked: bool) -> tuple[list[DocumentRow], bool]:
    """The elements in order, and whether those are all. Narrative is one row a section."""
    shown = mask_document(document.root) if masked else document.root
    found: list[DocumentRow] = []
    skipped: Node | None = None
    pairs = zip(document.root.iter(), shown.iter(), strict=True)
    for number, (node, own) in enumerate(pairs):
        if not isinstance(node.tag, str) or _is_within(node, skipped):
            continue
        if len(found) >= ROWS_MAX:
            return found, False
        narrative = node.tag == _TEXT and _is_section(node.getparent())
        skipped = node if narrative else None
        text = "(narrative)" if narrative else (own.text or "").strip()
        found.append(
            DocumentRow(
                name=local_name(str(node.tag)),
                depth=sum(1 for _ in node.iterancestors()),
                number=node_id(number),
                attributes=tuple(
                    (local_name(str(key)), str(value)) for key, value in own.attrib.items()
                ),
                text=text[:TEXT_CHARACTERS_MAX],
                path=place_of(node),
            )
        )
    return found, True


def _is_section(node: Node | None) -> bool:
    return node is not None and node.tag == _SECTION


def _is_within(node: Node, outer: Node | None) -> bool:
    return outer is not None and any(one is outer for one in node.iterancestors())


def sections(document: Document) -> list[Section]:
    """The narrative of every section, in order. Free text: never for a masked viewer."""
    found: list[Section] = []
    for node in document.root.iter(_SECTION):
        if len(found) >= SECTIONS_MAX:
            break
        text = node.find(_TEXT)
        if text is None:
            continue
        title = node.find(_TITLE)
        words = "".join(title.itertext()) if title is not None else ""
        found.append(Section(title=" ".join(words.split()), narrative=_inert(to_xhtml(text))))
    return found


def _inert(xhtml: str) -> str:
    """The narrative without ids, which could be taken for the page's own, and without links."""
    if not xhtml:
        return ""
    root = etree.fromstring(xhtml)
    for node in root.iter():
        for name in ("id", "href"):
            node.attrib.pop(name, None)
    return etree.tostring(root, encoding="unicode")
