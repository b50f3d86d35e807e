"""Make the CDA tables that the engine ships, from HL7's C-CDA package on npm (CC0-1.0).

Run once per change of the package's version: `python scripts/build_cda_definitions.py`. It needs
`npm` and the network; the engine needs neither. Output: `engine/cda/definitions/data/cda.json`, the
same bytes on every run.

The snapshots of the templates list every element of the CDA classes they constrain, so the classes
are put together from them: a name and its base cardinality as CDA R2 has it. What no template
expands is added from CDA R2 (ANSI/HL7 CDA R2-2005) below.
"""

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from build_fhir_definitions import resources, unpack

Json = dict[str, Any]

PACKAGE = ("hl7.cda.us.ccda", "5.0.0-ballot", "CC0-1.0")
DATA = Path(__file__).resolve().parent.parent / "engine" / "cda" / "definitions" / "data"
NAMELESS = {"Base", "BackboneElement", "Element", "InfrastructureRoot", "PreconditionBase"}
FIXED = ("patternString", "fixedString", "fixedUri", "patternUri", "fixedCode", "patternCode")

ROLE = "@classCode @nullFlavor templateId*:II typeId:II realmCode*:CS"
PARTICIPATION = "@typeCode @nullFlavor templateId*:II typeId:II realmCode*:CS"
ACT = "@classCode @moodCode @nullFlavor templateId*:II typeId:II realmCode*:CS"
EXTERNAL = f"{ACT} id*:II code:CD text:ED"
CODED = (
    "@nullFlavor @code @codeSystem @codeSystemName @codeSystemVersion @displayName @sdtc:valueSet"
    " @sdtc:valueSetVersion originalText:ED qualifier*:CR translation*:CD"
)
MORE = {
    "BL": "@nullFlavor @value",
    "INT": "@nullFlavor @value",
    "INT_POS": "@nullFlavor @value",
    "REAL": "@nullFlavor @value",
    "MO": "@nullFlavor @value @currency",
    "ST": "@nullFlavor @representation @mediaType @language",
    "SC": "@nullFlavor @code @codeSystem @codeSystemName @codeSystemVersion @displayName",
    "CO": CODED,
    "PQR": f"@value {CODED}",
    "TN": "@nullFlavor @use validTime:IVL_TS",
    "SXCM_TS": "@nullFlavor @value @operator",
    "EIVL_TS": "@nullFlavor @value @operator event:CS offset:IVL_PQ",
    "PIVL_TS": (
        "@nullFlavor @value @operator @alignment @institutionSpecified phase:IVL_TS"
        " period:PQ|IVL_PQ"
    ),
    "SXPR_TS": "@nullFlavor @value @operator comp*:SXCM_TS",
    "IVXB_INT": "@nullFlavor @value @inclusive",
    "IVXB_PQ": "@nullFlavor @value @unit @inclusive translation*:PQR",
    "RTO_PQ_PQ": "@nullFlavor numerator:PQ denominator:PQ",
    "Entry": (
        f"{PARTICIPATION} @contextConductionInd act:Act encounter:Encounter observation:Observation"
        " observationMedia:ObservationMedia organizer:Organizer procedure:Procedure"
        " regionOfInterest:RegionOfInterest substanceAdministration:SubstanceAdministration"
        " supply:Supply"
    ),
    "ExternalAct": EXTERNAL,
    "ExternalObservation": EXTERNAL,
    "ExternalProcedure": EXTERNAL,
    "IdentifiedBy": f"{PARTICIPATION} alternateIdentification:AlternateIdentification",
    "AlternateIdentification": f"{ROLE} id:II code:CD statusCode:CS effectiveTime:IVL_TS",
    "InFulfillmentOf1": f"{PARTICIPATION} sdtc:actReference:ActReference",
    "ActReference": f"{ACT} id*:II",
    "MaintainedEntity": f"{ROLE} effectiveTime:IVL_TS maintainingPerson:Person",
    "ObservationMedia": (
        f"{ACT} @ID id*:II languageCode:CS value:ED subject:Subject specimen*:Specimen"
        " performer*:Performer2 author*:Author informant*:Informant participant*:Participant2"
        " entryRelationship*:EntryRelationship reference*:Reference"
    ),
    "OrganizationPartOf": (
        f"{ROLE} id*:II code:CE statusCode:CS effectiveTime:IVL_TS wholeOrganization:Organization"
    ),
    "RegionOfInterest": f"{ACT} @ID id*:II code:CS value*:INT",
    "RelatedDocument": f"{PARTICIPATION} parentDocument:ParentDocument",
    "ParentDocument": f"{ACT} id*:II code:CD text:ED setId:II versionNumber:INT",
    "RelatedEntity": (
        f"{ROLE} code:CE addr*:AD telecom*:TEL effectiveTime:IVL_TS relatedPerson:Person"
    ),
}
"""Class to its children: `@name` an attribute, `name:TYPE` an element, `name*:TYPE` any number,
`A|B` by `xsi:type`."""

