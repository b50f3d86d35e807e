"""Pure. Code for `-> table NAME unmapped=POLICY`.

In a CodeableConcept or Coding the mapped code goes beside the sender's; in a `code` it takes its
place.
"""

from engine.mapping.compiler.emit_code import Body, Form, Sink, Value
from engine.mapping.compiler.emit_faults import place_faults
from engine.mapping.syntax import Literal, Step
from engine.mapping.target_types import TargetType
from engine.mapping.terminology import Unmapped


def policy_of(step: Step, target: TargetType) -> str:
    """The word after `unmapped=`, or the default for the target."""
    for name, argument in step.arguments:
        if name == "unmapped" and isinstance(argument, Literal):
            return str(argument.value)
    if target.name in ("CodeableConcept", "Coding") and not target.is_required_binding:
        return Unmapped.KEEP.value
    return Unmapped.REJECT.value


def emit_table(body: Body, value: Value, step: Step, target: TargetType, sink: Sink) -> None:
    """Look the value up and hand the result on."""
    table = body.builder.library.tables[step.name]
    policy = policy_of(step, target)
    result = body.fresh("v")
    if target.name in ("CodeableConcept", "Coding"):
        name = body.builder.refer("table", table)
        if value.form is Form.RAW:
            _emit_remembered(body, value, (name, policy), target, sink)
            return
        parts = value.text if value.form is Form.COMPOSITE else f"[as_text({value.text})]"
        how = "table_concept" if target.name == "CodeableConcept" else "table_coding"
        body.line(f"{result} = {how}({name}, {parts}, {policy!r}, run)")
        place_faults(body, value.base)
        with body.code.block(f"if {result}:"):
            sink(Value(text=result, form=Form.OBJECT, base=value.base, constant=value.constant))
        return
    codes = {row.source_code: row.target_code for row in reversed(table.rows)}
    codes.update({code: row.target_code for code, row in table.by_code.items()})
    name = body.builder.refer("codes", _shared(body, codes))
    body.line(f"{result} = {name}.get({value.text})")
    with body.code.block(f"if {result} is None:"):
        if policy in (Unmapped.KEEP.value, Unmapped.TEXT.value):
            body.line(f"{result} = {value.text}")
        elif policy in (Unmapped.REJECT.value, Unmapped.HOLD.value):
            body.line(f"unmapped(run, {table.name!r}, {policy == Unmapped.HOLD.value})")
            place_faults(body, value.base, value.text if value.form is Form.TEXT else "")
        else:
            body.line(f"{result} = stood_in(run, {table.name!r}, {policy!r})")
            place_faults(body, value.base)
    with body.code.block(f"if {result}:"):
        sink(Value(text=result, form=Form.TEXT, base=value.base, constant=value.constant))


def _emit_remembered(
    body: Body, value: Value, lookup: tuple[str, str], target: TargetType, sink: Sink
) -> None:
    """The same from undecoded text, made once in the feed unless there was a problem."""
    name, policy = lookup
    how = "table_concept" if target.name == "CodeableConcept" else "table_coding"
    result, parts = body.fresh("v"), body.fresh("c")
    known = f"({f'{how} {name} {policy} {value.level}'!r}, {value.text})"
    body.line(f"{result} = run.memory.get({known})")
    with body.code.block(f"if {result} is None:"):
        body.line(f"{parts} = composite{min(value.level, 3)}({value.text})")
        with body.code.block(f"if {parts}:"):
            body.line(f"{result} = {how}({name}, {parts}, {policy!r}, run)")
            short = f"len({value.text}) < 500"
            body.line(f"if {result} and not faults and {short}: run.memory[{known}] = {result}")
            place_faults(body, value.base)
    with body.code.block(f"if {result}:"):
        sink(Value(text=result, form=Form.OBJECT, base=value.base))


def _shared(body: Body, codes: dict[str, str]) -> dict[str, str]:
    """One dict for all rules of a table."""
    for present in body.builder.objects.values():
        if isinstance(present, dict) and present == codes:
            return present
    return codes
