"""Pure. ConceptMap of FHIR R4, in and out: https://hl7.org/fhir/R4/conceptmap.html.

In, a ConceptMap is a standard table with all it can say: `equivalence`, `dependsOn`, `product` and
`group.unmapped`. Out, standard tables and alias tables are ConceptMaps. An alias table's targets
are portable names, whose system is the code set without a tenant; its alias meaning is a
`dependsOn`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.codevalues.aliases import AliasRow, AliasTable, make_table
from engine.codevalues.codes import BAD_TARGET, CONCEPT_MAP_LOSS, LIMIT, NOT_A_CONCEPT_MAP
from engine.codevalues.registry import Registry
from engine.codevalues.resolve import alias_file
from engine.codevalues.rows import ROWS_MAX
from engine.codevalues.standard import (
    CODE_SET,
    EQUIVALENCES,
    USABLE,
    Dependency,
    Otherwise,
    Pair,
    StandardTable,
    make_standard,
)
from engine.codevalues.targets import parse_target
from engine.diagnostics import Diagnostic, Place

ALIAS_MEANING = "urn:engine:alias-meaning"
"""The property of `dependsOn` that carries an alias meaning."""
MODES = ("provided", "fixed", "other-map")


class _ShapeError(Exception):
    """The resource is no ConceptMap; says what is wrong and at which path."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path


# -- in --


def read_concept_map(text: str, file: str) -> tuple[StandardTable | None, list[Diagnostic]]:
    """Read a ConceptMap in JSON as a standard table.

    Args:
        text: the whole file.
        file: its name; the table is called after it.

    Returns:
        The table, or None, and what is wrong, with its line or its path in the resource.
    """
    try:
        resource = json.loads(text)
    except json.JSONDecodeError as fault:
        place = Place(file=file, line=fault.lineno, column=fault.colno)
        return None, [NOT_A_CONCEPT_MAP(place, problem=f"this is no JSON: {fault.msg}")]
    except RecursionError:
        return None, [NOT_A_CONCEPT_MAP(Place(file=file), problem="it is nested too deeply")]
    try:
        return _table(resource, file), []
    except _ShapeError as fault:
        place = Place(file=file, line=1, path=fault.path or None)
        if fault.problem == _TOO_MANY:
            return None, [LIMIT(place, limit=ROWS_MAX, what="elements")]
        return None, [NOT_A_CONCEPT_MAP(place, problem=fault.problem)]


_TOO_MANY = "too many"


def _table(resource: Any, file: str) -> StandardTable:
    if not isinstance(resource, dict) or resource.get("resourceType") != "ConceptMap":
        raise _ShapeError("resourceType is not ConceptMap")
    pairs: list[Pair] = []
    otherwise: list[Otherwise] = []
    for number, group in enumerate(_objects(resource, "group", "")):
        path = f"group[{number}]"
        source, target = _text(group, "source", path), _text(group, "target", path)
        for index, element in enumerate(_objects(group, "element", path)):
            pairs += _pairs(element, source, target, f"{path}.element[{index}]", file)
            if len(pairs) > ROWS_MAX:
                raise _ShapeError(_TOO_MANY, path)
        if "unmapped" in group:
            otherwise.append(_otherwise(group["unmapped"], source, target, path, file))
    name = file.rpartition("/")[2].removesuffix(".json")
    url, version = _text(resource, "url", ""), _text(resource, "version", "")
    return make_standard(name, file, pairs, tuple(otherwise), url, version)


def _pairs(
    element: Mapping[str, Any], source: str, target: str, path: str, file: str
) -> Iterable[Pair]:
    code, display = _text(element, "code", path, required=True), _text(element, "display", path)
    for index, one in enumerate(_objects(element, "target", path)):
        at = f"{path}.target[{index}]"
        word = _text(one, "equivalence", at) or "equivalent"
        if word not in EQUIVALENCES:
            raise _ShapeError(f'"{word}" is no equivalence', at)
        found = _text(one, "code", at)
        if not found and word in USABLE:
            raise _ShapeError("a target needs a code unless it is unmatched", at)
        yield Pair(
            code=code,
            system=source,
            display=display,
            target=found,
            target_system=target,
            target_display=_text(one, "display", at),
            equivalence=word,
            depends_on=_dependencies(one, "dependsOn", at),
            product=_dependencies(one, "product", at),
            comment=_text(one, "comment", at),
            where=f"{file} {at}",
        )


def _dependencies(one: Mapping[str, Any], name: str, path: str) -> tuple[Dependency, ...]:
    return tuple(
        Dependency(
            property=_text(found, "property", f"{path}.{name}[{index}]", required=True),
            value=_text(found, "value", f"{path}.{name}[{index}]", required=True),
            system=_text(found, "system", f"{path}.{name}[{index}]"),
            display=_text(found, "display", f"{path}.{name}[{index}]"),
        )
        for index, found in enumerate(_objects(one, name, path))
    )


