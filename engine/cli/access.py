"""Rim. Who runs a command that shows or changes messages, and what that person may do.

On a project without console users the account at the terminal has every right. Once there are
users, a command runs as one of them: the one whose operating-system account it is, or the one named
with `--sign-in`, who is asked for the password. Either way it is recorded in the audit trail.

This keeps honest people to their rights and leaves a trail; it does not keep out an account that
can write the store's files.
"""

import os
import pwd
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import DEFAULT_STORE
from engine.cli.terminal import Exit, fail, note

if TYPE_CHECKING:
    from engine.channel.console import ConsoleConfig
    from engine.runtime.desk.audit import Act
    from engine.runtime.desk.desk import Desk
    from engine.runtime.desk.masking import MaskingPolicy
    from engine.runtime.desk.message_log import MessageDetail, MessageLog
    from engine.runtime.desk.rights import Right, Viewer

SignInOption = Annotated[
    str,
    typer.Option(
        "--sign-in",
        envvar="ENGINE_SIGN_IN",
        help="Run as this console user; asks for the password. Default: the user of the account.",
    ),
]
ReasonOption = Annotated[str, typer.Option(help="Why, for the audit trail.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A store, and who uses it."""

    desk: "Desk"
    log: "MessageLog"
    viewer: "Viewer"
    policy: "MaskingPolicy"
    restricted: bool
    """There are users, so rights and reasons count."""
    approval_from: int
    """Messages of a replay that another person has to agree to; 0: none."""

    def require(self, *rights: "Right") -> None:
        """Leave with the reason when a right is missing; that is recorded."""
        from engine.runtime.desk.audit import Act, record
        from engine.runtime.desk.rights import NotAllowed

        try:
            self.viewer.require(*rights)
        except NotAllowed as problem:
            subject = f"engine {' '.join(sys.argv[1:3])}"[:80]
            record(self.desk, self.viewer, Act.REFUSED, subject=subject, reason=str(problem.right))
            fail(Exit.ENVIRONMENT, f"{self.viewer.name} may not do this: {problem}")

    def looking(self, *, unmask: bool, reason: str) -> "tuple[Viewer, bool, Act]":
        """The viewer with or without masks, whether values are masked, and what to record.

        On a terminal values are masked unless `unmask`; what is piped is data and an export, masked
        for those who may not export.
        """
        from engine.runtime.desk.audit import Act
        from engine.runtime.desk.rights import Right

        if sys.stdout.isatty() or unmask:
            if not unmask:
                return self.viewer, True, Act.VIEW
            self.require(Right.UNMASK)
            if self.restricted and not reason.strip():
                fail(Exit.USAGE, "say why values are shown: --reason TEXT")
            return replace(self.viewer, unmasked=True, reason=reason), False, Act.VIEW
        if not self.viewer.may(Right.EXPORT):
            return self.viewer, True, Act.VIEW
        return replace(self.viewer, unmasked=True, reason=reason), False, Act.EXPORT

    def message(self, message_id: int) -> "MessageDetail":
        """A message of a channel within the scope; leaves when there is none."""
        found = self.log.message(message_id)
        if found is None or not self.viewer.sees(found.receipt.channel):
            fail(Exit.FINDINGS, f"there is no message {message_id}")
        return found

    def seen(self, viewer: "Viewer", act: "Act", detail: "MessageDetail", how: str) -> None:
        """Record that a message is shown, before it is."""
        from engine.runtime.desk.audit import patients_of, record

        record(
            self.desk,
            viewer,
            act,
            channel=detail.receipt.channel,
            message_id=detail.message_id,
            patients=patients_of(detail),
            details={"how": how},
        )


@contextmanager
def opened(
    store: str, sign_in: str, *rights: "Right", home: Path | None = None
) -> Iterator[Access]:
    """Open a store for a command.

    Args:
        store: of `--store`; empty: the default.
        sign_in: of `--sign-in`.
        rights: without them the command ends here.
        home: the project's folder; None: `ENGINE_HOME`, or where the command runs.
    """
    from engine.runtime.desk.masking import SHIPPED

    with _opened(store, home) as (desk, log, config):
        viewer, restricted = _viewer(desk, sign_in)
        access = Access(
            desk=desk,
            log=log,
            viewer=viewer,
            policy=SHIPPED.changed(config.masking.show, config.masking.hide),
            restricted=restricted,
            approval_from=config.second_approval_from if restricted else 0,
        )
        access.require(*rights)
        yield access


@contextmanager
def owned(store: str) -> Iterator[Access]:
    """Open a store for who owns it, whatever its users say; leaves with the reason for others."""
    from engine.runtime.desk.masking import SHIPPED
    from engine.runtime.desk.rights import everything

    url = store or DEFAULT_STORE
    folder = url.removeprefix("sqlite:///")
    with _opened(store, None) as (desk, log, _):
        if url != folder and os.getuid() not in ((Path(folder) / "state.db").stat().st_uid, 0):
            fail(Exit.ENVIRONMENT, "only the owner of the store's files may do this")
        viewer = everything(account(), _origin())
        yield Access(
            desk=desk, log=log, viewer=viewer, policy=SHIPPED, restricted=False, approval_from=0
        )


@contextmanager
def _opened(store: str, home: Path | None) -> "Iterator[tuple[Desk, MessageLog, ConsoleConfig]]":
    from engine.runtime.desk.desk import Desk
    from engine.runtime.desk.message_log import StoreUnavailable

    url = store or DEFAULT_STORE
    folder = url.removeprefix("sqlite:///")
    if url != folder and not (Path(folder) / "state.db").is_file():
        fail(
            Exit.ENVIRONMENT,
            f"there is no store in {folder}; start the engine or name one with --store",
        )
    config = _console_config(home or Path(os.environ.get("ENGINE_HOME") or "."))
    try:
        desk = Desk(url, audit_key=_audit_key(config))
        try:
            with desk.log() as log:
                yield desk, log, config
        finally:
            desk.close()
    except StoreUnavailable as failure:
        fail(Exit.ENVIRONMENT, f"the store cannot be used: {failure}")


def _viewer(desk: "Desk", sign_in: str) -> "tuple[Viewer, bool]":
    from engine.runtime.desk.accounts import viewer_of
    from engine.runtime.desk.rights import everything
    from engine.runtime.desk.signing_in import SignInRefused
    from engine.runtime.desk.signing_in import sign_in as signed_in

    name, origin = account(), _origin()
    with desk.store() as kept:
        if not kept.has_users():
            return everything(name, origin), False
        user = None if sign_in else kept.user_of_account(name)
    if sign_in:
        try:
            user = signed_in(desk, sign_in, _password(sign_in), origin)
        except SignInRefused as problem:
            fail(Exit.ENVIRONMENT, str(problem))
    if user is None or not user.enabled:
        fail(
            Exit.ENVIRONMENT,
            f"the account {name} acts as no console user: say --sign-in NAME, or have an"
            " administrator name the account in the users screen",
        )
    return viewer_of(user, origin), True


def _password(name: str) -> str:
    """From the terminal, or the first line of standard input where there is none."""
    if sys.stdin.isatty():
        found: str = typer.prompt(f"password of {name}", hide_input=True, err=True)
        return found
    return sys.stdin.readline().rstrip("\r\n")


def account() -> str:
    """The operating-system account that runs the command; no variable can change it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _origin() -> str:
    behind = os.environ.get("SUDO_USER", "") if os.getuid() == 0 else ""
    text = f"command {account()}@{socket.gethostname()}"
    return f"{text} for {behind}" if behind else text


def _console_config(home: Path) -> "ConsoleConfig":
    from engine.channel.console_fields import CONSOLE_FILE, read_console
    from engine.diagnostics import has_errors, render

    file = home / CONSOLE_FILE
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
    except (OSError, UnicodeDecodeError) as failure:
        fail(Exit.ENVIRONMENT, f"{file} cannot be read: {failure}")
    config, problems = read_console(text, os.environ)
    if config is None or has_errors(problems):
        for problem in problems:
            note(render(problem, text.splitlines()))
        fail(Exit.USAGE, f"{file} has errors")
    return config


def _audit_key(config: "ConsoleConfig") -> bytes:
    from engine.runtime.secrets import read_secret

    if config.audit_key is None:
        return b""
    try:
        return read_secret(config.audit_key).encode()
    except (KeyError, OSError) as problem:
        fail(Exit.ENVIRONMENT, f"the key of the audit trail cannot be read: {problem}")
