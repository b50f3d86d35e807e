"""Pure. Code that finds groups and segments of a message, for message maps."""

from collections.abc import Callable
from contextlib import ExitStack

from engine.mapping.emit_code import Body, BoundKind
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
            body.line(f'{name} = {group}.first("{path.segment}")')
        stack.enter_context(body.code.block(f"if {name} is not None:"))
        sink(name)


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
    """Write loops over groups or segments of a message map: `each result.ORDER_OBSERVATION`."""
    steps = list(path.steps)
    with ExitStack() as stack:
        group = enter_groups(body, path, (), stack)
        if group is None:
            return
        last_group = len(steps) - 1 if path.segment is None else -1
        for index, (step, selector) in enumerate(steps):
            name = body.fresh("g")
            one = (
                f"nth_groups({group}, {step!r}, {selector.index})"
                if (selector is not None and selector.index is not None)
                else f'{group}.groups("{step}")'
            )
            stack.enter_context(body.code.block(f"for {name} in {one}:"))
            group = name
            if index == last_group:
                sink(name, BoundKind.GROUP)
                return
        if path.segment is not None:
            name = body.fresh("s")
            stack.enter_context(
                body.code.block(f'for {name} in {group}.segments("{path.segment}"):')
            )
            sink(name, BoundKind.SEGMENT)
