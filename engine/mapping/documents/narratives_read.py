"""Pure. Whether maps read narratives of sections they do not stand in.

Narratives of large documents may be folded while their section is not the one that is converted
(`cda.folding`). Maps that read further keep them whole: the same document must become the same.
"""

from engine.mapping.documents.statements_read import paths_of_map
from engine.mapping.library import Library
from engine.mapping.syntax import Path

_DOWN_OR_ASIDE = ("descendant", "following", "preceding")
_SECTION = "section"
_AROUND = frozenset({"ClinicalDocument", "component", "structuredBody", "section", "*", ".", ".."})
"""What sections stand below."""
_TEXT = "text"


def reads_other_narratives(library: Library) -> bool:
    """True when a map of the library may read the narrative of a section beside or below its own.

    What is meant by an `ID` is found in any case.
    """
    return any(_reads(path) for one in library.maps.values() for path in paths_of_map(one, {}))


def _reads(path: Path) -> bool:
    below = False
    for step in path.nodes:
        if step.axis.startswith(_DOWN_OR_ASIDE):
            return True
        if below and step.name in (_TEXT, "*"):
            return True
        if step.axis == "child":
            if step.name not in _AROUND:
                return False  # no section stands below
            below = below or step.name == _SECTION
            if below and any(_TEXT in one for one in step.conditions):
                return True
    return False
