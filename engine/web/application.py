"""Rim. The console as a Starlette application: middleware, and the routes of all screens."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from engine.web.access import BODY_BYTES_MAX, BODY_LIMIT, TooLarge, TooSlow
from engine.web.console import Console
from engine.web.openapi import API
from engine.web.rendering import STATIC, Pages
from engine.web.screens import (
    alerts,
    api,
    audit,
    board,
    client_keys,
    codes,
    edit_copy,
    message_page,
    messages,
    messages_api,
    problems,
    replays,
    sign_in,
    tokens,
    users,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"x-robots-tag", b"noindex"),
)
BODY_SECONDS = 30.0
"""So long a whole body may take."""
HSTS = (b"strict-transport-security", b"max-age=31536000")
SCREENS = (
    alerts,
    api,
    audit,
    board,
    client_keys,
    codes,
    edit_copy,
    message_page,
    messages,
    messages_api,
    problems,
    replays,
    sign_in,
    tokens,
    users,
)
"""Modules with `routes() -> list[Route]`."""


def application(console: Console) -> Starlette:
    """The application of one console."""
    routes: list[BaseRoute] = [route for module in SCREENS for route in module.routes()]
    routes.append(Mount("/static", StaticFiles(directory=STATIC), name="static"))
    made = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, console=console)],
        exception_handlers={HTTPException: _not_there},
    )
    # it would send the browser to whatever the Host header names
    made.router.redirect_slashes = False
    made.state.console = console
    made.state.pages = Pages(console.settings.time_zone)
    return made


def _not_there(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101  registered for it alone
    if request.url.path.startswith(API):
        told = {"error": problem.detail}
        return JSONResponse(told, problem.status_code, headers=problem.headers)
    return PlainTextResponse(problem.detail, problem.status_code, headers=problem.headers)


class Guard:
    """Headers on every answer, a limit on every request, and only the names it is known by.

    Args:
        app: what is guarded.
        console: its settings say the names.
    """

    def __init__(self, app: Any, console: Console) -> None:
        self._app = app
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        settings = self._console.settings
        own = (*HEADERS, HSTS) if settings.secure else HEADERS

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*_kept(message["headers"]), *own]
            await send(message)

        if settings.hosts and _host(scope) not in settings.hosts:
            refused = PlainTextResponse("this console is not known by that name", 421)
            await refused(scope, receive, send_guarded)
            return
        await self._app(scope, _limited(scope, receive), send_guarded)


def _kept(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() != b"cache-control"]


def _host(scope: Scope) -> str:
    """The name in the Host header, without the port."""
    for name, value in scope["headers"]:
        if name == b"host":
            host: str = value.decode("latin-1").lower()
            return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return ""


def _limited(scope: Scope, receive: Receive) -> Receive:
    """`receive` that ends with TooLarge or TooSlow for a body that is longer, or takes longer, than
    it may."""
    taken = 0
    ended = False
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS

    async def limited() -> Message:
        nonlocal taken, ended
        if ended:  # what is waited for now is the end of the connection
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        ended = not message.get("more_body", False)
        taken += len(message.get("body", b""))
        if taken > scope.get(BODY_LIMIT, BODY_BYTES_MAX):
            raise TooLarge
        return message

    return limited
