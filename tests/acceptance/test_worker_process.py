"""A real worker process, killed again and again while it delivers over real sockets.

Promised: no message lost; the first delivery of each lane's messages in order; a repeat only of the
message that was in flight at the kill, directly after itself.
"""

import asyncio
import hashlib
import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from engine.runtime.configuration import read_project
from engine.runtime.node.process_setup import DataFolder, ProcessSetup
from engine.store.interface import Receipt
from engine.store.open_store import migrate, open_log, open_state

pytestmark = pytest.mark.acceptance

CHANNEL = """\
channel: adt
listener: {mllp: {port: 2575}}
transform: {source_system: "urn:oid:1.2.3"}
destinations:
  - fhir:
      name: ehr
      url: "${env:FHIR_URL}"
      timeout_seconds: 5
      merge: replace
      concurrency_max: 4
      retry: {initial_seconds: 0.1, breaker_failures: 3, breaker_seconds: 1}
"""
PATIENTS = 8
COUNT = 240
ANSWER = b'{"resourceType":"Bundle","type":"transaction-response","entry":[]}'


def message(number: int) -> bytes:
    return (
        f"MSH|^~\\&|REG|N|E|H|20260105083000-0600||ADT^A08^ADT_A01|C{number}|P|2.5.1\r"
        "EVN|A08|20260105083000-0600\r"
        f"PID|1||MRN{number % PATIENTS}^^^N^MR||Sequence{number:05}^A||19870412|F\r"
        "PV1|1|O\r"
    ).encode()


class Receiver:
    """Takes every transaction, and remembers the sequence numbers in the order of arrival."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self.delay_seconds = 0.002
        """A request is taken before the answer goes out: a kill in between loses the answer."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                found = re.search(rb"Sequence(\d{5})", body)
                assert found is not None
                self.received.append(int(found[1]))
                await asyncio.sleep(self.delay_seconds)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
                    b"Content-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
                )
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class Site:
    """A project, a store with messages, and a worker process."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/data"
        (folder / "channels").mkdir()
        (folder / "channels" / "adt.yaml").write_text(CHANNEL, encoding="utf-8")
        migrate(self.url)
        self.data = DataFolder(path=folder / "data")
        self.data.snapshots.write(read_project(folder))
        self.environment = {**os.environ, "FHIR_URL": f"http://127.0.0.1:{port}/fhir"}
        self.processes: list[subprocess.Popen[bytes]] = []

    def receive(self, count: int) -> None:
        log = open_log(self.url)
        log.append(
            [
                Receipt(
                    channel="adt",
                    received_at=1000.0 + number,
                    source="test",
                    raw=message(number),
                    sha256=hashlib.sha256(message(number)).digest(),
                    control_id=f"C{number}",
                    message_type="ADT^A08",
                    lanes=(f"patient MRN{number % PATIENTS}",),
                )
                for number in range(count)
            ]
        )
        log.close()

    def start(self, name: str = "worker-1", share: float = 1.0) -> subprocess.Popen[bytes]:
        setup = ProcessSetup(
            name=name, data=self.data, store_url=self.url, log_form="json", share=share
        )
        arguments = setup.arguments("engine.runtime.worker.worker_process")
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                cwd=self.folder,
            )
        self.processes.append(process)
        return process

    def counts(self) -> tuple[int, int]:
        """(sent, queued) of the channel."""
        state = open_state(self.url, readonly=True)
        try:
            found = state.stats()
        finally:
            state.close()
        return sum(each.sent for each in found), sum(each.queued for each in found)

    def possibly_sent(self) -> set[int]:
        """The sequence numbers of deliveries that are marked as possibly sent."""
        state = open_state(self.url, readonly=True)
        marked: set[int] = set()
        try:
            for message_id in range(1, COUNT + 1):
                detail = state.message(message_id)
                if detail is None:
                    continue
                for run in detail.runs:
                    if any(delivery.possibly_sent for delivery in run.deliveries):
                        marked.add(int(detail.receipt.control_id[1:]))
        finally:
            state.close()
        return marked

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(120):
            while not condition():  # noqa: ASYNC110  other processes have no events for us
                await asyncio.sleep(0.02)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, int]]:
    found = Receiver()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    yield found, server.sockets[0].getsockname()[1]
    server.close()


@pytest_asyncio.fixture
async def site(tmp_path: Path, receiver: tuple[Receiver, int]) -> AsyncIterator[Site]:
    found = Site(tmp_path, receiver[1])
    yield found
    found.end()


def check_order(received: list[int]) -> set[int]:
    """Assert the promise for what arrived; the numbers that arrived more than once."""
    repeated: set[int] = set()
    for lane in range(PATIENTS):
        mine = [number for number in received if number % PATIENTS == lane]
        for before, after in itertools.pairwise(mine):
            assert after in (before, before + PATIENTS), "a message was skipped or went back"
            if after == before:
                repeated.add(after)
        assert mine[0] == lane
    return repeated


async def test_worker_killed_while_it_delivers_loses_nothing_and_keeps_every_order(
    site: Site, receiver: tuple[Receiver, int]
) -> None:
    taker, _ = receiver
    site.receive(COUNT)
    for kill_at in (20, 60, 61, 130, 190):
        worker = site.start()
        await site.until(lambda kill_at=kill_at: len(taker.received) >= kill_at)  # type: ignore[misc]
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    site.start()
    await site.until(lambda: site.counts() == (COUNT, 0))
    assert set(taker.received) == set(range(COUNT))
    assert check_order(taker.received) <= site.possibly_sent()


async def test_worker_told_to_end_finishes_what_is_in_flight(
    site: Site, receiver: tuple[Receiver, int]
) -> None:
    taker, _ = receiver
    site.receive(COUNT)
    worker = site.start()
    await site.until(lambda: len(taker.received) >= 30)
    worker.terminate()
    assert await asyncio.to_thread(worker.wait, 30) == 0
    sent, _ = site.counts()
    assert sent == len(taker.received) == len(set(taker.received))
    site.start()
    await site.until(lambda: site.counts() == (COUNT, 0))
    assert check_order(taker.received) == set()


async def test_worker_ends_when_its_supervisor_is_gone(site: Site) -> None:
    worker = site.start()
    assert worker.stdin is not None
    worker.stdin.close()
    assert await asyncio.to_thread(worker.wait, 30) == 0


async def test_two_workers_share_the_lanes(site: Site, receiver: tuple[Receiver, int]) -> None:
    taker, _ = receiver
    site.receive(COUNT)
    site.start("worker-1", 0.5)
    site.start("worker-2", 0.5)
    await site.until(lambda: site.counts() == (COUNT, 0))
    assert sorted(taker.received) == list(range(COUNT))
    assert check_order(taker.received) == set()


async def test_changed_destination_takes_the_rest_of_the_queue(
    site: Site, receiver: tuple[Receiver, int]
) -> None:
    taker, _port = receiver
    right = site.environment["FHIR_URL"]
    site.environment["FHIR_URL"] = "http://127.0.0.1:1/fhir"
    site.receive(3)
    worker = site.start()
    await site.until(lambda: site.counts()[1] == 3 and "BreakerOpened" in site_log(site))
    text = CHANNEL.replace("${env:FHIR_URL}", right)
    (site.folder / "channels" / "adt.yaml").write_text(text, encoding="utf-8")
    site.data.snapshots.write(read_project(site.folder))
    worker.send_signal(signal.SIGHUP)
    await site.until(lambda: site.counts() == (3, 0))
    assert sorted(taker.received) == [0, 1, 2]


def site_log(site: Site) -> str:
    return (site.folder / "worker.log").read_text(encoding="utf-8")
