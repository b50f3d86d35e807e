"""What an attacker tries: forged forms, long and slow requests, redirects, old sessions, floods."""

import asyncio
import re
from dataclasses import replace

from consoles import PASSWORD, Site, post, token_of
from starlette.routing import Route
from uvicorn.server import ServerState

from engine.channel.console import ConsoleConfig
from engine.pipeline.result import FHIR_JSON
from engine.pipeline.staleness import overwrites
from engine.runtime.desk import accounts, saved_searches, sessions
from engine.runtime.desk.rights import everything
from engine.store.desk.rows import AuditSearch
from engine.web import application as application_module
from engine.web import connections
from engine.web.access import STRANGER_BYTES_MAX
from engine.web.application import application
from engine.web.connections import ImpatientProtocol
from engine.web.server import listening

TESTS = everything("tests", "tests")


def posts(site: Site) -> list[str]:
    return [
        re.sub(r"\{[^}]*\}", "1", route.path)
        for route in application(site.console).routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
    ]


def test_no_form_is_believed_in_whatever_shape_it_comes_without_the_token_of_its_session(site):
    client = site.signed_in("administrator")
    token = token_of(client.get("/").text)
    foreign = token_of(site.signed_in("administrator").get("/").text)
    part = '--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{}\r\n--x--\r\n'
    bodies = (
        ("multipart/form-data; boundary=x", part.format(foreign)),
        ("multipart/form-data; boundary=x", part.format("")),
        ("application/x-www-form-urlencoded", f"csrf={foreign}"),
        ("application/json", f'{{"csrf": "{token}"}}'),
        ("text/plain", f"csrf={token}"),
        ("", f"csrf={token}"),
    )
    for path in posts(site):
        for kind, body in bodies:
            answer = client.post(path, content=body, headers={"Content-Type": kind})
            assert answer.status_code == 403, (path, kind)
        headers = {"X-CSRF-Token": foreign}
        assert client.post(path, json={}, headers=headers).status_code == 403


def test_no_redirect_is_made_of_the_name_the_console_was_asked_by(site):
    client = site.signed_in("administrator")
    for path in ("/users/", "/messages/", "//evil.example/", "/api/board/", "/static/../audit/"):
        answer = client.get(path, headers={"Host": "evil.example"})
        assert "evil.example" not in answer.headers.get("location", ""), path
    for to in ("//evil.example", "/\\evil.example", "https://evil.example", "/%0d%0aX: y"):
        answer = client.get("/sign-in", params={"to": to})
        assert answer.headers["location"] == "/"


def test_static_files_end_at_their_folder(site):
    client = site.browser()
    for path in ("/static/../access.py", "/static/%2e%2e/access.py", "/static/..%2faccess.py",
                 "/static//etc/passwd", "/static/%00"):  # fmt: skip
        assert client.get(path).status_code in (400, 404), path


def test_who_has_not_signed_in_sends_little(site):
    stranger = site.browser()
    token = token_of(stranger.get("/sign-in").text)
    headers = {"X-CSRF-Token": token, "Content-Type": "application/x-www-form-urlencoded"}
    body = b"&" * (STRANGER_BYTES_MAX + 1)
    assert stranger.post("/sign-in", content=body, headers=headers).status_code == 413
    client = site.signed_in("support")
    assert post(client, "/preferences", {"to": "x" * STRANGER_BYTES_MAX}).status_code == 303


