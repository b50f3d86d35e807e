"""Pure. A site's overlays on maps and parts: rules and steps replaced, added, removed.

A change that names something that is not there is a problem, because it would otherwise do nothing
in silence after an update of the library.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.diagnostics import Diagnostic, did_you_mean
from engine.mapping.checker.scope import flatten
from engine.mapping.codes import NOT_A_MAP, OVERLAY_UNKNOWN
from engine.mapping.syntax import (
    Assign,
    Each,
    Emit,
    MapFile,
    MessageStep,
    OverlayFile,
    PartFile,
    Rule,
    Use,
    When,
)

_USE = "use "
"""How the name of a step begins that is the use of a part."""


def without_parts(
    maps: Mapping[str, MapFile], overlays: Iterable[OverlayFile], problems: list[Diagnostic]
) -> dict[str, MapFile]:
    """The maps without the parts that overlays remove: `remove: use insurance`."""
    found = dict(maps)
    for overlay in overlays:
        base = found.get(overlay.map_name)
        names = tuple(name for name in overlay.remove if name.startswith(_USE))
        if base is not None and names:
            steps = _remaining_steps(base.steps, names, overlay, problems)
            found[base.name] = replace(base, steps=steps)
    return found


def apply_to_map(
    maps: dict[str, MapFile], overlay: OverlayFile, problems: list[Diagnostic]
) -> None:
    """Change the map that an overlay names."""
    base = maps.get(overlay.map_name)
    if base is None:
        hint = did_you_mean(overlay.map_name, maps)
        problems.append(
            OVERLAY_UNKNOWN(overlay.place, what="the map", name=overlay.map_name, hint=hint)
        )
        return
    if _misshaped(base, overlay, problems):
        return
    remove = tuple(name for name in overlay.remove if not name.startswith(_USE))
    if base.steps:
        steps = _remaining_steps(base.steps, remove, overlay, problems)
        changed = replace(base, steps=_extended(steps, overlay.steps))
    else:
        rules = _remaining_rules(flatten(base.rules), remove, overlay, problems)
        changed = replace(base, rules=_replaced(rules, flatten(overlay.rules)))
    maps[base.name] = replace(changed, ignore=(*base.ignore, *overlay.ignore))


def apply_to_part(
    parts: dict[str, PartFile], overlay: OverlayFile, problems: list[Diagnostic]
) -> None:
    """Change the part that an overlay names, which is there."""
    base = parts[overlay.map_name]
    if _misshaped(base, overlay, problems):
        return
    steps = _remaining_steps(base.steps, overlay.remove, overlay, problems)
    parts[base.name] = replace(
        base,
        steps=_extended(steps, overlay.steps),
        ignore=(*base.ignore, *overlay.ignore),
    )


def _misshaped(base: MapFile | PartFile, overlay: OverlayFile, problems: list[Diagnostic]) -> bool:
    """Whether an overlay gives rules to steps, or steps to rules; it is reported."""
    if bool(base.steps) == bool(overlay.steps) or not (overlay.steps or overlay.rules):
        return False
    shape = "a list of steps" if base.steps else "`target: source` lines"
    problem = f"the rules of {base.name} are {shape}"
    problems.append(NOT_A_MAP(overlay.place, problem=problem, hint=f"write {shape}"))
    return True


def _remaining_steps(
    steps: tuple[MessageStep, ...],
    remove: tuple[str, ...],
    overlay: OverlayFile,
    problems: list[Diagnostic],
) -> tuple[MessageStep, ...]:
    for name in remove:
        kept = _without(steps, name)
        if kept == steps:
            problems.append(_unknown_target(overlay, name, _step_names(steps)))
        steps = kept
    return steps


def _remaining_rules(
    rules: tuple[Rule, ...],
    remove: tuple[str, ...],
    overlay: OverlayFile,
    problems: list[Diagnostic],
) -> tuple[Rule, ...]:
    for name in remove:
        kept = tuple(rule for rule in rules if not _is_target(rule, name))
        if len(kept) == len(rules):
            known = [rule.target.text for rule in rules]
            problems.append(_unknown_target(overlay, name, known))
        rules = kept
    return rules


def _unknown_target(overlay: OverlayFile, name: str, known: list[str]) -> Diagnostic:
    hint = did_you_mean(name, known)
    return OVERLAY_UNKNOWN(overlay.place, what="the target", name=name, hint=hint)


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
    if isinstance(step, Use):
        return f"use {step.part}" + (f" in {step.prefix.text}" if step.prefix else "")
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
