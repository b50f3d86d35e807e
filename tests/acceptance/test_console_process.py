"""The console's process under `engine serve`: real processes, sockets and signals."""

import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from certificates import Authority
from running_site import Sender, Site, free_port, message, wait_for

pytestmark = pytest.mark.acceptance

PASSWORD = "correct horse battery"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path / "site")
    yield found
    found.end()
    for sender in Sender.opened:
        sender.close()
    Sender.opened.clear()


def log_of(site: Site) -> str:
    return site.log.read_text(encoding="utf-8")


def token_of(html: str) -> str:
    return html.partition('name="csrf" content="')[2].partition('"')[0]


def set_up(client: httpx.Client, code: str) -> httpx.Response:
    form = {"csrf": token_of(client.get("/sign-in").text), "code": code, "name": "ruth"}
    return client.post("/setup", data={**form, "password": PASSWORD})


def reload(site: Site) -> "subprocess.CompletedProcess[str]":
    """`engine reload` as the console user, whose password is typed in."""
    command = [sys.executable, "-m", "engine", "reload", "--home", str(site.home)]
    return subprocess.run(
        [*command, "--store", site.store_url, "--sign-in", "ruth"],
        capture_output=True,
        text=True,
        input=f"{PASSWORD}\n",
        cwd=site.home,
    )


def test_the_terminal_shows_a_code_once_and_the_console_lives_beside_intake(site: Site) -> None:
    mllp, port = free_port(), free_port()
    site.mllp_channel("adt", mllp)
    site.start("--console-port", str(port))
    assert f"console: http://127.0.0.1:{port}/" in log_of(site)
    (code,) = re.findall(r"first administrator is (\S+)", log_of(site))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert set_up(client, "0-0").status_code == 422
        assert set_up(client, code).status_code == 303
        assert Sender(mllp).ask(message("1")) == ("AA", "1")
        wait_for(lambda: "/messages?channel=adt&amp;since=24h" in client.get("/").text)
        sender = Sender(mllp)
        site.kill_one("console")
        assert sender.ask(message("2")) == ("AA", "2")
        assert "ruth" in client.get("/").text  # the session outlives the process
        (site.home / "console.yaml").write_text("environment: night shift\n")
        assert reload(site).returncode == 0
        assert "night shift" in client.get("/").text
        (site.home / "console.yaml").write_text("enviroment: typo\n")
        refused = reload(site)
        assert refused.returncode == 2
        assert "console.yaml:1" in refused.stderr
        assert "night shift" in client.get("/").text
    assert site.stop() == 0
    (site.home / "console.yaml").unlink()
    site.start("--console-port", str(port))
    assert len(re.findall("first administrator", log_of(site))) == 1


def test_a_port_in_use_is_said_and_nothing_starts(site: Site) -> None:
    import socket

    site.mllp_channel("adt", free_port())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "engine", "serve", "--home", str(site.home)]
        command += ["--store", site.store_url, "--console-port", str(port)]
        tried = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=site.home)
    assert tried.returncode == 3
    assert f"port {port} of the console is in use" in tried.stderr


def test_over_tls_the_cookie_is_for_tls_alone(site: Site, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("console", address="127.0.0.1")
    port = free_port()
    site.mllp_channel("adt", free_port())
    (site.home / "console.yaml").write_text(
        f"port: {port}\ntls:\n  certificate: {issued.certificate}\n  key: {issued.key}\n"
    )
    site.start("--console-port", "0")
    context = ssl.create_default_context(cafile=str(authority.file))
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context) as client:
        answer = client.get("/sign-in")
        assert "max-age" in answer.headers["strict-transport-security"]
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/sign-in")


def test_what_fails_in_the_console_is_logged_by_place_and_never_by_text(site: Site) -> None:
    port = free_port()
    site.mllp_channel("adt", free_port())
    site.start("--console-port", str(port))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for path in ("/%ff%fe", "/messages/99999999999999999999", "/static/..%2fa", "/x?a=%00"):
            assert client.get(path).status_code in (303, 400, 404), path
        headers = {b"Content-Type": b"multipart/form-data; boundary=x"}
        odd = {**headers, b"Cookie": b"engine_session=\xff\xfe; engine_visitor=\x80"}
        for content in (b"\xff" * 100, b"--x\r\nContent-Disposition: form-data\r\n\r\n"):
            for each in (headers, odd):
                answer = client.post("/sign-in", content=content, headers=each)
                assert answer.status_code in (400, 403), content
    assert "Traceback" not in log_of(site)


def test_the_console_ends_when_the_supervisor_is_gone(site: Site) -> None:
    port = free_port()
    site.mllp_channel("adt", free_port())
    site.start("--console-port", str(port))
    assert site.process is not None
    pids = [site.pid("console"), site.pid("intake"), site.pid("worker-1")]
    site.process.kill()
    site.process.wait(10)
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
