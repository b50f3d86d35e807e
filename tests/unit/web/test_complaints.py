"""What users of other engines' consoles complain about (docs/complaints.md): tests of their own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from consoles import Site, post
from stored import deliver
from stored_messages import OneConfiguration, StoredMessages, shipped_benches

from engine.pipeline.states import State
from engine.runtime.desk.board import Board
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.rights import everything

RAW = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|C-1|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\rPID|1||4711^^^NORTH^MR||Okafor^Adaeze||19870412|X\r"
    "PV1|1|I|3W^12^1\r"
)
HEAD_OF_RESULTS = (
    "MSH|^~\\&|LAB|NORTH|ENGINE|HUB|20260105083000-0600||ORU^R01^ORU_R01|C-2|P|2.5.1\r"
    "PID|1||4711^^^NORTH^MR||Okafor^Adaeze||19870412|F\rPV1|1|I\r"
    "OBR|1|A1^REG|B1^LAB|24331-1^Lipids^LN|||20260105080000-0600\r"
)
PAGE_CHARACTERS_MAX = 8_000_000
"""Of a page of a message with thousands of results; measured: 2.8 MB load in half a second."""


@pytest.fixture
def stored(site: Site) -> Iterator[StoredMessages]:
    site.console.benches = shipped_benches()
    found = StoredMessages(site.url)
    yield found
    found.close()


def at_once(*acts: Any) -> list[Any]:
    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.result(60) for one in [pool.submit(act) for act in acts]]


def test_enter_twice_makes_one_copy(site: Site, stored: StoredMessages) -> None:
    (message_id,) = stored.take([RAW])
    client = site.signed_in("support")
    page = client.get(f"/messages/{message_id}/copy").text
    token = page.partition('name="csrf" content="')[2].partition('"')[0]
    once = page.partition('name="once" value="')[2].partition('"')[0]
    form = {"csrf": token, "once": once, "path": "PID-8", "value": "F", "reason": "sex was X"}

    def send() -> Any:
        return client.post(f"/messages/{message_id}/copy", data=form)

    places = [answer.headers["location"] for answer in at_once(send, send, send)]
    assert places == ["/copies/1"] * 3
    assert len(stored.state.copies.claim(["adt"], 60.0)) == 1
    again = client.get(f"/messages/{message_id}/copy").text
    assert once not in again


def test_a_replay_that_is_started_twice_at_once_runs_once(site: Site) -> None:
    deliver(site.url, "m1", "m2", state=State.ERROR)
    client = site.signed_in("analyst")
    post(client, "/problems/1/replay", {})
    told = {"done": 2, "total": 2, "ended": True, "origin": "replay", "destinations": [],
            "revision": "", "overwrite_newer": False, "counts": [["create", 2]], "reasons": [],
            "clusters": [], "held": [], "examples": {"create": [1]}}  # fmt: skip
    with site.desk.log() as log:
        log.set_preview(1, orjson.dumps(told).decode())

    def start() -> int:
        code: int = post(client, "/replays/1/start", {"reason": "INC-1"}).status_code
        return code

    assert sorted(at_once(start, start)) == [303, 422]
    with site.desk.log() as log:
        assert [job.state for job in log.recent_jobs(5)] == ["waiting"]


def test_opening_the_messages_looks_at_one_page_of_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(site.url, *[f"m{number}" for number in range(130)])
    asked: list[int] = []
    search = MessageLog.search

    def counted(self: MessageLog, query: Any) -> Any:
        asked.append(query.limit)
        return search(self, query)

    monkeypatch.setattr(MessageLog, "search", counted)
    page = site.signed_in("viewer").get("/messages")
    assert page.status_code == 200
    assert len(asked) == 1
    assert asked[0] <= 500, "one bounded look, however many there are"


def test_two_hundred_channels_are_read_as_often_as_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(site.url, "m1", channel="feed-1")
    reads: list[str] = []
    for name in ("stats", "controls", "counted"):
        call = getattr(MessageLog, name)

        def counted(
            self: MessageLog, *given: Any, call: Any = call, name: str = name, **more: Any
        ) -> Any:
            reads.append(name)
            return call(self, *given, **more)

        monkeypatch.setattr(MessageLog, name, counted)
    viewer = everything("tests", "tests")
    Board(site.desk).rows(viewer, {"feed-1": ("ehr",)})
    one = list(reads)
    reads.clear()
    board = Board(site.desk)
    names = {f"feed-{number}": ("ehr", "lab") for number in range(200)}
    rows, _ = board.rows(viewer, names)
    assert (len(rows), reads) == (200, one)
    board.rows(viewer, names)
    assert reads == one, "who looks within a second shares what was read"


def test_a_message_of_thousands_of_results_is_a_page_of_bounded_size(
    site: Site, stored: StoredMessages
) -> None:
    results = "".join(
        f"OBX|{number}|NM|2345-7^Glucose^LN||{number}|mg/dL|||||F\r" for number in range(1, 2001)
    )
    (message_id,) = stored.take([HEAD_OF_RESULTS + results])
    client = site.signed_in("support")
    post(client, "/unmask", {"reason": "INC-4711"})
    page = client.get(f"/messages/{message_id}")
    assert page.status_code == 200
    assert len(page.text) < PAGE_CHARACTERS_MAX
    for side in ("left=raw", "right=sent"):
        assert client.get(f"/messages/{message_id}?{side}").status_code == 200


def test_the_number_of_a_log_line_opens_its_message(site: Site, stored: StoredMessages) -> None:
    (message_id,) = stored.take([RAW])
    client = site.signed_in("support")
    found = post(client, "/messages/search", {"text": str(message_id)}).headers["location"]
    opened = client.get(found)
    assert opened.status_code == 303
    assert opened.headers["location"].partition("?")[0] == f"/messages/{message_id}"


def test_a_replay_offers_the_destinations_of_its_own_channels_alone(
    site: Site, stored: StoredMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.console, "snapshots", OneConfiguration())
    monkeypatch.setattr(site.console, "prepare", lambda: None)
    (message_id,) = stored.take([RAW])
    client = site.signed_in("support")
    drafted = post(client, "/replays", {"message_id": message_id}).headers["location"]
    page = client.get(drafted).text
    assert 'name="destination" value="records"' in page
    assert 'value="folder"' not in page, "of the channel archive"


def test_a_replay_that_is_limited_to_a_destination_says_so_and_is_started_so(site: Site) -> None:
    ids = deliver(site.url, "m1", "m2")
    client = site.signed_in("analyst")
    post(client, "/replays", {"message_id": [str(one) for one in ids]})
    post(client, "/replays/1/preview", {"destination": "ehr"})
    with site.desk.log() as log:
        assert log.job(1).destinations == ("ehr",)  # type: ignore[union-attr]
    told = {"ended": True, "origin": "replay", "destinations": ["ehr"], "revision": "",
            "overwrite_newer": False, "done": 2, "total": 2, "counts": [], "reasons": [],
            "clusters": [], "held": [], "examples": {}}  # fmt: skip
    with site.desk.log() as log:
        log.set_preview(1, orjson.dumps(told).decode())
    assert post(client, "/replays/1/start", {"reason": "r"}).status_code == 422
    wanted = {"reason": "r", "destination": "ehr"}
    assert post(client, "/replays/1/start", wanted).status_code == 303
