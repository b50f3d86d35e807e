"""Rim. `engine explain`: which rule and bytes made an element, where a field went, why not."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from engine.cli.access import ReasonOption, SignInOption, opened
from engine.cli.options import EnvironmentOption, HomeOption, StoreOption
from engine.cli.project import messages_of, open_project
from engine.cli.terminal import Exit, data, fail, masked_by_default, note
from engine.runtime.desk.masking import HIDDEN
from engine.runtime.desk.rights import Right

if TYPE_CHECKING:
    from engine.mapping.trace import Miss, SourceSpan, TraceRecord
    from engine.runtime.desk.workbench import Traced

RECORDS_MAX = 30
_NUMBERED = re.compile(r"([A-Z][A-Za-z]+)\[([0-9]{1,6})\](.*)")


def explain(
    source: Annotated[
        str, typer.Argument(help="A message file, or a message's number in the log.")
    ],
    element: Annotated[
        str, typer.Argument(help="Such as Patient.birthDate or Observation.value.")
    ] = "",
    origin: Annotated[
        str, typer.Option("--from", help="Where a field went: PID-8, OBX[2]-5.")
    ] = "",
    why_not: Annotated[
        str, typer.Option("--why-not", help="Which condition kept an element away.")
    ] = "",
    channel: Annotated[
        str | None, typer.Option(help="As this channel; default: its route.")
    ] = None,
    number: Annotated[int, typer.Option(help="Which message of a batch.", min=1)] = 1,
    home: HomeOption = Path(),
    environment: EnvironmentOption = "",
    store: StoreOption = "",
    unmask: Annotated[bool, typer.Option(help="Show values of patients on a terminal.")] = False,
    reason: ReasonOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Explain a message's conversion: rule by file and line, source by path and bytes."""
    if source.isdigit() and not Path(source).exists():
        raw, masked = _stored(int(source), store, home, sign_in, unmask=unmask, reason=reason)
    else:
        raw, masked = _message(source, number), masked_by_default(unmask)
    if sum(map(bool, (element, origin, why_not))) > 1:
        fail(Exit.USAGE, "ask one thing: an element, --from or --why-not")
    bench = open_project(home, environment)
    try:
        traced = bench.trace(raw, channel)
    except KeyError:
        fail(Exit.USAGE, f'there is no channel "{channel}"')
    if traced is None:
        for problem in bench.convert(raw, channel).result.diagnostics:
            data(f"{problem.severity.value}[{problem.code}] {problem.place} {problem.message}")
        fail(Exit.FINDINGS, "the message cannot be read, so nothing was made of it")
    if traced.trace.message is not None:
        raw = traced.trace.message.raw  # of an edited message its own bytes
    if origin:
        found = _where_to(traced, origin, masked)
    elif why_not:
        found = _why_not(traced, why_not, raw, masked)
    elif element:
        found = _why(traced, element, raw, masked)
    else:
        found = _overview(traced)
    raise typer.Exit(int(Exit.OK if found else Exit.FINDINGS))


def _stored(
    message_id: int, store: str, home: Path, sign_in: str, *, unmask: bool, reason: str
) -> tuple[bytes, bool]:
    """The bytes of a message of the log, and whether its values are masked."""
    with opened(store, sign_in, Right.SEE_BODIES, home=home) as access:
        found = access.message(message_id)
        viewer, masked, act = access.looking(unmask=unmask, reason=reason)
        access.seen(viewer, act, found, "explain")
    return found.receipt.raw, masked


def _message(source: str, number: int) -> bytes:
    if not Path(source).is_file():
        fail(Exit.ENVIRONMENT, f"{source} is not a file")
    messages = list(messages_of(Path(source)))
    if number > len(messages):
        fail(Exit.USAGE, f"{source} holds {len(messages)} messages")
    return messages[number - 1]


def _why(traced: "Traced", element: str, raw: bytes, masked: bool) -> bool:
    """The rules that wrote the element, nearest first; one block for each resource it is in."""
    element, resource_id = _one_of_several(traced, element)
    records = [
        record
        for record in _nearest(traced.trace.why(element))
        if resource_id in ("", record.resource_id)
    ]
    if not records:
        note(f"nothing wrote {element}; ask --why-not {element}")
        return _why_not(traced, element, raw, masked)
    for record in records[:RECORDS_MAX]:
        _print_record(traced, record, raw, masked)
    if len(records) > RECORDS_MAX:
        note(f"{len(records) - RECORDS_MAX} more; name one, such as {records[0].path}")
    return True


def _one_of_several(traced: "Traced", element: str) -> tuple[str, str]:
    """`Condition.code` and the id of the third Condition, of `Condition[2].code`."""
    match = _NUMBERED.match(element)
    if match is None:
        return element, ""
    name, number, rest = match.groups()
    ids = [one.resource_id for one in traced.made.entries if one.resource["resourceType"] == name]
    if int(number) >= len(ids):
        fail(Exit.FINDINGS, f"there are {len(ids)} {name} resources, numbered from 0")
    return f"{name}{rest}", ids[int(number)]


def _nearest(records: "list[TraceRecord]") -> "list[TraceRecord]":
    """Only the records of the longest path in each resource: the element itself."""
    longest: dict[str, int] = {}
    for record in records:
        depth = record.path.count(".")
        longest[record.resource_id] = max(longest.get(record.resource_id, 0), depth)
    return [one for one in records if one.path.count(".") == longest[one.resource_id]]


