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
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from worker_site import WorkerSite

from engine.store.interface import Receipt
from engine.store.open_store import open_state

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


def receipts(count: int) -> list[Receipt]:
    return [
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


def possibly_sent(site: WorkerSite) -> set[int]:
    """The sequence numbers of deliveries that are marked as possibly sent."""
    state = open_state(site.url, readonly=True)
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


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, int]]:
    found = Receiver()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    yield found, server.sockets[0].getsockname()[1]
    server.close()


@pytest_asyncio.fixture
async def site(tmp_path: Path, receiver: tuple[Receiver, int]) -> AsyncIterator[WorkerSite]:
    found = WorkerSite(tmp_path, CHANNEL, f"http://127.0.0.1:{receiver[1]}/fhir")
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
    site: WorkerSite, receiver: tuple[Receiver, int]
) -> None:
    taker, _ = receiver
    site.receive(receipts(COUNT))
    for kill_at in (20, 60, 61, 130, 190):
        worker = site.start()
        await site.until(lambda kill_at=kill_at: len(taker.received) >= kill_at)  # type: ignore[misc]
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    site.start()
    await site.until(lambda: site.counts() == (COUNT, 0))
    assert set(taker.received) == set(range(COUNT))
    assert check_order(taker.received) <= possibly_sent(site)


async def test_worker_told_to_end_finishes_what_is_in_flight(
    site: WorkerSite, receiver: tuple[Receiver, int]
) -> None:
    taker, _ = receiver
    site.receive(receipts(COUNT))
    worker = site.start()
    await site.until(lambda: len(taker.received) >= 30)
    worker.terminate()
    assert await asyncio.to_thread(worker.wait, 30) == 0
    sent, _ = site.counts()
    assert sent == len(taker.received) == len(set(taker.received))
    site.start()
    await site.until(lambda: site.counts() == (COUNT, 0))
    assert check_order(taker.received) == set()


async def test_worker_ends_when_its_supervisor_is_gone(site: WorkerSite) -> None:
    worker = site.start()
    assert worker.stdin is not None
    worker.stdin.close()
    assert await asyncio.to_thread(worker.wait, 30) == 0


async def test_two_workers_share_the_lanes(
    site: WorkerSite, receiver: tuple[Receiver, int]
) -> None:
    taker, _ = receiver
    site.receive(receipts(COUNT))
    site.start("worker-1", 0.5)
    site.start("worker-2", 0.5)
    await site.until(lambda: site.counts() == (COUNT, 0))
    assert sorted(taker.received) == list(range(COUNT))
    assert check_order(taker.received) == set()


async def test_changed_destination_takes_the_rest_of_the_queue(
    site: WorkerSite, receiver: tuple[Receiver, int]
) -> None:
    taker, _port = receiver
    right = site.environment["FHIR_URL"]
    site.environment["FHIR_URL"] = "http://127.0.0.1:1/fhir"
    site.receive(receipts(3))
    worker = site.start()
    await site.until(
        lambda: site.counts()[1] == 3 and "BreakerOpened" in site.log.read_text("utf-8")
    )
    site.configure(CHANNEL.replace("${env:FHIR_URL}", right))
    worker.send_signal(signal.SIGHUP)
    await site.until(lambda: site.counts() == (3, 0))
    assert sorted(taker.received) == [0, 1, 2]
