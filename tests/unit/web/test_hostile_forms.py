"""Every form takes every text: none fails the console, none comes back as a part of the page."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from code_project import Project, code_project
from consoles import PASSWORD, Site, post, token_of
from stored import deliver
from stored_messages import shipped_benches

from engine.pipeline.states import State
from engine.runtime.desk import project_folder
from engine.web.application import SCREENS

HOSTILE = {
    "SQL": "' OR 1=1; DROP TABLE messages; --",
    "HTML": "\"'><script>window.hacked=1</script><img src=x onerror=window.hacked=1>",
    "template": "{{7*7}}{% include 'base.html' %}${7*7}",
    "path": "../../../../../../etc/passwd",
    "NUL": "a\0b",
    "lines": "a\r\nSet-Cookie: b=c\r\n\r\n<b>",
    "letters": "\u202e\ufeff\U0001f4a9" * 20,
    "number": "9" * 400,
    "odd numbers": "NaN",
    "one megabyte": "x" * 1_000_000,
}
FIELD = re.compile(r'values?\(\s*"([a-z_]+)"')
NOT_SENT = frozenset({"/sign-out", "/account/sessions", "/account/password"})
"""They end the session of who tries the others; what they take is tried in tests of their own."""
FIELDS_AT_ONCE = 8
"""A request has at most ten megabytes."""
RAW = ("<script>window.hacked", "<img src=x", "<b>")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def project(
    request: pytest.FixtureRequest,
    make_site: Callable[..., Site],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Project]:
    """A site on either store, with a message, a problem, a draft and a code without a row."""
    monkeypatch.setattr(project_folder, "request_reload", lambda *_: None)  # no node runs
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("make_postgresql_store")()
    site = make_site(url)
    site.console.benches = shipped_benches()
    deliver(site.url, "m1", "m2", state=State.ERROR)
    with code_project(site, tmp_path) as found:
        yield found


def posts() -> list[tuple[str, tuple[str, ...]]]:
    """(path, fields) of every form of every screen, the fields as its module reads them."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for module in SCREENS:
        fields = set(FIELD.findall(inspect.getsource(sys.modules[module.__name__])))
        fields |= set(getattr(module, "FIELDS", ()))
        found += [
            (route.path, tuple(sorted(fields)))
            for route in module.routes()
            if "POST" in (route.methods or ()) and route.path not in NOT_SENT
        ]
    return found


def filled(path: str, project: Project, page: str) -> str:
    path = path.replace("{line_id}", project.line_of(page))
    return re.sub(r"\{[^}]*\}", "1", path)


def check(answer: Any, what: str) -> None:
    assert answer.status_code < 500 or answer.status_code == 503, what
    assert not [one for one in RAW if one in answer.text], what
    assert "set-cookie" not in answer.headers or "b=c" not in answer.headers["set-cookie"], what


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_form_fails_or_reflects_whatever_its_fields_hold(project: Project, kind: str) -> None:
    client = project.site.signed_in("administrator")
    page = client.get("/codes").text
    token = token_of(page)
    forms = posts()
    assert len(forms) >= 20
    for path, fields in forms:
        for at in range(0, len(fields) or 1, FIELDS_AT_ONCE):
            data = dict.fromkeys(fields[at : at + FIELDS_AT_ONCE], HOSTILE[kind])
            answer = client.post(filled(path, project, page), data={"csrf": token, **data})
            check(answer, f"{kind} to {path}: {answer.status_code}")
    assert not [one for one in project.site.recorder.events if type(one).__name__ == "ErrorCaught"]


def test_no_address_fails_or_reflects_whatever_it_holds(project: Project) -> None:
    client = project.site.signed_in("administrator")
    for module in SCREENS:
        for route in module.routes():
            if "GET" not in (route.methods or ()):
                continue
            for kind, text in HOSTILE.items():
                if len(text) > 2_000:
                    continue
                path = re.sub(r"\{\w+:int\}", "9" * 30, route.path)
                path = re.sub(r"\{\w+\}", quote(text, safe=""), path)
                pairs = "&".join(
                    f"{name}={quote(text, safe='')}"
                    for name in (
                        "s",
                        "channel",
                        "before",
                        "since",
                        "left",
                        "empty",
                        "message",
                        "to",
                    )
                )
                answer = client.get(f"{path}?{pairs}")
                check(answer, f"{kind} at {route.path}: {answer.status_code}")
    assert not [one for one in project.site.recorder.events if type(one).__name__ == "ErrorCaught"]


def test_the_forms_of_the_own_account_take_every_text(site: Site) -> None:
    client = site.signed_in("support")
    for kind, text in HOSTILE.items():
        data = {"before": text, "after": text}
        check(post(client, "/account/password", data), kind)
    assert post(client, "/account/password", {"before": PASSWORD, "after": "x"}).status_code == 422


def test_a_file_where_a_text_is_expected_is_no_text(project: Project) -> None:
    client = project.site.signed_in("administrator")
    page = client.get("/codes").text
    for path, fields in posts():
        files = dict.fromkeys(fields[:FIELDS_AT_ONCE], ("x.hl7", b"MSH|\0", "text/plain"))
        address = filled(path, project, page)
        answer = client.post(address, data={"csrf": token_of(page)}, files=files)
        check(answer, f"{path}: {answer.status_code}")
