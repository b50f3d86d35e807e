"""A console in a process of its own, as `engine serve` runs it, and people signed in to it."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.intake import free_port
from engine.runtime.configuration import read_project
from engine.runtime.desk import sessions
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.sessions import SessionLimits, form_token
from engine.runtime.snapshots import Snapshots
from engine.store.desk.rows import UserRow

START_SECONDS = 60.0
PERSON = "person-{number}"
_CHANNEL = """\
channel: {name}
description: One of the feeds of the benchmark
listener: {{mllp: {{port: {port}}}}}
transform:
  map: auto
  time_zone: America/Chicago
  source_system: urn:oid:2.16.840.1.113883.3.9999.1
  authorities: {{NORTH: urn:oid:2.16.840.1.113883.3.9999.1.4}}
search_keys: {{account: PID-18.1}}
destinations:
  - fhir: {{name: records, url: "http://127.0.0.1:9/fhir", identity: update}}
"""


def make_project(folder: Path, channels: int) -> None:
    """A configuration with so many channels, checked and current in the data folder."""
    home = folder / "home"
    (home / "channels").mkdir(parents=True)
    for number in range(channels):
        name = f"feed_{number:03d}"
        text = _CHANNEL.format(name=name, port=20_000 + number)
        (home / "channels" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "run").mkdir()
    Snapshots(folder / "configuration").write(read_project(home))


def sign_in(url: str, count: int) -> list[str]:
    """So many people with every right; the cookies of their sessions."""
    desk = Desk(url)
    cookies = []
    for number in range(count):
        user = UserRow(name=PERSON.format(number=number), roles=("administrator",))
        with desk.store() as store:
            store.add_user(user)
        cookies.append(sessions.begin(desk, user, "127.0.0.1", SessionLimits()))
    desk.close()
    return cookies


@contextmanager
def console(url: str, folder: Path) -> Iterator[int]:
    """A running console; its port."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "engine.web.server", "--name", "console"),
            *("--data", str(folder), "--store", url, "--port", str(port)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("BENCH_LOGS") else subprocess.DEVNULL,
    )
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the console did not start")


class Person:
    """Somebody signed in, with one connection that is kept."""

    def __init__(self, port: int, cookie: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookie = {"Cookie": f"engine_session={cookie}"}
        self._form = {
            **self._cookie,
            "Content-Type": "application/x-www-form-urlencoded",
            "X-CSRF-Token": form_token(cookie),
        }

    def get(self, path: str) -> tuple[int, str, bytes]:
        """Status, where to go on, and the page."""
        self._connection.request("GET", path, headers=self._cookie)
        return self._answer()

    def ask(self, text: str) -> tuple[int, str, bytes]:
        """Type or paste something into the search box: the answer with its results.

        The results of a single message are a redirection to it, which is not followed.
        """
        body = urlencode({"text": text})
        self._connection.request("POST", "/messages/search", body=body, headers=self._form)
        status, place, page = self._answer()
        if status != 303:
            raise SystemExit(f"a search was refused: {status} {page[:200]!r}")
        return self.get(place)

    def _answer(self) -> tuple[int, str, bytes]:
        answer = self._connection.getresponse()
        page = answer.read()
        return answer.status, answer.headers.get("location", ""), page
