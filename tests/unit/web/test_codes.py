"""The work list of codes: what is listed for whom, a row shown and written, a dry run, a reload."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from code_project import FILES, SECRETISH, SYSTEM, TABLE, Project, code_project
from consoles import Site, post

from engine.runtime.configuration import read_project
from engine.runtime.desk import project_folder
from engine.runtime.node.node import ReloadStatus
from engine.web.looks import LookFailed, LooksApart


@pytest.fixture
def project(site: Site, tmp_path: Path) -> Iterator[Project]:
    with code_project(site, tmp_path) as found:
        yield found


def test_codes_are_listed_by_sender_with_counts_and_what_waits(project):
    page = project.site.signed_in("support").get("/codes").text
    assert "2 codes, the most frequent first" in page
    assert "<code>U</code>" in page
    assert "REG|NORTH" in page
    assert "<code>PID-8</code>" in page
    assert "messages wait" in page
    assert '<td class="number">2</td>' in page


def test_fields_that_no_rule_reads_are_listed_by_path_alone(project):
    page = project.site.signed_in("viewer").get("/codes").text
    assert "Fields that no rule reads" in page
    assert "<code>PID-7</code>" in page
    assert "<code>MSH-9.2</code>" in page
    assert "19870412" not in page


def test_codes_of_hidden_fields_and_of_other_channels_are_not_shown(project):
    viewer = project.site.signed_in("viewer").get("/codes").text
    assert "<code>U</code>" not in viewer
    assert "***" in viewer
    support = project.site.signed_in("support")
    assert SECRETISH not in support.get("/codes").text
    post(support, "/unmask", {"reason": "INC-4711"})
    assert SECRETISH in support.get("/codes").text
    assert "codes without a row" in project.trail("view")
    other = project.site.signed_in("analyst", channels=("lab",))
    assert "every code has a row" in other.get("/codes").text
    page = project.site.signed_in("analyst").get("/codes").text
    assert other.get(f"/codes/{project.line_of(page)}").status_code == 404


def test_a_row_is_shown_before_it_is_written_and_is_what_the_command_writes(project):
    client = project.site.signed_in("analyst")
    path = f"/codes/{project.line_of(client.get('/codes').text)}"
    row = {"target": "unknown", "display": "Unknown", "comment": "front desk"}
    shown = post(client, f"{path}/row", row)
    assert shown.status_code == 200
    line = f"U,,unknown,{SYSTEM},Unknown,front desk"
    assert f"+{line}" in shown.text
    assert (project.home / TABLE).read_text() == FILES[TABLE]
    expected = shown.text.partition('name="expected" value="')[2].partition('"')[0]
    other = {**row, "target": "other", "expected": expected}
    assert "something else would be written" in post(client, f"{path}/row", other).text
    assert post(client, f"{path}/row", {**row, "expected": expected}).status_code == 303
    assert (project.home / TABLE).read_text() == f"{FILES[TABLE]}{line}\n"
    assert "written, not in force" in client.get("/codes").text
    assert "In the project folder, not in force" in client.get(path).text
    assert "row of a table" in project.trail("deploy")
    twice = post(client, f"{path}/row", {**row, "expected": expected})
    assert twice.status_code == 422
    assert "has a row already" in twice.text


@pytest.mark.parametrize(
    "wrong",
    [{"target": ""}, {"target": "x\ny"}, {"target": "x" * 2000}, {"overlay": "../.."},
     {"overlay": "none", "target": "x"}],
)  # fmt: skip
def test_a_row_that_cannot_be_is_refused_and_changes_nothing(project, wrong):
    client = project.site.signed_in("analyst")
    path = f"/codes/{project.line_of(client.get('/codes').text)}"
    answer = post(client, f"{path}/row", {"target": "unknown"} | wrong)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert (project.home / TABLE).read_text() == FILES[TABLE]


def test_a_hidden_code_gets_no_row_from_who_does_not_see_it(project):
    client = project.site.signed_in("operator")
    page = client.get("/codes").text
    lines = [part.partition('"')[0] for part in page.split('<a href="/codes/')[1:]]
    answers = [post(client, f"/codes/{one}/row", {"target": "unknown"}) for one in lines]
    assert sorted(one.status_code for one in answers) == [200, 422]


def test_a_dry_run_is_a_draft_under_the_folder_that_starts_only_when_in_force(project):
    client = project.site.signed_in("analyst")
    path = f"/codes/{project.line_of(client.get('/codes').text)}"
    shown = post(client, f"{path}/row", {"target": "unknown"}).text
    expected = shown.partition('name="expected" value="')[2].partition('"')[0]
    post(client, f"{path}/row", {"target": "unknown", "expected": expected})
    answer = post(client, f"{path}/try", {"which": "waiting"})
    assert answer.headers["location"] == "/replays/1"
    with project.site.desk.log() as log:
        job = log.job(1)
    assert (job.state, job.total) == ("draft", 2)
    assert job.revision == read_project(project.home).revision
    assert not project.folder.data.snapshots.holds(job.revision)
    assert project.folder.data.snapshots.for_dry_run(job.revision).transforms
    options = {"configuration": "revision", "revision": job.revision, "reason": "INC-1"}
    refused = post(client, "/replays/1/start", options)
    assert refused.status_code == 422
    assert "was never in force" in refused.text


def test_a_reload_takes_the_way_of_the_command_and_says_how_it_went(project, monkeypatch):
    answers = [
        ReloadStatus(number=1, changed=("adt",)),
        ReloadStatus(
            number=2, accepted=False,
            problems=({"file": "channels/adt.yaml", "line": 3, "code": "C401", "message": "no"},),
        ),
    ]  # fmt: skip
    monkeypatch.setattr(project_folder, "request_reload", lambda *_: answers.pop(0))
    client = project.site.signed_in("operator")
    assert "Channels it changed: adt" in post(client, "/codes/reload", {}).text
    refused = post(client, "/codes/reload", {})
    assert refused.status_code == 422
    assert "channels/adt.yaml" in refused.text
    assert project.trail("deploy") == ["reload", "reload"]
    assert post(project.site.signed_in("support"), "/codes/reload", {}).status_code == 403


def test_a_look_that_fails_says_so_and_the_last_list_stays(project):
    looks = project.site.console.looks

    def fail():
        raise LookFailed("the look ended without a result (exit code 1)")

    looks._make = fail
    project.look_now()
    page = project.site.signed_in("support").get("/codes/state").text
    assert "ended without a result" in page
    assert "<code>U</code>" in page


def test_without_a_node_nothing_is_looked_for_or_written(site):
    client = site.signed_in("administrator")
    assert "has no node beside it" in client.get("/codes").text
    assert post(client, "/codes/look", {}).status_code == 503
    assert post(client, "/codes/reload", {}).status_code == 503
    assert client.get("/codes/1").status_code == 404
    assert post(client, "/codes/1/row", {}).status_code == 404


def test_a_look_apart_finds_the_same(project):
    found, here = LooksApart(project.folder, project.site.url)(), project.site.console.looks.state
    assert found.of_project
    assert [one.key for one in found.codes] == [one.key for one in here.look.codes]
    assert [one.path for one in found.fields] == [one.path for one in here.look.fields]
    (project.home / "channels/adt.yaml").write_text("channel: [")
    in_force = LooksApart(project.folder, project.site.url)()
    assert not in_force.of_project
    assert in_force.revision == here.look.revision