def test_a_body_that_does_not_come_is_not_waited_for(site, monkeypatch):
    monkeypatch.setattr(application_module, "BODY_SECONDS", 0.0)
    sent = []

    async def ask() -> None:
        async def receive():
            await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/sign-in", "raw_path": b"/sign-in",
            "query_string": b"", "headers": [(b"host", b"127.0.0.1")], "root_path": "",
            "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
            "http_version": "1.1",
        }  # fmt: skip
        await application(site.console)(scope, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 408


class Wire(asyncio.Transport):
    """A connection without a network."""

    closed = False

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def write(self, data: bytes) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


def test_a_connection_that_does_not_finish_the_head_of_a_request_is_closed(site, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.0)

    async def closed_after(*pieces: bytes) -> bool:
        config = listening(site.console, ConsoleConfig())
        config.load()
        protocol = ImpatientProtocol(config, ServerState(), {}, asyncio.get_running_loop())
        wire = Wire()
        protocol.connection_made(wire)
        for piece in pieces:
            protocol.data_received(piece)
        waits = protocol._patience is not None
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        closed = wire.closed
        protocol.connection_lost(None)
        await asyncio.gather(*protocol.tasks, return_exceptions=True)
        return waits and closed

    assert asyncio.run(closed_after())
    assert asyncio.run(closed_after(b"GET / HT", b"TP/1.1\r\nHost: 127.0.0.1\r\nX: "))
    assert not asyncio.run(closed_after(b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))


def test_a_new_password_ends_the_other_sessions_and_keeps_the_own(site):
    site.add_user("sam", "support")
    here, elsewhere = site.browser(), site.browser()
    for client in (here, elsewhere):
        form = {"name": "sam", "password": PASSWORD}
        assert post(client, "/sign-in", form, page="/sign-in").status_code == 303
    form = {"before": PASSWORD, "after": "a new pass phrase"}
    assert post(here, "/account/password", form, page="/account").status_code == 200
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 303


def test_emergency_access_ends_in_time_whatever_is_done_and_with_the_right(site):
    client = site.signed_in("operator")
    post(client, "/emergency", {"reason": "a patient arrests"})
    (cookie,) = [one.value for one in client.cookies.jar if one.name == "engine_session"]

    def in_emergency() -> bool:
        found = sessions.find(site.desk, cookie, "", site.console.settings.limits)
        return found is not None and found.viewer.emergency and found.viewer.unmasked

    with site.desk.store() as store:
        user = store.user("operator0")
        assert in_emergency()
        store.save_user(replace(user, roles=("auditor",)))
        assert not in_emergency()
        store.save_user(user)
    for _ in range(3):
        site.clock.now += sessions.EMERGENCY_SECONDS / 3 - 0.5
        assert in_emergency()
    site.clock.now += 2
    assert not in_emergency()
    assert client.get("/").status_code == 200


def test_a_named_search_for_a_patient_is_not_shown_to_who_may_not_search_so(site):
    for text, name in (("mrn:4711", "his"), ("status:ERROR", "errors"), ("4711", "a word")):
        search_id = saved_searches.keep(site.desk, TESTS, text)
        saved_searches.give_name(site.desk, TESTS, search_id, name)
    page = site.signed_in("operator").get("/messages").text
    assert "errors" in page
    assert "his</a>" not in page
    assert "a word" not in page
    assert "a word" in site.signed_in("support").get("/messages").text


def test_strangers_cannot_fill_the_trail(site):
    site.add_user("ruth", "administrator")
    stranger = site.browser()
    token = token_of(stranger.get("/sign-in").text)
    for _ in range(40):
        form = {"csrf": token, "name": "ruth", "password": "wrong", "code": "1"}
        stranger.post("/sign-in", data=form)
        stranger.post("/setup", data=form)
        stranger.get("/openid/back")
    with site.desk.store() as store:
        rows = store.audit_rows(AuditSearch(act="failed-login", limit=100))
    assert 0 < len(rows) < 20


def test_an_address_of_what_is_overwritten_names_no_patient():
    entry = (
        b'{"entry": [{"request": {"method": "PUT", "url": "Patient?identifier=urn:x|4711&a=b"},'
        b' "resource": {"resourceType": "Patient", "gender": "%s"}}]}'
    )

    class Later:
        message_id, message_type, content_type, body = 7, "ADT^A08", FHIR_JSON, entry % b"male"

    found = overwrites(FHIR_JSON, entry % b"female", "ADT^A01", [Later()])
    assert found is not None
    assert found.what == ("Patient?identifier=…&a=…",)


def test_a_user_changed_from_outside_is_signed_out(site):
    site.add_user("ruth", "administrator")
    client = site.signed_in("support")
    with site.desk.store() as store:
        user = store.user("support0")
    accounts.change_user(site.desk, TESTS, replace(user, roles=("viewer",)))
    assert client.get("/").status_code == 303
