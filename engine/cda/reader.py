"""Pure. Bytes of a C-CDA document to a `Document`, safely and within limits.

What XML can do to a reader is closed off: no entities, no network, no external or internal
declarations (any DOCTYPE is refused: an attribute default in one could negate a diagnosis), limits
on bytes, depth, elements and attributes. Damage that senders really make is mended and reported:
text before the XML, prefixes that were not declared, a missing namespace, cp1252 bytes.
"""

import re
from dataclasses import dataclass

from lxml import etree

from engine.cda import codes
from engine.cda.document import CDA, NAMESPACES, Document, Node
from engine.cda.folding import Narratives, parse_folded
from engine.diagnostics import Diagnostic, Place

DOCUMENT_BYTES_MAX = 100_000_000
ELEMENTS_MAX = 5_000_000
DEPTH_MAX = 200
ATTRIBUTES_MAX = 64
"""Of one element; CDA's largest class has a dozen."""
HUGE_BYTES = 9_000_000
"""libxml2 refuses texts over 10 MB unless told otherwise; only documents that may hold one are."""

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ODD_NEGATION = re.compile(rb"""negationInd\s*=\s*["'](?!true["']|false["'])""")
_BOOLEANS = {"1": "true", "true": "true", "0": "false", "false": "false", "": "false"}
_WIDE_LABEL = re.compile(
    rb"""<\?xml[^>]{0,100}encoding\s*=\s*["'](utf-?16(?:le|be)?|utf-?32|ucs-?[24])["'][^>]{0,100}\?>""",
    re.IGNORECASE,
)
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ROOT = re.compile(rb"<(?![?!])[A-Za-z_][^\s/>]*")
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_MISTAKEN = re.compile(rb"""\sxmlns:schemaLocation\s*=\s*(?:"[^"]*"|'[^']*')""")
"""Meant as `xsi:schemaLocation`; as a namespace its value is no URI, and libxml2 refuses it."""
_USED = re.compile(rb"[<\s/]((?:xsi|sdtc)):[A-Za-z]")
_PREFIXES = ("sdtc", "xsi")
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")

