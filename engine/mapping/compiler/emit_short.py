"""Pure. Reads that fit in one Python expression: of segments that are bound or easily found.

Message maps have thousands of conditions and arguments; written out they are most of the code that
is compiled. A trace records every read, so the traced variant has none of these.
"""

from engine.mapping.compiler.emit_code import Body, BoundKind
from engine.mapping.compiler.emit_groups import first_segment
from engine.mapping.syntax import Call, Expression, FirstOf, Path
from engine.mapping.text_kinds import TextKind, text_kind


def segment_text(body: Body, path: Path) -> str | None:
    """The segment of a path as one expression, None in place of one that is absent.

    For conditions: a name that is bound, or the first of its kind in the first groups.
    """
    if body.traced or path.segment_selector is not None:
        return None
    bound = body.names.get(path.variable) if path.variable is not None else None
    if bound is not None and bound.kind is BoundKind.SEGMENT and path.segment is None:
        return bound.name
    if body.level != -1 or path.segment is None or path.segment == "MSH":
        return None
    if path.variable is not None and (bound is None or bound.kind is not BoundKind.GROUP):
        return None
    group = bound.name if bound is not None else "root"
    if not path.steps:
        return first_segment(body, group, path.segment)
    if any(selector is not None for _, selector in path.steps):
        return None
    return f'segment_in({group}, {tuple(name for name, _ in path.steps)}, "{path.segment}")'


def part_text(body: Body, path: Path) -> str | None:
    """The undecoded text of the first repetition of a field, or of a component of it, as one
    expression; see `segment_text`."""
    selector = path.repetition
    if len(path.components) > 1 or (selector is not None and selector.index != 1):
        return None
    segment = segment_text(body, path) if path.field is not None else None
    if segment is None:
        return None
    part = path.components[0] if path.components else 0
    return f"part_of({segment}, {path.field}, {part}, run)"


def leaf_text(body: Body, path: Path) -> str | None:
    """The same, decoded."""
    kind = text_kind(body, path)
    part = part_text(body, path) if kind is not TextKind.BY_OBX_2 else None
    if part is None:
        return None
    level = (2 if path.components else 1) if kind is TextKind.DIVIDED else 3
    if level == 1:
        return f"leaf_of({segment_text(body, path)}, {path.field}, run)"
    return f"leaf{level}({part})"


def short_valued(body: Body, path: Path) -> str | None:
    """One expression for a field of a segment that is bound or easily found."""
    if path.components or path.repetition is not None:
        part = part_text(body, path)
        return f'({part}.strip(BLANK) != "")' if part is not None else None
    segment = segment_text(body, path) if path.field is not None else None
    return f"valued_of({segment}, {path.field}, run)" if segment is not None else None


def short_argument(body: Body, one: Expression) -> str | None:
    """One expression for a segment, a field of one, `reference(name)` or the first of several."""
    if body.traced:
        return None
    if isinstance(one, FirstOf):
        options = [short_argument(body, option) for option in one.options]
        texts = [text for text in options if text is not None]
        return f"({' or '.join(texts)})" if len(texts) == len(options) else None
    if isinstance(one, Call):
        named = one.arguments[0] if one.name == "reference" and len(one.arguments) == 1 else None
        if not isinstance(named, Path) or named.text != named.variable:
            return None
        bound = body.names.get(named.variable)
        if bound is None or bound.kind is not BoundKind.MADE:
            return None
        return f"({bound.name} and {bound.name}.reference)"
    if not isinstance(one, Path):
        return None
    if one.field is None:
        return segment_text(body, one) if not one.components else None
    text = leaf_text(body, one)
    return f"({text} or None)" if text is not None else None


def fields_given(body: Body, call: Call) -> list[str]:
    """The expressions of the whole fields of the own segment that a function is given; empty when
    it is given anything else, or every read is to be recorded."""
    if body.traced or body.silent or body.quiet or body.level != 0 or call.named:
        return []
    found: list[str] = []
    for one in call.arguments:
        if not isinstance(one, Path) or one.field is None or one.components or one.repetition:
            return []
        if one.variable is not None or one.steps or one.segment != body.map_file.from_name:
            return []
        body.uses.add("fields")
        body.field_max = max(body.field_max, one.field)
        found.append(f"fields[{one.field}]")
    return found
