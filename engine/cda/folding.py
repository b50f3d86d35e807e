"""Pure. The narratives of a large document, kept compressed while nobody reads them.

A tree takes ten times the bytes of its XML, and most of a large document is narrative, which is
read while its own section is converted. So the children of a section's `text` become bytes again as
soon as they are parsed, and stand in the tree while their section is open: whatever a map reads of
its own section, or of those around it, is there. That this changes no result is tested with every
document of the corpora (tests/corpus/test_folding.py).
"""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from engine.cda.document import CDA, Node

FOLDED_DEPTH_MAX = 50
FOLDED_ATTRIBUTES_MAX = 20
"""A narrative deeper than this, or below as many elements, or with an element of more attributes is
left as it is: it is the reader's to refuse."""

SECTION = f"{{{CDA}}}section"
TEXT = f"{{{CDA}}}text"

_FASTEST = 1
_DEEP = etree.XPath(f"boolean({'/'.join('*' * FOLDED_DEPTH_MAX)})")
_CROWDED = etree.XPath(f"boolean(.//@*[{FOLDED_ATTRIBUTES_MAX + 1}])")
_COUNT = etree.XPath("count(.//*)")
_IDS = etree.XPath(".//*/@ID", smart_strings=False)
_WITH_ID = etree.XPath(".//*[@ID]")


@dataclass(slots=True)
class Narratives:
    """The folded narratives of one document."""

    folded: dict[Node, bytes] = field(default_factory=dict)
    """The `text` of a section to what it was, children and all, compressed; while it is folded."""
    ids: dict[str, Node] = field(default_factory=dict)
    """`ID` within a narrative to the `text` of its section; the first where several have it."""
    has_id_twice: bool = False
    elements: int = 0
    """How many are folded."""
    _open: list[tuple[Node, bytes, dict[str, Node]]] = field(default_factory=list)
    """Open ones: the `text`, what it is when folded, its elements by `ID`."""
    _looked_up: tuple[Node, dict[str, Node]] | None = None
    """The folded narrative that was asked last for an element, read apart from the tree."""

    def open_section(self, section: Node) -> None:
        """Put back the narrative of a section; fold those that are open and not around it."""
        around = {section, *section.iterancestors(SECTION)}
        for text, written, _ in self._open:
            if text.getparent() not in around:
                _empty(text)
                self.folded[text] = written
        self._open = [one for one in self._open if one[0] not in self.folded]
        for text in section.iterchildren(TEXT):
            written = self.folded.pop(text, b"")
            if written:
                _fill(text, _read(written))
                self._open.append((text, written, _by_id(text)))

    def element(self, name: str) -> Node | None:
        """The element of a narrative with this `ID`, of whichever section."""
        text = self.ids.get(name)
        if text is None:
            return None
        for opened, _, elements in self._open:
            if opened is text:
                return elements.get(name)
        if self._looked_up is None or self._looked_up[0] is not text:
            self._looked_up = (text, _by_id(_read(self.folded[text])))
        return self._looked_up[1].get(name)

    def fold(self, text: Node) -> None:
        """Fold one narrative that was just parsed, unless it is unusually deep."""
        parent = text.getparent()
        if parent is None or parent.tag != SECTION or not len(text):
            return
        around = [str(one.tag) for one in text.iterancestors()]
        if len(around) > FOLDED_DEPTH_MAX or TEXT in around or _DEEP(text) or _CROWDED(text):
            return
        for name in _ids(text):
            self.has_id_twice = self.has_id_twice or name in self.ids
            self.ids.setdefault(name, text)
        self.elements += int(float(str(_COUNT(text))))
        written = etree.tostring(text, encoding="utf-8", with_tail=False)
        self.folded[text] = zlib.compress(written, _FASTEST)
        _empty(text)


def parse_folded(text: bytes) -> tuple[Node, Narratives]:
    """Parse a document and fold its narratives on the way.

    Args:
        text: as the reader has mended it.

    Raises:
        etree.XMLSyntaxError: it is not well-formed.
        ValueError: there is nothing in it.
    """
    narratives = Narratives()
    # the same safety as the reader's parser
    events = etree.iterparse(
        io.BytesIO(text),
        events=("end",),
        tag=TEXT,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    for _, found in events:
        narratives.fold(found)
    root = events.root
    if root is None:
        raise ValueError("no element")
    return root, narratives


def _read(written: bytes) -> Node:
    """What was folded, as a tree of its own."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
    )
    return etree.fromstring(zlib.decompress(written), parser)


def _ids(text: Node) -> Iterator[str]:
    found = _IDS(text)
    return (str(one) for one in found) if isinstance(found, list) else iter(())


def _by_id(text: Node) -> dict[str, Node]:
    elements: dict[str, Node] = {}
    found = _WITH_ID(text)
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Node):
            elements.setdefault(str(one.get("ID")), one)
    return elements


def _empty(text: Node) -> None:
    """Take away what is in an element; its attributes and its tail stay."""
    del text[:]
    text.text = None


def _fill(text: Node, written: Node) -> None:
    text.text = written.text
    text.extend(list(written))
