"""A running engine and senders that are not ours: real processes, real sockets, a real disk."""

import contextlib
import http.client
import json
import os
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hl7
import pytest
from certificates import Authority
from hl7.client import MLLPClient
from running_site import Sender, Site, free_port, message, msa, wait_for

from engine.mllp import encode_frame
from engine.runtime.node.node import request_reload

pytestmark = pytest.mark.acceptance
CLIENTS = Path(__file__).parent / "node_clients"


@pytest.fixture(autouse=True)
def senders() -> Iterator[None]:
    """Closes what a test leaves open."""
    yield
    while Sender.opened:
        Sender.opened.pop().close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "site")
    yield site
    site.end()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, int]]:
    """One engine with one MLLP channel, for tests that leave it as it was."""
    site = Site(tmp_path_factory.mktemp("shared") / "site")
    port = free_port()
    site.mllp_channel("adt", port)
    site.start()
    yield site, port
    site.end()


def test_python_hl7_s_own_client_exchanges_messages(shared: tuple[Site, int]) -> None:
    site, port = shared
    with MLLPClient("127.0.0.1", port) as client:
        for number in range(3):
            answer = client.send_message(message(f"H{number}"))
            parsed = hl7.parse(answer.strip(b"\x0b\x1c\r").decode() + "\r")
            assert str(parsed.segment("MSA")[1]) == "AA"  # MSA-1
            assert str(parsed.segment("MSA")[2]) == f"H{number}"  # MSA-2
    wait_for(lambda: {"H0", "H1", "H2"} <= set(site.delivered("adt")))


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MLLP clients from npm."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("NOT TESTED: npm or node is missing, no independent client from npm was tried")
    folder = tmp_path_factory.mktemp("npm")
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "node-hl7-client@3", "simple-hl7@3"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if installed.returncode != 0:
        pytest.skip("NOT TESTED: npm could not install its MLLP clients")
    return folder


@pytest.mark.parametrize(("client", "prefix"), [("node_hl7_client", "N"), ("simple_hl7", "S")])
def test_a_client_from_npm_exchanges_messages(
    shared: tuple[Site, int], node_modules: Path, client: str, prefix: str
) -> None:
    site, port = shared
    script = shutil.copy(CLIENTS / f"{client}.js", node_modules)
    ran = subprocess.run(
        ["node", script, str(port), "5"], capture_output=True, text=True, timeout=60
    )
    expected = [f"{prefix}{number}" for number in range(5)]
    assert json.loads(ran.stdout) == [["AA", control_id] for control_id in expected], ran.stderr
    wait_for(lambda: set(expected) <= set(site.delivered("adt")))


def test_messages_of_one_sender_are_delivered_in_order(shared: tuple[Site, int]) -> None:
    site, port = shared
    sender = Sender(port)
    expected = [f"O{number}" for number in range(50)]
    for control_id in expected:
        sender.send(message(control_id))
    answers = [msa(sender.receive() or b"") for _ in expected]
    assert answers == [("AA", control_id) for control_id in expected]
    wait_for(lambda: [one for one in site.delivered("adt") if one[0] == "O"] == expected)


def test_enhanced_mode_gets_both_acknowledgments_on_its_connection(
    shared: tuple[Site, int],
) -> None:
    _, port = shared
    sender = Sender(port)
    sender.send(message("E1", accept="AL", late="AL"))
    answers = [msa(sender.receive() or b""), msa(sender.receive() or b"")]
    assert answers == [("CA", "E1"), ("AA", "E1")]


def test_a_resent_message_is_answered_again_and_delivered_once(shared: tuple[Site, int]) -> None:
    site, port = shared
    sender = Sender(port)
    assert sender.ask(message("R1")) == ("AA", "R1")
    assert sender.ask(message("R1")) == ("AA", "R1")
    assert sender.ask(message("R2")) == ("AA", "R2")
    wait_for(lambda: "R2" in site.delivered("adt"))
    assert site.delivered("adt").count("R1") == 1


