"""What holds for every page: headers, rights on every route, the pinned script, no inline code."""

import hashlib
import re

import pytest
from consoles import Site, token_of
from starlette.routing import Mount, Route

from engine.runtime.desk.rights import ROLES, Right, rights_of
from engine.web.application import POLICY, application
from engine.web.console import ConsoleSettings
from engine.web.rendering import FOLDER, STATIC

HTMX_SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
"""Of dist/htmx.min.js in htmx.org 4.0.1 on npm."""


def routes(site: Site) -> list[Route]:
    found = application(site.console).routes
    assert [type(one) for one in found if not isinstance(one, Route)] == [Mount]
    return [one for one in found if isinstance(one, Route)]


def test_htmx_is_the_pinned_release():
    assert hashlib.sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest() == HTMX_SHA256


def test_every_route_names_the_right_it_needs(site):
    for route in routes(site):
        right = getattr(route.endpoint, "right", None)
        assert right in (*Right, "signed in", "all"), route.path


def test_only_signing_in_and_public_keys_are_open_to_all(site):
    found = {route.path for route in routes(site) if route.endpoint.right == "all"}
    assert found == {
        "/sign-in", "/setup", "/openid", "/openid/back", "/.well-known/jwks.json"
    }  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_every_route_and_verb_refuses_a_role_without_its_right(site, role):
    client = site.signed_in(role)
    token = token_of(client.get("/").text)
    refused = 0
    for route in routes(site):
        path = re.sub(r"\{[^}]*\}", "1", route.path)
        for method in sorted(route.methods - {"HEAD"}):
            right = route.endpoint.right
            if isinstance(right, Right) and right not in rights_of([role]):
                answer = client.request(method, path, headers={"X-CSRF-Token": token})
                assert answer.status_code == 403, (method, path)
                refused += 1
    assert refused or role == "administrator"


def test_every_route_and_verb_asks_an_unknown_visitor_to_sign_in(site):
    client = site.browser()
    for route in routes(site):
        if route.endpoint.right == "all":
            continue
        path = re.sub(r"\{[^}]*\}", "1", route.path)
        for method in route.methods:
            answer = client.request(method, path)
            asked = answer.status_code == 401 if path.startswith("/api/") else (
                answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
            )  # fmt: skip
            assert asked, (method, path)


def test_every_verb_that_changes_something_needs_the_token_of_a_form(site):
    client = site.signed_in("administrator")
    for route in routes(site):
        path = re.sub(r"\{[^}]*\}", "1", route.path)
        for method in route.methods - {"GET", "HEAD"}:
            for token in ({}, {"X-CSRF-Token": "0" * 64}):
                assert client.request(method, path, headers=token).status_code == 403, path


def test_a_form_that_another_site_sends_is_refused_though_it_has_the_token(site):
    client = site.signed_in("administrator")
    token = token_of(client.get("/").text)
    headers = {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"}
    assert client.post("/preferences", headers=headers).status_code == 403


def test_every_answer_carries_the_policy_and_is_kept_nowhere(site):
    client = site.signed_in("viewer")
    for path in ("/", "/sign-in", "/nowhere", "/static/console.css", "/board/rows"):
        answer = client.get(path)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_body_without_an_end_is_refused(site):
    client = site.signed_in("administrator")
    token = token_of(client.get("/").text)
    answer = client.post("/preferences", content=b"x" * 10_000_001, headers={"X-CSRF-Token": token})
    assert answer.status_code == 413


def test_a_console_on_loopback_is_not_reached_under_another_name(make_site):
    """A page elsewhere whose name was made to point at 127.0.0.1 gets nothing."""
    settings = ConsoleSettings(hosts=frozenset({"127.0.0.1", "[::1]"}))
    client = make_site(settings=settings).browser()
    assert client.get("/sign-in").status_code == 200
    assert client.get("/sign-in", headers={"Host": "[::1]:8088"}).status_code == 200
    assert client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 421


INLINE = re.compile(
    r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", re.IGNORECASE
)


def test_templates_hold_no_inline_script_style_or_event():
    for file in (FOLDER / "templates").rglob("*.html"):
        assert not INLINE.search(file.read_text(encoding="utf-8")), file
