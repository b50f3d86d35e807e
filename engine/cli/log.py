"""Rim. `engine log search` and `engine log show`: find a message, see everything about it.

`engine log bundle` stands in `log_bundle`.
"""

import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.access import Access, ReasonOption, SignInOption, opened
from engine.cli.log_bundle import bundle
from engine.cli.options import StoreOption
from engine.cli.terminal import Exit, data, data_json, fail, note, plural
from engine.runtime.desk.masking import HIDDEN
from engine.runtime.desk.rights import Right

if TYPE_CHECKING:
    from engine.runtime.desk.masking import MaskingPolicy
    from engine.runtime.desk.message_log import MessageRow

app = typer.Typer(help="Search the message log.", no_args_is_help=True)
app.command("bundle")(bundle)

MESSAGE_CHARACTERS_MAX = 200_000
"""Longest body `show` prints; `--raw` gives all."""


@app.command("search")
def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            help="Words: a control id, MRN, visit, accession, order or document number, or "
            "name:value, as status:ERROR channel:adt type:ADT^A01 mrn:123 document:D1 since:2h "
            "until:2026-11-22 code:T503 fhir:Patient/1 PID-8:X 'chest pain' in quotes."
        ),
    ] = None,
    store: StoreOption = "",
    limit: Annotated[int, typer.Option(help="Most rows.", min=1, max=10_000)] = 50,
    form: Annotated[str, typer.Option("--format", help="text or ndjson.")] = "text",
    sign_in: SignInOption = "",
) -> None:
    """Find messages, newest first."""
    with opened(store, sign_in, Right.SEE_MESSAGES) as access:
        rows = _search(access, " ".join(query or []), limit)
        for row in rows:
            if form == "ndjson":
                data_json(_row_dict(row))
            else:
                deliveries = " ".join(f"{name}={state}" for name, state in row.deliveries)
                data(
                    f"{row.message_id:>8}  {clock(row.received_at)}  {row.channel:<16} "
                    f"{row.message_type:<8} {row.state or row.verdict.value.upper():<11} "
                    f"{row.control_id:<20} {' '.join(row.codes)} {deliveries}".rstrip()
                )
        note(f"{plural(len(rows), 'message')}" + (" (limit reached)" if len(rows) == limit else ""))
        raise typer.Exit(int(Exit.OK if rows else Exit.FINDINGS))


