"""The watch under `engine serve`: alerts come without a console, and once with one."""

import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from running_site import Site, free_port, wait_for

pytestmark = pytest.mark.acceptance


class Hook:
    """A webhook that takes note."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        calls = self.calls

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                calls.append(json.loads(self.rfile.read(length)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, kind: str) -> list[str]:
        return [call["state"] for call in self.calls if call["alert"] == kind]


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def site(tmp_path: Path, hook: Hook) -> Iterator[Site]:
    found = Site(tmp_path / "site")
    found.mllp_channel("adt", free_port())
    yield found
    found.end()


def full_disk(site: Site, hook: Hook, percent: int) -> None:
    text = f"alerts:\n  disk_percent: {percent}\n  webhook: {{url: {hook.url}}}\n"
    (site.home / "console.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("console", [False, True])
def test_an_alert_is_told_once_with_and_without_a_console(
    site: Site, hook: Hook, console: bool
) -> None:
    full_disk(site, hook, 100)
    site.start(*(("--console-port", str(free_port())) if console else ()))
    wait_for(lambda: hook.of("disk") == ["began"])
    full_disk(site, hook, 0)
    assert site.process is not None
    site.process.send_signal(signal.SIGHUP)
    wait_for(lambda: (status := site.status()) and status.reload.number and status.reload.finished)
    site.kill_one("watch")  # the next one looks at once
    wait_for(lambda: len(hook.of("disk")) > 1)
    assert hook.of("disk") == ["began", "ended"]
    assert site.stop() == 0


def test_metrics_health_and_readiness_tell_of_every_process(site: Site, hook: Hook) -> None:
    full_disk(site, hook, 0)
    port = free_port()
    site.start("--metrics-port", str(port))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        health = client.get("/health")
        assert (health.status_code, health.json()["ready"]) == (200, True)
        assert sorted(health.json()["processes"]) == ["intake", "watch", "worker-1"]
        assert client.get("/ready").status_code == 200
        assert client.get("/live").status_code == 200
        assert "engine_" in client.get("/metrics").text
