"""Pure. Code that gives the problems a call has noted their rule and their place in the message."""

from engine.mapping.compiler.emit_code import Base, Body


def place_faults(body: Body, base: Base | None) -> None:
    """Write code that gives new problems their rule and place."""
    if body.silent or body.quiet:
        body.line("if faults: run.forget()")
        return
    if base is not None and base.segment:
        mark = f"run.mark({body.rule}, {base.components!r}, {body.level})"
        settle = f"run.settle({body.rule}, {base.segment}, {base.field}, {base.repetition})"
        with body.code.block("if faults:"):
            body.line(mark)
            body.line(settle)
    elif body.is_datatype:
        components = base.components if base is not None else ()
        body.line(f"if faults: run.mark({body.rule}, {components!r}, {body.level})")
    else:
        segment = ", segment" if body.level == 0 else ""
        body.line(f"if faults: run.settle_loose({body.rule}{segment})")


def place_map_faults(body: Body, base: Base | None) -> None:
    """The same after the call of a map, which knows its rules but not where it was called."""
    if base is not None and base.segment:
        with body.code.block("if faults:"):
            body.line(f"run.shift({base.components!r}, {body.level})")
            body.line(f"run.settle({body.rule}, {base.segment}, {base.field}, {base.repetition})")
    elif base is not None and base.components:
        body.line(f"if faults: run.shift({base.components!r}, {body.level})")
    elif not body.is_datatype:
        segment = ", segment" if body.level == 0 else ""
        body.line(f"if faults: run.settle_loose({body.rule}{segment})")
