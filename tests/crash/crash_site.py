"""What the crash tests share: a project with a small map, a receiver that remembers, messages."""

import contextlib
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.mllp import Frame, FrameDecoder, encode_frame
from engine.runtime.configuration import read_project
from engine.runtime.desk.message_log import open_message_log
from engine.runtime.node.process_setup import DataFolder, ProcessSetup
from engine.store.interface import Receipt, Search

HERE = Path(__file__).parent
PATIENTS = 2
ANSWER = b'{"resourceType":"Bundle","type":"transaction-response","entry":[]}'

FILES = {
    "channels/adt.yaml": """\
channel: adt
listener: {mllp: {port: "${env:MLLP_PORT}"}}
transform: {source_system: "urn:oid:1.2.3"}
lane: ["PID-3[1].1"]
destinations:
  - fhir:
      name: ehr
      url: "${env:FHIR_URL}"
      timeout_seconds: 5
      retry: {initial_seconds: 0.1, breaker_failures: 50}
""",
    "transforms/hl7v2/messages/ADT_A01.yaml": """\
map: ADT_A01
from: ADT_A01
to: Bundle
for: [ADT^A08]
rules:
  - PID -> PID[Patient] as patient key=(PID-3[1].1)
""",
    "transforms/hl7v2/segments/PID_Patient.yaml": """\
map: PID[Patient]
from: PID
to: Patient
rules:
  name[]:
    family: PID-5[1].1
""",
}


def message(number: int, patients: int = PATIENTS) -> bytes:
    """The number-th message; patients take turns, and the family name says the number."""
    return (
        f"MSH|^~\\&|REG|N|E|H|20260105083000-0600||ADT^A08^ADT_A01|C{number:05}|P|2.5.1\r"
        "EVN|A08|20260105083000-0600\r"
        f"PID|1||MRN{number % patients}^^^N^MR||Sequence{number:05}^A||19870412|F\r"
        "PV1|1|O\r"
    ).encode()


def receipt(number: int) -> Receipt:
    """The same, as intake stores it."""
    raw = message(number)
    return Receipt(
        channel="adt",
        received_at=time.time(),
        source="test",
        raw=raw,
        sha256=hashlib.sha256(raw).digest(),
        control_id=f"C{number:05}",
        sender="REG|N",
        message_type="ADT^A08",
        version="2.5.1",
        lanes=(f"MRN{number % PATIENTS}",),
    )


class Receiver:
    """A FHIR server that takes every transaction and remembers the numbers in order of arrival."""

    def __init__(self) -> None:
        self.received: list[int] = []
        receiver = self

        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received += [int(one) for one in re.findall(rb"Sequence(\d+)", body)]
                time.sleep(0.002)
                self.send_response(200)
                self.send_header("Content-Type", "application/fhir+json")
                self.send_header("Content-Length", str(len(ANSWER)))
                self.end_headers()
                self.wfile.write(ANSWER)

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # the engine was killed: the test
                    super().handle()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/fhir"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Project:
    """A project folder and its data directory."""

    def __init__(self, home: Path, receiver: Receiver, mllp_port: int) -> None:
        self.home = home
        for name, text in FILES.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text, encoding="utf-8")
        self.data = DataFolder(path=home / "data")
        self.data.snapshots.write(read_project(home))
        self.store = f"sqlite:///{self.data.path}"
        self.environment = {
            **os.environ,
            "FHIR_URL": receiver.url,
            "MLLP_PORT": str(mllp_port),
        }

    def start(self, script: str, at: int, when: str) -> "subprocess.Popen[bytes]":
        """Start killed_worker.py or killed_intake.py."""
        name = "intake" if "intake" in script else "worker-1"
        setup = ProcessSetup(
            name=name, data=self.data, store_url=self.store, log_form="json", share=1.0
        )
        arguments = setup.arguments("unused")[2:]
        with (self.home / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(HERE / script), str(at), when, *arguments],
                stdin=subprocess.PIPE, stdout=log, stderr=log, env=self.environment, cwd=self.home,
            )  # fmt: skip


def wait_for(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing came of {what}")
        time.sleep(0.01)


def check_order(received: list[int], marked: set[int], patients: int = PATIENTS) -> None:
    """Per patient in order; a repeat only directly after itself, and marked as possibly sent."""
    for patient in range(patients):
        numbers = [number for number in received if number % patients == patient]
        assert numbers == sorted(numbers), f"out of order: {numbers}"
        repeated = {one for one, two in pairwise(numbers) if one == two}
        assert repeated <= marked, f"sent twice without a mark: {repeated - marked}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def sent(project: Project) -> int:
    with open_message_log(project.store) as log:
        return sum(row.sent for row in log.stats())


def marked(project: Project) -> set[int]:
    """Numbers of messages with a delivery that is marked as possibly sent before."""
    found = set()
    with open_message_log(project.store) as log:
        for row in log.search(Search(limit=1000)):
            detail = log.message(row.message_id)
            assert detail is not None
            if any(one.possibly_sent for run in detail.runs for one in run.deliveries):
                found.add(int(row.control_id[1:]))
    return found


class Sender:
    """Sends until it is answered, as a hospital system does: the same bytes after a reconnect."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._line: socket.socket | None = None

    def deliver(self, payload: bytes, alive: Callable[[], bool]) -> bool:
        """Send until it is accepted; False when the process died first."""

        def answered() -> bool:
            try:
                if self._line is None:
                    self._line = socket.create_connection(("127.0.0.1", self._port), 5)
                self._line.sendall(encode_frame(payload))
                return self._accepted(self._line)
            except OSError:
                self.close()
                return False

        accepted = False

        def settled() -> bool:
            nonlocal accepted
            accepted = answered()
            return accepted or not alive()

        wait_for(settled)
        return accepted

    def _accepted(self, line: socket.socket) -> bool:
        decoder = FrameDecoder(frame_bytes_max=100_000)
        while True:
            data = line.recv(65536)
            if not data:
                raise ConnectionResetError
            for frame in decoder.feed(data):
                if isinstance(frame, Frame):
                    return b"MSA|AA" in frame.payload

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line = None
