"""Values of patients stay in the store and in what is sent: no log, metric, status or diagnostic.

A running node is fed messages in which every value of a patient is a token found nowhere else; its
destination refuses some and says them again in its answer. A command masks values on a terminal and
gives all of them to a pipe.
"""

import contextlib
import http.server
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running_site import Sender, Site, free_port, msa, wait_for

from engine.mllp import encode_frame
from engine.runtime.desk.message_log import open_message_log
from engine.runtime.desk.search_query import parse_query

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]
TOKEN = "ZQ7X"
"""Part of every value of a patient here, in upper or lower case."""
ENVIRONMENT = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}

ADMISSION = (
    "MSH|^~\\&|REG|NORTH|EHR|NORTH|20260102030405+0000||ADT^A01^ADT_A01|{id}|P|2.5.1|||||||UTF-8",
    "EVN|A01|20260102030405||01|zq7xclerk^ZQ7XCLERK|zq7xhappened",
    ("PID|1|zq7xold^^^zq7xauth^MR|{mrn}^^^NORTH^MR~zq7xmrn2||ZQ7XFAMILY^Zq7xgiven^^zq7xsuffix^^^Q"
    "|zq7xmaiden|zq7xbirth|zq7xcodesex||zq7xrace^zq7xracetext|zq7xstreet^^zq7xcity^zq7xstate^zq7xzip"
    "|zq7xcounty|zq7xphone^PRN^zq7xkind|zq7xwork|zq7xlang|zq7xmarital|zq7xrel|zq7xaccount"
    "|zq7xssn|zq7xlic||zq7xethnic|zq7xplace|zq7xtwin|zq7xorder||||zq7xdeath|zq7xdead"),
    "NK1|1|ZQ7XKIN^Zq7xkin|zq7xcoderelation|zq7xkinstreet|zq7xkinphone",
    ("PV1|1|zq7xcodeclass|zq7xward^zq7xroom^zq7xbed|zq7xcodetype|||zq7xdoc^ZQ7XDOCTOR|||zq7xcodeservice"
    "||||zq7xcodesource||||zq7xcodept|zq7xvisit|||||||||||||||||zq7xcodedisp|||||||zq7xadmit|zq7xdischarge"),
    "AL1|1|zq7xcodekind|zq7xallergy^zq7xallergytext|zq7xsev|zq7xreaction|zq7xdate",
    "DG1|1||zq7xdx^zq7xdxtext^zq7xsys||zq7xdxdate|zq7xcodedx",
    "ZPI|1|zq7xsite^zq7xsite2|zq7xsite3",
)  # fmt: skip
RESULT = (
    "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405+0000||ORU^R01^ORU_R01|{id}|P|2.5.1",
    "PID|1||{mrn}^^^NORTH^MR||ZQ7XFAMILY^Zq7xgiven||19zq7x|F",
    ("OBR|1|zq7xplacer|zq7xfiller|zq7xpanel^zq7xpaneltext|||zq7xtime|||||||||zq7xorderer^ZQ7XBY"
    "||||||zq7xissued||zq7xcodesection|zq7xcodestatus"),
    "NTE|1||zq7xnote of the report",
    "OBX|1|NM|2345-7^Glucose^LN||zq7xnumber|zq7xcodeunit|zq7xrange|zq7xcodeflag|||zq7xcodestate|||zq7xseen",
    "NTE|1||zq7xnote of the result",
    "OBX|2|zq7x|zq7xcode^zq7xname||zq7xvalue~zq7xvalue2",
    "OBX|3|SN|zq7xcode3||<^zq7xlow^-^zq7xhigh",
    "OBX|4|ED|zq7xcodedoc||zq7xapp^AP^zq7xmime^Base64^zq7x not base64",
    "OBX|5|DT|zq7xcode5||zq7x0230",
    "zq7x line that begins with no segment",
    "ZRE|zq7xsite",
)  # fmt: skip


def text(lines: tuple[str, ...], control_id: str, mrn: str) -> bytes:
    return ("\r".join(lines).format(id=control_id, mrn=mrn) + "\r").encode()


