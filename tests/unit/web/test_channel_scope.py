"""A viewer kept to one channel: every route answers as if there were no other channel.

Two sites are the same but for one thing: on one of them another channel has been at work too, later
than the own one, so that numbers of the own things agree. Whatever a viewer of the own channel asks
either of them, the answers are the same, byte for byte; and what is the other channel's is not
there.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import pytest
from code_project import FILES, code_project, message
from consoles import PASSWORD, Clock, Site, post, token_of
from starlette.routing import Route

from engine.runtime.desk import accounts, saved_searches
from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import ROLES, everything
from engine.store.desk.rows import AuditSearch
from engine.telemetry.recorder import MemoryRecorder
from engine.web.application import application
from engine.web.console import Console, ConsoleSettings

OTHER = "oncology"
HIDDEN = ("oncology", "tumourboard", "ONC", "ZQX", "CHG-ONC")
"""Words that only the other channel's things have."""
PROJECT = FILES | {
    f"channels/{OTHER}.yaml": FILES["channels/adt.yaml"]
    .replace("adt", OTHER)
    .replace("29999", "29998")
    .replace("name: out", "name: tumourboard"),
}
OTHER_MESSAGES = (("ONC1", "ZQX"), ("ONC2", "U"), ("ONC3", "U"))
"""Control ids and codes: a cause of its own, and one that the own messages have too. 4 to 6."""
OWN_JOB = 1
NOT_THE_SAME = frozenset({"/messages/1/test", "POST /audit/export", "POST /audit/verify"})
"""Other names and dates each time in place of a patient's; numbers and seals of the whole trail."""
OWN = {"channel": "adt", "name": "ana", "message_id": "1", "job_id": "1", "problem_id": "1"}
THEIRS = (
    {"channel": OTHER, "message_id": "4", "job_id": "2", "problem_id": "3"},
    {"channel": OTHER, "message_id": "5", "job_id": "3", "problem_id": "3"},
)
"""Things of the other channel; job 3 has messages of both."""
NOBODYS = {"channel": "nowhere", "message_id": "99", "job_id": "99", "problem_id": "99"}
POSTED = {"/audit": {"since": "1d"}, "/audit/export": {}, "/audit/verify": {}}
TESTS = everything("tests", "tests")