_CROWDED = etree.XPath(f"boolean(//@*[{ATTRIBUTES_MAX + 1}])")
_DEEP = etree.XPath(f"boolean({'/*' * DEPTH_MAX}/*)")
_COUNT = etree.XPath("count(//*)")
_IDS = etree.XPath("//@ID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A document, or None and why not."""

    document: Document | None
    diagnostics: tuple[Diagnostic, ...]


def is_document(raw: bytes) -> bool:
    """True for bytes that begin as XML does: a channel takes messages and documents alike."""
    start = raw[:64].removeprefix(_MARKS[0]).lstrip()
    return start[:1] == b"<" or raw[:4] in (b"\xff\xfe<\0", b"\xfe\xff\0<")


def parse_document(
    raw: bytes,
    *,
    repair_cp1252: bool = False,
    bytes_max: int = DOCUMENT_BYTES_MAX,
    folds_from: int | None = None,
) -> Parsed:
    """Parse a document. Never raises, whatever the bytes are.

    Args:
        raw: the bytes of one ClinicalDocument.
        repair_cp1252: read bytes that are not what the document says as cp1252.
        bytes_max: more is refused.
        folds_from: the bytes from which on narratives are folded, see `cda.folding`; None: never.

    Returns:
        The document, and what was mended or refused.
    """
    found: list[Diagnostic] = []
    if len(raw) > bytes_max:
        return _refused(found, codes.TOO_LARGE(limit=bytes_max, unit="bytes"))
    text = _without_text_before(raw, found)
    if not text:
        return _refused(found, codes.EMPTY())
    if has_doctype(text):
        return _refused(found, codes.DOCTYPE())
    text = _with_prefixes(_without_mistaken(text, found), found)
    folds = folds_from is not None and len(text) >= folds_from
    root, narratives, problem = _tree(text, folds=folds)
    if root is None and repair_cp1252 and problem is not None and _is_encoding(problem):
        root, narratives, mended = _tree(_from_cp1252(text), folds=folds)
        if root is not None:
            found.append(codes.CP1252_READ(encoding=_declared(text)))
            problem = mended
    if root is None:
        return _refused(found, _why(problem, text))
    limit = _limit(root, 0 if narratives is None else narratives.elements)
    if limit is not None:
        return _refused(found, limit)
    root = _in_namespace(root, found)
    _write_out_negation(root, text, found)
    if root.tag != f"{{{CDA}}}ClinicalDocument":
        return _refused(found, codes.NOT_A_DOCUMENT(name=_shown(root)))
    return Parsed(document=_document(root, raw, narratives, found), diagnostics=tuple(found))


def _write_out_negation(root: Node, text: bytes, found: list[Diagnostic]) -> None:
    """`negationInd` as `true` or `false`: XML Schema also knows 1 and 0, and maps ask for one word.

    What is neither is taken for true and told: what may be denied must not be told as found.
    """
    if not text.startswith(_MARKS[1:]) and _ODD_NEGATION.search(text) is None:
        return
    for node in root.iter("{*}*"):
        value = node.get("negationInd")
        if value is None or value in ("true", "false"):
            continue
        word = value.strip().lower()
        if word not in _BOOLEANS:
            place = Place(path=root.getroottree().getpath(node), line=node.sourceline)
            found.append(codes.NEGATION_UNCLEAR(place))
        node.set("negationInd", _BOOLEANS.get(word, "true"))


def has_doctype(text: bytes) -> bool:
    """True when a document type declaration stands where one may stand: before the root."""
    return _DOCTYPE.search(text[:100_000]) is not None


def without_text_before(raw: bytes) -> bytes:
    """The bytes from the first `<` on; empty when there is none near the start."""
    return _without_text_before(raw, [])


def _shown(root: Node) -> str:
    name = str(root.tag).rpartition("}")[2]
    if name == "ClinicalDocument":
        return "a ClinicalDocument of another namespace"
    return _UNSAFE.sub("?", name)[:40]


def _refused(found: list[Diagnostic], problem: Diagnostic) -> Parsed:
    return Parsed(document=None, diagnostics=(*found, problem))


def _without_text_before(raw: bytes, found: list[Diagnostic]) -> bytes:
    """From the first `<` on; a byte order mark stays, as it tells the encoding."""
    mark = next((one for one in _MARKS if raw.startswith(one)), b"")
    if mark and mark != _MARKS[0]:
        return raw
    start = raw.find(b"<", len(mark), len(mark) + 1_000)
    if start <= len(mark):
        return _without_wide_label(raw, len(mark), found) if raw.strip() else b""
    found.append(codes.TEXT_BEFORE(count=start - len(mark)))
    return _without_wide_label(mark + raw[start:], len(mark), found)


def _without_wide_label(text: bytes, start: int, found: list[Diagnostic]) -> bytes:
    """Without a declaration that contradicts the bytes it is written in: UTF-16 would have two for
    each of its letters. Programs write it that keep text as UTF-16 and send it as UTF-8."""
    label = _WIDE_LABEL.match(text, start)
    if label is None:
        return text
    found.append(codes.LABEL_PASSED_OVER(encoding=label.group(1).decode("ascii")))
    return text[:start] + b" " * (label.end() - start) + text[label.end() :]


def _without_mistaken(text: bytes, found: list[Diagnostic]) -> bytes:
    """Leave out `xmlns:schemaLocation`, which says nothing of the document."""
    if not _MISTAKEN.search(text, 0, 4_000):
        return text
    found.append(codes.SCHEMA_LOCATION_LEFT_OUT())
    return _MISTAKEN.sub(b"", text, count=1)


def _with_prefixes(text: bytes, found: list[Diagnostic]) -> bytes:
    """Declare `xsi` and `sdtc` where they are used and not declared, as fragments often are."""
    missing = [one for one in _PREFIXES if f"xmlns:{one}=".encode() not in text]
    if missing:  # most documents declare both, and need not be searched
        used = {one.decode() for one in set(_USED.findall(text))}
        missing = [one for one in missing if one in used]
    root = _ROOT.search(text) if missing else None
    if root is None:
        return text
    more = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in missing)
    found.extend(codes.NAMESPACE_ADDED(prefix=prefix) for prefix in missing)
    return text[: root.end()] + more.encode() + text[root.end() :]


