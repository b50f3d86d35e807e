"""Pure. The narrative of a document: as plain text, and as the XHTML that FHIR allows.

CDA's narrative block (CDA R2, 4.3.5) has a small vocabulary of its own; what has a counterpart in
XHTML becomes that, all else keeps its words. Nothing that could run or load comes through: of links
only `http`, `https`, `mailto` and `tel`, of images none (R4, narrative).
"""

import re
from functools import lru_cache

from lxml import etree

from engine.cda.document import CDA, Document, Node

REFERENCES_MAX = 5
"""Of a reference that names a reference; more is taken for a circle."""

_NAMES = {
    "br": "br",
    "caption": "caption",
    "col": "col",
    "colgroup": "colgroup",
    "footnote": "span",
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
"""Elements with a counterpart; `content`, `list` and `linkHtml` depend on their attributes, of all
others the words alone stay."""
_STYLES = {"Bold": "b", "Italics": "i", "Underline": "span"}
_SPANS = ("span", "rowspan", "colspan")
_LINKS = ("http:", "https:", "mailto:", "tel:")
_REFERENCE = f"{{{CDA}}}reference"
_BLOCKS = frozenset({"br", "caption", "item", "list", "paragraph", "table", "td", "th", "tr"})
_VOID = frozenset({"br", "col"})
_SAME = frozenset(name for name, new in _NAMES.items() if name == new) - _VOID
"""Most of a narrative: without attributes their tags are left as they are."""
_CHANGED = re.compile(
    rf"<(?!/?(?:{'|'.join(sorted(_SAME))})>)(/?)(?:[^\s/>:]+:)?([^\s/>]+)([^>]*?)(/?)>"
)
_ATTRIBUTE = re.compile(r'\s([^\s=]+)="([^"]*)"')


def plain_text(node: Node, document: Document) -> str | None:
    """The words of an element, or of what its `reference` names.

    Args:
        node: such as `originalText` or `text`.
        document: the document it stands in.

    Returns:
        An empty text when there are none; None when it refers to nothing.
    """
    for _ in range(REFERENCES_MAX):
        reference = next(node.iterchildren(_REFERENCE), None)
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

    libxml2 writes it out, where every tag stands whole between `<` and `>` and every value between
    double quotes, and tags are rewritten there: a walk over the elements took three times as long.

    Args:
        node: the `text` of a section.
    """
    if not any(not text.isspace() for text in node.itertext()):
        return ""
    written = etree.tostring(node, encoding="unicode", with_tail=False)
    inner = written[written.index(">") + 1 : written.rindex("<")]
    inner = _CHANGED.sub(_Tags(), inner).strip()
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>' if inner else ""


class _Tags:
    """The tags of one narrative, one after another: for each that of XHTML."""

    def __init__(self) -> None:
        self._open: list[str] = []
        """Ends of the elements that are open, but of those that keep their names."""
        self._known: dict[tuple[str, str], tuple[str, str]] = {}

    def __call__(self, found: re.Match[str]) -> str:
        slash, local, attributes, empty = found.groups()
        if slash:
            return f"</{local}>" if local in _SAME else self._open.pop()
        known = self._known.get((local, attributes))
        if known is None:
            known = self._known[local, attributes] = _xhtml_tags(local, attributes)
        start, end = known
        if empty:
            return start + end
        if local not in _SAME:
            self._open.append(end)
        return start


def _xhtml_tags(local: str, written: str) -> tuple[str, str]:
    """The tags of XHTML for an element with these attributes; empty where its words alone stay."""
    name, attributes = _xhtml_name(local, written)
    if name in _VOID:
        return f"<{name}{attributes}/>", ""
    return (f"<{name}{attributes}>", f"</{name}>") if name else ("", "")


def _xhtml_name(local: str, written: str) -> tuple[str, str]:
    """The element of XHTML and its attributes; without a name the words alone stay."""
    given: dict[str, str] = dict(_ATTRIBUTE.findall(written)) if written else {}
    attributes = f' id="{given["ID"]}"' if given.get("ID") else ""
    for key in _SPANS if "span" in written else ():
        if given.get(key, "").isdecimal():
            attributes = f' {key}="{given[key]}"{attributes}'
    if local == "linkHtml":
        href = given.get("href", "")
        return ("a", f' href="{href}"') if href.lower().startswith(_LINKS) else ("span", attributes)
    if local == "list":
        return ("ol" if given.get("listType") == "ordered" else "ul"), attributes
    if local == "content":
        style = given.get("styleCode", "").partition(" ")[0]
        return _STYLES.get(style, "span"), attributes
    if local == "br":
        return "br", ""
    return _NAMES.get(local, ""), attributes


@lru_cache(maxsize=1_024)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
