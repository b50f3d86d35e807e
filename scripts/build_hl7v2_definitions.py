"""Rim. Makes the HL7 v2 dictionary the engine ships, from the tables of hl7apy.

Run by hand when hl7apy changes: `python scripts/build_hl7v2_definitions.py`. Output: one JSON file
per version in `engine/hl7v2/definitions/data`, one line per segment, datatype, structure and table,
so that a change can be reviewed. Events come from HL7 table 0354 (which structure serves which
trigger event), which hl7apy lacks.
"""

import importlib
import json
from collections.abc import Iterable
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Any

from hl7v2_names import (
    DISSOLVED_GROUPS,
    EVENTS,
    GROUP_CORRECTIONS,
    SENT_BESIDES,
    TWO_PATIENTS,
    readable_name,
    short_name,
)

VERSIONS = (
    "2.1",
    "2.2",
    "2.3",
    "2.3.1",
    "2.4",
    "2.5",
    "2.5.1",
    "2.6",
    "2.7",
    "2.8",
    "2.8.1",
    "2.8.2",
)
TARGET = Path(__file__).parent.parent / "engine" / "hl7v2" / "definitions" / "data"
Entry = list[Any]


def table_number(table: str | None) -> str:
    """`HL70001` as `0001`; user tables keep their name; no table is an empty text."""
    return "" if not table else table.removeprefix("HL7")


def numbered(children: Iterable[Any]) -> Iterable[tuple[int, Any]]:
    """The children of a segment or datatype with the number in their name (`PID_3` is 3)."""
    for position, child in enumerate(children, 1):
        number = child[0].rpartition("_")[2]
        yield int(number) if number.isdigit() else position, child


def segment_fields(library: Any, name: str) -> list[Entry]:
    """[number, name, datatype, min, max, table] for each field of a segment."""
    found = []
    entry = library.SEGMENTS[name]
    # ("sequence", fields); the fields alone (ORO of 2.1) or nothing (withdrawn segments of 2.7)
    fields = entry if entry[0] != "sequence" else (entry[1] if len(entry) > 1 else ())
    for number, (field, reference, (low, high), _) in numbered(fields):
        # two datatypes stand in RX1-30 of 2.1; the last one before the name is the one of the
        # standard
        *_, datatype, long_name, table, _ = library.FIELDS.get(field, reference)
        readable = readable_name(long_name, name)
        found.append([number, readable, datatype or "", low, high, table_number(table)])
    return found


def datatype_components(library: Any, name: str) -> list[Entry]:
    """[number, name, short name, datatype, required, table] for each component."""
    found = []
    taken: set[str] = set()
    for number, (component, reference, (low, _), _) in numbered(library.DATATYPES_STRUCTS[name]):
        _, _, datatype, long_name, table, _ = library.DATATYPES.get(component, reference)
        readable = readable_name(long_name, name)
        short = short_name(name, number, readable)
        if short in taken:
            short = f"{short}{number}"
        taken.add(short)
        found.append([number, readable, short, datatype or "", low, table_number(table)])
    return found


def structure_children(
    library: Any, structure: str, parent: str, children: Iterable[Any]
) -> list[Entry]:
    """[name, min, max] for a segment, [name, min, max, children] for a group.

    A choice of segments (the order detail of ORM) is written as optional segments in a row: its
    name differs from version to version, and a map reads the segment that is there. Members of
    other choices are optional too.
    """
    found: list[Entry] = []
    for name, _, (low, high), kind in children:
        if kind == "SEG":
            if name != "ANYHL7SEGMENT":
                found.append([name, low, high])
            continue
        order, inner = library.GROUPS[name]
        if order == "choice":
            inner = [(each, link, (0, most), sort) for each, link, (_, most), sort in inner]
            if all(sort == "SEG" for *_, sort in inner):
                found += structure_children(library, structure, parent, inner)
                continue
        short = name.removeprefix(structure + "_")
        short = GROUP_CORRECTIONS.get((structure, parent, short), short)
        nested = structure_children(library, structure, short, inner)
        if (structure, parent, short) in DISSOLVED_GROUPS:
            found += [[each, 0, *rest] for each, _, *rest in nested]
            continue
        if nested:
            found.append([short, low, high, nested])
    return found


