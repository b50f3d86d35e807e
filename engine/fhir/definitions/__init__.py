"""Pure. FHIR R4 4.0.1 by name: types, elements, value sets of required bindings, HL7 displays.

The tables are made by `scripts/build_fhir_definitions.py` from HL7's packages; docs/licences.md
names them. They load on first use (a few milliseconds); types are built as they are asked for.
"""

from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import orjson
import zstandard

from engine.fhir.definitions.model import ElementDefinition, TypeDefinition, ValueSetBinding

NAMES_KEPT_MAX = 4096
"""R4 has 678 types; names that are asked for may come from outside, so what is kept is bounded."""
V2_TABLE = "http://terminology.hl7.org/CodeSystem/v2-"


def resource_types() -> frozenset[str]:
    """The names of all concrete resource types."""
    return _names_of_kind("resource")


def type_names() -> frozenset[str]:
    """The names of all types: resources, datatypes, primitives and backbone elements."""
    return frozenset(_structures()["types"])


@lru_cache(maxsize=NAMES_KEPT_MAX)
def type_definition(name: str) -> TypeDefinition | None:
    """The type of that name (`Patient`, `HumanName`, `Patient.contact`, `date`), or None."""
    row = _structures()["types"].get(name)
    if row is None:
        return None
    elements = {}
    keys = {}
    for element_row in row["elements"]:
        element = _element(name, *element_row)
        elements[element.name] = element
        for key, kind in element.json_keys().items():
            keys[key] = (element, kind)
    return TypeDefinition(name=name, kind=row["kind"], elements=elements, keys=keys)


@lru_cache(maxsize=NAMES_KEPT_MAX)
def element(type_name: str, path: str) -> ElementDefinition | None:
    """The element at a path below a type, or None.

    Args:
        type_name: where the path starts, such as `Patient`.
        path: names joined by dots; `name[0]` and `name[]` are read as `name`. A choice is written
            `deceased[x]`, `deceased` or, for one of its types, `deceasedBoolean`: then the answer
            has that type alone.
    """
    found: ElementDefinition | None = None
    current = type_name
    for step in path.split("."):
        definition = type_definition(current)
        if definition is None:
            return None
        name = step.partition("[")[0]
        found = definition.elements.get(name)
        if found is None:
            if name not in definition.keys:
                return None
            whole, kind = definition.keys[name]
            found = replace(whole, name=name, types=(kind,), choice=False)
        current = found.types[0] if len(found.types) == 1 else ""
    return found


def value_set(url: str) -> frozenset[str] | None:
    """The codes of a value set that R4 uses in a required binding; None when unknown or open."""
    binding = _required_binding(url.partition("|")[0])
    return binding.codes


def value_set_codings(url: str) -> frozenset[tuple[str, str]] | None:
    """The same codes with their systems, as (system, code)."""
    binding = _required_binding(url.partition("|")[0])
    return binding.codings


def display(system: str, code: str) -> str | None:
    """The display of a code of one of HL7's own code systems, or None."""
    found: str | None = _displays()["systems"].get(system, {}).get(code)
    return found


def code_system(system: str) -> dict[str, str] | None:
    """All codes of one of HL7's own code systems with their displays, or None. Do not change it."""
    found: dict[str, str] | None = _displays()["systems"].get(system)
    return found


def v2_system(table: str) -> str | None:
    """The code system URI of a v2 table (`0001`, `1` or `HL70001`), or None when HL7 has none."""
    number = table.removeprefix("HL7").zfill(4)
    uri = V2_TABLE + number
    return uri if uri in _displays()["systems"] else None


def sources() -> tuple[dict[str, str], ...]:
    """Package, version and licence of everything the tables were made from."""
    listed = [*_structures()["sources"], *_displays()["sources"]]
    return tuple({source["package"]: source for source in listed}.values())


def _element(
    owner: str,
    name: str,
    types: list[str],
    minimum: int = 0,
    many: int = 0,
    strength: str | None = None,
    value_set_url: str | None = None,
    targets: list[str] | tuple[str, ...] = (),
    content_reference: str | None = None,
) -> ElementDefinition:
    binding = None
    if strength == "required":
        binding = _required_binding(value_set_url or "")
    elif strength is not None:
        binding = ValueSetBinding(strength=strength, url=value_set_url or "")
    return ElementDefinition(
        name=name.removesuffix("[x]"),
        types=tuple(types),
        min=minimum,
        max_many=bool(many),
        choice=name.endswith("[x]"),
        binding=binding,
        targets=tuple(targets),
        attribute=name == "id" or (owner, name) == ("Extension", "url"),
        content_reference=content_reference,
    )


@lru_cache(maxsize=NAMES_KEPT_MAX)
def _required_binding(url: str) -> ValueSetBinding:
    systems: dict[str, list[str]] | None = _structures()["value_sets"].get(url)
    if systems is None:
        return ValueSetBinding(strength="required", url=url)
    codings = frozenset((system, code) for system, codes in systems.items() for code in codes)
    codes = frozenset(code for _, code in codings)
    return ValueSetBinding(strength="required", url=url, codes=codes, codings=codings)


@cache
def _names_of_kind(kind: str) -> frozenset[str]:
    types = _structures()["types"]
    return frozenset(name for name, row in types.items() if row["kind"] == kind)


@cache
def _structures() -> dict[str, Any]:
    return _read("structures.json.zst")


@cache
def _displays() -> dict[str, Any]:
    return _read("displays.json.zst")


def _read(name: str) -> dict[str, Any]:
    packed = files("engine.fhir.definitions").joinpath("data", name).read_bytes()
    content: dict[str, Any] = orjson.loads(zstandard.ZstdDecompressor().decompress(packed))
    return content
