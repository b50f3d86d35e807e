"""Who may run a command, and what is recorded of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from stored_messages import StoredMessages
from typer.testing import CliRunner

from engine.cli import access
from engine.cli.main import app
from engine.pipeline.states import State
from engine.runtime.desk import accounts
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import everything
from engine.store.desk.rows import AuditSearch

PASSWORD = "correct horse battery"
ADMISSION = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|{}|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\rPID|1||4711^^^NORTH^MR||Okafor^Adaeze||19870412|F\r"
    "PV1|1|I|3W^12^1\r"
)

Run = Callable[..., "tuple[int, str]"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with two admissions; the second failed."""
    url = f"sqlite:///{tmp_path / 'store'}"
    messages = StoredMessages(url)
    found = [messages.receive(ADMISSION.format(number)) for number in range(2)]
    messages.process()
    messages.answer(found[0])
    messages.answer(found[1], b"422\n\n{}", State.ERROR)
    messages.close()
    return url


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("ENGINE_HOME", str(tmp_path))

    def run(*arguments: str, given: str = "", account: str = "ruth") -> tuple[int, str]:
        monkeypatch.setattr(access, "account", lambda: account)
        result = CliRunner().invoke(app, [*arguments, "--store", url], input=given)
        return result.exit_code, result.output

    return run


@pytest.fixture
def add_user(url: str) -> Callable[..., None]:
    def add(name: str, *roles: str, **given: object) -> None:
        desk = Desk(url)
        accounts.add_user(
            desk,
            everything("tests", "tests"),
            name=name,
            password=PASSWORD,
            roles=roles,
            **given,  # type: ignore[arg-type]
        )
        desk.close()

    return add


def trail(url: str) -> list[tuple[str, str, str]]:
    desk = Desk(url)
    with desk.store() as store:
        rows = store.audit_rows(AuditSearch())
    desk.close()
    return [(row.entry.actor, row.entry.act, row.entry.subject) for row in reversed(rows)]


def test_without_users_the_account_may_do_everything_and_is_recorded(run: Run, url: str) -> None:
    assert run("log", "search", "4711")[0] == 0
    assert "Okafor" in run("log", "show", "1")[1]
    assert run("pause", "adt")[0] == 0
    assert run("settle", "2000", "--as", "retry", "--reason", "again")[0] == 0
    acts = trail(url)
    assert [(actor, act) for actor, act, _ in acts] == [
        ("ruth", "search"),
        ("ruth", "export"),
        ("ruth", "control"),
        ("ruth", "settle"),
    ]


def test_with_users_an_account_that_is_none_of_them_may_do_nothing(
    run: Run, add_user: Callable[..., None]
) -> None:
    add_user("sam", "support")
    for command in (("log", "search", "x"), ("log", "show", "1"), ("stats",), ("pause", "adt")):
        code, output = run(*command)
        assert code == 3, command
        assert "--sign-in" in output
        assert "Okafor" not in output


def test_an_account_acts_as_its_user_with_that_user_s_rights(
    run: Run, add_user: Callable[..., None], url: str
) -> None:
    add_user("boss", "administrator")
    add_user("olga", "operator", os_account="ruth")
    assert run("stats")[0] == 0
    assert run("pause", "adt", "--reason", "downtime")[0] == 0
    assert run("pause", "adt")[0] == 2  # with users a reason is demanded
    code, output = run("log", "show", "1")
    assert code == 0
    assert "***" in output  # may not export: what is piped is masked too
    assert "Okafor" not in output
    for refused in (
        ("log", "show", "1", "--unmask", "--reason", "why"),
        ("log", "show", "1", "--raw"),
        ("log", "search", "mrn:4711"),
        ("audit",),
    ):
        assert run(*refused)[0] == 3, refused
    assert ("olga", "refused", "engine") in [(a, b, c.partition(" ")[0]) for a, b, c in trail(url)]


