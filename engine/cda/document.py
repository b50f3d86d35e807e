"""Pure. A parsed C-CDA document: its root, the elements with an ID, and names for places.

Elements are lxml's; nothing here changes them. CDA R2, and C-CDA 2.1 for the narrative references
(`originalText/reference/@value="#id"`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from lxml import etree

CDA = "urn:hl7-org:v3"
SDTC = "urn:hl7-org:sdtc"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {"v3": CDA, "sdtc": SDTC, "xsi": XSI}

_STEP = re.compile(r"(?:sdtc:)?[A-Za-z]+(?:\[[0-9]{1,6}\])?")

XSI_TYPE = f"{{{XSI}}}type"
TEMPLATE_ID = f"{{{CDA}}}templateId"
AUTHOR = f"{{{CDA}}}author"

STATEMENTS = frozenset(
    f"{{{CDA}}}{name}"
    for name in (
        "act",
        "encounter",
        "observation",
        "observationMedia",
        "organizer",
        "procedure",
        "regionOfInterest",
        "substanceAdministration",
        "supply",
    )
)
"""Tags of clinical statements."""

Node = etree._Element  # noqa: SLF001  lxml's only name for the type of its elements


class Folded(Protocol):
    """Narratives that are kept apart from the tree: `cda.folding.Narratives`."""

    @property
    def ids(self) -> Mapping[str, Node]:
        """`ID` within one to the `text` of its section."""

    def element(self, name: str) -> Node | None:
        """The element with this `ID`."""

    def open_section(self, section: Node) -> None:
        """Put the narrative of a section into the tree."""


@dataclass(slots=True)
class Document:
    """One document."""

    root: Node
    raw: bytes
    """As received."""
    ids: dict[str, Node] = field(default_factory=dict)
    """`ID` of the narrative to the element; the first where several have it."""

    narratives: Folded | None = None
    """Those that are folded, of a document that was read so; see `cda.folding`."""

    def referred(self, value: str) -> Node | None:
        """The element a reference names: `#id`, or `id` as some systems write it."""
        name = value.removeprefix("#").strip()
        if self.narratives is not None and name in self.narratives.ids:
            return self.narratives.element(name)
        return self.ids.get(name)

    def statements(self) -> list[Node]:
        """Every clinical statement of the body, in order."""
        return list(self.root.iter(*STATEMENTS))


@lru_cache(maxsize=4_096)
def local_name(tag: str) -> str:
    """`code` of `{urn:hl7-org:v3}code`, `sdtc:raceCode` of an element of that namespace."""
    namespace, _, name = tag.rpartition("}")
    return f"sdtc:{name}" if namespace.endswith(SDTC) else name


def place_of(node: Node) -> str:
    """The path of an element from the root: `/ClinicalDocument/component/.../observation[2]`."""
    steps: list[str] = []
    here: Node | None = node
    while here is not None:
        tag = str(here.tag)
        name = local_name(tag)
        before = len(list(here.itersiblings(tag, preceding=True)))
        more = before or next(here.itersiblings(tag), None) is not None
        steps.append(f"{name}[{before + 1}]" if more else name)
        here = here.getparent()
    return "/" + "/".join(reversed(steps))


def elements_at(document: Document, path: str) -> list[Node] | None:
    """The elements at a path below ClinicalDocument, or None when it is none.

    Args:
        document: where to look.
        path: names with numbers, as `place_of` writes them, with or without the root:
            `recordTarget/patientRole/id[2]`.
    """
    steps = [step for step in path.strip("/").split("/") if step]
    if steps[:1] == ["ClinicalDocument"]:
        steps = steps[1:]
    if not all(_STEP.fullmatch(step) for step in steps):
        return None
    prefixed = [step if ":" in step else f"v3:{step}" for step in steps]
    found = document.root.xpath("/".join((".", *prefixed)), namespaces=NAMESPACES)
    return [one for one in found if isinstance(one, Node)] if isinstance(found, list) else []