def patients_grouped(children: list[Entry]) -> list[Entry]:
    """Two sets of patient segments, each begun by PID, as a group PATIENT that repeats."""
    starts = [index for index, child in enumerate(children) if child[0] == "PID"]
    if len(starts) < 2:
        return children
    first, second = starts
    return [*children[:first], ["PATIENT", 1, -1, children[first:second]]]


def with_more_segments(
    children: list[Entry], group: str, structure: str, version: str
) -> list[Entry]:
    """The children of a group with the segments senders put there besides."""
    known = VERSIONS.index(version)
    found: list[Entry] = []
    for name, low, high, *inner in children:
        deeper = (with_more_segments(one, name, structure, version) for one in inner)
        found.append([name, low, high, *deeper])
        for first, where, more, after in SENT_BESIDES[structure]:
            added = more if isinstance(more, list) else [more, 0, -1]
            new = added[0] not in [child[0] for child in children]
            if (where, after) == (group, name) and new and known >= VERSIONS.index(first):
                found.append(added)
    return found


def events(library: Any) -> dict[str, str]:
    """Trigger events, `ADT^A04`, and the structure that serves them in this version."""
    known = library.MESSAGES
    found = {}
    for structure in known:
        code, _, trigger = structure.partition("_")
        found[f"{code}^{trigger}" if trigger else code] = structure
    for event, candidates in EVENTS.items():
        for candidate in candidates:
            if candidate in known:
                found[event] = candidate
                break
    return dict(sorted(found.items()))


def tables(library: Any) -> dict[str, Entry]:
    """Table number, then [name, codes]."""
    found = {}
    for table, (name, codes) in getattr(library, "TABLES", {}).items():
        kept = sorted({str(code) for code in codes or ()})
        if kept:
            found[table_number(table)] = [name, kept]
    return dict(sorted(found.items()))


def dictionary(version: str) -> dict[str, dict[str, Any]]:
    """Everything the engine keeps of one version."""
    library = importlib.import_module("hl7apy.v" + version.replace(".", "_"))
    structures = {
        name: structure_children(library, name, "", children)
        for name, (_, children) in sorted(library.MESSAGES.items())
    }
    for name in TWO_PATIENTS:
        if name in structures:
            structures[name] = patients_grouped(structures[name])
    for name in SENT_BESIDES:
        if name in structures:
            structures[name] = with_more_segments(structures[name], "", name, version)
    names = sorted(library.DATATYPES_STRUCTS)
    segments = sorted(set(library.SEGMENTS) - {"ANYHL7SEGMENT"})
    return {
        "segments": {name: segment_fields(library, name) for name in segments},
        "datatypes": {name: datatype_components(library, name) for name in names},
        "structures": structures,
        "events": events(library),
        "tables": tables(library),
    }


def write(version: str) -> Path:
    """Write the file of one version and return its path."""
    header = {
        "source": f"hl7apy {distribution_version('hl7apy')}, tables of HL7 v{version}",
        "version": version,
        "licence": "MIT, copyright (c) 2012-2018 CRS4; events from HL7 table 0354",
    }
    lines = [f'"header":{json.dumps(header)}']
    for section, entries in dictionary(version).items():
        rows = [
            f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}"
            for key, value in entries.items()
        ]
        lines.append(f'"{section}":{{\n' + ",\n".join(rows) + "\n}")
    path = TARGET / f"v{version}.json"
    path.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    TARGET.mkdir(parents=True, exist_ok=True)
    for each in VERSIONS:
        written = write(each)
        print(f"{written.name} {written.stat().st_size} bytes")