ANY_VALUE = (
    "BL", "CD", "CE", "CO", "CS", "ED", "EIVL_TS", "II", "INT", "IVL_INT", "IVL_PQ", "IVL_TS", "MO",
    "PIVL_TS", "PQ", "REAL", "RTO_PQ_PQ", "SC", "ST", "SXPR_TS", "TS",
)  # fmt: skip
"""What `xsi:type` may say where CDA allows any datatype."""
ANY_TIME = ("IVL_TS", "PIVL_TS", "EIVL_TS", "SXPR_TS", "SXCM_TS", "TS")
BY_XSI_TYPE = {
    ("Observation", "value"): ANY_VALUE,
    ("ObservationRange", "value"): ANY_VALUE,
    ("Criterion", "value"): ANY_VALUE,
    ("SubstanceAdministration", "effectiveTime"): ANY_TIME,
    ("Supply", "effectiveTime"): ANY_TIME,
    ("SXPR_TS", "comp"): ANY_TIME,
}
MANY = {("SubstanceAdministration", "effectiveTime"), ("Supply", "effectiveTime")}


def main() -> int:
    """Download, convert, write."""
    with tempfile.TemporaryDirectory() as folder:
        package = unpack(Path(folder), PACKAGE)
        found = [
            one
            for one in resources(package, "StructureDefinition-*.json")
            if "snapshot" in one and "/cda/stds/core/" in one["type"]
        ]
    name, version, licence = PACKAGE
    made = {
        "source": f"{name} {version}, {licence}; CDA R2",
        "classes": build_classes(found),
        "templates": build_templates(found),
    }
    DATA.mkdir(parents=True, exist_ok=True)
    (DATA / "cda.json").write_text(json.dumps(made, indent=0, sort_keys=True) + "\n", "utf-8")
    return 0


def type_name(code: str) -> str:
    """`IVL_TS` of `http://.../IVL-TS`."""
    return code.rsplit("/", 1)[-1].replace("-", "_")


def xml_name(element: Json) -> str:
    """The step of a path: `code`, `sdtc:raceCode`, `@root`."""
    said = {one["url"].rsplit("/", 1)[-1]: next(iter(list(one.values())[1:])) for one in
            element.get("extension", [])}  # fmt: skip
    name = said.get("xml-name", element["path"].rpartition(".")[2])
    if "sdtc" in str(said.get("xml-namespace", "")):
        name = f"sdtc:{name}"
    is_attribute = "xmlAttr" in element.get("representation", [])
    return f"@{name}" if is_attribute else name


def build_classes(structures: list[Json]) -> dict[str, Json]:
    """Class to its children: step to [types, many]."""
    classes: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    for structure in structures:
        for parent, element, codes in _children(structure):
            step = xml_name(element)
            if step.endswith("xmlText"):
                continue
            many = element.get("base", element).get("max", "1") != "1"
            types = [] if step.startswith("@") else codes
            present = classes[parent].setdefault(step, [types, many])
            present[0] = sorted({*present[0], *types})
    _flatten(classes, "AD", "ADXP")
    _flatten(classes, "PN", "ENXP")
    for name, text in MORE.items():
        classes[name].update(_written(text))
    for name in ("EN", "ON"):
        classes[name] = dict(classes["PN"])
    for (name, step), kinds in BY_XSI_TYPE.items():
        classes[name][step] = [list(kinds), classes[name][step][1] or (name, step) in MANY]
    return {name: dict(sorted(children.items())) for name, children in sorted(classes.items())}


def _children(structure: Json) -> Iterator[tuple[str, Json, list[str]]]:
    """(class, element, its types) of every element of a snapshot, slices left out."""
    root = type_name(structure["type"])
    types = {root: [root]}
    for element in structure["snapshot"]["element"]:
        path = element["path"]
        parent, _, name = path.rpartition(".")
        if element["id"] != path or not parent or len(types.get(parent, [])) != 1:
            continue
        holder = types[parent][0]
        codes = [type_name(one["code"]) for one in element.get("type", [])]
        codes = [f"{holder}.{name}" if code in NAMELESS else code for code in codes]
        types[path] = codes
        yield holder, element, codes


def _flatten(classes: dict[str, dict[str, list[Any]]], name: str, part: str) -> None:
    """The parts of a name or address, which the package keeps one level deeper."""
    classes[name].pop("item", None)
    for step in classes.pop(f"{name}.item", {}):
        classes[name][step] = [[part], True]


def _written(text: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for word in text.split():
        if word.startswith("@"):
            found[word] = [[], False]
            continue
        step, _, kind = word.rpartition(":")
        found[step.rstrip("*")] = [kind.split("|"), step.endswith("*")]
    return found


def build_templates(structures: list[Json]) -> dict[str, Json]:
    """Template root to its name, class and, where the code is fixed, code."""
    found: dict[str, Json] = {}
    for structure in structures:
        kind = type_name(structure["type"])
        roots, code = [], ""
        for element in structure["snapshot"]["element"]:
            fixed = next((element[key] for key in FIXED if key in element), "")
            path = element["path"]
            if path == f"{kind}.templateId.root" and fixed and ":" in element["id"]:
                roots.append(fixed)
            elif path == f"{kind}.code.code" and fixed:
                code = fixed
        if roots:
            title = structure.get("title", structure["name"])
            found[roots[-1]] = {"name": title, "class": kind, "code": code}
    return dict(sorted(found.items()))


if __name__ == "__main__":
    sys.exit(main())
