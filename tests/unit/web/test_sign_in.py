"""Signing in: the first administrator, passwords, back-off, sessions."""

from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from consoles import PASSWORD, post, token_of

from engine.runtime.desk import accounts, passwords, signing_in
from engine.runtime.desk.rights import everything
from engine.store.desk.rows import AuditSearch
from engine.telemetry.events import EmergencyAccessBegan

SETUP = {"name": "ruth", "password": PASSWORD}


def acts(site) -> list[tuple[str, str]]:
    with site.desk.store() as store:
        return [(one.entry.actor, one.entry.act) for one in store.audit_rows(AuditSearch())]


def test_the_first_visit_makes_the_administrator_with_the_code_of_the_terminal(site):
    code = signing_in.new_setup_code(site.desk)
    client = site.browser()
    assert "Setup code" in client.get("/sign-in").text
    wrong = post(client, "/setup", {"code": "000000", **SETUP}, page="/sign-in")
    assert wrong.status_code == 422
    assert "setup code is wrong" in wrong.text
    right = post(client, "/setup", {"code": code, **SETUP}, page="/sign-in")
    assert right.status_code == 303
    assert "ruth" in client.get("/").text
    assert acts(site) == [("ruth", "users"), ("ruth", "failed-login")]


def test_a_code_makes_one_administrator_only(site):
    code = signing_in.new_setup_code(site.desk)
    first, second = site.browser(), site.browser()
    for client in (first, second):
        client.get("/sign-in")
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(
                lambda pair: (
                    post(
                        pair[0],
                        "/setup",
                        {"code": code, "name": pair[1], "password": PASSWORD},
                        page="/sign-in",
                    ).status_code
                ),
                [(first, "one"), (second, "two")],
            )
        )
    assert sorted(answers) == [303, 422]
    with site.desk.store() as store:
        assert len(store.users()) == 1
    assert signing_in.new_setup_code(site.desk) is None


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(site):
    site.add_user("sam", "support")
    client = site.browser()
    texts = []
    for name in ("sam", "nobody"):
        answer = post(
            client, "/sign-in", {"name": name, "password": "wrong password"}, page="/sign-in"
        )
        assert answer.status_code == 422
        texts.append(answer.text.replace(name, "").replace(token_of(answer.text), ""))
    assert texts[0] == texts[1]


def test_who_fails_often_waits_and_may_try_again_later(site):
    site.add_user("sam", "support")
    client = site.browser()
    wrong = {"name": "sam", "password": "wrong password"}
    for _ in range(4):
        post(client, "/sign-in", wrong, page="/sign-in")
    right = {"name": "sam", "password": PASSWORD}
    waiting = post(client, "/sign-in", right, page="/sign-in")
    assert waiting.status_code == 422
    assert "wait" in waiting.text
    site.clock.now += 6
    assert post(client, "/sign-in", right, page="/sign-in").status_code == 303
    assert ("sam", "failed-login") in acts(site)


def test_a_flood_of_sign_ins_does_not_hold_up_the_others(site, monkeypatch):
    site.add_user("sam", "support")
    full = BoundedSemaphore(1)
    assert full.acquire(blocking=False)
    monkeypatch.setattr(passwords, "_WAITING", full)
    form = {"name": "sam", "password": PASSWORD}
    answer = post(site.browser(), "/sign-in", form, page="/sign-in")
    assert answer.status_code == 422
    assert "try again" in answer.text


