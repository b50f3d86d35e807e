"""Rim. Messages as JSON, for programs: the same desk functions, rights, masks and records.

What is looked for is posted, because it may name a patient; what is chosen beside it may stand in
the address, as on the screen.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.desk import saved_searches
from engine.runtime.desk.finding import PAGE_ROWS, Found, find
from engine.runtime.desk.message_view import MessageView, view_message
from engine.runtime.desk.result_lines import ResultLine
from engine.runtime.desk.rights import Right
from engine.runtime.desk.search_query import QueryError
from engine.web.access import Visit, needs, refusal
from engine.web.api_shapes import MessagesPage, SearchBody
from engine.web.declared import QueryValue, declares
from engine.web.screens.message_page import NOT_THERE, message_id_of
from engine.web.screens.messages import GONE, kinds_of
from engine.web.search_address import CHOICES, SearchAddress, read_address

ROWS_MAX = 500
IN_ADDRESS = (
    *(QueryValue(name=name, meaning="As in a query.", repeated=True) for name in CHOICES),
    QueryValue(name="s", meaning="Number of a kept search."),
    QueryValue(name="before", meaning="The page behind this message."),
)
NO_SEARCH = 'Post an object such as {"query": "status:ERROR since:2h", "before": 8841, "rows": 50}.'


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/api/messages", listed, methods=["GET"]),
        Route("/api/messages/search", searched, methods=["POST"]),
        Route("/api/messages/{message_id:int}", show, methods=["GET"]),
    ]


@needs(Right.SEE_MESSAGES)
@declares(MessagesPage, query=IN_ADDRESS)
def listed(visit: Visit) -> Response:
    """A page of messages, by what is chosen and by a kept search."""
    try:
        address = read_address(visit.request.query_params)
    except QueryError as problem:
        return refusal(visit, 422, str(problem))
    text = saved_searches.text_of(visit.desk, visit.viewer, address.search_id)
    if text is None:
        return refusal(visit, 404, GONE)
    return _answer(visit, address, text, PAGE_ROWS)


@needs(Right.SEE_MESSAGES)
@declares(MessagesPage, body=SearchBody)
def searched(visit: Visit) -> Response:
    """A page of messages, by a query or anything else that the search box takes."""
    asked = _asked(visit.body)
    if asked is None:
        return refusal(visit, 422, NO_SEARCH)
    chosen = {
        name: tuple(str(one) for one in (value if isinstance(value, list) else [value]))
        for name, value in asked.items()
        if name in CHOICES
    }
    before = asked.get("before")
    rows = asked.get("rows", PAGE_ROWS)
    if not isinstance(rows, int) or not 0 < rows <= ROWS_MAX:
        return refusal(visit, 422, f"rows is a number from 1 to {ROWS_MAX}.")
    if before is not None and (not isinstance(before, int) or not 0 <= before < 1 << 62):
        return refusal(visit, 422, "before is the number of a message.")
    if any('"' in value for values in chosen.values() for value in values):
        return refusal(visit, 422, "A value holds no quotation mark.")
    address = SearchAddress(chosen=chosen, before=before)
    return _answer(visit, address, str(asked.get("query", "")), rows)


def _asked(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _answer(visit: Visit, address: SearchAddress, text: str, rows: int) -> Response:
    try:
        wanted = address.wanted(text, visit.desk.clock(), rows=rows)
        found = find(visit.desk, visit.viewer, wanted, kinds_of(visit.console))
    except QueryError as problem:
        return refusal(visit, 422, str(problem))
    return _json(_page(found))


def _page(found: Found) -> dict[str, Any]:
    return {
        "messages": [_line(line) for line in found.lines],
        "next_before": found.next_before,
        "notes": list(found.notes),
        "facets": {facet.name: dict(facet.values) for facet in found.facets},
        "counted": found.counted,
        "is_all": found.is_all,
    }


def _line(line: ResultLine) -> dict[str, Any]:
    row = line.row
    return {
        "message_id": row.message_id,
        "channel": row.channel,
        "received_at": row.received_at,
        "message_type": row.message_type,
        "control_id": row.control_id,
        "status": line.status,
        "why": line.why,
        "patient": line.patient,
        "origin": row.origin.value,
        "attempts": row.attempts,
        "codes": list(row.codes),
        "deliveries": dict(row.deliveries),
    }


@needs(Right.SEE_MESSAGES)
@declares(MessageView)
def show(visit: Visit) -> Response:
    """Everything about one message, as the screen shows it."""
    found = view_message(
        visit.desk,
        visit.viewer,
        visit.console.settings.masking,
        visit.console.benches,
        message_id_of(visit),
    )
    return refusal(visit, 404, NOT_THERE) if found is None else _json(found)


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
