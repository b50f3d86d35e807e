"""Delivery: CPU of a worker per message, from the stored bytes to the marked delivery.

`python benchmarks/delivery.py` stores messages in a fresh SQLite store, starts a receiver and a
real worker process, and waits until all are delivered. It prints the worker's CPU a message, its
rate, and in the same run the CPU of the pure step alone; medians of several rounds.
"""

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.runtime.configuration import check_project, read_project
from engine.runtime.node.process_setup import DataFolder, ProcessSetup
from engine.runtime.worker.plans import load_plans
from engine.store.interface import Receipt
from engine.store.open_store import migrate, open_log, open_state

ROOT = Path(__file__).resolve().parent.parent
ANSWER = {
    "resourceType": "Bundle",
    "type": "transaction-response",
    "entry": [{"response": {"status": "200"}}] * 9,
}


MESSAGE = (Path(__file__).parent / "adt_a01.hl7").read_bytes()
"""An admission of 2 KB and 11 segments; `@NUMBER@` stands where messages differ."""


def message(number: int) -> bytes:
    """One message; every number is another patient's."""
    return MESSAGE.replace(b"@NUMBER@", b"%07d" % number)


def fill(url: str, count: int, distinct: int) -> int:
    """Store `count` messages of `distinct` patients; the bytes of one."""
    log = open_log(url)
    size = 0
    for begin in range(0, count, 500):
        receipts = []
        for number in range(begin, min(begin + 500, count)):
            raw = message(number)
            size = len(raw)
            receipts.append(
                Receipt(
                    channel="adt",
                    received_at=time.time(),
                    source="benchmark",
                    raw=raw,
                    sha256=hashlib.sha256(raw).digest(),
                    control_id=f"D{number:07}",
                    sender="REG|NORTH",
                    message_type="ADT^A01",
                    version="2.5.1",
                    lanes=(f"patient {number % distinct}",),
                )
            )
        log.append(receipts)
    log.close()
    return size


def response(bundle: dict[str, object]) -> bytes:
    """The bytes of an answer with this Bundle."""
    content = json.dumps(bundle).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(content)}"
    )
    return head.encode() + b"\r\n\r\n" + content


def absent(count: int) -> dict[str, object]:
    """The answer to a batch of reads, none of which finds anything."""
    missing = {"response": {"status": "404"}}
    return {"resourceType": "Bundle", "type": "batch-response", "entry": [missing] * count}


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The cheapest receiver there is: it has nothing, and says that all was taken."""
    reply = response(ANSWER)
    try:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = lines.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            body = await reader.readexactly(int(length))
            reads = body.count(b'"method":"GET"')
            writer.write(response(absent(reads)) if reads else reply)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def receive(port_file: Path) -> None:
    """Serve `answer` until killed, and tell the port."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    await asyncio.to_thread(port_file.write_text, port, encoding="ascii")
    await server.serve_forever()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pure_step_us(count: int) -> float:
    """CPU of the pure step alone, in microseconds a message."""
    loaded, _ = check_project(read_project(ROOT))
    assert loaded is not None
    process = load_plans(loaded).channels["adt"].process
    messages = [message(number) for number in range(count)]
    for raw in messages[:200]:
        process(raw, 0.0)
    began = time.process_time()
    for raw in messages:
        process(raw, 0.0)
    return (time.process_time() - began) / count * 1e6


def one_round(count: int, distinct: int) -> dict[str, float]:
    """Fill, deliver, measure."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as quiet:
        home = Path(folder)
        url = f"sqlite:///{home}/data"
        migrate(url)
        size = fill(url, count, distinct)
        port_file = home / "port"
        receiver = subprocess.Popen([sys.executable, __file__, "--receive", str(port_file)])
        worker = None
        try:
            while not port_file.exists() or not port_file.read_text(encoding="ascii"):
                time.sleep(0.01)
            port = port_file.read_text(encoding="ascii")
            data = DataFolder(path=home / "data")
            data.snapshots.write(read_project(ROOT))
            setup = ProcessSetup(
                name="worker-1", data=data, store_url=url, log_form="json", share=1.0
            )
            arguments = setup.arguments("engine.runtime.worker.worker_process")
            worker = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stderr=quiet,
                env={**os.environ, "FHIR_URL": f"http://127.0.0.1:{port}/fhir"},
                cwd=ROOT,
            )
            return {"bytes": size, **follow(worker.pid, url, count)}
        finally:
            for process in (worker, receiver):
                if process is not None:
                    process.terminate()
                    process.wait()


def follow(pid: int, url: str, count: int) -> dict[str, float]:
    """Wait for the first tenth, then measure until the last; CPU and rate of what lies between."""
    state = open_state(url, readonly=True)
    marks: list[tuple[float, float, int]] = []
    try:
        while True:
            sent = sum(channel.sent for channel in state.stats())
            if sent >= count // 10:
                marks.append((time.monotonic(), cpu_seconds(pid), sent))
            if sent >= count:
                break
            time.sleep(0.05)
    finally:
        state.close()
    (began, before, first), (ended, after, last) = marks[0], marks[-1]
    delivered = last - first
    return {
        "cpu_us": (after - before) / delivered * 1e6,
        "rate": delivered / (ended - began),
    }


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--receive", type=Path)
    options = parser.parse_args()
    if options.receive:
        asyncio.run(receive(options.receive))
        return
    step = pure_step_us(1000)
    rounds = [one_round(options.count, options.patients) for _ in range(options.rounds)]
    cpu = statistics.median(found["cpu_us"] for found in rounds)
    rate = statistics.median(found["rate"] for found in rounds)
    print(
        f"message {rounds[0]['bytes']:.0f} bytes, {options.patients} patients, SQLite, one worker"
    )
    print(f"pure step      {step:8.0f} us CPU a message")
    print(f"worker, whole  {cpu:8.0f} us CPU a message, {rate:.0f} messages/s")


if __name__ == "__main__":
    main()
