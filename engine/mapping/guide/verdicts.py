"""Pure. What became of a row of the guide, and the reasons our maps give."""

from dataclasses import dataclass
from typing import Literal

from engine.diagnostics import Place
from engine.mapping.expression import parse_path
from engine.mapping.guide.guide_tables import GuideMap, GuideRow
from engine.mapping.guide.our_rows import Source
from engine.mapping.syntax import MapFile
from engine.yamltext import Scalar

State = Literal["same", "overridden", "missing"]
SAME: State = "same"
OVERRIDDEN: State = "overridden"
MISSING: State = "missing"
NOBODY = "no map of ours stands for this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one row of the guide."""

    guide_map: GuideMap
    row: GuideRow
    state: State
    reason: str = ""
    """Why it is overridden, or what is there instead of it."""
    place: Place | None = None
    """Of our rule, or of the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A reason of `differs:` or `ignore:` in the form rows are compared in."""

    source: Source
    element: str
    reason: str
    place: Place


def overrides_of(map_file: MapFile) -> list[Override]:
    """The reasons of `differs:` and `ignore:` of a map."""
    found = [
        Override(
            source=source_tuple(one.path), element=one.element, reason=one.reason, place=one.place
        )
        for one in map_file.differs
    ]
    found += [
        Override(source=source_tuple(one.path), element="", reason=one.reason, place=one.place)
        for one in map_file.ignore
    ]
    return [one for one in found if one.source]


def source_tuple(text: str) -> Source:
    """`("PID", 3, 1)` of `PID-3.1`, `("CX", 4)` of `CX.4`, `("PATIENT", "PID")` of a path of
    groups; empty when it is none of these."""
    path, _ = parse_path(text, Scalar(text, Place()))
    if path is None or path.variable is not None:
        return ()
    owner = path.segment or path.datatype
    groups = tuple(name for name, _ in path.steps)
    numbers = () if path.field is None else (path.field,)
    return (*groups, *((owner,) if owner else ()), *numbers, *path.components)


def root_type(name: str) -> str:
    """The type a guide's map makes: `Encounter` of `ROL[Encounter-PractitionerRole]`."""
    return name.partition("[")[2].partition("]")[0].partition("-")[0]
