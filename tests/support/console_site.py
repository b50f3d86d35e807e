"""The engine with its console as a site runs it: real processes, sample messages, users of each
role; and a browser that watches itself.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.mllp import Frame, FrameDecoder, encode_frame
from engine.runtime.desk import accounts
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import ROLES, everything

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
START_SECONDS = 90.0
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

PLANTED = ("700053", "PLANTEDFAMILY", "PLANTEDGIVEN", "19810203", "1981-02-03", "PLANTED STREET",
           "5550199", "PLANTED MOTHER", "PLANTED NOTE")  # fmt: skip
"""Values of a patient in one of the messages; a masked page holds none of them."""
HOSTILE = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
ADMISSION = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|C0001|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\r"
    "PID|1||700053^^^NORTH^MR||PLANTEDFAMILY^PLANTEDGIVEN||19810203|F|||PLANTED STREET^^TOWN||"
    "5550199\rNK1|1|PLANTED MOTHER^ANN|MTH\rNTE|1||PLANTED NOTE\r"
    "PV1|1|I|3W^12^1|E|||||||||||||||V9001^^^NORTH^VN\r"
)
LIKE_A_PAGE = (
    f"MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083100-0600||ADT^A01^ADT_A01|{HOSTILE}|P|2.5.1\r"
    "EVN|A01|20260105083100-0600\r"
    f"PID|1||700054^^^NORTH^MR||{HOSTILE}^X||19800101|M\rPV1|1|O\r"
)
REFUSED = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083200-0600||ADT^A01^ADT_A01|C0003|P|2.5.1\r"
    "EVN|A01|20260105083200-0600\r"
    "PID|1||700055^^^NORTH^MR||LATER^BORN||29870412|F\rPV1|1|I|3W^12^1\r"
)
"""A birth in the future: the simulated server refuses it."""
FILTERED = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083300-0600||ADT^A08^ADT_A01|C0004|P|2.5.1\r"
    "EVN|A08|20260105083300-0600\rPID|1||||NOBODY^KNOWN\rPV1|1|O\r"
)
UPDATE = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105090000-0600||ADT^A08^ADT_A01|C0005|P|2.5.1\r"
    "EVN|A08|20260105090000-0600\r"
    "PID|1||700053^^^NORTH^MR||PLANTEDFAMILY^PLANTEDGIVEN||19810203|F\r"
    "PV1|1|I|3W^12^1|E|||||||||||||||V9001^^^NORTH^VN\r"
)
MESSAGES = (ADMISSION, LIKE_A_PAGE, REFUSED, FILTERED, UPDATE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"nothing came of {what}"
        time.sleep(0.05)
    return found


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def send(port: int, *messages: str) -> None:
    """Send messages over MLLP and wait for each acknowledgment."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        decoder = FrameDecoder(frame_bytes_max=1_000_000)
        for message in messages:
            connection.sendall(encode_frame(message.encode()))
            while not any(isinstance(one, Frame) for one in decoder.feed(connection.recv(65536))):
                pass


@dataclass
class ConsoleSite:
    """The shipped channels, a simulated FHIR server, the engine and its console.

    One user of each role, named as the role; the password is `PASSWORD`.
    """

    folder: Path
    store_url: str = ""
    mllp: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    fhir: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.store_url = self.store_url or f"sqlite:///{self.folder / 'store'}"
        home = self.folder / "home"
        shutil.copytree(ROOT / "channels", home / "channels")
        (home / "console.yaml").write_text("environment: browser tests\n")
        (self.folder / "inbox").mkdir()
        self._run("engine.simulator.fhir_server", "--port", str(self.fhir),
                  "--refuse-future-births")  # fmt: skip
        wait_for(lambda: answers(self.fhir), START_SECONDS)
        self._run(
            "engine", "serve", "--home", str(home), "--store", self.store_url, "--workers", "1",
            "--console-port", str(self.port),
        )  # fmt: skip
        wait_for(lambda: answers(self.mllp) and answers(self.port), START_SECONDS)
        with self.desk() as desk:
            for role in ROLES:
                accounts.add_user(
                    desk,
                    everything("tests", "tests"),
                    name=role,
                    password=PASSWORD,
                    roles=(role,),
                )

    def _run(self, *command: str) -> None:
        variables = {
            **os.environ,
            "MLLP_PORT": str(self.mllp),
            "HTTP_PORT": str(self.http),
            "FHIR_URL": f"http://127.0.0.1:{self.fhir}/fhir",
            "INBOX": str(self.folder / "inbox"),
        }
        with (self.folder / "processes.log").open("ab") as log:
            self.running.append(
                subprocess.Popen(
                    [sys.executable, "-m", *command],
                    cwd=self.folder,
                    env=variables,
                    stdout=log,
                    stderr=log,
                )
            )

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        desk = Desk(self.store_url)
        try:
            yield desk
        finally:
            desk.close()

    def send(self, *messages: str) -> None:
        """Send messages and wait until nothing is on its way any more."""
        send(self.mllp, *messages)

        def settled() -> bool:
            with self.desk() as desk, desk.log() as log:
                return all(row.queued == 0 for row in log.stats())

        wait_for(settled, 60)

    def stop(self) -> None:
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.running):
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            if process.poll() is None:
                process.kill()
                process.wait()


def found_by_axe(page: Any) -> list[str]:
    """What axe finds at WCAG 2.2 AA on a page as it is."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=WCAG).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for one in found
        for node in one["nodes"]
    ]


class Tab:
    """A page of a browser that notes what it must not do.

    Args:
        browser: Playwright's.
        url: of the console.
        scheme: light or dark.
    """

    def __init__(self, browser: Any, url: str, scheme: str = "light") -> None:
        self.url = url
        self.context = browser.new_context(
            color_scheme=scheme, base_url=url, viewport={"width": 1280, "height": 800}
        )
        self.faults: list[str] = []
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("console", self._said)
        self.page.on("request", self._asked)
        self.page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) => console.error("
            "`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`))"
        )

    def _said(self, message: Any) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.url + "/", "data:")):
            self.faults.append(f"asked for {request.url}")

    def sign_in(self, name: str) -> "Tab":
        self.page.goto("/sign-in")
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.press("#password", "Enter")
        self.page.wait_for_selector("header.head")
        self.page.wait_for_load_state()  # with its scripts: keys are heard
        return self

    def wait_for_focus(self, element_id: str) -> None:
        """A field that has the focus from the start gets it when the page is drawn, not before."""
        self.page.wait_for_function(f"document.activeElement.id === '{element_id}'")

    def open(self, path: str) -> "Tab":
        self.page.goto(path)
        return self

    def axe(self) -> list[str]:
        """What axe finds at WCAG 2.2 AA on the page as it is."""
        return found_by_axe(self.page)

    def stored(self) -> int:
        """How much the browser keeps of the page: storages, databases, caches, readable cookies."""
        count: int = self.page.evaluate(
            "async () => localStorage.length + sessionStorage.length + document.cookie.length"
            " + (await indexedDB.databases()).length"
            " + (window.caches ? (await caches.keys()).length : 0)"
        )
        return count

    def screenshot(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(file), full_page=True)

    def close(self) -> None:
        self.context.close()