@app.command("show")
def show(
    message_id: Annotated[int, typer.Argument(help="The number in the first column of a search.")],
    store: StoreOption = "",
    raw: Annotated[bool, typer.Option("--raw", help="Only the received bytes, as data.")] = False,
    output: Annotated[bool, typer.Option("--output", help="Also what was sent.")] = False,
    unmask: Annotated[bool, typer.Option(help="Show values of patients on a terminal.")] = False,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    reason: ReasonOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Show one message: what arrived, what was answered, every run, delivery and attempt."""
    from engine.runtime.desk.audit import Act

    with opened(store, sign_in, Right.SEE_BODIES) as access:
        found = access.message(message_id)
        if raw:
            access.require(Right.EXPORT)
            access.seen(replace(access.viewer, unmasked=True), Act.EXPORT, found, "log show --raw")
            typer.get_binary_stream("stdout").write(found.receipt.raw)
            return
        viewer, masked, act = access.looking(unmask=unmask, reason=reason)
        access.seen(viewer, act, found, "log show")
        mask = access.policy if masked else None
        if form == "json":
            data_json(_detail_dict(found, mask), indent=True)
        else:
            _print_detail(found, mask, output)


def clock(moment: float) -> str:
    """UTC time to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _search(access: Access, text: str, limit: int) -> "list[MessageRow]":
    from engine.runtime.desk.finding import record_search, scoped
    from engine.runtime.desk.scanning import scan
    from engine.runtime.desk.search_query import QueryError, read_query

    try:
        asked = read_query(text, now=time.time(), limit=limit)
    except QueryError as problem:
        fail(Exit.USAGE, str(problem))
    if asked.asks_for_person:
        access.require(Right.SEARCH_PATIENT)
    record_search(access.desk, access.viewer, text, asked)
    within = scoped(asked.search, access.viewer)
    if within is None:
        return []
    if not asked.reads_messages:
        return access.log.search(within)
    scanned = scan(lambda: nullcontext(access.log), replace(asked, search=within))
    if not scanned.complete:
        note(f"{scanned.looked_at:,} messages were looked into; there are more, narrow the search")
    return list(scanned.rows)


def _row_dict(row: Any) -> dict[str, Any]:
    return {
        "message_id": row.message_id,
        "received_at": row.received_at,
        "channel": row.channel,
        "message_type": row.message_type,
        "control_id": row.control_id,
        "state": row.state,
        "verdict": row.verdict,
        "origin": row.origin,
        "codes": list(row.codes),
        "deliveries": dict(row.deliveries),
    }


def _print_detail(found: Any, mask: "MaskingPolicy | None", output: bool) -> None:
    receipt = found.receipt
    data(f"message {found.message_id}  {receipt.message_type}  control id {receipt.control_id}")
    source = mask.source(receipt.source) if mask else receipt.source
    data(f"  received  {clock(receipt.received_at)} UTC  channel {receipt.channel}  {source}")
    data(
        f"  verdict   {receipt.verdict.value}  lanes {len(receipt.lanes)}  "
        f"sha256 {receipt.sha256.hex()[:16]}"
    )
    data(f"  answered  {receipt.acknowledgment_code or '-'} ({found.acknowledgment_outcome.value})")
    if found.duplicates:
        data(f"  repeated  as messages {', '.join(map(str, found.duplicates))}")
    for problem in receipt.diagnostics:
        _print_problem(problem, "  ")
    _print_message(receipt.raw, mask)
    for run in found.runs:
        origin = f" of run {run.replay_of}" if run.replay_of else ""
        data(f"run {run.run_id}  {run.origin.value}{origin}  {clock(run.created_at)}  {run.state}")
        for problem in run.diagnostics:
            _print_problem(problem, "  ")
        for delivery in run.deliveries:
            _print_delivery(delivery, mask, output)


def _print_delivery(delivery: Any, mask: "MaskingPolicy | None", output: bool) -> None:
    marked = "  possibly sent before" if delivery.possibly_sent else ""
    data(f"  delivery {delivery.delivery_id} to {delivery.destination}  {delivery.state}{marked}")
    for attempt in delivery.attempts:
        why = (
            f" {attempt.failure_class.value} {attempt.failure_code}"
            if attempt.failure_class
            else ""
        )
        duration = (attempt.finished_at - attempt.started_at) * 1000
        data(
            f"    attempt {attempt.number}  {clock(attempt.started_at)}  {duration:.0f} ms  "
            f"{attempt.status} -> {attempt.state}{why}"
        )
        if attempt.failure_class and attempt.response:
            data("      " + _body_text(attempt.response, mask)[:2000])
        changed = _changed_body(attempt.request)
        if output and changed:
            data("      sent, as it differs from the output:")
            data(_body_text(changed, mask))
    for one in delivery.decisions:
        why = f": {one.reason}" if one.reason else ""
        data(f"    {one.by} {clock(one.at)}  {one.before} -> {one.after}{why}")
    if output and delivery.body:
        data(_body_text(delivery.body, mask))


def _changed_body(request: bytes) -> bytes:
    """What an attempt sent in place of the stored output, or how it differed; else empty."""
    return request.partition(b"\n\n")[2]


def _print_problem(problem: Any, indent: str) -> None:
    place = problem.get("path") or ""
    rule = f" ({problem['file']}:{problem.get('line', '')})" if problem.get("file") else ""
    data(
        f"{indent}{problem.get('severity')}[{problem.get('code')}] {place} "
        f"{problem.get('message')}{rule}"
    )
    if problem.get("hint"):
        data(f"{indent}  = help: {problem['hint']}")


def _print_document(raw: bytes, mask: "MaskingPolicy | None") -> None:
    """The header's facts in place of the document: that would be thousands of lines."""
    from engine.cda.header import read_header, shown

    facts = read_header(raw)
    data(f"  document  {shown(facts.identifier)}  type {facts.code}  {len(raw)} bytes")
    data(f"  set       {shown(facts.set_id)}  version {facts.version_number}")
    for related in facts.related:
        data(f"  related   {related.kind} {shown(related.identifier)}")
    data(f"  from      {facts.sender}  written {facts.effective_time}")
    for patient in facts.patients:
        data(f"  patient   {HIDDEN if mask else shown(patient)}")


def _print_message(raw: bytes, mask: "MaskingPolicy | None") -> None:
    from engine.cda.reader import is_document
    from engine.hl7v2.parser import parse

    if is_document(raw):
        _print_document(raw, mask)
        return
    message = parse(raw[:MESSAGE_CHARACTERS_MAX]).message
    if message is None:
        data(f"  {len(raw)} bytes that cannot be read as a message")
        return
    for segment in message.segments:
        text = mask.segment(segment.text, message.delimiters.field) if mask else segment.text
        data(f"  {text}")


def _body_text(body: bytes, mask: "MaskingPolicy | None") -> str:
    import orjson

    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"({len(body)} bytes)" if mask else body.decode("utf-8", "backslashreplace")
    shown = mask.resource(value) if mask else value
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()


def _detail_dict(found: Any, mask: "MaskingPolicy | None") -> dict[str, Any]:
    receipt = found.receipt
    return {
        "message_id": found.message_id,
        "channel": receipt.channel,
        "received_at": receipt.received_at,
        "source": mask.source(receipt.source) if mask else receipt.source,
        "message_type": receipt.message_type,
        "control_id": receipt.control_id,
        "verdict": receipt.verdict,
        "acknowledgment_code": receipt.acknowledgment_code,
        "acknowledgment_outcome": found.acknowledgment_outcome,
        "diagnostics": list(receipt.diagnostics),
        "runs": [_run_dict(run, mask) for run in found.runs],
        "duplicates": list(found.duplicates),
    }


def _run_dict(run: Any, mask: "MaskingPolicy | None") -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "origin": run.origin,
        "state": run.state,
        "replay_of": run.replay_of,
        "job_id": run.job_id,
        "created_at": run.created_at,
        "diagnostics": list(run.diagnostics),
        "deliveries": [
            {
                "delivery_id": delivery.delivery_id,
                "destination": delivery.destination,
                "state": delivery.state,
                "possibly_sent": delivery.possibly_sent,
                "decisions": [
                    {
                        "at": one.at,
                        "by": one.by,
                        "before": one.before,
                        "after": one.after,
                        "reason": one.reason,
                    }
                    for one in delivery.decisions
                ],
                "body": _body_text(delivery.body, mask),
                "attempts": [
                    {
                        "number": attempt.number,
                        "started_at": attempt.started_at,
                        "finished_at": attempt.finished_at,
                        "state": attempt.state,
                        "failure_class": attempt.failure_class,
                        "failure_code": attempt.failure_code,
                        "status": attempt.status,
                        "sent": _body_text(_changed_body(attempt.request), mask),
                        "response": _body_text(attempt.response, mask),
                    }
                    for attempt in delivery.attempts
                ],
            }
            for delivery in run.deliveries
        ],
    }
