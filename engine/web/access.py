"""Rim. Who may ask for what: every route names the right it needs, or says that it is for all.

`needs` turns a screen's function into a route's: it finds the session, checks the right, reads the
form and checks its token, runs the function in a thread, and turns what can go wrong into pages.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from engine.runtime.desk import sessions
from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import StoreUnavailable
from engine.runtime.desk.rights import NotAllowed, Right, Viewer
from engine.runtime.desk.sessions import Session, form_token, is_form_token
from engine.runtime.desk.tokens import viewer_of_token
from engine.telemetry.events import SignInFailed
from engine.telemetry.logs import error_caught
from engine.web.console import Console
from engine.web.navigation import entries
from engine.web.rendering import Pages

SAFE = frozenset({"GET", "HEAD"})
BODY_BYTES_MAX = 10_000_000
"""Of a request: a pasted message is the longest thing one sends."""
BODY_LIMIT = "engine.body_limit"
"""Under this name a request's scope says that its body may be so long only."""
STRANGER_BYTES_MAX = 65_536
"""Of a request of somebody who has not signed in: a name, a password."""
FIELDS_MAX = 2000
NUMBER_MAX = 2**63 - 1
"""Of what an address names: the largest that a store has."""
TOKEN_HEADER = "x-csrf-token"  # noqa: S105  a name
TOKEN_FIELD = "csrf"  # noqa: S105  a name
NOBODY = Viewer(name="", rights=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request and who makes it."""

    request: Request
    console: Console
    pages: Pages
    cookie: str = field(repr=False)
    """What forms are tied to: the session's cookie, or that of an unknown visitor."""
    session: Session | None
    program: Viewer | None = None
    """Who asks with a token, without a session."""
    form: FormData = field(default_factory=FormData, repr=False)
    body: bytes = field(default=b"", repr=False)
    """Of a request that is no form."""

    @property
    def desk(self) -> Desk:
        """The store."""
        return self.console.desk

    @property
    def viewer(self) -> Viewer:
        """Who asks; nobody without a session or a token."""
        if self.session is not None:
            return self.session.viewer
        return self.program or NOBODY

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return self.request.client.host if self.request.client else ""

    @property
    def is_part(self) -> bool:
        """True when a part of a page is asked for (by htmx)."""
        return self.request.headers.get("hx-request") == "true"

    def value(self, name: str, default: str = "") -> str:
        """A text of the form."""
        found = self.form.get(name, default)
        return found if isinstance(found, str) else default

    def values(self, name: str) -> list[str]:
        """All texts of the form under one name."""
        return [one for one in self.form.getlist(name) if isinstance(one, str)]

    def page(self, template: str, status_code: int = 200, **context: Any) -> Response:
        """A template as an answer, with what every page shows."""
        return self.pages.page(template, self.context() | context, status_code)

    def context(self) -> dict[str, Any]:
        """What every template gets."""
        user = self.session.user if self.session is not None else None
        row = self.session.row if self.session is not None else None
        return {
            "viewer": self.viewer,
            "user": user,
            "session": row,
            "may": lambda name: self.viewer.may(Right(name)),
            "navigation": entries(self.viewer),
            "here": self.request.url.path,
            "environment": self.console.settings.environment,
            "revision": self.console.revision,
            "csrf": form_token(self.cookie),
            "theme": user.theme if user is not None else "system",
            "shortcuts": user.shortcuts if user is not None else True,
            "now": self.desk.clock(),
        }

    def redirect(self, path: str) -> Response:
        """Go to another page after a form was taken (303), also when htmx sent it."""
        if self.is_part:
            return Response(status_code=204, headers={"HX-Redirect": path})
        return RedirectResponse(path, status_code=303)


Screen = Callable[[Visit], Response]


def needs(right: Right, *, touch: bool = True) -> Callable[[Screen], Callable[..., Any]]:
    """A route that only those with this right may ask for.

    Args:
        right: without it the answer is 403, and that is recorded.
        touch: False for what a page asks by itself: it does not keep the session alive.
    """

    def wrap(screen: Screen) -> Callable[..., Any]:
        @wraps(screen)
        async def answer(request: Request) -> Response:
            return await _answer(request, screen, right, touch)

        answer.right = right  # type: ignore[attr-defined]
        return answer

    return wrap


def signed_in(screen: Screen) -> Callable[..., Any]:
    """A route for everybody who has signed in, whatever the roles."""
    return _signed_in(screen, touch=True)


def asked_by_itself(screen: Screen) -> Callable[..., Any]:
    """A route for all who have signed in that pages ask without the person doing anything."""
    return _signed_in(screen, touch=False)


def _signed_in(screen: Screen, *, touch: bool) -> Callable[..., Any]:
    @wraps(screen)
    async def answer(request: Request) -> Response:
        return await _answer(request, screen, None, touch)

    answer.right = "signed in"  # type: ignore[attr-defined]
    return answer


def for_all(screen: Screen) -> Callable[..., Any]:
    """A route that needs no session: signing in."""

    @wraps(screen)
    async def answer(request: Request) -> Response:
        return await _answer(request, screen, "all", True)

    answer.right = "all"  # type: ignore[attr-defined]
    return answer


async def _answer(
    request: Request, screen: Screen, right: Right | str | None, touch: bool
) -> Response:
    console: Console = request.app.state.console
    pages: Pages = request.app.state.pages
    secure = console.settings.secure
    token = request.cookies.get(cookie_name(secure=secure), "")
    visitor = request.cookies.get(visitor_name(secure=secure), "")
    visit = Visit(request=request, console=console, pages=pages, cookie=visitor, session=None)
    if not _is_plain(request):
        return refusal(visit, 400, "The address cannot be read.")
    try:
        visit = await run_in_threadpool(_who, visit, token, touch)
        if visit.viewer is not NOBODY or right != "all":
            console.prepare()
        if visit.viewer is NOBODY and right != "all":
            return _sign_in_first(visit)
        if request.method not in SAFE:
            if visit.viewer is NOBODY:
                request.scope[BODY_LIMIT] = STRANGER_BYTES_MAX
            visit = await _with_body(visit)
            if visit.program is None and not _believed(visit):
                return refusal(visit, 403, "This form is no longer valid. Load the page again.")
        return await run_in_threadpool(_run, visit, screen, right)
    except StoreUnavailable as failure:
        return refusal(visit, 503, f"The store does not answer: {failure}")
    except (HTTPException, ClientDisconnect):
        return refusal(visit, 400, "The request cannot be read.")
    except TooLarge:
        return refusal(visit, 413, "That is more than the console takes.")
    except TooSlow:
        return refusal(visit, 408, "The request took too long to come.")
    except Exception as error:  # noqa: BLE001  the page says that it failed, the log says where
        console.recorder.record(error_caught(error))
        return refusal(visit, 500, "This page failed. The log of the console says where.")


def _who(visit: Visit, cookie: str, touch: bool) -> Visit:
    """The visit with who makes it: a program by its token, which alone counts then, or a person."""
    console, bearer = visit.console, _bearer(visit.request)
    if bearer is not None:
        program = viewer_of_token(console.desk, bearer, visit.address)
        if program is None:
            console.recorder.record(SignInFailed(address=visit.address))
        return replace(visit, program=program)
    limits = console.settings.limits
    session = sessions.find(console.desk, cookie, visit.address, limits, touch=touch)
    return visit if session is None else replace(visit, session=session, cookie=cookie)


def _bearer(request: Request) -> str | None:
    """The token that a program sends to `/api/` (RFC 6750); None: it is no program."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not request.url.path.startswith("/api/"):
        return None
    return value.strip()


def _run(visit: Visit, screen: Screen, right: Right | str | None) -> Response:
    try:
        if isinstance(right, Right):
            visit.viewer.require(right)
        return screen(visit)
    except NotAllowed as problem:
        path = visit.request.scope.get("route")
        subject = f"{visit.request.method} {getattr(path, 'path', '')}"
        record(visit.desk, visit.viewer, Act.REFUSED, subject=subject, reason=problem.right.value)
        return refusal(visit, 403, f"You may not do this: {problem}.")


class TooLarge(Exception):  # noqa: N818
    """The request's body is longer than it may be."""


class TooSlow(Exception):  # noqa: N818
    """The request's body takes longer to come than it may."""


def _is_plain(request: Request) -> bool:
    """False for an address with a number or a character that no store takes."""
    if any(isinstance(one, int) and one > NUMBER_MAX for one in request.path_params.values()):
        return False
    return "\0" not in request.url.path and "\0" not in unquote(request.url.query)


async def _with_body(visit: Visit) -> Visit:
    """The visit with its form or body. Raises HTTPException for what cannot be read."""
    request = visit.request
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.form(max_files=0, max_fields=FIELDS_MAX, max_part_size=BODY_BYTES_MAX)
        if any(isinstance(value, str) and "\0" in value for _, value in form.multi_items()):
            raise HTTPException(400)
        return replace(visit, form=form)
    body = await request.body()
    if b"\0" in body or rb"\u0000" in body:
        raise HTTPException(400)
    return replace(visit, body=body)


def _believed(visit: Visit) -> bool:
    """The request was made by a page of ours: its token says so, and so does the browser."""
    headers = visit.request.headers
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    given = headers.get(TOKEN_HEADER) or visit.value(TOKEN_FIELD)
    return is_form_token(visit.cookie, given)


def _sign_in_first(visit: Visit) -> Response:
    path = visit.request.url.path
    if path.startswith("/api/"):
        text = "sign in first" if _bearer(visit.request) is None else "this token is not good"
        answer = Response(orjson.dumps({"error": text}), 401, media_type="application/json")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    if visit.is_part:
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    if visit.request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        # from a link elsewhere, such as in a mail: the strict cookie comes along from our page only
        query, path = visit.request.url.query, f"/{path.lstrip('/')}"
        return visit.page("sign_in/going_on.html", to=f"{path}?{query}" if query else path)
    to = f"?to={path}" if path != "/" and visit.request.method in SAFE else ""
    return RedirectResponse(f"/sign-in{to}", status_code=303)


def refusal(visit: Visit, status_code: int, text: str) -> Response:
    """A page, a part of one or JSON that says why not."""
    if visit.request.url.path.startswith("/api/"):
        return Response(orjson.dumps({"error": text}), status_code, media_type="application/json")
    if visit.is_part:
        answer = visit.page("notice.html", status_code, text=text)
        answer.headers["HX-Retarget"] = "#notice"
        answer.headers["HX-Reswap"] = "innerHTML"
        return answer
    return visit.page("refusal.html", status_code, text=text, status_code_shown=status_code)


# -- the cookie --


def cookie_name(*, secure: bool) -> str:
    """Of the session. `__Host-` where TLS allows it: no other host or path can set such one."""
    return "__Host-engine" if secure else "engine_session"


def visitor_name(*, secure: bool) -> str:
    """Of what ties the sign-in form to the browser; another one, or it would end the session."""
    return "__Host-engine-visitor" if secure else "engine_visitor"


def set_cookie(visit: Visit, response: Response, token: str, *, visitor: bool = False) -> None:
    """Give the browser its token, for as long as it runs."""
    secure = visit.console.settings.secure
    response.set_cookie(
        visitor_name(secure=secure) if visitor else cookie_name(secure=secure),
        token,
        path="/",
        httponly=True,
        secure=secure,
        samesite="strict",
    )


def visitor_cookie() -> str:
    """A token for somebody who has not signed in yet, to tie the form to the browser."""
    return secrets.token_urlsafe(32)
