"""The screens of problems and replays: what they show, who may do what, and in which order."""

import orjson
import pytest
from consoles import Site, post
from stored import deliver

from engine.pipeline.states import State
from engine.store.desk.rows import AuditSearch


@pytest.fixture
def failed(site: Site) -> list[int]:
    """Three messages that a destination refused for one cause."""
    return deliver(site.url, *[f"m{number}" for number in range(3)], state=State.ERROR)


def previewed(site: Site, job_id: int, **more: object) -> None:
    """What the process of a preview leaves behind."""
    told = {
        "done": 3, "total": 3, "ended": True, "origin": "replay", "destinations": [],
        "revision": "", "overwrite_newer": False, "counts": [["create", 2], ["held", 1]],
        "reasons": [], "clusters": [["Patient.gender", "removed", 2]],
        "held": [[1, 31, "ehr", ["Patient/1"]]],
        "examples": {"create": [1, 2], "held": [1], "Patient.gender removed": [2]},
    }  # fmt: skip
    with site.desk.log() as log:
        log.set_preview(job_id, orjson.dumps(told | more).decode())


def test_failures_of_one_cause_are_one_problem_with_its_messages(site, failed):
    page = site.signed_in("support").get("/problems").text
    assert "1 open problem" in page
    assert "http-422 from ehr" in page
    one = site.signed_in("support").get("/problems/1").text
    assert "3 of 3 failures" in one
    assert f'href="/messages/{failed[0]}"' in one
    assert "Dry run on all" in one


def test_a_viewer_sees_a_problem_and_can_do_nothing_about_it(site, failed):
    page = site.signed_in("viewer").get("/problems/1").text
    assert "Dry run on all" not in page
    assert "Put off" not in page


def test_a_problem_outside_the_channels_of_a_viewer_is_not_there(site, failed):
    client = site.signed_in("support", channels=("other",))
    assert "open problem" in client.get("/problems").text
    assert "http-422" not in client.get("/problems").text
    assert client.get("/problems/1").status_code == 404


def test_owner_note_and_pause_are_kept(site, failed):
    client = site.signed_in("support")
    data = {"owner": "ana", "note": "told <b>them</b>", "snooze_hours": "2"}
    assert post(client, "/problems/1/note", data).status_code == 303
    page = client.get("/problems/1").text
    assert "told &lt;b&gt;them&lt;/b&gt;" in page
    assert "Put off" in client.get("/problems").text
    assert post(client, "/problems/1/note", {"snooze_hours": "x"}).status_code == 422
    assert post(client, "/problems/9/note", {"owner": "ana"}).status_code == 404


def test_an_outage_is_shown_with_its_duration(site):
    with site.desk.log() as log:
        log.problems.begin_outage(
            channel="adt", destination="ehr", owner="w", code="timeout", at=site.clock.now - 600
        )
    page = site.signed_in("viewer").get("/problems").text
    assert "does not answer" in page
    assert "10 min" in page


def test_a_problem_is_drafted_tried_and_only_then_started(site, failed):
    client = site.signed_in("analyst")
    answer = post(client, "/problems/1/replay", {})
    assert answer.headers["location"] == "/replays/1"
    options = {"reason": "INC-1", "rate": "5", "stop_after_failures": "10", "what": "replay"}
    refused = post(client, "/replays/1/start", options)
    assert refused.status_code == 422
    assert "preview it with these options first" in refused.text
    previewed(site, 1)
    page = client.get("/replays/1").text
    assert "not delivered before" in page
    assert "Patient.gender" in page
    assert 'href="/messages/31"' in page
    assert post(client, "/replays/1/start", {**options, "reason": " "}).status_code == 422
    other = {**options, "overwrite_newer": "on"}
    assert post(client, "/replays/1/start", other).status_code == 422
    assert post(client, "/replays/1/start", options).status_code == 303
    with site.desk.log() as log:
        (job,) = log.recent_jobs(5)
    assert (job.state, job.reason, job.total, job.message_ids) == ("waiting", "INC-1", 3, ())
    assert post(client, "/replays/1/start", options).status_code == 422


def test_a_job_is_paused_goes_on_and_is_stopped(site, failed):
    client = site.signed_in("operator")
    post(client, "/problems/1/replay", {})
    assert post(client, "/replays/1/steer", {"state": "paused"}).status_code == 422
    previewed(site, 1)
    post(client, "/replays/1/start", {"reason": "again"})
    for state in ("paused", "running", "stopped"):
        assert post(client, "/replays/1/steer", {"state": state}).status_code == 303
        with site.desk.log() as log:
            assert log.job(1).state == state
    assert post(client, "/replays/1/steer", {"state": "draft"}).status_code == 422


def test_chosen_messages_are_drafted_within_scope_and_many_need_their_own_right(site):
    ids = deliver(site.url, *[f"m{number}" for number in range(25)])
    few = {"message_id": [str(one) for one in ids[:2]]}
    many = {"message_id": [str(one) for one in ids]}
    support = site.signed_in("support")
    assert post(support, "/replays", few).headers["location"] == "/replays/1"
    assert post(support, "/replays", many).status_code == 403
    assert post(site.signed_in("analyst"), "/replays", many).status_code == 303
    outside = site.signed_in("support", channels=("other",))
    assert post(outside, "/replays", few).status_code == 422
    assert post(support, "/replays", {"message_id": ["x"]}).status_code == 422
    assert post(support, "/replays", {}).status_code == 422


@pytest.mark.parametrize(
    "wrong", [{"rate": "fast"}, {"rate": "0"}, {"rate": "1e9"}, {"stop_after_failures": "-1"},
              {"configuration": "revision", "revision": ""}],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(site, failed, wrong):
    client = site.signed_in("analyst")
    post(client, "/problems/1/replay", {})
    assert post(client, "/replays/1/preview", wrong).status_code == 422


def test_every_step_is_recorded(site, failed):
    client = site.signed_in("analyst")
    post(client, "/problems/1/replay", {})
    previewed(site, 1)
    post(client, "/replays/1/start", {"reason": "INC-9"})
    with site.desk.store() as store:
        rows = store.audit_rows(AuditSearch(limit=10))
    told = [(row.entry.act, row.entry.subject, row.entry.reason) for row in rows]
    assert ("replay", "job 1 started", "INC-9") in told
    assert ("replay", "job 1 drafted", "") in told
