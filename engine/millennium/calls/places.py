"""Pure. The places of a message as Locations of the tenant, by the alias table of location codes.

The id of a Location is its location code (Appointment and Slot pages of Ignite FHIR R4), a value of
code set 220 (field: CCL that hospitals have published). So a ward has its id from the table
`aliases/<contributor source>/220.csv`, and nothing is asked of the service. A bed that has no code
of its own stands in its room, a room in its ward; a ward never in its hospital.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.codevalues.resolve import Missing, Outcome, Resolution, problem_of
from engine.diagnostics import Diagnostic, Place
from engine.fhir.entries import Entry
from engine.millennium.calls.code_fields import CodeSource

Json = dict[str, Any]

ELEMENT = "Location"
LOCATION_CODES = 220
LEVELS_MAX = 8
_MEANINGS: Mapping[str, str] = {
    "si": "FACILITY",
    "bu": "BUILDING",
    "wa": "NURSEUNIT",
    "ro": "ROOM",
    "bd": "BED",
}
"""Physical type of a Location -> alias meaning of its code."""
_WARD = "wa"
_WITHIN_WARD = frozenset({"ro", "bd"})


@dataclass(frozen=True, slots=True)
class Placed:
    """A place of the tenant's."""

    id: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A place without a code that can be used, by the broadest name it has."""

    alias: str
    resolution: Resolution


def places_of(entries: Mapping[str, Entry], source: CodeSource) -> dict[str, Placed | Unplaced]:
    """Name of a Location of the message -> what it is in the tenant.

    Those that no alias could be for, such as a room of no ward, are left out.
    """
    found: dict[str, Placed | Unplaced] = {}
    for name in entries:
        if not name.startswith("Location/"):
            continue
        for alias, meaning in _aliases(name, entries):
            resolution = source.values.resolve(
                alias,
                code_set=LOCATION_CODES,
                contributor_source=source.contributor_source,
                alias_meaning=meaning,
            )
            if resolution.outcome is Outcome.RESOLVED and resolution.coding is not None:
                found[name] = Placed(str(resolution.coding["code"]), resolution.evidence)
                break
            found[name] = Unplaced(alias, resolution)
    return found


def unplaced_problem(unplaced: Unplaced, source: CodeSource) -> Diagnostic | None:
    """What a message is held by whose place must be known; the place goes to the work list."""
    source.values.note(
        Missing(
            element=ELEMENT,
            code=unplaced.alias,
            system="",
            display="",
            code_set=LOCATION_CODES,
            contributor_source=source.contributor_source,
            outcome=unplaced.resolution.outcome,
        )
    )
    return problem_of(
        unplaced.resolution,
        Place(path=ELEMENT),
        code_set=LOCATION_CODES,
        contributor_source=source.contributor_source,
    )


def _aliases(name: str, entries: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    """What a place may be called, the most exact first: `MED^12^1`, `MED^12`, `MED`."""
    levels = list(_levels(name, entries))
    if not levels or not levels[0][0]:
        return
    kinds = [kind for _, kind in levels]
    if kinds[0] not in _WITHIN_WARD:
        yield levels[0][0], _MEANINGS.get(kinds[0], "")
        return
    ward = kinds.index(_WARD) if _WARD in kinds else None
    if ward is None:
        return  # a room of no ward could be any ward's
    for index in range(ward + 1):
        steps = [text for text, _ in reversed(levels[index : ward + 1])]
        if all(steps):
            yield "^".join(steps), _MEANINGS[kinds[index]]


def _levels(name: str, entries: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    """(what it is called, kind) of a place and of those it is part of."""
    for _ in range(LEVELS_MAX):
        entry = entries.get(name)
        if entry is None:
            return
        place = entry.resource
        values = (str(one["value"]) for one in place.get("identifier", ()) if "value" in one)
        kind = next((one.get("code", "") for one in _codings(place.get("physicalType"))), "")
        yield next(values, "") or str(place.get("name", "")), kind
        name = str(place.get("partOf", {}).get("reference", ""))


def _codings(concept: Any) -> list[Json]:
    listed = concept.get("coding", []) if isinstance(concept, dict) else []
    return [one for one in listed if isinstance(one, dict)]