def test_garbage_ends_its_own_connection_only(shared: tuple[Site, int]) -> None:
    _, port = shared
    good, bad = Sender(port), Sender(port)
    assert good.ask(message("G1")) == ("AA", "G1")
    bad.socket.sendall(os.urandom(10_000).replace(b"\x0b", b""))
    assert bad.receive() is None
    assert good.ask(message("G2")) == ("AA", "G2")


def test_a_second_engine_on_the_same_data_is_refused(shared: tuple[Site, int]) -> None:
    site, _ = shared
    command = [sys.executable, "-m", "engine", "serve", "--home", str(site.home)]
    command += ["--store", site.store_url]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode == 3
    assert "runs already" in second.stderr


def test_http_and_folder_listeners_take_messages_and_batches(site: Site) -> None:
    port = free_port()
    (site.home / "in").mkdir()
    site.channel("web", f"  http:\n    port: {port}\n    path: /adt")
    site.channel(
        "folder", "  directory:\n    path: in\n    poll_seconds: 0.2\n    settle_seconds: 0.2"
    )
    site.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/adt", message("W1"))
    answer = connection.getresponse()
    assert answer.status == 200
    assert msa(answer.read()) == ("AA", "W1")
    batch = b"BHS|^~\\&|A\r" + message("W2") + message("W3") + b"BTS|2\r"
    connection.request("POST", "/adt", batch)
    answer = connection.getresponse()
    body = answer.read()
    assert (answer.status, body.count(b"MSA|AA|")) == (200, 2)
    connection.request("POST", "/adt", b"no message")
    assert connection.getresponse().status == 400
    connection.close()
    (site.home / "in" / "b.hl7").write_bytes(message("F1") + message("F2"))
    wait_for(lambda: site.delivered("web") == ["W1", "W2", "W3"])
    wait_for(lambda: site.delivered("folder") == ["F1", "F2"])
    assert [file.name for file in (site.home / "in" / "done").iterdir()] == ["b.hl7"]


def test_a_channel_that_acknowledges_on_delivered_answers_after_the_delivery(site: Site) -> None:
    port = free_port()
    site.mllp_channel("adt", port, "acknowledge: delivered\n")
    site.start()
    sender = Sender(port)
    assert sender.ask(message("D1")) == ("AA", "D1")
    assert site.delivered("adt") == ["D1"]


def test_http_and_folders_wait_for_late_acknowledgments_too(site: Site) -> None:
    port = free_port()
    (site.home / "in").mkdir()
    late = "acknowledge: delivered\n"
    site.channel("web", f"  http:\n    port: {port}", late)
    folder = "  directory:\n    path: in\n    poll_seconds: 0.2\n    settle_seconds: 0.2"
    site.channel("folder", folder, late)
    site.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", message("W1"))
    answer = connection.getresponse()
    assert (answer.status, msa(answer.read())) == (200, ("AA", "W1"))
    assert site.delivered("web") == ["W1"]
    connection.close()
    (site.home / "in" / "b.hl7").write_bytes(message("F1") + message("F2"))
    wait_for(lambda: (site.home / "in" / "done" / "b.hl7").exists())
    assert site.delivered("folder") == ["F1", "F2"]


class Load:
    """A stop-and-wait sender that resends what was not acknowledged, as a real one does."""

    def __init__(self, port: int, name: str) -> None:
        self._port = port
        self._name = name
        self.acknowledged: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        sender: Sender | None = None
        while not self._stopped.is_set():
            control_id = f"{self._name}x{number}"
            try:
                sender = sender or Sender(self._port)
                if sender.ask(message(control_id)) == ("AA", control_id):
                    self.acknowledged.append(control_id)
                    number += 1
                    continue
            except OSError:
                pass
            if sender is not None:
                sender.close()
            sender = None
            self._stopped.wait(0.05)
        if sender is not None:
            sender.close()

    def stop(self) -> list[str]:
        self._stopped.set()
        self._thread.join(30)
        return self.acknowledged


