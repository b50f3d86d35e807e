"""Feeds that are broken, hostile or mad, on real sockets, while a good sender goes on.

Promised: each gets a coded answer or leaves a recorded fault; memory is bounded; nobody else
notices. A good sender is fed through the same port all the time, and what it was acknowledged is
delivered.
"""

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_site import Sender, Site, free_port, message, msa, wait_for

from engine.mllp import encode_frame
from engine.runtime.desk.message_log import MessageRow, open_message_log
from engine.runtime.desk.search_query import parse_query

pytestmark = pytest.mark.acceptance
SAMPLES = Path(__file__).parents[2] / "samples" / "faults"
FRAME_BYTES_MAX = 1_000_000
CONNECTIONS_MAX = 40
FRAME_TIMEOUT_SECONDS = 1.5

CHANNEL = """\
channel: {name}
listener:
  mllp:
    port: {port}
    frame_bytes_max: {frame_bytes_max}
    frame_timeout_seconds: {frame_timeout}
    connections_max: {connections_max}
{extra}destinations:
  - file:
      name: out
      path: out
      pattern: "{name}-{{message_id}}.{suffix}"
      content: {content}
"""


class GoodSender:
    """One connection that sends message after message and insists on AA."""

    def __init__(self, port: int) -> None:
        self.accepted: list[str] = []
        self.failure = ""
        self._sender = Sender(port)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "GoodSender":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._done.wait(0.005):
            number += 1
            name = f"GOOD{number}"
            try:
                answer = self._sender.ask(message(name))
            except OSError as problem:
                self.failure = type(problem).__name__
                return
            if answer != ("AA", name):
                self.failure = f"{name}: {answer}"
                return
            self.accepted.append(name)


class Feed:
    """A node with a channel for good messages and one that converts what the others send."""

    def __init__(self, home: Path) -> None:
        self.site = Site(home)
        self.port = free_port()
        self._write("good", "MSH-3: ADT", "message", "hl7", "none")
        self._write("other", "", "bundle", "json", "auto")
        (home / "transforms").rmdir()  # so that the shipped maps are used
        self.site.start()

    def _write(self, name: str, route: str, content: str, suffix: str, use_map: str) -> None:
        extra = f"transform: {{map: {use_map}}}\n"
        if route:
            extra = f"route:\n  {route}\n{extra}"
        text = CHANNEL.format(
            name=name, port=self.port, frame_bytes_max=FRAME_BYTES_MAX, content=content,
            frame_timeout=FRAME_TIMEOUT_SECONDS, connections_max=CONNECTIONS_MAX,
            extra=extra, suffix=suffix,
        )  # fmt: skip
        (self.site.home / "channels" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def search(self, query: str) -> list[MessageRow]:
        with open_message_log(self.site.store_url) as log:
            return log.search(parse_query(query, now=time.time(), limit=10_000))

    def faults(self) -> int:
        return sum(row.verdict.value == "fault" for row in self.search(""))

    def codes(self, row: MessageRow) -> set[str]:
        """The codes of a message, also those noticed when it arrived."""
        with open_message_log(self.site.store_url) as log:
            found = log.message(row.message_id)
        assert found is not None
        return {problem["code"] for problem in found.receipt.diagnostics} | set(row.codes)

    def fault_codes(self, number: int) -> set[str]:
        """The codes of the newest faults; each is found by its codes."""
        rows = [row for row in self.search("") if row.verdict.value == "fault"][:number]
        found = {code for row in rows for code in self.codes(row)}
        for code in found:
            assert {row.message_id for row in rows} & {
                row.message_id for row in self.search(f"code:{code}")
            }
        return found

    def delivered(self) -> set[str]:
        return set(self.site.delivered("good"))


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feed]:
    feed = Feed(tmp_path_factory.mktemp("hostile") / "site")
    yield feed
    feed.site.end()


@pytest.fixture(autouse=True)
def good(feed: Feed) -> Iterator[GoodSender]:
    """Runs beside every test; at its end nothing may have gone wrong."""
    with GoodSender(feed.port) as sender:
        wait_for(lambda: sender.accepted or sender.failure)
        yield sender
        so_far = len(sender.accepted)
        wait_for(lambda: len(sender.accepted) > so_far or sender.failure)
    assert sender.failure == ""
    wait_for(lambda: set(sender.accepted) <= feed.delivered())
    while Sender.opened:
        Sender.opened.pop().close()


def closed_by_engine(sender: Sender, seconds: float = 10.0) -> bool:
    with contextlib.suppress(ConnectionError):
        return sender.receive(seconds) is None
    return True


def framed(file: Path) -> bytes:
    raw = file.read_bytes()
    return raw if file.suffix == ".mllp" else encode_frame(raw)