def test_signing_in_asks_for_the_password_and_shows_values_for_a_reason(
    run: Run, add_user: Callable[..., None], url: str
) -> None:
    add_user("ana", "analyst")
    wrong = run("log", "show", "1", "--sign-in", "ana", given="not it\n")
    assert wrong[0] == 3
    assert "Okafor" not in wrong[1]
    show = ("log", "show", "1", "--sign-in", "ana", "--unmask")
    assert run(*show, given=f"{PASSWORD}\n")[0] == 2
    code, output = run(*show, "--reason", "incident 4411", given=f"{PASSWORD}\n")
    assert code == 0
    assert "Okafor" in output
    desk = Desk(url)
    with desk.store() as store:
        entry = store.audit_rows(AuditSearch(act="view"))[0].entry
    assert (entry.actor, entry.reason, entry.details["values"]) == (
        "ana",
        "incident 4411",
        "unmasked",
    )
    assert entry.patients == (desk.patient_hash("4711"),)
    desk.close()


def test_channels_beyond_the_scope_are_not_there(run: Run, add_user: Callable[..., None]) -> None:
    add_user("boss", "administrator")
    add_user("lab", "analyst", channels=("oru",), os_account="ruth")
    assert run("log", "search", "type:ADT^A01")[0] == 1
    assert run("log", "show", "1")[0] == 1
    assert run("stats", "--format", "json")[1].strip().startswith("[]")
    assert run("settle", "2000", "--as", "cancelled", "--reason", "no")[0] == 1


def test_who_looked_at_a_patient_is_one_command(run: Run) -> None:
    run("log", "show", "1")
    run("log", "show", "2", account="sam")
    code, output = run("audit", "--patient", "4711", "--format", "ndjson")
    assert code == 0
    rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [row["actor"] for row in rows] == ["ruth", "sam", "ruth"]  # the question itself first
    assert "4711" not in json.dumps(rows)
    assert run("audit", "--user", "sam")[0] == 0
    assert run("audit", "--user", "nobody")[0] == 1


def test_verify_names_the_first_broken_entry(run: Run, url: str) -> None:
    run("log", "show", "1")
    run("log", "show", "2")
    code, output = run("audit", "verify")
    assert code == 0
    head = next(line for line in output.splitlines() if ":" in line)
    assert run("audit", "verify", "--head", head)[0] == 0
    desk = Desk(url)
    with desk.store() as store, store._database.writing() as transaction:
        transaction.write("UPDATE audit SET message_id = 9 WHERE number = 2")
    desk.close()
    code, output = run("audit", "verify")
    assert code == 1
    assert "entry 2" in output
    assert run("audit", "verify", "--head", "nonsense")[0] == 2


def test_the_trail_s_key_of_console_yaml_is_used_and_another_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT_KEY", "a key of the site")
    (tmp_path / "console.yaml").write_text("audit_key: ${secret:env:AUDIT_KEY}\n")
    assert run("log", "show", "1")[0] == 0
    assert run("audit", "verify")[0] == 0
    (tmp_path / "console.yaml").unlink()
    code, output = run("log", "show", "1")
    assert code == 3
    assert "audit_key" in output
    assert "Okafor" not in output


def test_users_are_added_and_changed_by_who_may(run: Run, url: str) -> None:
    twice = f"{PASSWORD}\n{PASSWORD}\n"
    assert run("users", "add", "boss", "--role", "administrator", given=twice)[0] == 0
    assert run("users", "list")[0] == 3  # now there are users, and the account is none of them
    added = ("users", "add", "ops", "--role", "operator", "--channel", "adt", "--account", "ruth")
    code, output = run(*added, "--no-password", "--sign-in", "boss", given=f"{PASSWORD}\n")
    assert (code, "operator  adt  account ruth" in output) == (0, True)
    assert run("users", "list")[0] == 3
    assert run("pause", "adt", "--reason", "downtime")[0] == 0
    short = run("users", "password", "ops", "--sign-in", "boss", given=f"{PASSWORD}\nx\nx\n")
    assert short[0] == 2


