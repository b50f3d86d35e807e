"""Rim. Signing in and out, the first administrator, unmasking, emergency access, preferences."""

import re
from contextlib import suppress

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from engine.runtime.desk import accounts, sessions, signing_in
from engine.runtime.desk.accounts import AccountError
from engine.runtime.desk.audit import Act, record_as
from engine.runtime.desk.guesses import TooOften, tried
from engine.runtime.desk.openid import COOKIE_SECONDS, Provider, ProviderFailed
from engine.runtime.desk.rights import Right
from engine.runtime.desk.sessions import ReasonMissing, form_token
from engine.runtime.desk.signing_in import SignInRefused
from engine.telemetry.events import EmergencyAccessBegan, SignInFailed
from engine.web.access import (
    Visit,
    asked_by_itself,
    for_all,
    needs,
    set_cookie,
    signed_in,
    visitor_cookie,
)

OPENID = "openid"
OPENID_COOKIE = "engine_openid"
WITHIN = re.compile(r"/[A-Za-z0-9/_-]*")
"""Where a sign-in may lead: a path of ours, without a query."""


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/sign-in", show_sign_in, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/setup", set_up, methods=["POST"]),
        Route("/openid", go_to_provider, methods=["GET"]),
        Route("/openid/back", come_back, methods=["GET"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/session", watch, methods=["GET"]),
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
        user = signing_in.sign_in(
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
        user = signing_in.add_first_administrator(
            visit.desk,
            visit.value("code"),
            visit.value("name"),
            visit.value("password"),
            f"console {visit.address}",
        )
    except AccountError as problem:
        return _form(visit, problem=str(problem), name=visit.value("name"))
    return _begun(visit, user, "/")


@for_all
def go_to_provider(visit: Visit) -> Response:
    """Send the browser to the OpenID provider."""
    provider = _provider(visit)
    if provider is None:
        return visit.redirect("/sign-in")
    to = _within(visit.request.query_params.get("to", "/"))
    try:
        begun = provider.begin(visit.desk.clock(), to)
    except ProviderFailed as problem:
        return _form(visit, to=to, problem=str(problem))
    response = RedirectResponse(begun.url, 303)
    # the way back begins at the provider: a strict cookie would not come along
    response.set_cookie(
        OPENID_COOKIE,
        begun.cookie,
        max_age=COOKIE_SECONDS,
        path="/openid",
        httponly=True,
        secure=visit.console.settings.secure,
        samesite="lax",
    )
    return response


@for_all
def come_back(visit: Visit) -> Response:
    """Take the provider's answer."""
    provider = _provider(visit)
    if provider is None:
        return visit.redirect("/sign-in")
    origin = f"console {visit.address}"
    try:
        identity, to = provider.finish(
            visit.desk.clock(),
            visit.request.cookies.get(OPENID_COOKIE, ""),
            dict(visit.request.query_params),
        )
        user = signing_in.sign_in_from_provider(
            visit.desk,
            subject=identity.subject,
            name=identity.name,
            roles=identity.roles,
            channels=identity.channels,
            origin=origin,
        )
    except (ProviderFailed, SignInRefused, AccountError) as problem:
        visit.console.recorder.record(SignInFailed(address=visit.address))
        # nobody has to wait for it, but strangers must not fill the trail
        with suppress(TooOften), tried(visit.desk, "", f"{OPENID} {visit.address}"):
            record_as(visit.desk, "", origin, Act.FAILED_LOGIN, subject="OpenID provider")
        return _form(visit, problem=str(problem))
    # a page that goes on by itself: a redirect would still come from the provider's site, and
    # the strict cookie would not go along
    response = visit.page("sign_in/going_on.html", to=_within(to))
    set_cookie(visit, response, _begin(visit, user))
    response.delete_cookie(OPENID_COOKIE, path="/openid")
    return response


def _provider(visit: Visit) -> Provider | None:
    settings = visit.console.settings
    if settings.oidc is None:
        return None
    return Provider(settings.oidc, f"{settings.url}/openid/back", visit.desk.key())


@signed_in
def sign_out(visit: Visit) -> Response:
    """End the session."""
    assert visit.session is not None  # noqa: S101  the route needs one
    sessions.end(visit.desk, visit.session)
    return visit.redirect("/sign-in")


@asked_by_itself
def watch(visit: Visit) -> Response:
    """Whether the page may stay: it is left when the session is over, and masked again in time."""
    shown = visit.request.query_params.get("unmasked") == "1"
    over = shown and not visit.viewer.unmasked
    return Response(status_code=204, headers={"HX-Refresh": "true"} if over else {})


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
    first = signing_in.needs_administrator(visit.desk)
    oidc = visit.console.settings.oidc
    fresh = "" if visit.cookie and problem else visitor_cookie()
    cookie = fresh or visit.cookie
    response = visit.page(
        "sign_in/sign_in.html",
        422 if problem else 200,
        first=first,
        provider=oidc.label if oidc is not None else "",
        to=to,
        problem=problem,
        name=name,
        csrf=form_token(cookie),
    )
    if fresh:
        set_cookie(visit, response, fresh, visitor=True)
    return response


def _begun(visit: Visit, user: accounts.UserRow, to: str) -> Response:
    response = RedirectResponse(to, 303)
    set_cookie(visit, response, _begin(visit, user))
    return response


def _begin(visit: Visit, user: accounts.UserRow) -> str:
    """A new token at every sign-in: one that somebody planted before is worth nothing."""
    if visit.session is not None:
        sessions.end(visit.desk, visit.session)
    return sessions.begin(visit.desk, user, visit.address, visit.console.settings.limits)


def _within(path: str) -> str:
    return path if WITHIN.fullmatch(path) and not path.startswith("//") else "/"


def _back(visit: Visit) -> str:
    return _within(visit.value("to", "/"))
