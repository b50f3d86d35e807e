"""Tokens of programs: made by an administrator, shown once, kept as a hash, good for the API."""

import re
from pathlib import Path

from consoles import Site, post
from stored import deliver

from engine.runtime.desk.rights import ROLES
from engine.store.desk.rows import AuditSearch

NEW = {"name": "feed-monitor", "role": "viewer", "channels": "adt", "days": "30"}


def made(site: Site) -> str:
    """A token that an administrator makes on the screen."""
    page = post(site.signed_in("administrator"), "/tokens", NEW)
    assert page.status_code == 200, page.text
    (value,) = set(re.findall(r"engine_[\w-]{43}", page.text))
    return value


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


def test_a_token_is_shown_once_and_stored_nowhere(site, tmp_path: Path):
    value = made(site)
    boss = site.signed_in("administrator")
    page = boss.get("/tokens").text
    assert "feed-monitor" in page
    assert value not in page
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or value.encode() not in file.read_bytes()
    assert value not in repr(site.recorder.events)


def test_a_program_asks_and_posts_without_session_or_form_and_gets_no_cookie(site):
    deliver(site.url, "m1")
    program = site.browser()
    asked = program.get("/api/board", headers=bearer(made(site)))
    found = program.post("/api/messages/search", json={"query": ""}, headers=asked.request.headers)
    assert (asked.status_code, found.status_code) == (200, 200)
    assert len(found.json()["messages"]) == 1
    assert not program.cookies
    with site.desk.store() as store:
        assert store.sessions_of("token feed-monitor") == []


def test_a_token_opens_no_page_and_a_wrong_one_nothing_though_the_browser_is_signed_in(site):
    value = made(site)
    assert site.browser().get("/", headers=bearer(value)).status_code == 303
    browser = site.signed_in("administrator")
    for wrong in ("", "engine_", value[:-1], value + "x", "engine_" + "x" * 5000, "\u00e9"):
        answer = browser.get("/api/board", headers={"Authorization": f"Bearer {wrong}".encode()})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json() == {"error": "this token is not good"}
    assert browser.get("/api/board", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_a_token_sees_its_channels_and_may_what_its_role_may(site):
    ids = deliver(site.url, "m1") + deliver(site.url, "m2", channel="lab")
    program = site.browser()
    program.headers.update(bearer(made(site)))
    assert [row["channel"] for row in program.get("/api/board").json()["channels"]] == ["adt"]
    assert program.get(f"/api/messages/{ids[1]}").status_code == 404
    assert "raw" not in program.get(f"/api/messages/{ids[0]}").text


def test_a_token_that_is_over_or_revoked_is_worth_nothing(site):
    value = made(site)
    boss = site.signed_in("administrator")
    program = site.browser()
    site.clock.now += 30 * 86_400 - 1
    assert program.get("/api/board", headers=bearer(value)).status_code == 200
    site.clock.now += 2
    assert program.get("/api/board", headers=bearer(value)).status_code == 401
    site.clock.now -= 3600
    assert program.get("/api/board", headers=bearer(value)).status_code == 200
    boss = site.signed_in("administrator")
    assert post(boss, "/tokens/feed-monitor/revoke", {}).status_code == 303
    assert program.get("/api/board", headers=bearer(value)).status_code == 401
    assert post(boss, "/tokens/feed-monitor/revoke", {}).status_code == 404


def test_use_is_recorded_by_name_and_seen_on_the_list(site):
    deliver(site.url, "m1")
    value = made(site)
    site.browser().post(
        "/api/messages/search", json={"query": "status:ERROR"}, headers=bearer(value)
    )
    page = site.signed_in("administrator").get("/tokens").text
    assert "ago from testclient" in page
    with site.desk.store() as store:
        rows = store.audit_rows(AuditSearch(limit=20))
    told = [(row.entry.actor, row.entry.act, row.entry.subject) for row in rows]
    assert ("token feed-monitor", "search", "") in told
    assert ("administrator0", "users", "token feed-monitor") in told


def test_no_role_makes_a_token_a_person(site):
    for role in ROLES:
        answer = site.browser().get("/api/openapi.json", headers=site.token(role))
        assert answer.status_code == 200
        boss = site.signed_in("administrator")
        for path in ("/unmask", "/emergency", "/tokens", "/users"):
            assert site.browser().post(path, headers=answer.request.headers).status_code in (
                303,
                403,
            )
        post(boss, "/tokens/feed-monitor/revoke", {})


def test_what_cannot_be_a_token_is_said(site):
    boss = site.signed_in("administrator")
    for wrong in (
        {"name": "a b"},
        {"days": "0"},
        {"days": "367"},
        {"days": "x"},
        {"role": "chief"},
    ):
        answer = post(boss, "/tokens", NEW | wrong)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    assert post(boss, "/tokens", NEW).status_code == 200
    assert "already" in post(boss, "/tokens", NEW).text
    assert site.signed_in("support").get("/tokens").status_code == 403