def _parser(huge: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=huge,
    )


def _tree(
    text: bytes, *, folds: bool
) -> tuple[Node | None, Narratives | None, etree.XMLSyntaxError | None]:
    try:
        if folds:
            return *parse_folded(text), None
        return etree.fromstring(text, _parser(len(text) > HUGE_BYTES)), None, None
    except etree.XMLSyntaxError as problem:
        return None, None, problem
    except ValueError:
        return None, None, None


def _is_encoding(problem: etree.XMLSyntaxError) -> bool:
    return "encod" in str(problem).lower() or "utf-8" in str(problem).lower()


def _declared(text: bytes) -> str:
    found = _DECLARED.search(text[:200])
    return found.group(1).decode("ascii") if found else "UTF-8"


def _from_cp1252(text: bytes) -> bytes:
    body = text.decode("cp1252", "replace").removeprefix("\ufeff")
    start = body.find("?>") + 2 if body.startswith("<?xml") else 0
    return body[start:].encode("utf-8")


def _why(problem: etree.XMLSyntaxError | None, text: bytes) -> Diagnostic:
    """The problem without anything the document says: the parser's words quote it."""
    if problem is None:
        return codes.NOT_XML(problem="it cannot be read")
    if _is_encoding(problem):
        return codes.WRONG_ENCODING(encoding=_declared(text))
    name = _NAMES.get(int(problem.code or 0), "its markup is broken")
    return codes.NOT_XML(Place(line=problem.lineno or None), problem=name)


_NAMES: dict[int, str] = {
    etree.ErrorTypes.ERR_DOCUMENT_EMPTY: "it is empty",
    etree.ErrorTypes.ERR_DOCUMENT_END: "text follows its end",
    etree.ErrorTypes.ERR_TAG_NAME_MISMATCH: "an end tag does not match its start tag",
    etree.ErrorTypes.ERR_TAG_NOT_FINISHED: "it ends inside a tag",
    etree.ErrorTypes.ERR_UNDECLARED_ENTITY: "it uses an entity that is not declared",
    etree.ErrorTypes.ERR_ATTRIBUTE_REDEFINED: "an attribute is given twice",
    etree.ErrorTypes.ERR_INVALID_CHAR: "it holds a character that XML forbids",
    etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE: "a prefix is not declared",
    etree.ErrorTypes.ERR_RESOURCE_LIMIT: "it is larger or deeper than is safe to read",
}


def _limit(root: Node, folded: int) -> Diagnostic | None:
    docinfo = root.getroottree().docinfo
    if docinfo.doctype or docinfo.internalDTD is not None:
        return codes.DOCTYPE()
    if _DEEP(root):
        return codes.TOO_DEEP(limit=DEPTH_MAX)
    if _CROWDED(root):
        return codes.TOO_MANY_ATTRIBUTES(limit=ATTRIBUTES_MAX)
    if float(str(_COUNT(root))) + folded > ELEMENTS_MAX:
        return codes.TOO_LARGE(limit=ELEMENTS_MAX, unit="elements")
    return None


def _in_namespace(root: Node, found: list[Diagnostic]) -> Node:
    """Elements without a namespace are taken for CDA's when the root is a ClinicalDocument."""
    if root.tag != "ClinicalDocument":
        return root
    for node in root.iter("*"):
        tag = str(node.tag)
        if not tag.startswith("{"):
            node.tag = f"{{{CDA}}}{tag}"
    found.append(codes.NO_NAMESPACE())
    return root


def _document(
    root: Node, raw: bytes, narratives: Narratives | None, found: list[Diagnostic]
) -> Document:
    document = Document(root=root, raw=raw, narratives=narratives)
    twice = narratives is not None and narratives.has_id_twice
    for name in _IDS(root):
        node = name.getparent()
        if name in document.ids or (narratives is not None and name in narratives.ids):
            twice = True
        else:
            document.ids[str(name)] = node
    if twice:
        found.append(codes.ID_TWICE())
    return document
