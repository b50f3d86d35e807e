"""`engine simulate` as a process: it says where it listens, keeps its state, ends when told."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.acceptance
COMMAND = (sys.executable, "-m", "engine", "simulate")


@contextmanager
def simulating(*options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    process = subprocess.Popen(
        [*COMMAND, "millennium", "--port", "0", *options], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        line = next((one for one in process.stderr if "/_simulator/" in one), "")
        assert line, "it did not start"
        yield line.split()[1].removesuffix("/_simulator/counts"), process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def asked(method: str, url: str, body: object = None) -> object:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def test_what_it_was_told_survives_a_kill_and_it_ends_cleanly(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state.jsonl"), "--tenant", "north", "--tenant", "south")
    place = {"resourceType": "Location", "id": "77", "name": "Annex"}
    with simulating(*state, "--fault", "503,path=*/metadata") as (url, _):
        asked("PUT", f"{url}/_simulator/resource?tenant=south", place)
        with pytest.raises(urllib.error.HTTPError, match="503"):
            asked("GET", f"{url}/r4/north/metadata")
    with simulating(*state) as (url, process):
        found = asked("GET", f"{url}/_simulator/resources?tenant=south&type=Location")
        assert "77" in {one["id"] for one in found}  # type: ignore[attr-defined]
        assert asked("GET", f"{url}/r4/south/metadata")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--persona", "patient"], "--persona is system"),
        (["--smart", "v3"], "v3"),
        (["--tls-cert", "x.pem"], "go together"),
        (["--client", "nobody"], "ID:SECRET"),
        (["--fault", "often"], "often"),
        (["--record", "folder"], "recording needs"),
        (["--faults", "pyproject.toml"], "pyproject.toml"),
        (["--tenant", "a/b"], "a/b"),
        (["--tenant", "r4"], "r4"),
        (["--replay", "nowhere"], "nowhere"),
        (["--client-jwks", "a=pyproject.toml"], "no JWKS"),
    ],
)
def test_what_makes_no_sense_is_said_at_once(options: list[str], said: str) -> None:
    done = subprocess.run(
        [*COMMAND, "millennium", *options], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("files", "said"),
    [(("absent.pem", "absent.pem"), "absent.pem is not there"),
     (("pyproject.toml", "pyproject.toml"), "certificate and key cannot be used")],
)  # fmt: skip
def test_a_certificate_that_cannot_be_used_is_said(files: tuple[str, str], said: str) -> None:
    options = ("--port", "0", "--tls-cert", files[0], "--tls-key", files[1])
    done = subprocess.run(
        [*COMMAND, "millennium", *options], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3
    assert said in done.stderr


@pytest.mark.parametrize("kind", ["millennium", "fhir"])
def test_a_port_in_use_is_said(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, kind, "--port", port], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 3
    assert port in done.stderr