def _where_to(traced: "Traced", origin: str, masked: bool) -> bool:
    if traced.conversion.result.document is not None:
        return _where_nodes_went(traced, origin, masked)
    from engine.hl7v2.path import find, parse_path
    from engine.mapping.accounting import account
    from engine.mapping.compiler.compiler import Program
    from engine.mapping.trace import leaf_position

    path, problem = parse_path(origin)
    message = traced.trace.message
    if path is None or message is None or not isinstance(traced.program, Program):
        fail(Exit.USAGE, problem.message if problem else f"{origin} is not a path")
    leaves = find(message, path)
    if not leaves:
        note(f"{origin} is empty in this message")
        return False
    accounts = {one.path: one for one in account(message, traced.trace, traced.program)}
    for leaf in leaves:
        value = HIDDEN if masked else leaf.text
        became = accounts.get(leaf.path)
        state = f"{became.state}{': ' + became.reason if became.reason else ''}" if became else ""
        data(f'{leaf.path} "{value}"  {state}')
        _print_edits(traced, leaf.path)
        for record in _leaf_records(traced.trace.where_to(leaf_position(leaf))):
            data(f"  -> {record.path}   {record.rule.place}  {record.rule.map_name}")
        for issue in traced.made.diagnostics:
            if issue.place.path and leaf.path.startswith(issue.place.path):
                data(f"  {issue.severity.value}[{issue.code}] {issue.message}")
    return True


def _where_nodes_went(traced: "Traced", origin: str, masked: bool) -> bool:
    """The same for an element of a document, with all that stands in it."""
    from engine.cda.document import elements_at
    from engine.mapping.trace import node_span

    document = traced.conversion.result.document
    nodes = elements_at(document, origin) if document is not None else None
    if nodes is None:
        fail(Exit.USAGE, f"{origin} is no path such as recordTarget/patientRole/patient/birthTime")
    for node in nodes:
        data(_span_text(node_span((node,)), b"", masked))
        below = set(node.iter("*"))
        records = [
            record
            for record in traced.trace.records
            if any(source and cast("Any", source[0]) in below for source in record.sources)
        ]
        for record in _leaf_records(records):
            data(f"  -> {record.path}   {record.rule.place}  {record.rule.map_name}")
    if not nodes:
        note(f"{origin} is not in this document")
    return bool(nodes)


def _leaf_records(records: "list[TraceRecord]") -> "list[TraceRecord]":
    """Without the objects that merely hold a written element."""
    paths = {record.path for record in records}
    return [
        record
        for record in records
        if not any(other.startswith((f"{record.path}.", f"{record.path}[")) for other in paths)
    ]


def _why_not(traced: "Traced", element: str, raw: bytes, masked: bool) -> bool:
    misses = traced.trace.why_not(element)
    if not misses:
        note(f"no rule of the maps that ran writes {element}")
        return False
    for miss in misses[:RECORDS_MAX]:
        data(f"not written: {miss.rule.map_name} {miss.rule.target}   {miss.rule.place}")
        data(f"  {_reason(miss)}")
        for span in traced.trace.spans(miss.conditions if miss.refused else miss.sources):
            data(f"  saw  {_span_text(span, raw, masked)}")
        if miss.rule.sources:
            data(f"  reads {', '.join(miss.rule.sources)}")
    return True


def _reason(miss: "Miss") -> str:
    if miss.refused:
        return "its condition was false"
    return "nothing it reads is populated, or the value could not be used (see engine convert)"


def _print_record(traced: "Traced", record: "TraceRecord", raw: bytes, masked: bool) -> None:
    value = _value(traced, record)
    shown = HIDDEN if masked and value is not None else value
    data(f"{record.path} = {shown!r}")
    data(f"  rule  {record.rule.place}  {record.rule.map_name} {record.rule.target}")
    for span in traced.trace.spans(record.sources):
        data(f"  from  {_span_text(span, raw, masked)}")
        _print_edits(traced, span.path)
    for span in traced.trace.spans(record.conditions):
        data(f"  when  {_span_text(span, raw, masked)}")
    if not record.sources:
        data("  from  the rule itself (a fixed value)")


def _print_edits(traced: "Traced", path: str) -> None:
    """The preprocess rules that touched a field, in order."""
    for edit in traced.conversion.result.edits:
        if path == edit.path or path.startswith((f"{edit.path}[", f"{edit.path}.")):
            data(f"  edit  {edit.rule}   preprocess of {traced.conversion.channel}")


def _value(traced: "Traced", record: "TraceRecord") -> Any:
    for entry in traced.made.entries:
        if entry.resource_id == record.resource_id:
            from engine.channel.testcase import find_element

            return find_element(entry.resource, record.path.partition(".")[2])
    return None


def _span_text(span: "SourceSpan", raw: bytes, masked: bool) -> str:
    if span.line is not None:
        shown = HIDDEN if masked else span.text
        return f'{span.path}  "{shown}"  line {span.line}'
    line = raw.count(b"\r", 0, span.start) + 1
    value = HIDDEN if masked else raw[span.start : span.end].decode("utf-8", "backslashreplace")
    return f'{span.path}  "{value}"  line {line}, bytes {span.start}-{span.end}'


def _overview(traced: "Traced") -> bool:
    """Every resource with the number of elements and rules behind it."""
    counts: dict[tuple[str, str], int] = {}
    for record in traced.trace.records:
        key = (record.resource_type, record.resource_id)
        counts[key] = counts.get(key, 0) + 1
    data(
        f"{traced.conversion.channel}: {traced.conversion.result.state}, map {traced.made.map_name}"
    )
    for edit in traced.conversion.result.edits:
        data(f"  edited {edit.path}: {edit.rule}")
    for (resource_type, resource_id), count in counts.items():
        data(f"  {resource_type}/{resource_id}  {count} elements")
    return True
