"""Pure. `guide.yaml` of the library: what stands for no single map of ours.

`guide:` gives a reason for each of the guide's maps that none of ours implements; `tables:` names
our table for each concept map that is called otherwise, or `kept`: the codes stay as they are,
with the URI of their v2 table.
"""

from dataclasses import dataclass, field

from engine.diagnostics import Diagnostic, Place
from engine.mapping.codes import NOT_A_MAP, UNKNOWN_KEY, WRONG_SHAPE
from engine.yamltext import Mapping, Scalar, parse_yaml

FILE_NAME = "guide.yaml"
KEPT = "kept"
_KEYS = ("guide", "tables")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideNotes:
    """Reasons and tables by the name of the guide's map, each with its place."""

    reasons: dict[str, tuple[str, Place]] = field(default_factory=dict)
    tables: dict[str, tuple[str, Place]] = field(default_factory=dict)

    def reason(self, name: str) -> tuple[str, Place] | None:
        """Why none of our maps implements the map of that name, and where that is said."""
        return self.reasons.get(name)

    def table(self, name: str) -> str | None:
        """Our table for the concept map of that name."""
        found = self.tables.get(name)
        return found[0] if found is not None else None


def is_guide_notes(file: str) -> bool:
    """True for a file of this name in any folder."""
    return file.replace("\\", "/").rpartition("/")[2] == FILE_NAME


def read_guide_notes(text: str, file: str) -> tuple[GuideNotes, list[Diagnostic]]:
    """Read the file.

    Args:
        text: the whole file.
        file: its name, for places.

    Returns:
        What could be read, and every problem.
    """
    root, problems = parse_yaml(text, file)
    if not isinstance(root, Mapping):
        problem = "it is no mapping"
        return GuideNotes(), problems or [NOT_A_MAP(Place(file=file, line=1), problem=problem)]
    found: dict[str, dict[str, tuple[str, Place]]] = {key: {} for key in _KEYS}
    for key, node in root:
        if key.text not in _KEYS:
            hint = f"the keys are {', '.join(_KEYS)}"
            problems.append(UNKNOWN_KEY(key.place, key=key.text, hint=hint))
        elif not isinstance(node, Mapping):
            shape = "names of the guide's maps, each with a text"
            problems.append(WRONG_SHAPE(node.place, what=f"`{key.text}`", shape=shape))
        else:
            for name, value in node:
                if not isinstance(value, Scalar) or not value.text:
                    shape = "a text after the colon"
                    problems.append(WRONG_SHAPE(name.place, what=f"`{name.text}`", shape=shape))
                    continue
                for one in name.text.split(","):
                    found[key.text][one.strip()] = (value.text, name.place)
    return GuideNotes(reasons=found["guide"], tables=found["tables"]), problems
