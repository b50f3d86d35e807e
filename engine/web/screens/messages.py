"""Rim. Messages: the search box, its results with facets, named searches, threads."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from engine.runtime.desk import saved_searches
from engine.runtime.desk.finding import PAGE_ROWS, Found, find
from engine.runtime.desk.result_export import export_results
from engine.runtime.desk.rights import Right
from engine.runtime.desk.saved_searches import NameRefused
from engine.runtime.desk.search_query import QueryError
from engine.runtime.desk.thread import SUBJECTS, thread
from engine.web.access import Visit, needs, refusal
from engine.web.console import Console
from engine.web.search_address import SearchAddress, read_address

KINDS: Mapping[str, str] = {
    "SENT": "ok",
    "ERROR": "bad",
    "FAULT": "bad",
    "CONFLICT": "bad",
    "HELD": "warn",
    "UNKNOWN": "warn",
    "FILTERED": "off",
    "CANCELLED": "off",
    "DUPLICATE": "off",
}
"""How a status is drawn; every other one waits."""
WINDOWS = ("1h", "24h", "7d", "30d")
"""How far back one looks with a click."""
GONE = "That search is not kept any more, or is somebody else's."


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/messages", show, methods=["GET"]),
        Route("/messages/search", search, methods=["POST"]),
        Route("/messages/export", export, methods=["POST"]),
        Route("/messages/named", name, methods=["POST"]),
        Route("/messages/named/{search_id}/forget", forget, methods=["POST"]),
        Route("/messages/{message_id:int}/thread/{subject}", show_thread, methods=["GET"]),
    ]


@needs(Right.SEE_MESSAGES)
def show(visit: Visit) -> Response:
    """A page of results."""
    address, text = SearchAddress(), ""
    try:
        address = read_address(visit.request.query_params)
        kept = saved_searches.text_of(visit.desk, visit.viewer, address.search_id)
        if kept is None:
            return _page(visit, SearchAddress(), "", problem=GONE, status_code=404)
        text = kept
        wanted = address.wanted(text, visit.desk.clock())
        found = find(visit.desk, visit.viewer, wanted, kinds_of(visit.console))
    except QueryError as problem:
        return _page(visit, address, text, problem=str(problem), status_code=422)
    if found.only is not None and address.before is None:
        return RedirectResponse(address.url(f"/messages/{found.only}"), status_code=303)
    return _page(visit, address, text, found=found)


@needs(Right.SEE_MESSAGES)
def search(visit: Visit) -> Response:
    """Take what was typed or pasted, and go to its results."""
    search_id = saved_searches.keep(visit.desk, visit.viewer, visit.value("text"))
    try:
        address = read_address(visit.request.query_params)
    except QueryError:
        address = SearchAddress()
    return visit.redirect(SearchAddress(search_id=search_id, chosen=address.chosen).url())


@needs(Right.EXPORT)
def export(visit: Visit) -> Response:
    """All lines of a search as CSV; a form, so that no link fetches them by itself."""
    try:
        address = read_address(visit.request.query_params).page(None)
        text = saved_searches.text_of(visit.desk, visit.viewer, address.search_id)
        if text is None:
            return refusal(visit, 404, GONE)
        wanted = address.wanted(text, visit.desk.clock())
        found = export_results(visit.desk, visit.viewer, wanted, kinds_of(visit.console))
    except QueryError as problem:
        return refusal(visit, 422, str(problem))
    name = "messages.csv" if found.is_all else f"messages-newest-{found.rows}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(found.text, media_type="text/csv; charset=utf-8", headers=headers)


@needs(Right.SEE_MESSAGES)
def name(visit: Visit) -> Response:
    """Keep a search under a name."""
    try:
        search_id = saved_searches.give_name(
            visit.desk, visit.viewer, visit.value("s"), visit.value("name")
        )
    except NameRefused as problem:
        return refusal(visit, 422, f"The search was not named: {problem}.")
    return visit.redirect(SearchAddress(search_id=search_id).url())


@needs(Right.SEE_MESSAGES)
def forget(visit: Visit) -> Response:
    """Take a named search away."""
    saved_searches.take_away(visit.desk, visit.viewer, visit.request.path_params["search_id"])
    return visit.redirect("/messages")


@needs(Right.SEARCH_PATIENT)
def show_thread(visit: Visit) -> Response:
    """All messages of the patient, visit or order of a message."""
    message_id: int = visit.request.path_params["message_id"]
    subject: str = visit.request.path_params["subject"]
    found = None
    if subject in SUBJECTS:
        found = thread(visit.desk, visit.viewer, message_id, subject)
    if found is None:
        return refusal(visit, 404, "There is no such message, or you may not see its channel.")
    return visit.page(
        "messages/thread.html",
        thread=found,
        message_id=message_id,
        subjects=sorted(SUBJECTS),
        kind_of=kind_of,
    )


def kinds_of(console: Console) -> frozenset[str] | None:
    """The kinds of search keys that channels declare; None: not known."""
    loaded = console.loaded()
    if loaded is None:
        return None
    channels = loaded.configuration.channels
    return frozenset(kind for channel in channels for kind, _ in channel.search_keys)


def kind_of(status: str) -> str:
    """How a status is drawn."""
    return KINDS.get(status, "wait")


def _page(
    visit: Visit,
    address: SearchAddress,
    text: str,
    *,
    found: Found | None = None,
    problem: str = "",
    status_code: int = 200,
) -> Response:
    shown: dict[str, Any] = {
        "address": address,
        "text": text,
        "found": found or Found(lines=(), next_before=None),
        "problem": problem,
        "named": saved_searches.named(visit.desk, visit.viewer),
        "page_rows": PAGE_ROWS,
        "kind_of": kind_of,
        "windows": WINDOWS,
    }
    return visit.page("messages/messages.html", status_code, **shown)
