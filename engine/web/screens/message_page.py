"""Rim. One message: what it says, what was made of it and why, and all that happened to it."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from engine.runtime.desk import saved_searches
from engine.runtime.desk.attempts import compare_attempts
from engine.runtime.desk.audit import Act
from engine.runtime.desk.bundle import make_bundle
from engine.runtime.desk.finding import neighbours
from engine.runtime.desk.message_view import view_message
from engine.runtime.desk.opened_message import open_message
from engine.runtime.desk.rights import Right
from engine.runtime.desk.search_query import QueryError
from engine.runtime.desk.test_draft import NoTest, draft_test
from engine.runtime.desk.why_not import rule_text, why_not
from engine.web.access import Visit, needs, refusal
from engine.web.screens.messages import kind_of, kinds_of
from engine.web.search_address import SearchAddress, read_address

SIDES: Mapping[str, tuple[str, ...]] = {
    "left": ("tree", "raw", "narrative", "lost"),
    "right": ("elements", "sent", "not-written"),
}
"""What either side of the screen can show, the first unless another is asked for."""
NOT_THERE = "There is no such message, or you may not see its channel."


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/messages/{message_id:int}", show, methods=["GET"]),
        Route("/messages/{message_id:int}/newer", newer, methods=["GET"]),
        Route("/messages/{message_id:int}/older", older, methods=["GET"]),
        Route("/messages/{message_id:int}/why-not", explain_absence, methods=["GET"]),
        Route("/messages/{message_id:int}/rule", show_rule, methods=["GET"]),
        Route("/messages/{message_id:int}/attempts", compare, methods=["GET"]),
        Route("/messages/{message_id:int}/raw", download, methods=["POST"]),
        Route("/messages/{message_id:int}/bundle", bundle, methods=["POST"]),
        Route("/messages/{message_id:int}/test", make_test, methods=["GET"]),
    ]


@needs(Right.SEE_MESSAGES)
def show(visit: Visit) -> Response:
    """The page."""
    params = visit.request.query_params
    found = view_message(
        visit.desk,
        visit.viewer,
        visit.console.settings.masking,
        visit.console.benches,
        message_id_of(visit),
        empty=params.get("empty") == "1",
    )
    if found is None:
        return refusal(visit, 404, NOT_THERE)
    chosen = {side: _chosen(params.get(side, ""), words) for side, words in SIDES.items()}
    chosen["empty"] = "1" if params.get("empty") == "1" else ""
    return visit.page(
        "message/message.html",
        message=found,
        address=address_of(visit),
        chosen=chosen,
        tab_of=_tabs(visit, chosen),
        kind_of=kind_of,
    )


def message_id_of(visit: Visit) -> int:
    """The message that the path names."""
    found: int = visit.request.path_params["message_id"]
    return found


def address_of(visit: Visit) -> SearchAddress:
    """The search that the message was found by."""
    try:
        return read_address(visit.request.query_params)
    except QueryError:
        return SearchAddress()


def _chosen(word: str, words: tuple[str, ...]) -> str:
    return word if word in words else words[0]


def _tabs(visit: Visit, chosen: Mapping[str, str]) -> Callable[..., str]:
    """Makes the address of the same page with another side chosen."""
    address = address_of(visit)
    path = f"/messages/{message_id_of(visit)}"

    def tab(**changes: str) -> str:
        wanted = {**chosen, **changes}
        pairs = {
            name: value
            for name, value in wanted.items()
            if value and value != SIDES.get(name, ("",))[0]
        }
        url = address.page(None).url(path)
        if not pairs:
            return url
        return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}"

    return tab


@needs(Right.SEE_MESSAGES)
def newer(visit: Visit) -> Response:
    """The message before this one in the results."""
    return _neighbour(visit, 0)


@needs(Right.SEE_MESSAGES)
def older(visit: Visit) -> Response:
    """The message after this one in the results."""
    return _neighbour(visit, 1)


def _neighbour(visit: Visit, which: int) -> Response:
    message_id, address = message_id_of(visit), address_of(visit).page(None)
    text = saved_searches.text_of(visit.desk, visit.viewer, address.search_id) or ""
    try:
        wanted = address.wanted(text, visit.desk.clock())
        kinds = kinds_of(visit.console)
        found = neighbours(visit.desk, visit.viewer, wanted, message_id, kinds)[which]
    except QueryError:
        found = None
    path = f"/messages/{message_id if found is None else found}"
    return RedirectResponse(address.url(path), status_code=303)


@needs(Right.SEE_BODIES)
def explain_absence(visit: Visit) -> Response:
    """Why an element is not there."""
    message_id = message_id_of(visit)
    element = visit.request.query_params.get("element", "").strip()
    shown: dict[str, Any] = {"answer": None, "problem": "", "message_id": message_id}
    status_code = 200
    try:
        shown["answer"] = why_not(
            visit.desk,
            visit.viewer,
            visit.console.settings.masking,
            visit.console.benches,
            message_id,
            element,
        )
        if shown["answer"] is None:
            return refusal(visit, 404, NOT_THERE)
    except ValueError as problem:
        shown["problem"], status_code = str(problem), 422
    except LookupError:
        shown["problem"] = "No configuration here can explain this message."
    template = "message/why_not.html" if visit.is_part else "message/why_not_page.html"
    return visit.page(template, status_code, **shown)


@needs(Right.SEE_MESSAGES)
def show_rule(visit: Visit) -> Response:
    """The lines of a rule."""
    params = visit.request.query_params
    try:
        found = rule_text(visit.console.benches, params.get("on", ""), params.get("at", ""))
    except LookupError:
        found = None
    if found is None:
        return refusal(visit, 404, "No configuration here has that rule.")
    template = "message/rule.html" if visit.is_part else "message/rule_page.html"
    return visit.page(template, rule=found, message_id=message_id_of(visit))


@needs(Right.SEE_BODIES)
def compare(visit: Visit) -> Response:
    """What differs between two attempts."""
    params = visit.request.query_params
    try:
        found = compare_attempts(
            visit.desk,
            visit.viewer,
            visit.console.settings.masking,
            message_id_of(visit),
            params.get("first", ""),
            params.get("second", ""),
        )
    except LookupError:
        return refusal(visit, 404, "The message has no such attempts.")
    if found is None:
        return refusal(visit, 404, NOT_THERE)
    return visit.page("message/attempts.html", comparison=found, message_id=message_id_of(visit))


@needs(Right.EXPORT)
def download(visit: Visit) -> Response:
    """The bytes as received; a form, so that no link fetches them by itself."""
    message_id = message_id_of(visit)
    policy = visit.console.settings.masking
    opened = open_message(
        visit.desk, visit.viewer, policy, message_id, Right.EXPORT, act=Act.EXPORT, subject="raw"
    )
    if opened is None:
        return refusal(visit, 404, NOT_THERE)
    headers = {"content-disposition": f'attachment; filename="message-{message_id}.hl7"'}
    return Response(
        opened.detail.receipt.raw, media_type="application/octet-stream", headers=headers
    )


@needs(Right.EXPORT)
def bundle(visit: Visit) -> Response:
    """Everything about the message in one file, masked as its screen is."""
    found = make_bundle(
        visit.desk,
        visit.viewer,
        visit.console.settings.masking,
        visit.console.benches,
        message_id_of(visit),
    )
    if found is None:
        return refusal(visit, 404, NOT_THERE)
    headers = {"content-disposition": f'attachment; filename="{found.name}"'}
    return Response(found.content, media_type="text/html; charset=utf-8", headers=headers)


@needs(Right.EXPORT)
def make_test(visit: Visit) -> Response:
    """A test of the channel, made of the message without the patient."""
    try:
        found = draft_test(
            visit.desk,
            visit.viewer,
            visit.console.settings.masking,
            visit.console.benches,
            message_id_of(visit),
        )
    except NoTest as problem:
        return refusal(visit, 422, f"A test can be made {problem}.")
    if found is None:
        return refusal(visit, 404, NOT_THERE)
    return visit.page("message/test.html", draft=found, message_id=message_id_of(visit))