def test_the_owner_of_the_store_finds_the_way_back_in(
    run: Run, add_user: Callable[..., None], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user("boss", "administrator")
    new = "another horse battery"
    assert run("users", "recover", "boss", given=f"{new}\n{new}\n")[0] == 0
    assert run("stats", "--sign-in", "boss", given=f"{new}\n")[0] == 0
    assert run("stats", "--sign-in", "boss", given=f"{PASSWORD}\n")[0] == 3
    assert ("ruth", "users", "user boss") in trail(url)
    monkeypatch.setattr(access.os, "getuid", lambda: 54321)
    assert run("users", "recover", "boss", given=f"{new}\n{new}\n")[0] == 3


def test_a_bundle_is_written_once_and_masked_unless_a_reason_is_said(
    run: Run, tmp_path: Path, add_user: Callable[..., None]
) -> None:
    file = tmp_path / "case.html"
    code, output = run("log", "bundle", "1", "-o", str(file))
    assert (code, "values masked" in output) == (0, True)
    assert "Okafor" not in file.read_text()
    assert "PID-8" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert run("log", "bundle", "1", "-o", str(file))[0] == 2
    add_user("ana", "analyst", os_account="ruth")
    shown = tmp_path / "shown.html"
    assert run("log", "bundle", "1", "--unmask", "-o", str(shown))[0] == 2
    given = ("--unmask", "--reason", "INC-7, for the vendor")
    assert run("log", "bundle", "1", *given, "-o", str(shown))[0] == 0
    assert "Okafor" in shown.read_text()
    add_user("sam", "support", os_account="sam")
    assert run("log", "bundle", "1", "-o", str(tmp_path / "no.html"), account="sam")[0] == 3
    assert not (tmp_path / "no.html").exists()


def test_tokens_are_made_listed_and_revoked_by_who_may_say_who_may_do_what(
    run: Run, add_user: Callable[..., None], url: str
) -> None:
    add_user("ruth", "administrator", os_account="ruth")
    add_user("sam", "support", os_account="sam")
    add = ("users", "token", "add", "feed-monitor", "--role", "viewer", "--channel", "adt")
    assert run(*add, account="sam")[0] == 3
    code, output = run(*add)
    value = output.splitlines()[0]
    assert (code, value.startswith("engine_")) == (0, True)
    assert "is not shown again" in output
    assert run(*add)[0] == 2
    listed = run("users", "token", "list")[1]
    assert "feed-monitor" in listed
    assert "never used" in listed
    assert value not in listed
    assert run("users", "token", "revoke", "feed-monitor")[0] == 0
    assert run("users", "token", "revoke", "feed-monitor")[0] == 1
    assert run("users", "token", "list") == (0, "")


def test_a_large_replay_waits_for_another_person_at_the_terminal_too(
    run: Run, add_user: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "console.yaml").write_text("second_approval_from: 2\n")
    add_user("ana", "analyst", os_account="ana")
    add_user("ben", "operator", os_account="ben")
    here = ("--home", str(tmp_path))
    order = ("replay", "type:ADT^A01", "--yes", "--reason", "INC-1", *here)
    code, text = run(*order, account="ana")
    assert code == 1
    assert "engine approve 1" in text
    assert run("approve", "1", "--yes", account="ana")[0] == 1
    assert run("approve", "1", account="ben")[0] == 1
    code, text = run("approve", "1", "--yes", account="ben")
    assert (code, "2 messages, started by ana: INC-1" in text) == (0, True)
    assert run("approve", "1", "--yes", account="ben")[0] == 1
    assert (
        run("replay", "id:1", "--yes", "--reason", "x", "--no-wait", *here, account="ana")[0] == 0
    )
    assert run(*order, "--no-wait", account="ana")[0] == 0
    assert run("approve", "3", "--decline", "--yes", account="ana")[0] == 0
    assert run("approve", "9", "--yes", account="ben")[0] == 1


def test_who_is_kept_to_channels_forgets_nothing_of_all(
    run: Run, add_user: Callable[..., None], url: str
) -> None:
    add_user("otto", "operator", channels=("adt",), os_account="otto")
    code, text = run("purge", "--older-than", "1d", "--yes", account="otto")
    assert (code, "all channels" in text) == (3, True)
    assert run("reload", account="otto")[0] == 3