def _otherwise(found: Any, source: str, target: str, path: str, file: str) -> Otherwise:
    at = f"{path}.unmapped"
    if not isinstance(found, dict):
        raise _ShapeError("`unmapped` is no object", at)
    mode = _text(found, "mode", at, required=True)
    if mode not in MODES:
        raise _ShapeError(f'the mode "{mode}" is none of {", ".join(MODES)}', at)
    needed = {"fixed": "code", "other-map": "url"}.get(mode)
    if needed is not None:
        _text(found, needed, at, required=True)
    return Otherwise(
        system=source,
        target_system=target,
        mode=mode,
        code=_text(found, "code", at),
        display=_text(found, "display", at),
        url=_text(found, "url", at),
        where=f"{file} {at}",
    )


def _objects(owner: Mapping[str, Any], name: str, path: str) -> list[Mapping[str, Any]]:
    found = owner.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _ShapeError(f"`{name}` is no list of objects", path)
    return found


def _text(owner: Mapping[str, Any], name: str, path: str, *, required: bool = False) -> str:
    found = owner.get(name, "")
    if not isinstance(found, str) or (required and not found):
        raise _ShapeError(f"`{name}` needs a text", path)
    return found


def aliases_of(
    table: StandardTable, *, contributor_source: str, code_set: int, registry: Registry
) -> tuple[AliasTable, list[Diagnostic]]:
    """A ConceptMap read as the alias table of a contributor source and code set.

    Returns:
        The table of all pairs it can hold, and what of the map it cannot.
    """
    file = alias_file(contributor_source, code_set)
    rows: list[AliasRow] = []
    problems: list[Diagnostic] = []
    for line, pair in enumerate(table.pairs, start=2):
        place = Place(file=table.file, line=1, path=pair.where.rpartition(" ")[2])
        target = parse_target(pair.target)
        others = [one for one in pair.depends_on if one.property != ALIAS_MEANING]
        if pair.equivalence not in USABLE:
            problems.append(CONCEPT_MAP_LOSS(place, what=f"a target that is {pair.equivalence}"))
        elif pair.product or others:
            what = "`product`" if pair.product else f"a dependency on {others[0].property}"
            problems.append(CONCEPT_MAP_LOSS(place, what=what))
        elif target is None:
            problems.append(BAD_TARGET(place, target=pair.target))
        else:
            meaning = next((one.value for one in pair.depends_on), "")
            rows.append(
                AliasRow(
                    alias=pair.code,
                    system=pair.system,
                    canonical=registry.canonical(pair.system),
                    alias_meaning=meaning,
                    target=target,
                    display=pair.display,
                    comment=pair.comment,
                    line=line,
                )
            )
    for one in table.otherwise:
        place = Place(file=table.file, line=1, path=one.where.rpartition(" ")[2])
        problems.append(CONCEPT_MAP_LOSS(place, what="`unmapped`"))
    return make_table(contributor_source, code_set, file, tuple(rows)), problems


# -- out --


def concept_map_of_aliases(table: AliasTable) -> dict[str, Any]:
    """An alias table as a ConceptMap; `aliases_of` reads it back."""
    pairs = [
        Pair(
            code=row.alias,
            system=row.canonical,
            display=row.display,
            target=str(row.target),
            target_system=f"{CODE_SET}{table.code_set}",
            target_display="",
            depends_on=(Dependency(property=ALIAS_MEANING, value=row.alias_meaning),)
            if row.alias_meaning
            else (),
            comment=row.comment,
            where=f"{table.file}:{row.line}",
        )
        for row in table.rows
    ]
    name = f"{table.contributor_source}-{table.code_set}"
    return concept_map_of(make_standard(name, table.file, pairs))


def concept_map_of(table: StandardTable) -> dict[str, Any]:
    """A standard table as a ConceptMap; `read_concept_map` reads it back."""
    systems = dict.fromkeys((pair.system, pair.target_system) for pair in table.pairs)
    systems |= dict.fromkeys((one.system, one.target_system) for one in table.otherwise)
    resource: dict[str, Any] = {"resourceType": "ConceptMap"}
    resource |= _filled(url=table.url, version=table.version, name=table.name)
    resource["status"] = "active"
    groups = [_group(table, source, target) for source, target in systems]
    if groups:
        resource["group"] = groups
    return resource


def _group(table: StandardTable, source: str, target: str) -> dict[str, Any]:
    by_code: dict[str, list[Pair]] = {}
    for pair in table.pairs:
        if (pair.system, pair.target_system) == (source, target):
            by_code.setdefault(pair.code, []).append(pair)
    group: dict[str, Any] = _filled(source=source, target=target)
    group["element"] = [_element(found) for found in by_code.values()]
    for one in table.otherwise:
        if (one.system, one.target_system) == (source, target):
            group["unmapped"] = _filled(
                mode=one.mode, code=one.code, display=one.display, url=one.url
            )
    return group


def _element(pairs: Sequence[Pair]) -> dict[str, Any]:
    return {
        **_filled(code=pairs[0].code, display=pairs[0].display),
        "target": [
            _filled(
                code=pair.target,
                display=pair.target_display,
                equivalence=pair.equivalence,
                comment=pair.comment,
            )
            | _listed("dependsOn", pair.depends_on)
            | _listed("product", pair.product)
            for pair in pairs
        ],
    }


def _listed(name: str, found: Sequence[Dependency]) -> dict[str, Any]:
    if not found:
        return {}
    return {
        name: [
            _filled(property=one.property, system=one.system, value=one.value, display=one.display)
            for one in found
        ]
    }


def _filled(**values: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}