class Echo(http.server.BaseHTTPRequestHandler):
    """Refuses by what is in the transaction, and says in its answer what it was sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.bodies.append(body)  # type: ignore[attr-defined]
        reads = body.count('"method":"GET"')
        if reads:
            missing = {"response": {"status": "404"}}
            answer = {
                "resourceType": "Bundle",
                "type": "batch-response",
                "entry": [missing] * reads,
            }
            self._answer(200, json.dumps(answer))
        elif "zq7xrefused" in body:
            self._answer(422, _outcome(f"ZQ7XFAMILY may not be here: {body[:3000]}"))
        elif "zq7xstrange" in body:
            self._answer(400, f"<html>{body[:3000]}</html>", kind="text/html")
        else:
            answer = {"resourceType": "Bundle", "type": "transaction-response", "entry": []}
            self._answer(200, json.dumps(answer))

    def _answer(self, status: int, body: str, kind: str = "application/fhir+json") -> None:
        sent = body.encode()
        self.send_response(status, "zq7xreason")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(sent)))
        self.send_header("Location", "Patient/zq7xlocation")
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _outcome(words: str) -> str:
    issue = {
        "severity": "error", "code": "processing", "diagnostics": words,
        "details": {"text": words, "coding": [{"code": "zq7xcode"}]},
        "expression": ["Patient.name.where(family='ZQ7XFAMILY')"],
    }  # fmt: skip
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})


class Node:
    """An engine that has been fed; what it wrote is looked at by the tests."""

    def __init__(self, home: Path, server: http.server.ThreadingHTTPServer) -> None:
        self.site = Site(home)
        (home / "transforms").rmdir()
        self.port, self.metrics_port = free_port(), free_port()
        (home / "channels" / "all.yaml").write_text(
            f"""\
channel: all
listener: {{mllp: {{port: {self.port}, frame_timeout_seconds: 1}}}}
destinations:
  - fhir:
      name: ehr
      url: http://127.0.0.1:{server.server_address[1]}/fhir
      retry: {{initial_seconds: 0.1}}
""",
            encoding="utf-8",
        )
        (home / "in").mkdir()
        (home / "channels" / "files.yaml").write_text(
            """\
channel: files
listener: {directory: {path: in, poll_seconds: 0.2, settle_seconds: 0.1}}
transform: {map: none}
destinations: [{file: {name: out, path: out, content: message}}]
""",
            encoding="utf-8",
        )
        self.site.start("--metrics-port", str(self.metrics_port))
        self.control_ids: list[str] = []

    def feed(self) -> None:
        for kind, lines in (("A", ADMISSION), ("R", RESULT)):
            for mrn in ("zq7xplain", "zq7xrefused", "zq7xstrange"):
                self._send(text(lines, f"{kind}{len(self.control_ids)}", mrn))
        bad_bytes = text(ADMISSION, "A90", "zq7xbytes").replace(b"XFAMILY", b"XFAM\xff\xfeILY")
        self._send(bad_bytes)
        self._send(text(ADMISSION, "A91", "zq7xcut").replace(b"PID|", b"PID^"))
        self._send(text(ADMISSION, "A92", "zq7xtype").replace(b"A01^ADT_A01", b"A99"))
        self._send(text(ADMISSION, "A93", "zq7xnull").replace(b"zq7xphone", b'""'))
        for raw in (
            b"zq7x garbage without a frame",
            encode_frame(b"PID|1||zq7xnomsh\rOBX|1|ST|||zq7xvalue"),
            encode_frame(text(ADMISSION, "A94", "zq7xhalf"))[:300],
            b"\x0b" + text(ADMISSION, "A95", "zq7xnofinal") + b"\x1czq7xrest",
        ):
            sender = Sender(self.port)
            sender.socket.sendall(raw)
            sender.receive(5)
            sender.close()

        aside = self.site.home / "in" / "aside"
        aside.write_bytes(text(ADMISSION, "A96", "zq7xfile"))
        aside.rename(self.site.home / "in" / "zq7xname.hl7")
        self.control_ids.append("A96")

    def _send(self, raw: bytes) -> None:
        sender = Sender(self.port)
        sender.send(raw)
        answer = sender.receive()
        assert answer is not None
        self.control_ids.append(msa(answer)[1])
        sender.close()

    def rows(self) -> list[Any]:
        with open_message_log(self.site.store_url) as log:
            return log.search(parse_query("", now=time.time(), limit=1000))

    def settled(self) -> bool:
        rows = self.rows()
        done = {"SENT", "ERROR", "HELD", "FILTERED"}
        return len(rows) >= len(self.control_ids) + 4 and all(
            row.verdict.value == "fault" or str(row.state) in done for row in rows
        )


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    server.bodies = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    node = Node(tmp_path_factory.mktemp("privacy") / "site", server)
    try:
        node.feed()
        wait_for(node.settled, 60)
        assert TOKEN in "".join(server.bodies).upper()  # type: ignore[attr-defined]
        yield node
    finally:
        node.site.end()
        server.shutdown()
        server.server_close()
        thread.join()
        while Sender.opened:
            Sender.opened.pop().close()


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def on_a_terminal(*arguments: str | Path) -> str:
    """What a person sees of a command: stdout and stderr on a pseudo-terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        env=ENVIRONMENT, stdin=slave, stdout=slave, stderr=slave,
    ) as process:  # fmt: skip
        os.close(slave)
        seen = b""
        with contextlib.suppress(OSError):  # EIO: the command has ended
            while data := os.read(master, 65536):
                seen += data
        process.wait(60)
    os.close(master)
    return seen.decode("utf-8", "replace")


def leaks(shown: str) -> list[str]:
    return sorted(set(re.findall(rf"\w*{TOKEN}\w*", shown, re.IGNORECASE)))


