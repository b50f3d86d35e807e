"""Pure. Code that gives the problems a call has noted their rule and their place in the message."""

from engine.mapping.compiler.emit_code import NODE_LEVEL, Base, Body, Keeper


def place_faults(body: Body, base: Base | None, text: str = "", result: str = "None") -> None:
    """Write code that gives new problems their rule and place.

    `text` is the variable with what did not convert: it is kept where the element has a place;
    `result` is the one with what it became all the same.
    """
    if body.silent or body.quiet:
        body.line("if faults: run.forget()")
        return
    if text and body.keeper is not None and body.keeper.key:
        with body.code.block("if faults:"):
            _keep(body, body.keeper, text, result)
    if body.level == NODE_LEVEL:
        node = base.node if base is not None and base.node else "node"
        body.line(f"if faults: run.document.settle(run, {body.rule}, {node})")
    elif base is not None and base.segment:
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


def _keep(body: Body, keeper: Keeper, text: str, result: str) -> None:
    others = tuple(key for key in keeper.used if key != keeper.key)
    cut = "False" if result == "None" else f"{result} is not None"
    call = f"keep_text(run, {keeper.name}, {keeper.key!r}, {text}, {others!r}, cut={cut})"
    then = [f"{keeper.live} = True"] if keeper.live else []
    then += [f"{keeper.cut} = True"] if keeper.cut else []
    body.line(f"if {call}: {'; '.join(then)}" if then else call)
    body.kept.add((keeper.name, keeper.key))
    if keeper.key not in keeper.used:
        keeper.used.append(keeper.key)


def begin_later(body: Body) -> None:
    """Write code before a later alternative: it has kept no text yet."""
    keeper = body.keeper
    if keeper is not None and keeper.used:
        keeper.cut = body.fresh("u")
        body.line(f"{keeper.cut} = False")


def drop_kept(body: Body) -> None:
    """Write code for a later alternative that yields: what earlier ones kept is dropped."""
    keeper = body.keeper
    if keeper is None or not keeper.used or not keeper.cut:
        return
    test = " or ".join(f'"_{key}" in {keeper.name}' for key in keeper.used)
    drop = f"drop_text({keeper.name}, {tuple(keeper.used)!r})"
    body.line(f"if not {keeper.cut} and ({test}): {drop}")


def place_map_faults(body: Body, base: Base | None) -> None:
    """The same after the call of a map, which knows its rules but not where it was called."""
    if body.level == NODE_LEVEL:
        body.line(f"if faults: run.document.settle(run, {body.rule}, node)")
    elif base is not None and base.segment:
        with body.code.block("if faults:"):
            body.line(f"run.shift({base.components!r}, {body.level})")
            body.line(f"run.settle({body.rule}, {base.segment}, {base.field}, {base.repetition})")
    elif base is not None and base.components:
        body.line(f"if faults: run.shift({base.components!r}, {body.level})")
    elif not body.is_datatype:
        segment = ", segment" if body.level == 0 else ""
        body.line(f"if faults: run.settle_loose({body.rule}{segment})")
