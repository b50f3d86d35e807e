"""The console's own tables on PostgreSQL: the same pages, the same answers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from consoles import PASSWORD, post
from stored import deliver

from engine.pipeline.states import State
from engine.runtime.desk import signing_in
from engine.runtime.desk.guesses import TooOften, tried


@pytest.mark.postgresql
def test_setting_up_signing_in_changing_users_and_reading_the_trail(
    make_site, make_postgresql_store
):
    site = make_site(url=make_postgresql_store())
    code = signing_in.new_setup_code(site.desk)
    boss = site.browser()
    form = {"code": code, "name": "ruth", "password": PASSWORD}
    assert post(boss, "/setup", form, page="/sign-in").status_code == 303
    assert signing_in.new_setup_code(site.desk) is None
    sam = site.signed_in("support", channels=("adt",))
    assert post(sam, "/unmask", {"reason": "incident 4411"}).status_code == 303
    assert "incident 4411" in sam.get("/").text
    assert boss.get("/board/rows").status_code == 200
    assert boss.get("/messages").status_code == 200
    changed = {"role": "auditor", "all_channels": "on", "enabled": "on"}
    assert post(boss, "/users/support1", changed).status_code == 303
    assert sam.get("/").status_code == 303
    for _ in range(4):
        wrong = {"name": "support1", "password": "wrong password"}
        post(site.browser(), "/sign-in", wrong, page="/sign-in")
    waiting = {"name": "support1", "password": PASSWORD}
    assert "wait" in post(site.browser(), "/sign-in", waiting, page="/sign-in").text
    assert "as they were recorded" in post(boss, "/audit/verify", {}, page="/audit").text
    assert "failed-login" in boss.get("/audit").text
    assert post(boss, "/account/sessions", {}).status_code == 303
    assert boss.get("/").status_code == 303


@pytest.mark.postgresql
def test_tokens_guesses_scopes_and_large_replays(make_site, make_postgresql_store):
    site = make_site(url=make_postgresql_store())
    deliver(site.url, "m1", "m2", state=State.ERROR)
    deliver(site.url, "m3", state=State.ERROR, channel="lab")
    site.console.settings = replace(site.console.settings, approval_from=3)
    ana, ben = site.signed_in("analyst"), site.signed_in("operator")
    made = post(ana, "/replays", {"message_id": ["1", "2", "3"]})
    assert made.headers["location"] == "/replays/1"
    with site.desk.log() as log:
        assert log.job(1).channels == ("adt", "lab")
        assert [job.job_id for job in log.recent_jobs(9, {"adt", "lab"})] == [1]
        assert log.recent_jobs(9, {"adt"}) == []
        assert log.change_draft(replace(log.job(1), state="approval"))
        assert [one.failures for one in log.problems.all({"adt"})] == [2]
        assert log.problems.all({"nowhere"}) == []
        assert log.problems.messages(1, 9, {"lab"}) == [3]
    assert post(ben, "/replays/1/decide", {"decision": "approve"}).status_code == 303
    assert post(ben, "/replays/1/decide", {"decision": "approve"}).status_code == 422
    headers = site.token("viewer", channels=("adt",))
    board = site.browser().get("/api/board", headers=headers)
    assert [row["channel"] for row in board.json()["channels"]] == ["adt"]
    assert board.status_code == 200
    assert site.browser().get("/api/replays", headers=headers).json() == {"replays": []}
    auditor = site.signed_in("auditor", channels=("adt",))
    assert auditor.get("/audit").status_code == 200

    def guess(_: int) -> bool:
        try:
            with tried(site.desk, "sam", "console 10.0.0.1"):
                return True
        except TooOften:
            return False

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(guess, range(20))) == 4
