"""Rim. Audit: who saw and did what, asked by form so that no patient stands in an address."""

import csv
import io
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.desk.audit import (
    Act,
    AuditRow,
    AuditSearch,
    every_row,
    read_trail,
    record,
    verify_trail,
)
from engine.runtime.desk.result_export import harmless
from engine.runtime.desk.rights import Right
from engine.runtime.desk.search_query import QueryError, parse_query
from engine.web.access import Visit, needs

PAGE_ROWS = 100
EXPORT_ROWS_MAX = 100_000
COLUMNS = (
    "number", "at", "actor", "origin", "act", "channel", "message_id", "subject", "reason",
    "details", "patients", "digest",
)  # fmt: skip


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/audit", show, methods=["GET"]),
        Route("/audit", ask, methods=["POST"]),
        Route("/audit/verify", verify, methods=["POST"]),
        Route("/audit/export", export, methods=["POST"]),
    ]


@needs(Right.READ_AUDIT)
def show(visit: Visit) -> Response:
    """The newest entries, or those of a message."""
    message = visit.request.query_params.get("message", "")
    return _page(visit, {"message": message} if message else {})


@needs(Right.READ_AUDIT)
def ask(visit: Visit) -> Response:
    """The entries that are asked for."""
    names = ("patient", "actor", "act", "message", "channel", "since", "until", "before")
    return _page(visit, {name: visit.value(name).strip() for name in names})


@needs(Right.READ_AUDIT)
def verify(visit: Visit) -> Response:
    """Check the whole trail."""
    return _page(visit, {}, verdict=verify_trail(visit.desk, visit.viewer))


@needs(Right.READ_AUDIT)
def export(visit: Visit) -> Response:
    """What is asked for as CSV; patients are hashes there too."""
    asked = {name: visit.value(name).strip() for name in ("patient", "actor", "act", "message",
                                                          "channel", "since", "until")}  # fmt: skip
    try:
        search = _search(asked, visit.desk.clock())
    except QueryError as problem:
        return _page(visit, asked, problem=str(problem), status_code=422)
    record(visit.desk, visit.viewer, Act.EXPORT, subject="audit trail")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for count, row in enumerate(every_row(visit.desk, visit.viewer, search, asked["patient"])):
        if count >= EXPORT_ROWS_MAX:
            break
        writer.writerow(_cells(row))
    return Response(
        text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


def _page(
    visit: Visit,
    asked: dict[str, str],
    *,
    verdict: Any = None,
    problem: str = "",
    status_code: int = 200,
) -> Response:
    rows: list[AuditRow] = []
    try:
        if not problem:
            search = _search(asked, visit.desk.clock())
            rows = list(read_trail(visit.desk, visit.viewer, search, asked.get("patient", "")))
    except QueryError as wrong:
        problem, status_code = str(wrong), 422
    return visit.page(
        "audit/audit.html",
        status_code,
        rows=rows,
        asked=asked,
        acts=[act.value for act in Act],
        older=rows[-1].number if len(rows) == PAGE_ROWS else None,
        verdict=verdict,
        problem=problem,
    )


def _search(asked: dict[str, str], now: float) -> AuditSearch:
    times = " ".join(f"{name}:{asked[name]}" for name in ("since", "until") if asked.get(name, ""))
    window = parse_query(times, now=now)
    return AuditSearch(
        actor=asked.get("actor", ""),
        act=asked.get("act", ""),
        message_id=_number("message", asked),
        channel=asked.get("channel", ""),
        since=window.since,
        until=window.until,
        before_number=_number("before", asked),
        limit=PAGE_ROWS,
    )


def _number(name: str, asked: dict[str, str]) -> int | None:
    text = asked.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise QueryError(f"{name} wants a number")
    return int(text)


def _cells(row: AuditRow) -> list[str]:
    entry = row.entry
    message = "" if entry.message_id is None else str(entry.message_id)
    details = " ".join(f"{name}={value}" for name, value in entry.details.items())
    cells = (
        str(row.number), f"{entry.at:.3f}", entry.actor, entry.origin, entry.act, entry.channel,
        message, entry.subject, entry.reason, details, " ".join(entry.patients), row.digest.hex(),
    )  # fmt: skip
    return [harmless(cell) for cell in cells]
