"""Pure. Code that finds groups and segments of a message, for message maps."""

from collections.abc import Callable
from contextlib import ExitStack

from engine.mapping.compiler.emit_code import Body, BoundKind
from engine.mapping.syntax import Path, Selector


def read_segment(body: Body, path: Path, sink: Callable[[str], None]) -> None:
    """Write code that finds the (first) segment of a path of a message map."""
    if body.level != -1:
        if path.segment == body.map_file.from_name and not path.steps:
            sink("segment")
        return
    with ExitStack() as stack:
        group = enter_groups(body, path, path.steps, stack)
        if group is None or path.segment is None:
            return
        name = body.fresh("s")
        selector = path.segment_selector
        if selector is not None and selector.index is not None:
            body.line(f'{name} = nth_segment({group}, "{path.segment}", {selector.index})')
        else:
            body.line(f"{name} = {first_segment(body, group, path.segment)}")
        stack.enter_context(body.code.block(f"if {name} is not None:"))
        sink(name)


def first_segment(body: Body, group: str, name: str) -> str:
    """The expression of the first segment of that name directly in a group.

    A message map asks for most segments of its message several times, and few are there: those
    outside of groups are looked up once.
    """
    if group != "root":
        return f'{group}.first("{name}")'
    body.uses.add("named")
    return body.first_use(f'named["{name}"][0] if "{name}" in named else None')


def enter_groups(
    body: Body,
    path: Path,
    steps: tuple[tuple[str, Selector | None], ...],
    stack: ExitStack,
) -> str | None:
    """Write code that goes down the groups of a path; the name of the innermost one."""
    group = "root"
    if path.variable is not None:
        bound = body.names.get(path.variable)
        if bound is None or bound.kind is not BoundKind.GROUP:
            return None
        group = bound.name
    for step, selector in steps:
        name = body.fresh("g")
        if selector is not None and selector.index is not None:
            body.line(f'{name} = nth_group({group}, "{step}", {selector.index})')
        else:
            body.line(f'{name} = {group}.first_group("{step}")')
        stack.enter_context(body.code.block(f"if {name} is not None:"))
        group = name
    return group


def each_occurrence(body: Body, path: Path, sink: Callable[[str, BoundKind], None]) -> None:
    """Write one loop over groups or segments of a message map: `each result.ORDER_OBSERVATION`."""
    with ExitStack() as stack:
        group = enter_groups(body, path, (), stack)
        if group is None:
            return
        kind = BoundKind.GROUP if path.segment is None else BoundKind.SEGMENT
        name = body.fresh("g" if path.segment is None else "s")
        stack.enter_context(body.code.block(f"for {name} in {_found(body, group, path)}:"))
        sink(name, kind)


def _found(body: Body, group: str, path: Path) -> str:
    """The expression of all groups or segments a path of `each` names."""
    steps = [
        (step, selector.index if selector is not None else None) for step, selector in path.steps
    ]
    if not steps and group == "root":
        body.uses.add("named")
        return f'named.get("{path.segment}", ())'
    if not steps:
        return f'{group}.segments("{path.segment}")'
    if len(steps) == 1 and path.segment is None and steps[0][1] is None:
        return f'{group}.groups("{steps[0][0]}")'
    return f"below({group}, {steps!r}, {path.segment!r})"
