"""Pure. What an element of a document says where one text, one code, or a yes or no is wanted."""

from engine.cda.document import Node

_BLANK = " \t\r\n"


def node_text(node: Node) -> str:
    """The text of an element: its `value`, else its `code`, else its `extension`, else its words.

    A `nullFlavor` says nothing by itself.
    """
    attributes = node.attrib
    for name in ("value", "code", "extension"):
        found = attributes.get(name)
        if found is not None:
            return str(found).strip(_BLANK)
    if len(node):
        return " ".join("".join(node.itertext()).split())
    return " ".join((node.text or "").split())


def is_valued(node: Node) -> bool:
    """True when there is anything in it: a null flavour with nothing beside it is nothing."""
    if node.get("nullFlavor") is None:
        return True
    return len(node) > 0 or bool((node.text or "").strip(_BLANK))


def node_code(node: Node) -> list[str]:
    """The coding of an element as the functions for codes take it: code, display, system's OID."""
    get = node.attrib.get
    code = get("code")
    if code is None:
        return []
    return [str(code).strip(_BLANK), str(get("displayName") or ""), str(get("codeSystem") or "")]