@dataclass
class Pair:
    """A site without the other channel's things, and one with them."""

    quiet: Site
    busy: Site


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder, now = tmp_path_factory.mktemp("scope"), time.time() // 60 * 60
    with ExitStack() as stack:
        yield Pair(
            quiet=_site(stack, folder / "quiet", now, busy=False),
            busy=_site(stack, folder / "busy", now, busy=True),
        )


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield _site(stack, tmp_path, time.time() // 60 * 60, busy=True)


def _site(stack: ExitStack, folder: Path, now: float, *, busy: bool) -> Site:
    url = f"sqlite:///{folder / 'store'}"
    clock = Clock(now)
    desk = Desk(url, clock=clock, audit_key=b"the same for both")
    recorder = MemoryRecorder()
    site = Site(Console(desk, ConsoleSettings(), recorder), recorder, clock, url)
    stack.callback(desk.close)
    stack.callback(lambda: [one.close() for one in site.clients])
    more = [(message(*one), OTHER) for one in OTHER_MESSAGES] if busy else []
    stack.enter_context(code_project(site, folder, files=PROJECT, more=more, now=now))
    site.console.benches = SharedBenches(site.console.snapshots)
    _own(site)
    if busy:
        _others(site)
    return site


def _own(site: Site) -> None:
    """What both sites have, and numbers that agree."""
    with site.desk.log() as log:
        log.draft_replay([1, 2], by="ana", now=site.clock.now)
        log.set_preview(OWN_JOB, orjson.dumps(PREVIEW).decode())
        log.set_control("adt", "pause", reason="CHG-1", by="ana", now=site.clock.now)
        log.watch.begin_alert("silence", "adt", "quiet", site.clock.now)
        log.problems.begin_outage(
            channel="adt", destination="out", owner="w", code="timeout", at=site.clock.now
        )
    record(site.desk, TESTS, Act.VIEW, channel="adt", message_id=1)
    search_id = saved_searches.keep(site.desk, TESTS, "channel:adt status:ERROR")
    saved_searches.give_name(site.desk, TESTS, search_id, "our errors")


PREVIEW = {
    "done": 2, "total": 2, "ended": True, "origin": "replay", "destinations": [], "revision": "",
    "overwrite_newer": False, "counts": [["create", 2]], "reasons": [], "clusters": [],
    "held": [[1, 4, "out", ["Patient"]]], "examples": {"create": [1, 2]},
}  # fmt: skip
"""Message 4 is the other channel's."""


def _others(site: Site) -> None:
    """Everything a channel leaves behind."""
    with site.desk.log() as log:
        log.draft_replay([4, 5], by="tumourboard", now=site.clock.now)
        log.draft_replay([1, 4], by="tumourboard", now=site.clock.now)
        log.set_control(OTHER, "pause", reason="CHG-ONC", by="ana", now=site.clock.now)
        log.watch.begin_alert("silence", OTHER, "quiet", site.clock.now)
        log.watch.begin_alert("outage", f"tumourboard of {OTHER}", "down", site.clock.now)
        log.watch.begin_alert("disk", "/var/oncology", "full", site.clock.now)
        log.problems.begin_outage(
            channel=OTHER, destination="tumourboard", owner="w", code="timeout", at=site.clock.now
        )
    record(site.desk, TESTS, Act.VIEW, channel=OTHER, message_id=4, reason="CHG-ONC")
    record(site.desk, TESTS, Act.REPLAY, subject="job 2 drafted", reason="CHG-ONC")
    search_id = saved_searches.keep(site.desk, TESTS, f"channel:{OTHER}")
    saved_searches.give_name(site.desk, TESTS, search_id, "ONC errors")


def paths(site: Site, method: str, values: Mapping[str, str]) -> list[str]:
    """The paths of every route that takes a verb, about these things."""
    return [
        re.sub(r"\{(\w+)[^}]*\}", lambda hit: values.get(hit[1], "1"), route.path)
        for route in application(site.console).routes
        if isinstance(route, Route) and method in (route.methods or ())
    ]


def plain(text: str) -> str:
    """An answer without what is new in each."""
    text = re.sub(r'(name="csrf" (content|value)=)"[0-9a-f]*"', r"\1", text)
    text = re.sub(r"/codes/[0-9a-f]{20}", "/codes/x", text)
    text = re.sub(r'"line_id":"[0-9a-f]{20}"', "", text)
    text = re.sub(r"s=[A-Za-z0-9]{16}|named/[A-Za-z0-9]{16}", "s", text)
    text = re.sub(r'<td class="number">[0-9]+</td>(?=\s*<td[^>]*><time)', "", text)
    return re.sub(r'value="[A-Za-z0-9_-]{16}"', "", text)


def asked(site: Site, *roles: str) -> dict[str, str]:
    site.add_user(f"kept-{roles[0]}", *roles, channels=("adt",))
    client = site.browser()
    form = {"name": f"kept-{roles[0]}", "password": PASSWORD}
    assert post(client, "/sign-in", form, page="/sign-in").status_code == 303
    found = {path: client.get(path) for path in paths(site, "GET", OWN)}
    for path, data in POSTED.items():
        found[f"POST {path}"] = post(client, path, data)
    body = {"query": "type:ADT^A01"}
    token = token_of(client.get("/").text)
    found["search"] = client.post(
        "/api/messages/search", json=body, headers={"X-CSRF-Token": token}
    )
    return {path: f"{one.status_code} {plain(one.text)}" for path, one in found.items()}


@pytest.mark.parametrize("roles", [("viewer",), ("support",), ("analyst", "auditor")])
def test_every_page_and_every_json_answer_is_as_if_there_were_no_other_channel(pair, roles):
    quiet = asked(pair.quiet, *roles)
    for path, text in asked(pair.busy, *roles).items():
        assert text == quiet[path] or path in NOT_THE_SAME, path
        for word in HIDDEN:
            assert word not in text, (path, word)


@pytest.mark.parametrize("theirs", THEIRS, ids=["all of it", "part of it"])
def test_what_is_of_another_channel_is_answered_as_what_is_not_there(pair, theirs):
    client = pair.busy.signed_in("analyst", "operator", "auditor", channels=("adt",))
    for method in ("GET", "POST"):
        told = paths(pair.busy, method, theirs)
        for path, other in zip(told, paths(pair.busy, method, NOBODYS), strict=True):
            if path == other:
                continue
            token = token_of(client.get("/").text)
            data = {"csrf": token, "reason": "INC-1", "mode": "drain", "state": "stopped"}
            answers = [
                client.request(method, one, data=data if method == "POST" else None)
                for one in (path, other)
            ]
            found, missing = (
                re.sub(rf"[0-9]+|{OTHER}|nowhere", "#", plain(one.text)) for one in answers
            )
            assert answers[0].status_code == answers[1].status_code, (method, path)
            assert method == "GET" or answers[0].status_code > 400, path
            assert found == missing, (method, path)
    with pair.busy.desk.log() as log:
        assert [job.state for job in log.recent_jobs(9)][-3:] == ["draft"] * 3
        assert log.controls()[OTHER].mode == "pause"


def test_messages_of_another_channel_cannot_be_chosen_for_a_replay(busy):
    client = busy.signed_in("analyst", channels=("adt",))
    refused = post(client, "/replays", {"message_id": ["4", "5"]})
    assert refused.status_code == 422
    made = post(client, "/replays", {"message_id": ["1", "4", "5"]})
    number = int(made.headers["location"].rpartition("/")[2])
    with busy.desk.log() as log:
        job = log.job(number)
    assert (job.message_ids, job.channels) == ((1,), ("adt",))


def test_who_is_kept_to_channels_has_no_right_over_the_whole_engine(busy):
    for role in ROLES:
        client = busy.signed_in(role, channels=("adt",))
        assert client.get("/users").status_code == 403
        assert post(client, "/codes/reload", {}).status_code == 403


def test_emergency_access_of_one_kept_to_channels_shows_all_and_does_nothing(busy):
    client = busy.signed_in("operator", channels=("adt",))
    assert post(client, "/emergency", {"reason": "a patient arrests"}).status_code == 303
    assert "ONC" in client.get("/messages/4").text
    for path, data in (("/replays", {"message_id": "4"}), (f"/channels/{OTHER}/control", {})):
        assert post(client, path, data).status_code == 403
    assert post(client, "/emergency", {"reason": "it goes on"}).status_code == 303
    assert post(client, "/mask", {}).status_code == 303
    assert post(client, f"/channels/{OTHER}/control", {}).status_code == 404


def test_the_trail_of_an_auditor_kept_to_channels_is_that_of_the_channels_and_the_own_acts(busy):
    client = busy.signed_in("auditor", channels=("adt",))
    page = client.get("/audit").text
    assert "tests" in page
    assert "CHG-ONC" not in page
    assert "CHG-ONC" in busy.signed_in("auditor").get("/audit").text
    with busy.desk.store() as store:
        assert store.audit_rows(AuditSearch(scope=(), scope_actor="nobody")) == []


def test_the_last_who_may_change_users_is_not_kept_to_channels(site):
    site.add_user("ruth", "administrator")
    client = site.signed_in("administrator")
    with site.desk.store() as store:
        own = next(one for one in store.users() if one.name != "ruth")
        ruth = store.user("ruth")
    accounts.change_user(site.desk, TESTS, replace(ruth, channels=("adt",)))
    with pytest.raises(accounts.AccountError, match="administrator"):
        accounts.change_user(site.desk, TESTS, replace(own, channels=("adt",)))
    assert client.get("/users").status_code == 200
