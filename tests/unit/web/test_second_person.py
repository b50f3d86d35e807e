"""Large replays: who starts one and who lets it run are two persons."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pytest
from consoles import Site, post
from stored import deliver

from engine.pipeline.states import State
from engine.runtime.desk.second_person import needs_approval
from engine.store.desk.rows import AuditSearch

OPTIONS = {"reason": "INC-1", "rate": "5", "stop_after_failures": "10", "what": "replay"}
PREVIEW = {
    "done": 3, "total": 3, "ended": True, "origin": "replay", "destinations": [], "revision": "",
    "overwrite_newer": False, "counts": [], "reasons": [], "clusters": [], "held": [],
    "examples": {},
}  # fmt: skip


@pytest.fixture
def site(site: Site) -> Site:
    deliver(site.url, "m1", "m2", "m3", state=State.ERROR)
    site.console.settings = replace(site.console.settings, approval_from=3)
    return site


def started(site: Site, client, ids: tuple[int, ...] = (1, 2, 3)) -> int:
    made = post(client, "/replays", {"message_id": [str(one) for one in ids]})
    job_id = int(made.headers["location"].rpartition("/")[2])
    with site.desk.log() as log:
        log.set_preview(job_id, orjson.dumps(PREVIEW).decode())
    assert post(client, f"/replays/{job_id}/start", OPTIONS).status_code == 303
    return job_id


def state(site: Site, job_id: int) -> tuple[str, str]:
    with site.desk.log() as log:
        job = log.job(job_id)
    return job.state, job.approved_by


def test_a_large_replay_waits_for_another_person_and_a_small_one_does_not(site):
    ana, ben = site.signed_in("analyst"), site.signed_in("operator")
    assert state(site, started(site, ben, (1, 2)))[0] == "waiting"
    large = started(site, ana)
    assert state(site, large) == ("approval", "")
    page = ana.get(f"/replays/{large}").text
    assert "Another person has to agree" in page
    assert "Withdraw" in page
    assert "Approve and run" not in page
    assert "waits for another person" in ana.get("/replays").text
    assert "Approve and run" in ben.get(f"/replays/{large}").text
    decide = {"decision": "approve"}
    refused = post(ana, f"/replays/{large}/decide", decide)
    assert refused.status_code == 422
    assert "another person has to agree" in refused.text
    assert post(ben, f"/replays/{large}/decide", decide).status_code == 303
    assert state(site, large) == ("waiting", "operator1")
    assert "Approved by" in ana.get(f"/replays/{large}").text
    assert post(ben, f"/replays/{large}/decide", decide).status_code == 422


def test_only_who_may_replay_many_in_its_channels_agrees(site):
    large = started(site, site.signed_in("analyst"))
    decide = {"decision": "approve"}
    for role, status in (("viewer", 403), ("auditor", 403), ("support", 403)):
        assert post(site.signed_in(role), f"/replays/{large}/decide", decide).status_code == status
    elsewhere = site.signed_in("operator", channels=("lab",))
    assert post(elsewhere, f"/replays/{large}/decide", decide).status_code == 422
    assert post(site.signed_in("operator"), f"/replays/{large}/decide", {}).status_code == 422
    assert state(site, large) == ("approval", "")


def test_what_waits_or_was_declined_cannot_be_set_going_in_another_way(site):
    ana, ben = site.signed_in("analyst"), site.signed_in("operator")
    waits, declined, withdrawn = (started(site, ana) for _ in range(3))
    assert post(ben, f"/replays/{declined}/decide", {"decision": "decline"}).status_code == 303
    assert post(ana, f"/replays/{withdrawn}/decide", {"decision": "decline"}).status_code == 303
    for job_id in (waits, declined, withdrawn):
        for client in (ana, ben):
            for wish in ("running", "paused", "stopped"):
                answer = post(client, f"/replays/{job_id}/steer", {"state": wish})
                assert answer.status_code == 422
        assert post(ana, f"/replays/{job_id}/start", OPTIONS).status_code == 422
        assert post(ana, f"/replays/{job_id}/preview", OPTIONS).status_code == 422
        with site.desk.log() as log:
            log.set_job_state(job_id, "running")
            assert log.job(job_id).state in ("approval", "declined")
    assert post(ben, f"/replays/{declined}/decide", {"decision": "approve"}).status_code == 422


def test_many_small_replays_within_an_hour_are_a_large_one(site):
    ana = site.signed_in("analyst")
    first, second = started(site, ana, (1, 2)), started(site, ana, (3,))
    assert (state(site, first)[0], state(site, second)[0]) == ("waiting", "approval")
    site.clock.now += 3601
    ana = site.signed_in("analyst")
    assert state(site, started(site, ana, (3,)))[0] == "waiting"


def test_switched_off_is_said_on_the_page_and_in_the_trail(site):
    ana = site.signed_in("analyst")
    assert "without another person" not in ana.get("/replays").text
    site.console.settings = replace(site.console.settings, approval_from=0)
    assert "Replays of any size run without another person" in ana.get("/replays").text
    assert state(site, started(site, ana))[0] == "waiting"
    with site.desk.store() as store:
        rows = store.audit_rows(AuditSearch(act="replay"))
    assert rows[0].entry.details["second person"] == "switched off"


def test_a_site_of_one_person_is_told_why_it_waits(site):
    ana = site.signed_in("analyst")
    page = ana.get(f"/replays/{started(site, ana)}").text
    assert "No other user may" in page
    assert "second_approval_from: 0" in page


def test_who_agreed_is_recorded_and_two_at_once_agree_once(site):
    large = started(site, site.signed_in("analyst"))
    others = [site.signed_in("operator"), site.signed_in("operator")]
    decide = {"decision": "approve"}
    with ThreadPoolExecutor(2) as pool:
        codes = pool.map(
            lambda one: post(one, f"/replays/{large}/decide", decide).status_code, others
        )
        assert sorted(codes) == [303, 422]
    with site.desk.store() as store:
        rows = store.audit_rows(AuditSearch(act="replay", limit=20))
    told = [row.entry for row in rows if row.entry.subject == f"job {large} approved"]
    assert told[-1].details == {"messages": "3", "started by": "analyst0"}


def test_a_draft_that_is_sent_twice_at_once_starts_once(site):
    ana = site.signed_in("analyst")
    made = post(ana, "/replays", {"message_id": ["1", "2"]})
    with site.desk.log() as log:
        log.set_preview(1, orjson.dumps(PREVIEW).decode())
    assert made.headers["location"] == "/replays/1"
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda _: post(ana, "/replays/1/start", OPTIONS).status_code, "abcd"))
    assert sorted(codes) == [303, 422, 422, 422]


def test_no_limit_asks_nobody(site):
    with site.desk.log() as log:
        assert not needs_approval(log, "ana", 10**9, 0, site.clock.now)
        assert needs_approval(log, "ana", 3, 3, site.clock.now)