def check_delivery(site: Site, acknowledged: dict[str, list[str]]) -> None:
    """All that was acknowledged is delivered, in order; repeats only next to the original."""
    wanted = {one for found in acknowledged.values() for one in found}
    wait_for(lambda: wanted <= set(site.delivered("adt")), 60)
    delivered = site.delivered("adt")
    for name, found in acknowledged.items():
        mine = [one for one in delivered if one.startswith(f"{name}x")]
        assert mine[: len(found)] == found


@pytest.mark.parametrize("whole_node", [False, True], ids=["intake", "node"])
def test_no_acknowledged_message_is_lost_when_processes_are_killed(
    site: Site, whole_node: bool
) -> None:
    port = free_port()
    site.mllp_channel("adt", port)
    site.start()
    loads = {name: Load(port, name) for name in "ABCD"}
    for _ in range(2):
        before = sum(len(load.acknowledged) for load in loads.values())
        wait_for(lambda b=before: sum(len(one.acknowledged) for one in loads.values()) > b + 100)
        if whole_node:
            site.kill()
            site.start()
        else:
            site.kill_one("intake")
    before = sum(len(load.acknowledged) for load in loads.values())
    wait_for(lambda: sum(len(one.acknowledged) for one in loads.values()) > before + 50)
    acknowledged = {name: load.stop() for name, load in loads.items()}
    check_delivery(site, acknowledged)


def test_a_clean_end_answers_what_came_and_exits_with_zero(site: Site) -> None:
    port = free_port()
    site.mllp_channel("adt", port)
    site.start()
    load = Load(port, "A")
    wait_for(lambda: len(load.acknowledged) > 50)
    assert site.stop() == 0
    acknowledged = load.stop()
    assert site.status() is None
    site.start()
    check_delivery(site, {"A": acknowledged})


def test_a_reload_leaves_connections_of_other_channels_alone(site: Site) -> None:
    adt, lab, new = free_port(), free_port(), free_port()
    site.mllp_channel("adt", adt)
    site.mllp_channel("lab", lab)
    site.start()
    sender = Sender(adt)
    assert sender.ask(message("1")) == ("AA", "1")
    site.mllp_channel("lab", new)
    result = request_reload(site.data)
    assert result is not None
    assert (result.accepted, result.changed) == (True, ("lab",))
    assert sender.ask(message("2")) == ("AA", "2")
    moved = Sender(new)
    assert moved.ask(message("3")) == ("AA", "3")
    with pytest.raises(ConnectionRefusedError):
        Sender(lab)
    wait_for(lambda: site.delivered("adt") == ["1", "2"] and site.delivered("lab") == ["3"])


def test_a_broken_configuration_is_refused_while_the_old_one_runs_on(site: Site) -> None:
    port = free_port()
    site.mllp_channel("adt", port)
    site.start()
    sender = Sender(port)
    assert sender.ask(message("1")) == ("AA", "1")
    (site.home / "channels" / "lab.yaml").write_text("channel: lab\nlistner: {}\n")
    result = request_reload(site.data)
    assert result is not None
    assert result.accepted is False
    problem: Any = result.problems[0]
    assert problem["file"] == "channels/lab.yaml"
    command = [sys.executable, "-m", "engine", "reload", "--store", site.store_url]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 2
    assert "channels/lab.yaml:" in told.stderr
    assert sender.ask(message("2")) == ("AA", "2")
    site.kill_one("intake")  # what starts again runs on the old one too
    assert Sender(port).ask(message("3")) == ("AA", "3")


def test_pausing_and_draining_from_the_command_line(site: Site) -> None:
    port = free_port()
    site.mllp_channel("adt", port)
    site.start()
    assert Sender(port).ask(message("1")) == ("AA", "1")
    store = ["--store", site.store_url]
    subprocess.run([sys.executable, "-m", "engine", "drain", "adt", *store], check=True)

    def refused() -> bool:
        try:
            Sender(port).close()
        except ConnectionRefusedError:
            return True
        return False

    wait_for(refused)
    subprocess.run([sys.executable, "-m", "engine", "resume", "adt", *store], check=True)
    wait_for(lambda: not refused())
    assert Sender(port).ask(message("2")) == ("AA", "2")


