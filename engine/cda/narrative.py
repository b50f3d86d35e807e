"""Pure. The narrative of a document: as plain text, and as the XHTML that FHIR allows.

CDA's narrative block (CDA R2, 4.3.5) has a small vocabulary of its own; what has a counterpart in
XHTML becomes that, all else keeps its words. Nothing that could run or load comes through: of links
only `http`, `https`, `mailto` and `tel`, of images none (R4, narrative).
"""

from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

from engine.cda.document import CDA, Document, Node

REFERENCES_MAX = 5
"""Of a reference that names a reference; more is taken for a circle."""
DEPTH_MAX = 100

_NAMES = {
    "br": "br",
    "caption": "caption",
    "col": "col",
    "colgroup": "colgroup",
    "item": "li",
    "paragraph": "p",
    "sub": "sub",
    "sup": "sup",
    "table": "table",
    "tbody": "tbody",
    "td": "td",
    "tfoot": "tfoot",
    "th": "th",
    "thead": "thead",
    "tr": "tr",
}
"""Elements with a counterpart; `content` and all others become `span`, or their words alone."""
_STYLES = {"Bold": "b", "Italics": "i", "Underline": "span"}
_KEPT = ("colspan", "rowspan", "span")
_LINKS = ("http:", "https:", "mailto:", "tel:")
_REFERENCE = f"{{{CDA}}}reference"
_BLOCKS = frozenset({"br", "caption", "item", "list", "paragraph", "table", "td", "th", "tr"})
_VOID = frozenset({"br", "col"})


def plain_text(node: Node, document: Document) -> str | None:
    """The words of an element, or of what its `reference` names.

    Args:
        node: such as `originalText` or `text`.
        document: the document it stands in.

    Returns:
        An empty text when there are none; None when it refers to nothing.
    """
    for _ in range(REFERENCES_MAX):
        reference = node.find(_REFERENCE)
        own = _words(node)
        if reference is None or own:
            return own
        found = document.referred(reference.get("value", ""))
        if found is None:
            return None
        node = found
    return ""


def _words(node: Node) -> str:
    """The text below an element with single blanks; blocks are parted by a blank."""
    pieces: list[str] = []

    def walk(here: Node) -> None:
        pieces.append(here.text or "")
        for child in here:
            block = _local(str(child.tag)) in _BLOCKS
            if block:
                pieces.append(" ")
            walk(child)
            if block:
                pieces.append(" ")
            pieces.append(child.tail or "")

    walk(node)
    return " ".join("".join(pieces).split())


def to_xhtml(node: Node) -> str:
    """The content of a section's `text` as one `div`; an empty text when it has no words.

    Args:
        node: the `text` of a section.
    """
    pieces: list[str] = []
    _content(node, pieces, 0)
    inner = "".join(pieces).strip()
    if not inner or not any(not text.isspace() for text in node.itertext()):
        return ""
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'


def _content(node: Node, pieces: list[str], depth: int) -> None:
    if node.text:
        pieces.append(escape(node.text))
    for child in node:
        if depth < DEPTH_MAX:
            _element(child, pieces, depth + 1)
        if child.tail:
            pieces.append(escape(child.tail))


def _element(node: Node, pieces: list[str], depth: int) -> None:
    name, attributes = _xhtml_name(node)
    if name is None:
        _content(node, pieces, depth)
        return
    if name in _VOID:
        pieces.append(f"<{name}/>" if name == "br" else f"<{name}{attributes}/>")
        return
    pieces.append(f"<{name}{attributes}>")
    _content(node, pieces, depth)
    pieces.append(f"</{name}>")


def _xhtml_name(node: Node) -> tuple[str | None, str]:
    """The element of XHTML and its attributes; None: the words alone."""
    local = _local(str(node.tag))
    if not node.keys() and local in _NAMES:
        return _NAMES[local], ""
    attributes = "".join(
        f" {key}={quoteattr(node.get(key, ''))}" for key in _KEPT if node.get(key, "").isdecimal()
    )
    if node.get("ID"):
        attributes += f" id={quoteattr(node.get('ID', ''))}"
    if local == "linkHtml":
        href = node.get("href", "")
        if href.lower().startswith(_LINKS):
            return "a", f" href={quoteattr(href)}"
        return "span", attributes
    if local == "list":
        return ("ol" if node.get("listType") == "ordered" else "ul"), attributes
    if local == "content":
        style = node.get("styleCode", "").partition(" ")[0]
        return _STYLES.get(style, "span"), attributes
    if local in ("renderMultiMedia", "footnoteRef"):
        return None, ""
    if local == "footnote":
        return "span", attributes
    return _NAMES.get(local), attributes


@lru_cache(maxsize=1_024)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
