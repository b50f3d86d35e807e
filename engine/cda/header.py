"""Pure. The facts of a document's header, read from its bytes up to the body and no further.

Intake knows a document by them before anything is converted: what it is, whose, and which version
of which. The body, often hundreds of times larger, is not looked at. What is wrong beyond the
facts, or in the body, is found when the document is converted. CDA R2, 4.2.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from engine.cda import codes
from engine.cda.document import Node
from engine.cda.reader import has_doctype, without_text_before
from engine.diagnostics import Diagnostic, Place

HEADER_BYTES_MAX = 1_000_000
"""A header is some 20 KB; one that does not end here is taken as far as it goes."""
CHUNK_BYTES = 16_384
PATIENTS_MAX = 16
"""Identifiers of patients that are read."""
RELATED_MAX = 16
TEMPLATES_MAX = 16
NAME_PARTS_MAX = 4
"""A family name and three given names."""
CHARACTERS_MAX = 200
"""Of one identifier or code; more is cut."""

_BODY = "component"
_FORGIVEN = frozenset(
    {
        etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE,
        etree.ErrorTypes.ERR_INVALID_ENCODING,
        etree.ErrorTypes.ERR_INVALID_CHAR,
        etree.ErrorTypes.ERR_UNKNOWN_ENCODING,
        etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
    }
)
"""What the reader mends, or the channel may have it mend: judged when the document is converted."""

Identifier = tuple[str, str]
"""Root and extension; the extension is empty where the root says all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another document this one has to do with."""

    kind: str
    """RPLC, APND or XFRM."""
    identifier: Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentHeader:
    """What a header says. What it does not say is empty."""

    identifier: Identifier = ("", "")
    set_id: Identifier = ("", "")
    version_number: str = ""
    code: str = ""
    """`code/@code`, mostly of LOINC."""
    effective_time: str = ""
    """As written, such as `20240131101500-0600`."""
    templates: tuple[Identifier, ...] = ()
    """Templates it claims to follow; the extension is their version."""
    patients: tuple[Identifier, ...] = ()
    """Identifiers of `recordTarget/patientRole`, in order."""
    names: tuple[tuple[str, ...], ...] = ()
    """Of the first patient: family name and given names of each name."""
    birth_time: str = ""
    """As written, such as `19580617`."""
    gender: str = ""
    """`administrativeGenderCode/@code`."""
    custodian: Identifier = ("", "")
    author: Identifier = ("", "")
    """The first author's organisation."""
    related: tuple[Related, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    """Why it is no document that can be taken in; empty for one that can."""

    @property
    def sender(self) -> str:
        """The custodian, else the author's organisation, as `root` or `root^extension`."""
        return shown(self.custodian) or shown(self.author)


def shown(identifier: Identifier) -> str:
    """`root^extension`, or the root alone."""
    root, extension = identifier
    return f"{root}^{extension}" if extension else root


def read_header(raw: bytes) -> DocumentHeader:
    """Read a document's header. Never raises, whatever the bytes are.

    Args:
        raw: the bytes of one document.

    Returns:
        Its facts, with the problem that keeps it from being one.
    """
    text = without_text_before(raw)
    if not text:
        return DocumentHeader(problems=(codes.EMPTY(),))
    if has_doctype(text):
        return DocumentHeader(problems=(codes.DOCTYPE(),))
    root, problem = _root(text)
    if problem is not None or root is None:
        return DocumentHeader(problems=(problem or codes.NOT_XML(problem="it cannot be read"),))
    if _name(root) != "ClinicalDocument":
        return DocumentHeader(problems=(codes.NOT_A_DOCUMENT(name="another element"),))
    return _facts(root)


def _root(text: bytes) -> tuple[Node | None, Diagnostic | None]:
    """The root with all that stands before the body, and what is wrong with it."""
    parser = etree.XMLPullParser(
        events=("start",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        recover=True,
    )
    root: Node | None = None
    try:
        for begin in range(0, min(len(text), HEADER_BYTES_MAX), CHUNK_BYTES):
            parser.feed(text[begin : begin + CHUNK_BYTES])
            for _, node in parser.read_events():
                if root is None:
                    root = node
                elif _name(node) == _BODY and node.getparent() is root:
                    return root, _fault(parser)
        if len(text) <= HEADER_BYTES_MAX:
            parser.close()
    except (etree.XMLSyntaxError, ValueError):
        return None, _fault(parser)
    return root, _fault(parser)


def _fault(parser: "etree.XMLPullParser") -> Diagnostic | None:
    """The first error that nobody mends, without the parser's words: they quote the document."""
    for entry in parser.feed_error_log:
        if entry.level >= etree.ErrorLevels.ERROR and entry.type not in _FORGIVEN:
            return codes.NOT_XML(Place(line=entry.line or None), problem="its header is broken")
    return None


def _facts(root: Node) -> DocumentHeader:
    found = {_name(child): child for child in reversed(root)}
    version = found.get("versionNumber")
    code = found.get("code")
    time = found.get("effectiveTime")
    person = next(_below(root, "recordTarget", "patientRole", "patient"), None)
    known = {} if person is None else {_name(child): child for child in reversed(person)}
    return DocumentHeader(
        identifier=_identifier(found.get("id")),
        set_id=_identifier(found.get("setId")),
        version_number=_attribute(version, "value"),
        code=_attribute(code, "code"),
        effective_time=_attribute(time, "value"),
        templates=tuple(_templates(root)),
        patients=tuple(_patients(root)),
        names=() if person is None else tuple(_names(person)),
        birth_time=_attribute(known.get("birthTime"), "value"),
        gender=_attribute(known.get("administrativeGenderCode"), "code"),
        custodian=_first_id(
            root, "custodian", "assignedCustodian", "representedCustodianOrganization"
        ),
        author=_first_id(root, "author", "assignedAuthor", "representedOrganization"),
        related=tuple(_related(root)),
    )


def _name(node: Node) -> str:
    """The local name; elements of real documents are also found in no namespace."""
    return str(node.tag).rpartition("}")[2]


def _attribute(node: Node | None, name: str) -> str:
    return "" if node is None else str(node.get(name, "")).strip()[:CHARACTERS_MAX]


def _identifier(node: Node | None) -> Identifier:
    if node is None or node.get("nullFlavor") is not None:
        return "", ""
    return _attribute(node, "root"), _attribute(node, "extension")


def _below(node: Node, *names: str) -> Iterator[Node]:
    """The elements that a path of names leads to, in order."""
    if not names:
        yield node
        return
    for child in node:
        if _name(child) == names[0]:
            yield from _below(child, *names[1:])


def _first_id(root: Node, *names: str) -> Identifier:
    found = (_identifier(node) for node in _below(root, *names, "id"))
    return next((one for one in found if one[0]), ("", ""))


def _patients(root: Node) -> list[Identifier]:
    found: dict[Identifier, None] = {}
    for node in _below(root, "recordTarget", "patientRole", "id"):
        identifier = _identifier(node)
        if any(identifier):
            found[identifier] = None
    return list(found)[:PATIENTS_MAX]


def _templates(root: Node) -> list[Identifier]:
    found = (_identifier(node) for node in _below(root, "templateId"))
    return [one for one in found if one[0]][:TEMPLATES_MAX]


def _names(person: Node) -> list[tuple[str, ...]]:
    """Family and given names; of a name without parts its text stands for the family name."""
    found: list[tuple[str, ...]] = []
    for node in _below(person, "name"):
        family = [_text(one) for one in _below(node, "family")] or [_text(node)]
        name = (family[0], *(_text(one) for one in _below(node, "given")))
        if any(name):
            found.append(name[:NAME_PARTS_MAX])
    return found[:PATIENTS_MAX]


def _text(node: Node) -> str:
    return " ".join(str(node.text or "").split())[:CHARACTERS_MAX]


def _related(root: Node) -> list[Related]:
    found = []
    for other in _below(root, "relatedDocument"):
        kind = _attribute(other, "typeCode")
        identifier = _first_id(other, "parentDocument")
        if identifier[0]:
            found.append(Related(kind=kind, identifier=identifier))
    return found[:RELATED_MAX]
