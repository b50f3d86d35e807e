"""The console's own tables on PostgreSQL: the same pages, the same answers."""

import pytest
from consoles import PASSWORD, post

from engine.runtime.desk import signing_in


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
