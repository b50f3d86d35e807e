"""Rim. C-CDA documents as a masked viewer sees them: structure and codes, and nothing of a person.

Fails closed as `masking` does: of attributes only those listed are shown, of texts none. The
narrative is free text, so all of it is hidden.
"""

from copy import deepcopy

from lxml import etree

from engine.cda.document import TEMPLATE_ID, XSI_TYPE, Node, local_name
from engine.runtime.desk.masking import HIDDEN

SHOWN_ATTRIBUTES = frozenset(
    {
        "classCode", "moodCode", "typeCode", "determinerCode", "contextControlCode", "nullFlavor",
        "use", "unit", "operator", "negationInd", "inversionInd", "mediaType", "representation",
        "codeSystem", "codeSystemName", "code", XSI_TYPE,
    }
)  # fmt: skip
"""A code only with its system: without one it may say anything. Never what it is called, which
is the sender's free text."""
HIDDEN_ELEMENTS = frozenset(
    {
        "value", "raceCode", "ethnicGroupCode", "religiousAffiliationCode", "maritalStatusCode",
        "originalText", "translation",
    }
)  # fmt: skip
"""Elements whose codes say something about the person."""


def mask_document(root: Node) -> Node:
    """A copy of a document, or of a part of it, without texts, names, values, ids and times."""
    copy = deepcopy(root)
    for node in copy.iter():
        if isinstance(node.tag, str):
            _mask_element(node)
        else:
            node.text = ""  # a comment
        node.tail = None
    return copy


def document_text(root: Node) -> str:
    """A masked document as indented XML."""
    masked = mask_document(root)
    etree.indent(masked)
    return etree.tostring(masked, encoding="unicode")


def _mask_element(node: Node) -> None:
    name = local_name(str(node.tag))
    if node.tag != TEMPLATE_ID and name != "typeId":
        coded = "codeSystem" in node.attrib and name not in HIDDEN_ELEMENTS
        for attribute in node.attrib:
            text = str(attribute)
            shown = text in SHOWN_ATTRIBUTES and (coded or text != "code")
            if not shown and node.attrib[attribute]:
                node.attrib[attribute] = HIDDEN
    if node.text and node.text.strip():
        node.text = HIDDEN