def resident_bytes(pid: int, what: str) -> int:
    """VmRSS (now) or VmHWM (the most there was) of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(what)


@pytest.mark.parametrize("name", sorted(file.name for file in SAMPLES.iterdir()))
def test_a_faulty_sample_gets_a_coded_answer_or_leaves_a_record(feed: Feed, name: str) -> None:
    before = {row.message_id for row in feed.search("")}
    sender = Sender(feed.port)
    sender.socket.sendall(framed(SAMPLES / name))
    sender.socket.shutdown(socket.SHUT_WR)
    answers = []
    while (answer := sender.receive()) is not None:
        answers.append(msa(answer)[0])

    def recorded() -> list[MessageRow]:
        rows = [row for row in feed.search("") if row.message_id not in before]
        return [row for row in rows if not row.control_id.startswith("GOOD")]

    rows = wait_for(recorded)
    assert answers or any(row.verdict.value == "fault" for row in rows)
    assert set(answers) <= {"AA", "AE", "AR"}
    for row in rows:
        if row.verdict.value == "fault":
            assert feed.codes(row)
        else:
            wait_for(lambda row=row: _state(feed, row.message_id) in ("SENT", "ERROR", "FILTERED"))


def _state(feed: Feed, message_id: int) -> str:
    (row,) = feed.search(f"id:{message_id}")
    return str(row.state)


def test_garbage_is_recorded_and_its_connection_closed(feed: Feed) -> None:
    before = feed.faults()
    sender = Sender(feed.port)
    sender.socket.sendall(bytes(range(256)).replace(b"\x0b", b"") * 40)
    assert closed_by_engine(sender)
    wait_for(lambda: feed.faults() > before)
    assert "M101" in feed.fault_codes(1)


def test_a_frame_over_the_limit_takes_no_memory(feed: Feed) -> None:
    pid = feed.site.pid("intake")
    before, faults = resident_bytes(pid, "VmRSS"), feed.faults()
    sender = Sender(feed.port)
    chunk = b"A" * 1_000_000
    with contextlib.suppress(ConnectionError, TimeoutError):
        sender.socket.sendall(b"\x0b" + message("HUGE"))
        for _ in range(60):
            sender.socket.sendall(chunk)
    while not closed_by_engine(sender):
        continue  # a refusal came before the end
    wait_for(lambda: feed.faults() > faults)
    assert "M102" in feed.fault_codes(1)
    assert resident_bytes(pid, "VmHWM") - before < 10_000_000


def test_half_a_frame_and_silence_ends_in_a_record(feed: Feed) -> None:
    before = feed.faults()
    sender = Sender(feed.port)
    sender.socket.sendall(encode_frame(message("HALF"))[:40])
    assert closed_by_engine(sender, 20)
    wait_for(lambda: feed.faults() > before)
    assert "M105" in feed.fault_codes(1)


def test_a_disconnect_inside_a_frame_ends_in_a_record(feed: Feed) -> None:
    before = feed.faults()
    sender = Sender(feed.port)
    sender.socket.sendall(encode_frame(message("CUT"))[:40])
    sender.close()
    wait_for(lambda: feed.faults() > before)
    assert "M105" in feed.fault_codes(1)


def test_one_byte_at_a_time_is_a_message(feed: Feed) -> None:
    sender = Sender(feed.port)
    sender.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in encode_frame(message("SLOW")):
        sender.socket.sendall(bytes([byte]))
    answer = sender.receive()
    assert answer is not None and msa(answer) == ("AA", "SLOW")
    wait_for(lambda: "SLOW" in feed.delivered())


def test_a_sender_that_leaves_before_the_answer_loses_nothing(feed: Feed) -> None:
    sender = Sender(feed.port)
    sender.send(message("GONE"))
    sender.close()
    wait_for(lambda: "GONE" in feed.delivered())


def test_a_sender_that_resets_the_connection_loses_nothing(feed: Feed) -> None:
    sender = Sender(feed.port)
    sender.send(message("RESET"))
    wait_for(lambda: feed.search("RESET"))
    sender.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    sender.close()
    wait_for(lambda: "RESET" in feed.delivered())


def test_an_unknown_type_is_kept_as_an_error_with_a_code(feed: Feed) -> None:
    sender = Sender(feed.port)
    raw = message("STRANGE", "QQQ^Q99").replace(b"|ADT|NORTH", b"|XYZ|NORTH")
    answer = sender.ask(raw)
    assert answer is not None and answer[1] == "STRANGE"
    rows = wait_for(lambda: [row for row in feed.search("STRANGE") if str(row.state) == "ERROR"])
    assert "T560" in rows[0].codes


def test_a_frame_without_msh_is_refused(feed: Feed) -> None:
    before = feed.faults()
    sender = Sender(feed.port)
    sender.send(b"PID|1||NOBODY\rPV1|1|I\r")
    answer = sender.receive()
    assert answer is None or msa(answer)[0] in ("AE", "AR")
    wait_for(lambda: feed.faults() > before)


def test_connections_over_the_limit_are_turned_away(feed: Feed) -> None:
    crowd = []
    for _ in range(200):
        with contextlib.suppress(OSError):
            crowd.append(socket.create_connection(("127.0.0.1", feed.port), 10))
    try:
        wait_for(lambda: len(crowd) - len(_ended(crowd)) <= CONNECTIONS_MAX)
        assert len(_ended(crowd)) >= 200 - CONNECTIONS_MAX
    finally:
        for one in crowd:
            one.close()
    wait_for(lambda: _served(feed.port))


def _ended(crowd: list[socket.socket]) -> list[socket.socket]:
    """Those the engine has closed."""
    poll = select.poll()
    for one in crowd:
        poll.register(one, select.POLLIN)
    ready = {number for number, _ in poll.poll(0)}
    return [one for one in crowd if one.fileno() in ready]


def _served(port: int) -> bool:
    with contextlib.suppress(OSError):
        return Sender(port).ask(message(f"AFTER{os.urandom(4).hex()}")) is not None
    return False


def test_many_faulty_senders_at_once_harm_nobody(feed: Feed) -> None:
    before = feed.faults()

    def attack(number: int) -> None:
        with contextlib.suppress(OSError):
            sender = Sender(feed.port)
            sender.socket.sendall(b"\x0bMSH|^~\\&|" + bytes([number + 33]) * 5000 + b"\x1c\r")
            sender.socket.sendall(b"junk" * 100)
            sender.receive(5)

    crowd = [threading.Thread(target=attack, args=(number,)) for number in range(20)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    wait_for(lambda: feed.faults() >= before + 20)
