"""Rim. `engine users`: who may use console and commands; and the way back in when nobody can."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.access import SignInOption, opened, owned
from engine.cli.log import clock
from engine.cli.options import StoreOption
from engine.cli.terminal import Exit, data, fail, note
from engine.runtime.desk.rights import Right

if TYPE_CHECKING:
    from engine.runtime.desk.accounts import UserRow
    from engine.runtime.desk.tokens import TokenRow

app = typer.Typer(help="Users of console and commands.", no_args_is_help=True)

tokens_app = typer.Typer(help="Tokens of programs, for /api/.", no_args_is_help=True)
app.add_typer(tokens_app, name="token")

NameArgument = Annotated[str, typer.Argument(help="The user's name.")]


@app.command("list")
def show(store: StoreOption = "", sign_in: SignInOption = "") -> None:
    """List users with their roles, channels and accounts."""
    from engine.runtime.desk.accounts import users

    with opened(store, sign_in, Right.USERS) as access:
        found = users(access.desk, access.viewer)
    for one in found:
        data(_line(one))


@app.command("add")
def add(
    name: NameArgument,
    role: Annotated[
        list[str], typer.Option(help="viewer, support, analyst, operator, auditor, administrator.")
    ],
    channel: Annotated[
        list[str] | None, typer.Option(help="Only this channel; may be repeated. Default: all.")
    ] = None,
    account: Annotated[
        str, typer.Option(help="Account of the operating system that acts as this user.")
    ] = "",
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Command line only, by the account.")
    ] = False,
    store: StoreOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Add a user; asks for a password."""
    from engine.runtime.desk.accounts import AccountError, add_user

    with opened(store, sign_in, Right.USERS) as access:
        try:
            made = add_user(
                access.desk,
                access.viewer,
                name=name,
                password="" if no_password else _new_password(name),
                roles=role,
                channels=channel or None,
                os_account=account,
            )
        except AccountError as problem:
            fail(Exit.USAGE, str(problem))
    data(_line(made))


@app.command("password")
def password(name: NameArgument, store: StoreOption = "", sign_in: SignInOption = "") -> None:
    """Give a user a new password; signs the user out everywhere."""
    from engine.runtime.desk.accounts import AccountError, change_user, users

    with opened(store, sign_in, Right.USERS) as access:
        known = {one.name: one for one in users(access.desk, access.viewer)}
        if name not in known:
            fail(Exit.FINDINGS, f"there is no user {name}")
        try:
            change_user(access.desk, access.viewer, known[name], password=_new_password(name))
        except AccountError as problem:
            fail(Exit.USAGE, str(problem))
    note(f"{name} has a new password")


@app.command("recover")
def recover(name: NameArgument, store: StoreOption = "") -> None:
    """Make a user an administrator again, with a new password, when nobody can sign in.

    Only for who owns the store: the owner of its files, or who has the password of its server. It
    is recorded like everything else.
    """
    from engine.runtime.desk.accounts import AccountError, recover_administrator

    with owned(store) as access:
        try:
            recover_administrator(access.desk, access.viewer, name, _new_password(name))
        except AccountError as problem:
            fail(Exit.USAGE, str(problem))
    note(f"{name} is an administrator and has a new password")


@tokens_app.command("list")
def show_tokens(store: StoreOption = "", sign_in: SignInOption = "") -> None:
    """List the tokens of programs: roles, channels, end and last use."""
    from engine.runtime.desk.tokens import tokens

    with opened(store, sign_in, Right.USERS) as access:
        found = tokens(access.desk, access.viewer)
        now = access.desk.clock()
    for one in found:
        data(_token_line(one, now))


@tokens_app.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="Of the program.")],
    role: Annotated[
        list[str], typer.Option(help="viewer, support, analyst, operator, auditor, administrator.")
    ],
    channel: Annotated[
        list[str] | None, typer.Option(help="Only this channel; may be repeated. Default: all.")
    ] = None,
    days: Annotated[int, typer.Option(help="How long it is good for.", min=1, max=366)] = 90,
    store: StoreOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Make a token and print it, once: only its hash is kept."""
    from engine.runtime.desk.accounts import AccountError
    from engine.runtime.desk.tokens import add_token as make

    with opened(store, sign_in, Right.USERS) as access:
        try:
            made, value = make(
                access.desk,
                access.viewer,
                name=name,
                roles=role,
                channels=channel or None,
                days=days,
            )
        except AccountError as problem:
            fail(Exit.USAGE, str(problem))
    data(value)
    note(f"the token {made.name} is good until {clock(made.ends_at)} UTC; it is not shown again")


@tokens_app.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(help="Of the program.")],
    store: StoreOption = "",
    sign_in: SignInOption = "",
) -> None:
    """Take a token away, at once."""
    from engine.runtime.desk.tokens import revoke_token as revoke

    with opened(store, sign_in, Right.USERS) as access:
        if not revoke(access.desk, access.viewer, name):
            fail(Exit.FINDINGS, f"there is no token {name}")
    note(f"the token {name} is worth nothing now")


def _new_password(name: str) -> str:
    found: str = typer.prompt(
        f"new password of {name}", hide_input=True, confirmation_prompt=True, err=True
    )
    return found


def _token_line(token: "TokenRow", now: float) -> str:
    channels = _channels(token.channels)
    end = "over since" if token.ends_at <= now else "until"
    used = "never used"
    if token.seen_at is not None:
        used = f"used {clock(token.seen_at)} from {token.seen_from}"
    parts = (", ".join(token.roles), channels, f"{end} {clock(token.ends_at)}", used)
    return f"{token.name:<24} {'  '.join(parts)}"


def _channels(channels: "tuple[str, ...] | None") -> str:
    return "all channels" if channels is None else " ".join(channels) or "no channel"


def _line(user: "UserRow") -> str:
    channels = _channels(user.channels)
    account = f"account {user.os_account}" if user.os_account else ""
    state = "" if user.enabled else "locked out"
    parts = (", ".join(user.roles), channels, account, state, f"since {clock(user.created_at)}")
    return f"{user.name:<24} {'  '.join(part for part in parts if part)}"
