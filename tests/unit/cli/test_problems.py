"""`engine problems`: list, show, note and replay, with the rights of users, and recorded."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from stored import deliver
from stored_messages import ROOT
from typer.testing import CliRunner

from engine.cli import access, problems
from engine.cli.main import app
from engine.pipeline.states import State
from engine.runtime.configuration import read_project
from engine.runtime.desk import accounts
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import everything
from engine.runtime.node.node import data_folder
from engine.store.desk.rows import AuditSearch

PASSWORD = "correct horse battery"
Run = Callable[..., "tuple[int, str]"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with three messages that one destination refused for one cause."""
    url = f"sqlite:///{tmp_path / 'store'}"
    raw = "MSH|^~\\&|REG|NORTH|E|H|20260105083000||ADT^A01^ADT_A01|m{}|P|2.5.1\rPID|1||{}\r"
    deliver(url, *[raw.format(number, number) for number in range(3)], state=State.ERROR)
    return url


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("ENGINE_HOME", str(tmp_path))

    def run(*arguments: str, given: str = "", account: str = "ruth") -> tuple[int, str]:
        monkeypatch.setattr(access, "account", lambda: account)
        result = CliRunner().invoke(app, ["problems", *arguments, "--store", url], input=given)
        return result.exit_code, result.output

    return run


def add_user(url: str, name: str, *roles: str, channels: tuple[str, ...] | None = None) -> None:
    desk = Desk(url)
    accounts.add_user(
        desk, everything("tests", "tests"),
        name=name, password=PASSWORD, roles=roles, channels=channels,
    )  # fmt: skip
    desk.close()


def trail(url: str) -> list[tuple[str, str]]:
    desk = Desk(url)
    with desk.store() as store:
        rows = store.audit_rows(AuditSearch(limit=20))
    desk.close()
    return [(row.entry.act, row.entry.subject) for row in rows]


def jobs(url: str) -> list[tuple[str, int, str]]:
    desk = Desk(url)
    with desk.log() as log:
        found = [(one.state, one.total, one.reason) for one in log.recent_jobs(5)]
    desk.close()
    return found


def test_failures_of_one_cause_are_listed_as_one_and_shown_with_messages(run: Run) -> None:
    code, text = run()
    assert (code, "P-1" in text, "http-422" in text) == (1, True, True)
    assert "3 of 3 failures wait" in text
    assert "1 open problem" in text
    (line,) = [one for one in run("--format", "ndjson")[1].splitlines() if one.startswith("{")]
    row = json.loads(line)
    assert (row["problem"], row["waiting"], row["state"]) == ("P-1", 3, "open")
    code, text = run("show", "p-1", "--format", "json")
    assert (code, json.loads(text)["channels"]) == (0, ["adt"])
    assert "message" in run("show", "P-1")[1]
    assert run("show", "P-9")[0] == 1
    assert run("show", "P-x")[0] == 2


def test_a_note_keeps_what_it_does_not_name(run: Run, url: str) -> None:
    assert run("note", "P-1", "--owner", "ana", "--note", "told the vendor")[0] == 0
    assert run("note", "P-1", "--snooze", "2h")[0] == 0
    row = json.loads(run("show", "P-1", "--format", "json")[1])
    assert (row["owner"], row["note"], row["state"]) == ("ana", "told the vendor", "put off")
    assert run("note", "P-1", "--snooze", "0")[0] == 0
    assert json.loads(run("show", "P-1", "--format", "json")[1])["state"] == "open"
    assert run("note", "P-1", "--snooze", "soon")[0] == 2
    assert run("note", "P-9", "--owner", "ana")[0] == 1
    assert ("settle", "problem 1") in trail(url)


def test_a_dry_run_keeps_nothing_and_a_replay_is_tried_first(
    run: Run, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is gone" in run("replay", "P-1", "--dry-run")[1]  # nothing is in force
    monkeypatch.setenv("FHIR_URL", "http://127.0.0.1:1/fhir")
    data_folder(tmp_path, url).snapshots.write(read_project(ROOT))
    code, text = run("replay", "P-1", "--dry-run")
    assert ("such as" in text, code in (0, 1)) == (True, True)
    assert jobs(url) == []
    code, _ = run("replay", "P-1", "--reason", "INC-1", given="n\n")
    assert (code, [state for state, _, _ in jobs(url)]) == (1, ["draft"])
    code, _ = run("replay", "P-1", "--yes", "--reason", "INC-1", "--no-wait")
    assert (code, jobs(url)[0]) == (0, ("waiting", 3, "INC-1"))
    assert ("replay", "job 2 started") in trail(url)


def test_users_keep_their_rights_and_channels(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user(url, "vera", "viewer")
    add_user(url, "otto", "analyst", channels=("other",))
    monkeypatch.setattr(problems, "DEFAULT_STORE", "sqlite:///nowhere")
    word = f"{PASSWORD}\n"
    assert run("--sign-in", "vera", given=word)[0] == 1
    assert run("note", "P-1", "--owner", "v", "--sign-in", "vera", given=word)[0] == 3
    assert run("replay", "P-1", "--yes", "--sign-in", "vera", given=word)[0] == 3
    assert run("--sign-in", "otto", given=word)[0] == 0
    assert run("show", "P-1", "--sign-in", "otto", given=word)[0] == 1
    assert run("note", "P-1", "--owner", "o", "--sign-in", "otto", given=word)[0] == 1
    assert run("replay", "P-1", "--yes", "--sign-in", "otto", given=word)[0] == 1
    assert jobs(url) == []
    assert run()[0] == 3  # the account is no user
