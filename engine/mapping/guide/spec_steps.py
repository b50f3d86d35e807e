"""Pure. A message map as rows of a mapping specification: each step with its segment and map."""

from collections.abc import Iterator, Mapping

from engine.hl7v2.definitions import GroupDefinition, SegmentSlot
from engine.mapping.fitting import grammars
from engine.mapping.guide.wording import condition_text, expression_text
from engine.mapping.syntax import Assign, Each, Emit, MapFile, MessageStep, Path, When

Groups = tuple[str, ...]


def step_cells(map_file: MapFile) -> Iterator[tuple[str, ...]]:
    """One row for each step that makes, fills or sets something."""
    known = grammars(map_file)
    number = 0
    for step, conditions, bound in _flat(map_file.steps, (), {}):
        number += 1
        condition = " and ".join(
            f"({one})" if len(conditions) > 1 else one for one in conditions if one
        )
        shown = f"IF {condition}" if condition else ""
        place = f"{step.place.file}:{step.place.line}"
        if isinstance(step, Assign):
            target = f"{step.variable}.{step.target.text}"
            text = expression_text(step.expression)
            yield (str(number), "", "", "", "", "", shown, target, "", text, "", place)
            continue
        groups = _groups(step.source, bound)
        syntax, least, most = _grammar(known, groups)
        references = " ".join(f"{name}={expression_text(value)}" for name, value in step.arguments)
        target = f"into {step.into}" if step.into else step.variable or ""
        identifier = ".".join((map_file.from_name, *groups))
        yield (
            str(number), identifier, syntax, groups[-1] if groups else "", least, most, shown,
            target, step.map_name, references, "", place,
        )  # fmt: skip


def _flat(
    steps: tuple[MessageStep, ...], conditions: tuple[str, ...], bound: Mapping[str, Groups]
) -> Iterator[tuple[Emit | Assign, tuple[str, ...], Mapping[str, Groups]]]:
    for step in steps:
        if isinstance(step, Each):
            inner = {**bound, step.loop.variable: _groups(step.loop.source, bound)}
            guards = (*conditions, condition_text(step.when)) if step.when else conditions
            yield from _flat(step.body, guards, inner)
        elif isinstance(step, When):
            yield from _flat(step.body, (*conditions, condition_text(step.condition)), bound)
        elif isinstance(step, Emit | Assign):
            guards = (*conditions, condition_text(step.when)) if step.when else conditions
            yield step, guards, bound


def _groups(path: Path, bound: Mapping[str, Groups]) -> Groups:
    start = bound.get(path.variable, ()) if path.variable is not None else ()
    below = tuple(name for name, _ in path.steps)
    return (*start, *below, *((path.segment,) if path.segment is not None else ()))


def _grammar(known: tuple[GroupDefinition, ...], groups: Groups) -> tuple[str, str, str]:
    """(`[{ NK1 }]`, least, most) of a segment, in the newest version that has it there."""
    for grammar in known:
        found = _find(grammar, groups)
        if found is not None:
            text = f"{{ {groups[-1]} }}" if found.repeats else groups[-1]
            text = text if found.required else f"[ {text} ]"
            return text, "1" if found.required else "0", "-1" if found.repeats else "1"
    return "", "", ""


def _find(grammar: GroupDefinition, groups: Groups) -> "SegmentSlot | GroupDefinition | None":
    at: SegmentSlot | GroupDefinition | None = grammar
    for name in groups:
        if not isinstance(at, GroupDefinition):
            return None
        at = next((one for one in at.children if one.name == name), None)
    return at
