"""Rim. Signing in and out, the first administrator, unmasking, emergency access, preferences."""

import re

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from engine.runtime.desk import accounts, sessions
from engine.runtime.desk.accounts import AccountError, SignInRefused
from engine.runtime.desk.rights import Right
from engine.runtime.desk.sessions import ReasonMissing, form_token
from engine.telemetry.events import EmergencyAccessBegan, SignInFailed
from engine.web.access import Visit, for_all, needs, set_cookie, signed_in, visitor_cookie

WITHIN = re.compile(r"/[A-Za-z0-9/_-]*")
"""Where a sign-in may lead: a path of ours, without a query."""


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/sign-in", show_sign_in, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/setup", set_up, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/unmask", unmask, methods=["POST"]),
        Route("/mask", mask, methods=["POST"]),
        Route("/emergency", emergency, methods=["POST"]),
        Route("/preferences", preferences, methods=["POST"]),
    ]


@for_all
def show_sign_in(visit: Visit) -> Response:
    """The form; on the first visit of all that which makes the administrator."""
    if visit.session is not None:
        return RedirectResponse(_within(visit.request.query_params.get("to", "/")), 303)
    return _form(visit, to=_within(visit.request.query_params.get("to", "/")))


@for_all
def sign_in(visit: Visit) -> Response:
    """Take name and password."""
    to = _within(visit.value("to", "/"))
    try:
        user = accounts.sign_in(
            visit.desk, visit.value("name"), visit.value("password"), f"console {visit.address}"
        )
    except SignInRefused as problem:
        visit.console.recorder.record(SignInFailed(address=visit.address))
        return _form(visit, to=to, problem=str(problem), name=visit.value("name"))
    return _begun(visit, user, to)


@for_all
def set_up(visit: Visit) -> Response:
    """Take the setup code and make the first administrator."""
    try:
        user = accounts.add_first_administrator(
            visit.desk,
            visit.value("code"),
            visit.value("name"),
            visit.value("password"),
            f"console {visit.address}",
        )
    except AccountError as problem:
        return _form(visit, problem=str(problem), name=visit.value("name"))
    return _begun(visit, user, "/")


@signed_in
def sign_out(visit: Visit) -> Response:
    """End the session."""
    assert visit.session is not None  # noqa: S101  the route needs one
    sessions.end(visit.desk, visit.session)
    return visit.redirect("/sign-in")


@needs(Right.UNMASK)
def unmask(visit: Visit) -> Response:
    """Show values of patients for a while."""
    assert visit.session is not None  # noqa: S101  the route needs one
    try:
        sessions.unmask(visit.desk, visit.session, visit.value("reason"))
    except ReasonMissing as problem:
        return visit.page("reason.html", 422, problem=str(problem), what="unmask", to=_back(visit))
    return visit.redirect(_back(visit))


@needs(Right.EMERGENCY)
def emergency(visit: Visit) -> Response:
    """Begin emergency access."""
    assert visit.session is not None  # noqa: S101  the route needs one
    try:
        number = sessions.begin_emergency(visit.desk, visit.session, visit.value("reason"))
    except ReasonMissing as problem:
        return visit.page(
            "reason.html", 422, problem=str(problem), what="emergency", to=_back(visit)
        )
    visit.console.recorder.record(
        EmergencyAccessBegan(user=visit.viewer.name, address=visit.address, audit_number=number)
    )
    return visit.redirect(_back(visit))


@signed_in
def mask(visit: Visit) -> Response:
    """Hide values again."""
    assert visit.session is not None  # noqa: S101  the route needs one
    sessions.mask(visit.desk, visit.session)
    return visit.redirect(_back(visit))


@signed_in
def preferences(visit: Visit) -> Response:
    """Take theme and shortcuts."""
    try:
        accounts.prefer(
            visit.desk,
            visit.viewer,
            theme=visit.value("theme", "system"),
            shortcuts=visit.value("shortcuts") == "on",
        )
    except AccountError as problem:
        return visit.page("refusal.html", 422, text=str(problem), status_code_shown=422)
    return visit.redirect(_back(visit))


def _form(visit: Visit, *, to: str = "/", problem: str = "", name: str = "") -> Response:
    with visit.desk.store() as store:
        first = not store.has_users()
    fresh = "" if visit.cookie and problem else visitor_cookie()
    cookie = fresh or visit.cookie
    response = visit.page(
        "sign_in/sign_in.html",
        422 if problem else 200,
        first=first,
        to=to,
        problem=problem,
        name=name,
        csrf=form_token(cookie),
    )
    if fresh:
        set_cookie(visit, response, fresh)
    return response


def _begun(visit: Visit, user: accounts.UserRow, to: str) -> Response:
    """A new token at every sign-in: one that somebody planted before is worth nothing."""
    if visit.session is not None:
        sessions.end(visit.desk, visit.session)
    limits = visit.console.settings.limits
    token = sessions.begin(visit.desk, user, visit.address, limits)
    response = RedirectResponse(to, 303)
    set_cookie(visit, response, token)
    return response


def _within(path: str) -> str:
    return path if WITHIN.fullmatch(path) and not path.startswith("//") else "/"


def _back(visit: Visit) -> str:
    return _within(visit.value("to", "/"))