def test_a_disk_that_takes_nothing_stops_acknowledgments_until_it_does_again(site: Site) -> None:
    port = free_port()
    site.mllp_channel("adt", port)
    site.start()
    assert Sender(port).ask(message("1")) == ("AA", "1")
    intake = site.pid("intake")
    _, hard = resource.prlimit(intake, resource.RLIMIT_FSIZE)
    resource.prlimit(intake, resource.RLIMIT_FSIZE, (0, hard))
    sender = Sender(port)
    assert sender.ask(message("2")) is None
    for _ in range(3):
        with contextlib.suppress(OSError):
            assert Sender(port).ask(message("2")) is None
    resource.prlimit(intake, resource.RLIMIT_FSIZE, (hard, hard))

    def answered() -> bool:
        try:
            return Sender(port).ask(message("2")) == ("AA", "2")
        except OSError:
            return False

    wait_for(answered, 15)
    assert site.pid("intake") == intake
    wait_for(lambda: site.delivered("adt") == ["1", "2"])


def test_mutual_tls_on_a_real_socket(site: Site) -> None:
    port = free_port()
    authority = Authority(site.home)
    hub, ward = authority.issue("localhost", "hub"), authority.issue("ward")
    tls = f"""\
  mllp:
    port: {port}
    tls:
      certificate: hub.crt.pem
      key: {hub.key}
      ca: {authority.file}"""
    site.channel("adt", tls)
    site.start()
    context = ssl.create_default_context(cafile=str(authority.file))
    context.load_cert_chain(ward.certificate, ward.key)
    context.check_hostname = False
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain) as secured,
    ):
        for number in range(3):
            secured.sendall(encode_frame(message(f"T{number}", text="x" * 50_000)))
            answer = secured.recv(65536)
            assert msa(answer.strip(b"\x0b\x1c\r")) == ("AA", f"T{number}")
    wait_for(lambda: site.delivered("adt") == ["T0", "T1", "T2"])


@pytest.mark.postgresql
def test_on_postgresql_no_acknowledged_message_is_lost_when_intake_is_killed(
    tmp_path: Path, make_postgresql_store: Callable[[], str]
) -> None:
    site = Site(tmp_path / "site", make_postgresql_store())
    port = free_port()
    site.mllp_channel("adt", port)
    try:
        site.start()
        assert Sender(port).ask(message("E1", accept="AL", late="AL")) == ("CA", "E1")
        loads = {name: Load(port, name) for name in "AB"}
        wait_for(lambda: sum(len(load.acknowledged) for load in loads.values()) > 50)
        site.kill_one("intake")
        before = sum(len(load.acknowledged) for load in loads.values())
        wait_for(lambda: sum(len(load.acknowledged) for load in loads.values()) > before + 20)
        acknowledged = {name: load.stop() for name, load in loads.items()}
        check_delivery(site, acknowledged)
    finally:
        site.end()


def test_processes_end_by_themselves_when_their_supervisor_is_killed(site: Site) -> None:
    port = free_port()
    site.mllp_channel("adt", port)
    site.start()
    assert Sender(port).ask(message("1")) == ("AA", "1")
    status = site.status()
    assert status is not None
    assert site.process is not None
    site.process.kill()
    site.process.wait(10)
    pids = [child.pid for child in status.children]
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 60)
    site.start()
    assert Sender(port).ask(message("2")) == ("AA", "2")


def test_a_broken_project_is_not_started_and_every_problem_is_shown(site: Site) -> None:
    (site.home / "channels" / "a.yaml").write_text("channel: a\nlistner: {}\n")
    (site.home / "channels" / "b.yaml").write_text("channel: b\nlistener:\n  mllp: {prt: 1}\n")
    command = [sys.executable, "-m", "engine", "serve", "--home", str(site.home)]
    command += ["--store", site.store_url]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert tried.returncode == 2
    assert "channels/a.yaml:2:" in tried.stderr
    assert "channels/b.yaml:3:" in tried.stderr