def test_a_token_planted_before_the_sign_in_is_worth_nothing_after_it(site):
    site.add_user("sam", "support")
    client = site.browser()
    client.cookies.set("engine_session", "planted", domain="127.0.0.1", path="/")
    html = client.get("/sign-in").text
    form = {"csrf": token_of(html), "name": "sam", "password": PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 303
    own = [cookie.value for cookie in client.cookies.jar if cookie.name == "engine_session"]
    assert "planted" not in own
    thief = site.browser()
    thief.cookies.set("engine_session", "planted", domain="127.0.0.1", path="/")
    assert thief.get("/").status_code == 303


def test_a_link_in_a_mail_does_not_sign_out_and_comes_to_its_page(site):
    """A browser leaves a strict cookie out there; our own page then asks with it."""
    client = site.signed_in("viewer")
    kept = dict(client.cookies)
    client.cookies.clear()
    page = client.get("/messages?channel=adt", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 200
    assert 'content="0; url=/messages?channel=adt"' in page.text
    assert "set-cookie" not in page.headers
    client.get("/sign-in", headers={"Sec-Fetch-Site": "cross-site"})
    assert "engine_session" not in client.cookies
    client.cookies.update(kept)
    assert client.get("/messages?channel=adt").status_code == 200


def test_a_session_ends_when_nothing_is_done_and_refreshing_does_not_count(site):
    client = site.signed_in("viewer")
    for _ in range(20):
        site.clock.now += 60
        client.get("/board/rows")
    assert client.get("/").headers["location"] == "/sign-in"


def test_a_session_in_use_ends_with_its_day(site):
    client = site.signed_in("viewer")
    for _ in range(12 * 6 - 1):
        site.clock.now += 600
        assert client.get("/").status_code == 200
    site.clock.now += 601
    assert client.get("/").status_code == 303


def test_the_sixth_session_of_a_user_ends_the_first(site):
    first = site.signed_in("viewer")
    for _ in range(5):
        site.clock.now += 1
        post(site.browser(), "/sign-in", {"name": "viewer0", "password": PASSWORD}, page="/sign-in")
    assert first.get("/").status_code == 303


def test_signing_out_ends_the_session_on_the_server(site):
    client = site.signed_in("viewer")
    kept = dict(client.cookies)
    assert post(client, "/sign-out", {}).headers["location"] == "/sign-in"
    client.cookies.update(kept)
    assert client.get("/").status_code == 303


def test_what_is_taken_from_a_user_is_gone_at_once(site):
    client = site.signed_in("administrator")
    site.add_user("boss", "administrator")
    with site.desk.store() as store:
        user = store.user("administrator0")
    from dataclasses import replace

    changed = replace(user, roles=("viewer",))
    accounts.change_user(site.desk, everything("boss", "tests"), changed)
    assert client.get("/").status_code == 303


def test_a_sign_in_never_leads_to_another_site(site):
    site.add_user("sam", "support")
    for to in ("//evil.example", "https://evil.example", "/\\evil.example", "/messages/5"):
        client = site.browser()
        html = client.get("/sign-in").text
        form = {"csrf": token_of(html), "name": "sam", "password": PASSWORD, "to": to}
        led = client.post("/sign-in", data=form).headers["location"]
        assert led == (to if to == "/messages/5" else "/")


def test_unmasking_needs_the_right_and_a_reason_and_ends_by_itself(site):
    client = site.signed_in("support")
    assert post(client, "/unmask", {"reason": "x"}).status_code == 422
    assert post(client, "/unmask", {"reason": "incident 4411"}).status_code == 303
    assert "incident 4411" in client.get("/").text
    site.clock.now += 899
    client.get("/")
    site.clock.now += 2
    assert "incident 4411" not in client.get("/").text
    assert post(site.signed_in("operator"), "/unmask", {"reason": "why not"}).status_code == 403


def test_a_page_is_left_when_the_session_is_over_and_masked_again_in_time(site):
    client = site.signed_in("support")
    post(client, "/unmask", {"reason": "incident 4411"})
    assert "/session?unmasked=1" in client.get("/").text
    part = {"HX-Request": "true"}
    assert "hx-refresh" not in client.get("/session?unmasked=1", headers=part).headers
    site.clock.now += 899
    client.get("/")
    site.clock.now += 2
    assert client.get("/session?unmasked=1", headers=part).headers["hx-refresh"] == "true"
    site.clock.now += 900
    over = client.get("/session", headers=part)
    assert (over.status_code, over.headers["hx-redirect"]) == (401, "/sign-in")


def test_emergency_access_shows_a_banner_and_is_recorded(site):
    client = site.signed_in("viewer")
    assert post(client, "/emergency", {"reason": "patient in the ER"}).status_code == 303
    assert "Emergency access" in client.get("/").text
    assert ("viewer0", "emergency") in acts(site)
    assert [one.user for one in site.recorder.of(EmergencyAccessBegan)] == ["viewer0"]
    assert post(client, "/mask", {}).status_code == 303
    assert "patient in the ER" not in client.get("/").text


def test_hostile_text_stays_text(site):
    client = site.browser()
    name = '"><script>alert(1)</script>'
    answer = post(client, "/sign-in", {"name": name, "password": "x"}, page="/sign-in")
    assert "<script>alert" not in answer.text
