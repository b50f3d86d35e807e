"""Pure. All maps and tables together, and a site's overlays on top of them.

The library is read from texts, not from a folder: the rim lists the files. Overlays are applied in
order, later layers win, and a change that names something that is not there is a problem, because
it would otherwise do nothing in silence after an update of the library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.mapping.checker.scope import flatten, settle_map
from engine.mapping.codes import DUPLICATE_MAP, LIMIT, NOT_A_MAP, OVERLAY_UNKNOWN
from engine.mapping.reader import read_map_file
from engine.mapping.syntax import (
    Assign,
    Each,
    Emit,
    MapFile,
    MessageStep,
    OverlayFile,
    Rule,
    When,
)
from engine.mapping.terminology import CodeTable, extend_table, read_table

MAPS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Maps and tables by name; `overlays` are the overlay files applied, in order."""

    maps: dict[str, MapFile]
    tables: dict[str, CodeTable]
    overlays: tuple[OverlayFile, ...] = ()
    unsettled: dict[str, MapFile]
    """The maps as written, to which later overlays apply."""

    def message_maps(self) -> tuple[MapFile, ...]:
        """The maps of whole messages, by name."""
        return tuple(found for _, found in sorted(self.maps.items()) if found.steps)


def read_library(files: Mapping[str, str]) -> tuple[Library, list[Diagnostic]]:
    """Read a library.

    Args:
        files: name (for places) to text; `.yaml` files are maps, `.csv` files are tables, others
        are
            passed over.

    Returns:
        The library of everything that could be read, and all problems.
    """
    empty = Library(maps={}, tables={}, unsettled={})
    return with_overlays(empty, files)


def with_overlays(library: Library, files: Mapping[str, str]) -> tuple[Library, list[Diagnostic]]:
    """The library with one folder of overlays, added rows and added maps on top.

    Args:
        library: what is changed; it stays as it is.
        files: name to text, as in `read_library`; `overlay:` files change maps.
    """
    problems: list[Diagnostic] = []
    maps = dict(library.unsettled)
    tables = dict(library.tables)
    overlays: list[OverlayFile] = []
    for file in sorted(files):
        if file.endswith((".yaml", ".yml")):
            found, faults = read_map_file(files[file], file)
            problems.extend(faults)
            if isinstance(found, OverlayFile):
                overlays.append(found)
            elif found is not None:
                _add_map(maps, found, problems)
        elif file.endswith(".csv"):
            table, faults = read_table(files[file], file)
            problems.extend(faults)
            base = library.tables.get(table.name)
            if base is None and table.name in tables:
                other = tables[table.name].file
                place = Place(file=file, line=1)
                problems.append(DUPLICATE_MAP(place, name=table.name, other=other))
                continue
            tables[table.name] = extend_table(base, table) if base else table
    for overlay in overlays:
        _apply(maps, overlay, problems)
    settled: dict[str, MapFile] = {}
    for name, map_file in sorted(maps.items()):
        settled[name], faults = settle_map(map_file)
        problems.extend(faults)
    result = Library(
        maps=settled,
        tables=dict(sorted(tables.items())),
        overlays=(*library.overlays, *overlays),
        unsettled=maps,
    )
    return result, problems


def _add_map(maps: dict[str, MapFile], found: MapFile, problems: list[Diagnostic]) -> None:
    if found.name in maps:
        other = maps[found.name].file
        hint = "change it by an overlay, or rename one of them"
        problems.append(DUPLICATE_MAP(found.place, name=found.name, other=other, hint=hint))
    elif len(maps) >= MAPS_MAX:
        problems.append(LIMIT(found.place, limit=MAPS_MAX, what="maps"))
    elif found.name:
        maps[found.name] = found


def _apply(maps: dict[str, MapFile], overlay: OverlayFile, problems: list[Diagnostic]) -> None:
    base = maps.get(overlay.map_name)
    if base is None:
        hint = did_you_mean(overlay.map_name, maps)
        problems.append(
            OVERLAY_UNKNOWN(overlay.place, what="the map", name=overlay.map_name, hint=hint)
        )
        return
    if bool(base.steps) != bool(overlay.steps) and (overlay.steps or overlay.rules):
        shape = "a list of steps" if base.steps else "`target: source` lines"
        problem = f"the rules of {base.name} are {shape}"
        problems.append(NOT_A_MAP(overlay.place, problem=problem, hint=f"write {shape}"))
        return
    rules, steps = flatten(base.rules), base.steps
    for name in overlay.remove:
        kept_rules = tuple(rule for rule in rules if not _is_target(rule, name))
        kept_steps = _without(steps, name)
        if len(kept_rules) == len(rules) and kept_steps == steps:
            known = [rule.target.text for rule in rules] or list(_step_names(steps))
            problems.append(
                OVERLAY_UNKNOWN(
                    overlay.place, what="the target", name=name, hint=did_you_mean(name, known)
                )
            )
        rules, steps = kept_rules, kept_steps
    maps[overlay.map_name] = replace(
        base,
        rules=_replaced(rules, flatten(overlay.rules)),
        steps=_extended(steps, overlay.steps),
        ignore=(*base.ignore, *overlay.ignore),
    )


def _is_target(rule: Rule, name: str) -> bool:
    return rule.target.text == name or rule.target.text.startswith(name + ".")


def _replaced(rules: tuple[Rule, ...], more: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Rules of the same target replaced where they stand, others added at the end."""
    by_target = {rule.target.text: rule for rule in more}
    kept = [by_target.pop(rule.target.text, rule) for rule in rules]
    return (*kept, *by_target.values())


def step_name(step: MessageStep) -> str:
    """How an overlay names a step: `NK1 -> NK1[RelatedPerson]`, `report.result[]`, `each ...`."""
    if isinstance(step, Emit):
        return f"{step.source.text} -> {step.map_name}"
    if isinstance(step, Assign):
        return f"{step.variable}.{step.target.text}"
    if isinstance(step, Each):
        return f"each {step.loop.source.text} as {step.loop.variable}"
    return f"when at line {step.place.line}"


def _step_names(steps: tuple[MessageStep, ...]) -> list[str]:
    found: list[str] = []
    for step in steps:
        found.append(step_name(step))
        if isinstance(step, Each | When):
            found.extend(_step_names(step.body))
    return found


def _without(steps: tuple[MessageStep, ...], name: str) -> tuple[MessageStep, ...]:
    found: list[MessageStep] = []
    for step in steps:
        if step_name(step) == name:
            continue
        if isinstance(step, Each | When):
            found.append(replace(step, body=_without(step.body, name)))
        else:
            found.append(step)
    return tuple(found)


def _extended(
    steps: tuple[MessageStep, ...], more: tuple[MessageStep, ...]
) -> tuple[MessageStep, ...]:
    """Steps of the same name replaced; bodies of the same `each` extended; others at the end."""
    found = list(steps)
    names = {step_name(step): index for index, step in enumerate(found)}
    for step in more:
        index = names.get(step_name(step))
        if index is None:
            found.append(step)
            continue
        present = found[index]
        if isinstance(step, Each) and isinstance(present, Each):
            found[index] = replace(present, body=_extended(present.body, step.body))
        elif type(step) is type(present):
            found[index] = step
    return tuple(found)
