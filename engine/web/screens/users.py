"""Rim. Users: who may sign in and do what; and everybody's own page with sessions and password."""

from dataclasses import replace

from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.desk import accounts
from engine.runtime.desk.accounts import AccountError, UserRow
from engine.runtime.desk.guesses import waiting_users
from engine.runtime.desk.rights import ROLE_SUMMARIES, Right
from engine.web.access import Visit, needs, refusal, signed_in


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/users", show, methods=["GET"]),
        Route("/users", add, methods=["POST"]),
        Route("/users/{name}", show_one, methods=["GET"]),
        Route("/users/{name}", change, methods=["POST"]),
        Route("/account", show_account, methods=["GET"]),
        Route("/account/password", change_password, methods=["POST"]),
        Route("/account/sessions", end_sessions, methods=["POST"]),
    ]


@needs(Right.USERS)
def show(visit: Visit) -> Response:
    """All users, and the form for a new one."""
    return _list(visit)


@needs(Right.USERS)
def add(visit: Visit) -> Response:
    """Make a user."""
    try:
        user = accounts.add_user(
            visit.desk,
            visit.viewer,
            name=visit.value("name"),
            password=visit.value("password"),
            roles=visit.values("role"),
            channels=channels_of(visit),
            os_account=visit.value("os_account"),
        )
    except AccountError as problem:
        return _list(visit, problem=str(problem), status_code=422)
    return visit.redirect(f"/users/{user.name}")


@needs(Right.USERS)
def show_one(visit: Visit) -> Response:
    """One user."""
    user = _named(visit)
    if user is None:
        return refusal(visit, 404, "There is no such user.")
    return _one(visit, user)


@needs(Right.USERS)
def change(visit: Visit) -> Response:
    """Write what a user may do."""
    user = _named(visit)
    if user is None:
        return refusal(visit, 404, "There is no such user.")
    try:
        wanted = replace(
            user,
            roles=tuple(visit.values("role")),
            channels=channels_of(visit),
            os_account=visit.value("os_account").strip(),
            enabled=visit.value("enabled") == "on",
        )
        accounts.change_user(visit.desk, visit.viewer, wanted, password=visit.value("password"))
    except AccountError as problem:
        return _one(visit, user, problem=str(problem), status_code=422)
    return visit.redirect("/users")


@signed_in
def show_account(visit: Visit) -> Response:
    """The own page."""
    return _account(visit)


@signed_in
def change_password(visit: Visit) -> Response:
    """Take a new password of one's own."""
    assert visit.session is not None  # noqa: S101  the route needs one
    try:
        accounts.change_own_password(
            visit.desk,
            visit.viewer,
            visit.value("before"),
            visit.value("after"),
            keep=visit.session.row.token,
        )
    except AccountError as problem:
        return _account(visit, problem=str(problem), status_code=422)
    return _account(visit, done="The password is changed; other sessions have ended.")


@signed_in
def end_sessions(visit: Visit) -> Response:
    """Sign out everywhere, here too."""
    accounts.sign_out_everywhere(visit.desk, visit.viewer)
    return visit.redirect("/sign-in")


def _list(visit: Visit, *, problem: str = "", status_code: int = 200) -> Response:
    return visit.page(
        "users/users.html",
        status_code,
        users=accounts.users(visit.desk, visit.viewer),
        waiting=waiting_users(visit.desk),
        summaries=ROLE_SUMMARIES,
        problem=problem,
        given=visit.form,
    )


def _one(visit: Visit, user: UserRow, *, problem: str = "", status_code: int = 200) -> Response:
    return visit.page(
        "users/user.html", status_code, shown=user, summaries=ROLE_SUMMARIES, problem=problem
    )


def _account(
    visit: Visit, *, problem: str = "", done: str = "", status_code: int = 200
) -> Response:
    with visit.desk.store() as store:
        sessions = store.sessions_of(visit.viewer.name)
    return visit.page(
        "users/account.html", status_code, sessions=sessions, problem=problem, done=done
    )


def _named(visit: Visit) -> UserRow | None:
    found = accounts.users(visit.desk, visit.viewer)
    return next((one for one in found if one.name == visit.request.path_params["name"]), None)


def channels_of(visit: Visit) -> tuple[str, ...] | None:
    """The scope of the form; None: all. Raises AccountError for a channel that is not there."""
    if visit.value("all_channels") == "on":
        return None
    wanted = tuple(dict.fromkeys(visit.value("channels").replace(",", " ").split()))
    loaded = visit.console.loaded()
    known = {one.name for one in loaded.configuration.channels} if loaded is not None else set()
    unknown = sorted(set(wanted) - known) if known else []
    if unknown:
        raise AccountError(f"there is no channel {', '.join(unknown)}")
    return wanted
