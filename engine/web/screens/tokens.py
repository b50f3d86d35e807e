"""Rim. Tokens of programs: made, shown once, taken away."""

from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.desk import tokens
from engine.runtime.desk.accounts import AccountError
from engine.runtime.desk.rights import ROLE_SUMMARIES, Right
from engine.web.access import Visit, needs, refusal
from engine.web.screens.users import channels_of

DAYS = 90


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/tokens", show, methods=["GET"]),
        Route("/tokens", add, methods=["POST"]),
        Route("/tokens/{name}/revoke", revoke, methods=["POST"]),
    ]


@needs(Right.USERS)
def show(visit: Visit) -> Response:
    """All tokens, and the form for a new one."""
    return _page(visit)


@needs(Right.USERS)
def add(visit: Visit) -> Response:
    """Make a token; its value is on this page and on no other."""
    days = visit.value("days", str(DAYS)).strip()
    try:
        made, value = tokens.add_token(
            visit.desk,
            visit.viewer,
            name=visit.value("name"),
            roles=visit.values("role"),
            channels=channels_of(visit),
            days=int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0,
        )
    except AccountError as problem:
        return _page(visit, problem=str(problem), status_code=422)
    return _page(visit, made=made, value=value)


@needs(Right.USERS)
def revoke(visit: Visit) -> Response:
    """Take a token away."""
    if not tokens.revoke_token(visit.desk, visit.viewer, visit.request.path_params["name"]):
        return refusal(visit, 404, "There is no such token.")
    return visit.redirect("/tokens")


def _page(
    visit: Visit,
    *,
    made: tokens.TokenRow | None = None,
    value: str = "",
    problem: str = "",
    status_code: int = 200,
) -> Response:
    return visit.page(
        "users/tokens.html",
        status_code,
        tokens=tokens.tokens(visit.desk, visit.viewer),
        made=made,
        value=value,
        summaries=ROLE_SUMMARIES,
        days=DAYS,
        problem=problem,
    )
