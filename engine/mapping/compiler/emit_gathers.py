"""Pure. Code that reads lines of text: fields as they stand, of every segment a path names.

A report sent as one OBX a line, or a comment sent as one NTE a line, is one text. Its blank lines
and the blanks its columns are made of belong to it.
"""

from contextlib import ExitStack

from engine.mapping.compiler.emit_code import Base, Body, Form, Sink, Value
from engine.mapping.compiler.emit_groups import each_occurrence
from engine.mapping.syntax import Path


def each_line(body: Body, path: Path, sink: Sink) -> None:
    """Write a loop over the repetitions of a field in every segment that `path` names.

    Of OBX-5 only what OBX-2 says is text (ST, TX, FT) is read. An empty field is an empty line.
    """
    number = path.field or 0

    def read(segment: str) -> None:
        whole, line, count = body.fresh("t"), body.fresh("q"), body.fresh("n")
        with ExitStack() as stack:
            if path.segment == "OBX" and number == 5:
                test = f"if field_of({segment}, 2, run) in PLAIN_TYPES:"
                stack.enter_context(body.code.block(test))
            body.line(f"{whole} = field_of({segment}, {number}, run)")
            loop = f"for {count}, {line} in enumerate({whole}.split(R), 1):"
            stack.enter_context(body.code.block(loop))
            base = Base(segment=segment, field=number, repetition=count)
            if body.traced:
                body.line(f"run.trace.read({base.origin()}, whole=True)")
            body.uses.add("escaped")
            body.line(f"if escaped and E in {line}: {line} = unescape({line})")
            sink(Value(text=line, form=Form.TEXT, base=base))

    if body.level == 0 and path.variable is None and path.segment == body.map_file.from_name:
        read("segment")
    else:
        each_occurrence(body, path, lambda segment, _kind: read(segment))