def fetch(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as refused:
        return refused.read().decode()


def refused(node: Node) -> int:
    """A message that the destination refused in words."""
    return next(
        row.message_id
        for row in node.rows()
        if str(row.state) == "ERROR" and row.control_id == "A1"
    )


# -- what a node writes by itself --


def test_no_value_is_in_the_log(node: Node) -> None:
    shown = node.site.log.read_text("utf-8", "replace")
    assert shown
    assert leaks(shown) == []


def test_no_value_is_in_metrics_and_health(node: Node) -> None:
    for page in ("metrics", "health"):
        shown = fetch(f"http://127.0.0.1:{node.metrics_port}/{page}")
        assert shown
        assert leaks(shown) == []


def test_no_value_is_in_the_files_beside_the_store(node: Node) -> None:
    folder = node.site.data.run
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    for file in files:
        assert leaks(file.name + file.read_bytes().decode("utf-8", "replace")) == []


def test_no_value_is_in_the_titles_and_environments_of_processes(node: Node) -> None:
    status = node.site.status()
    assert status is not None
    for child in status.children:
        for name in ("cmdline", "comm", "environ"):
            assert leaks(Path(f"/proc/{child.pid}/{name}").read_bytes().decode()) == []


def test_no_value_is_in_the_statistics(node: Node) -> None:
    done = command("stats", "--store", node.site.store_url)
    assert "all" in done.stdout + done.stderr
    assert leaks(done.stdout + done.stderr) == []


def test_no_value_is_in_a_stored_diagnostic(node: Node) -> None:
    found: list[Any] = []
    for row in node.rows():
        done = command("log", "show", row.message_id, "--format", "json",
                       "--store", node.site.store_url)  # fmt: skip
        detail = json.loads(done.stdout)
        found += detail["diagnostics"]
        for run in detail["runs"]:
            found += run["diagnostics"]
            for delivery in run["deliveries"]:
                found += [attempt["failure_code"] for attempt in delivery["attempts"]]
    assert len(found) > 50
    assert leaks(json.dumps(found)) == []


def test_no_value_is_in_the_list_of_a_search(node: Node) -> None:
    done = command("log", "search", "--store", node.site.store_url, "--limit", "1000")
    assert done.stdout
    assert leaks(done.stdout + done.stderr) == []


# -- what commands show --


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("file") / "result.hl7"
    file.write_bytes(text(RESULT, "R1", "zq7xplain"))
    return file


def shown_on_purpose(token: str) -> bool:
    """Codes tell nothing of who the patient is, and are shown."""
    return "code" in token or "panel" in token


def test_notes_of_a_conversion_hold_no_value_and_its_output_all(file: Path) -> None:
    done = command("convert", file, "--home", ROOT)
    assert "warning[" in done.stderr
    assert leaks(done.stderr) == []
    assert {"ZQ7XFAMILY", "zq7xnumber", "zq7xplain"} <= set(leaks(done.stdout))


def test_a_report_of_conversions_holds_no_value(file: Path) -> None:
    done = command("convert", file, "--home", ROOT, "--report", "-")
    assert json.loads(done.stdout)["diagnostics"]
    assert leaks(done.stdout + done.stderr) == []


def test_convert_masks_on_a_terminal(file: Path) -> None:
    shown = on_a_terminal("convert", file, "--home", ROOT)
    assert "Observation" in shown and "***" in shown
    assert [token for token in leaks(shown) if not shown_on_purpose(token)] == []
    assert "ZQ7XFAMILY" in on_a_terminal("convert", file, "--home", ROOT, "--unmask")


def test_log_show_masks_on_a_terminal(node: Node) -> None:
    failed = refused(node)
    for options in ((), ("--output",), ("--format", "json")):
        what = ("log", "show", str(failed), *options, "--store", node.site.store_url)
        shown = on_a_terminal(*what)
        assert str(failed) in shown
        assert [token for token in leaks(shown) if not shown_on_purpose(token)] == []
        assert "zq7x" in on_a_terminal(*what, "--unmask").lower()
        assert "zq7x" in command(*what).stdout.lower()


def test_the_name_of_a_file_is_masked_on_a_terminal(node: Node) -> None:
    taken = next(row.message_id for row in node.rows() if row.channel == "files")
    for form in ("text", "json"):
        what = ("log", "show", str(taken), "--format", form, "--store", node.site.store_url)
        assert "zq7xname" not in on_a_terminal(*what)
        assert "zq7xname" in command(*what).stdout


def test_explain_masks_on_a_terminal(file: Path) -> None:
    for question in (
        (),
        ("--from", "PID-5"),
        ("--from", "OBX-5"),
        ("Patient.name[0].family",),
    ):
        what = ("explain", file, *question, "--home", ROOT)
        shown = on_a_terminal(*what)
        assert [token for token in leaks(shown) if not shown_on_purpose(token)] == []
        if question:
            assert "zq7x" in command(*what).stdout.lower()
