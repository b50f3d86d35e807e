"""A project in a temporary folder and the engine running on it, as a site would have them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from engine.mllp import Frame, FrameDecoder, encode_frame
from engine.runtime.node.node import NodeFiles, NodeStatus
from engine.runtime.node.process_setup import DataFolder
from engine.telemetry.health import Condition, read_health

START_SECONDS = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing came of {what}")
        time.sleep(0.02)


def message(
    control_id: str, kind: str = "ADT^A01", *, text: str = "", accept: str = "", late: str = ""
) -> bytes:
    enhanced = f"|||{accept}|{late}" if accept or late else ""
    lines = (
        f"MSH|^~\\&|ADT|NORTH|HUB|ENGINE|20260101120000||{kind}|{control_id}|P|2.5.1{enhanced}",
        f"PID|1||P{control_id}^^^NORTH^MR||TEST^ONE{text}",
    )
    return ("\r".join(lines) + "\r").encode()


class Site:
    """A project folder."""

    def __init__(self, home: Path, store_url: str = "") -> None:
        self.home = home
        self.store_url = store_url or f"sqlite:///{home / '.engine'}"
        self.data = DataFolder(path=home / ".engine")
        self.log = home / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None
        (home / "channels").mkdir(parents=True)
        (home / "transforms").mkdir()
        (home / "out").mkdir()

    def channel(self, name: str, listener: str, extra: str = "") -> None:
        """Write a channel that passes messages on to files, unchanged."""
        text = f"""\
channel: {name}
listener:
{listener}
transform:
  map: none
destinations:
  - file:
      name: out
      path: out
      pattern: "{name}-{{message_id}}.hl7"
      content: message
{extra}
"""
        (self.home / "channels" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def mllp_channel(self, name: str, port: int, extra: str = "") -> None:
        self.channel(name, f"  mllp:\n    port: {port}", extra)

    # -- life --

    def start(self, *options: str) -> None:
        """Start the engine and wait until every process is ready; `options` are of `serve`."""
        command = [sys.executable, "-m", "engine", "serve", "--home", str(self.home)]
        command += ["--store", self.store_url, "--log-format", "json"]
        if "--console-port" not in options:
            command.append("--no-console")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--workers", "1", *options], cwd=self.home, stderr=log, stdout=log
            )
        wait_for(self.ready, START_SECONDS)

    def ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(self.log.read_text())
        status = self.status()
        health = {found.process: found for found in read_health(self.data.run)}
        return status is not None and all(
            child.name in health
            and health[child.name].pid == child.pid
            and health[child.name].condition is Condition.READY
            for child in status.children
        )

    def status(self) -> NodeStatus | None:
        return NodeFiles(self.data).running()

    def pid(self, name: str) -> int:
        status = self.status()
        assert status is not None
        return next(child.pid for child in status.children if child.name == name)

    def kill_one(self, name: str) -> None:
        """Kill a process of the node and wait until it runs again."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.pid(name) != pid)
        wait_for(self.ready, START_SECONDS)

    def stop(self) -> int:
        """End it as an operator does; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill every process of the node at once."""
        assert self.process is not None
        status = self.status()
        pids = [child.pid for child in status.children] if status is not None else []
        for pid in [self.process.pid, *pids]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()

    # -- what came out --

    def delivered(self, name: str) -> list[str]:
        """MSH-10 of what the channel delivered, in order of message ids."""
        files = sorted(
            (self.home / "out").glob(f"{name}-*.hl7"),
            key=lambda file: int(file.stem.rsplit("-", 1)[1]),
        )
        return [file.read_bytes().split(b"|")[9].decode() for file in files]


class Sender:
    """An MLLP connection; the test's end closes it, see `opened`."""

    opened: ClassVar[list["Sender"]] = []

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self._decoder = FrameDecoder(frame_bytes_max=1_000_000)
        self._found: list[bytes] = []
        self.opened.append(self)

    def send(self, payload: bytes) -> None:
        self.socket.sendall(encode_frame(payload))

    def receive(self, seconds: float = 10.0) -> bytes | None:
        """The next frame; None when the engine closed."""
        self.socket.settimeout(seconds)
        while not self._found:
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self._found += [
                item.payload for item in self._decoder.feed(data) if isinstance(item, Frame)
            ]
        return self._found.pop(0)

    def ask(self, payload: bytes) -> tuple[str, str] | None:
        """MSA-1 and MSA-2 of the answer."""
        self.send(payload)
        answer = self.receive()
        return msa(answer) if answer is not None else None

    def close(self) -> None:
        self.socket.close()


def msa(payload: bytes) -> tuple[str, str]:
    fields = payload.decode().split("\rMSA|")[1].split("\r")[0].split("|")
    return fields[0], fields[1]
