"""The commands as a new user runs them: on the shipped project, then on a live node."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_site import free_port, wait_for

pytestmark = pytest.mark.acceptance
ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "samples/cda/ccd-rich.xml"
SAMPLE = next(iter(sorted((ROOT / "samples/hl7v2/ADT_A01").glob("*.hl7"))))
ENVIRONMENT = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}


def engine(
    *arguments: str | Path, expect: int = 0, **extra: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in the project; its exit code is asserted."""
    done = subprocess.run(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        cwd=ROOT, env={**ENVIRONMENT, **extra}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == expect, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def test_check_finds_the_shipped_project_in_order() -> None:
    assert "0 errors, 0 warnings" in engine("check").stderr


def test_check_says_file_line_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels" / "lab.yaml").write_text(
        "channel: lab\nlistener: {mlpp: {port: 2575}}\n"
    )
    done = engine("check", "--home", tmp_path, expect=1)
    assert re.search(r"channels/lab\.yaml:2:\d+: error\[C4\d\d\]", done.stdout)
    assert 'did you mean "mllp"' in done.stdout


def test_the_tests_beside_maps_and_channels_pass() -> None:
    assert ", 0 failed" in engine("test").stderr


def test_convert_gives_a_bundle_on_stdout_and_notes_on_stderr() -> None:
    bundle = json.loads(engine("convert", SAMPLE).stdout)
    assert bundle["resourceType"] == "Bundle"
    types = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert {"Patient", "Encounter", "MessageHeader"} <= types


def test_convert_of_many_writes_files_and_a_report_and_repeats_itself(tmp_path: Path) -> None:
    folder = ROOT / "samples" / "hl7v2"
    written = []
    for name, jobs in (("one", "1"), ("two", "2")):
        out, report = tmp_path / name, tmp_path / f"{name}.ndjson"
        engine("convert", folder, "--jobs", jobs, "--out", out, "--report", report)
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        assert {"file", "status", "message_type", "diagnostics", "unmapped", "cpu_ms"} <= set(
            lines[0]
        )
        written.append({file.name: file.read_bytes() for file in out.iterdir()})
        assert len(lines) >= len(list(folder.rglob("*.hl7")))
    assert written[0] == written[1]


def test_convert_of_many_without_a_report_file_reports_on_stdout(tmp_path: Path) -> None:
    for name in ("one.hl7", "two.hl7"):
        (tmp_path / name).write_bytes(SAMPLE.read_bytes())
    done = engine("convert", tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["file"]).name for line in lines] == ["one.hl7", "two.hl7"]
    assert {line["status"] for line in lines} == {"TRANSFORMED"}
    assert "2 files, 2 messages" in done.stderr
    quiet = engine("convert", tmp_path, "--report", tmp_path / "report.ndjson")
    assert quiet.stdout == ""


def test_convert_wraps_a_document_as_a_document_bundle(tmp_path: Path) -> None:
    plain = engine("convert", DOCUMENT).stdout
    assert json.loads(plain)["type"] == "transaction"
    assert engine("convert", DOCUMENT, "--wrap", "transaction").stdout == plain
    text = engine("convert", DOCUMENT, "--wrap", "document").stdout
    bundle = json.loads(text)
    assert bundle["type"] == "document"
    assert bundle["identifier"] == bundle["entry"][0]["resource"]["identifier"]
    assert bundle["timestamp"].startswith("2024-")
    types = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert types[0] == "Composition"
    assert types.count("Composition") == 1
    assert not any("request" in entry for entry in bundle["entry"])
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    assert set(re.findall(r'"reference": "([^"#][^"]*)"', text)) <= urls
    engine("convert", DOCUMENT, "--wrap", "document", "--out", tmp_path)
    (written,) = tmp_path.iterdir()
    assert json.loads(written.read_bytes()) == bundle
    message = engine("convert", SAMPLE, "--wrap", "document").stdout
    assert json.loads(message)["type"] == "transaction"


def test_convert_of_garbage_is_a_coded_finding(tmp_path: Path) -> None:
    file = tmp_path / "garbage.hl7"
    file.write_bytes(bytes(range(256)))
    assert re.search(r"error\[H2\d\d\]", engine("convert", file, expect=1).stderr)


def test_convert_of_nothing_is_an_environment_error(tmp_path: Path) -> None:
    engine("convert", tmp_path / "absent.hl7", expect=3)


def test_explain_names_rule_and_bytes() -> None:
    done = engine("explain", SAMPLE, "Patient.birthDate")
    assert re.search(r"PID_Patient\.yaml:\d+:\d+", done.stdout)
    assert re.search(r"PID\[1\]-7.* bytes \d+-\d+", done.stdout)


def test_explain_says_where_a_field_went() -> None:
    assert "Patient.gender" in engine("explain", SAMPLE, "--from", "PID-8").stdout


def test_explain_says_why_an_element_is_not_there() -> None:
    done = engine("explain", SAMPLE, "--why-not", "Patient.deceasedDateTime")
    assert "PID-29" in done.stdout


@pytest.mark.parametrize("topic", ["PID-7", "Patient.gender", "0001", "T561", "date", "admit date"])
def test_docs_knows_the_topic(topic: str) -> None:
    assert engine("docs", topic).stdout


def test_the_reference_pages_are_fresh() -> None:
    engine("docs", "--check")


def test_a_wrong_option_is_a_usage_error() -> None:
    engine("convert", SAMPLE, "--channel", "nowhere", expect=2)


def test_no_store_is_an_environment_error(tmp_path: Path) -> None:
    engine("stats", "--store", f"sqlite:///{tmp_path}/none", expect=3)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The shipped channels on a live node with a simulated FHIR server that refuses the unborn."""
    folder = tmp_path_factory.mktemp("node")
    mllp, fhir = free_port(), free_port()
    store = f"sqlite:///{folder}/store"
    variables = {
        "MLLP_PORT": str(mllp),
        "FHIR_URL": f"http://127.0.0.1:{fhir}/fhir",
        "ENGINE_STORE": store,
        "INBOX": str(folder / "inbox"),
    }
    commands = (
        ("engine.simulator.fhir_server", "--port", str(fhir), "--refuse-future-births"),
        ("engine", "serve", "--no-console"),
    )
    with (folder / "log").open("wb") as log:
        running = [
            subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**ENVIRONMENT, **variables},
                stdout=log,
                stderr=log,
            )
            for command in commands
        ]
        try:
            wait_for(lambda: _answers(mllp, variables), 60)
            yield {**variables, "mllp": f"mllp://127.0.0.1:{mllp}", "fhir": str(fhir)}
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait(60)


def _answers(port: int, variables: dict[str, str]) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "send", str(SAMPLE), f"mllp://127.0.0.1:{port}"],
        cwd=ROOT, env={**ENVIRONMENT, **variables}, capture_output=True, timeout=60,
    )  # fmt: skip
    return done.returncode == 0


def rows(node: dict[str, str], *query: str) -> list[dict[str, object]]:
    """What log search finds."""
    done = subprocess.run(
        [sys.executable, "-m", "engine", "log", "search", *query, "--format", "ndjson"],
        cwd=ROOT, env={**ENVIRONMENT, **node}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def adt(control_id: str, mrn: str, birth_date: str = "19870412") -> bytes:
    return (
        f"MSH|^~\\&|REG|NORTH|E|H|20260105083000-0600||ADT^A08^ADT_A01|{control_id}|P|2.5.1\r"
        f"EVN|A08|20260105083000-0600\rPID|1||{mrn}^^^NORTH^MR||Okafor^Ada||{birth_date}|F\r"
        "PV1|1|O\r"
    ).encode()


def test_support_finds_a_failed_message_sees_why_and_replays_it(
    node: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "unborn.hl7"
    file.write_bytes(adt("UNBORN1", "88001", "21010101"))
    engine("send", file, node["mllp"], "--expect", "AA", **node)
    found = wait_for(lambda: rows(node, "control:UNBORN1", "status:ERROR"))
    number = str(found[0]["message_id"])
    assert found[0]["codes"] and "http-422" in found[0]["codes"]  # type: ignore[operator]

    assert rows(node, "mrn:88001")[0]["message_id"] == found[0]["message_id"]  # PID-3
    shown = engine("log", "show", number, **node).stdout
    assert "422" in shown and "OperationOutcome" in shown
    assert "Patient.birthDate" in engine("explain", number, "--from", "PID-7", **node).stdout

    preview = engine("replay", f"id:{number}", "--dry-run", **node)
    assert "create" in preview.stdout
    done = engine("replay", f"id:{number}", "--yes", "--reason", "a test", expect=1, **node)
    assert "1 failed" in done.stdout
    detail = json.loads(engine("log", "show", number, "--format", "json", **node).stdout)
    assert [run["origin"] for run in detail["runs"]] == ["received", "replay"]
    assert detail["runs"][1]["replay_of"] == detail["runs"][0]["run_id"]


def test_a_delivered_message_is_replayed_and_linked(node: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "fine.hl7"
    file.write_bytes(adt("FINE1", "88002"))
    engine("send", file, node["mllp"], **node)
    found = wait_for(lambda: rows(node, "control:FINE1", "status:SENT"))
    done = engine("replay", f"id:{found[0]['message_id']}", "--yes", **node)
    assert "1 succeeded" in done.stdout


def test_the_same_bytes_again_get_the_same_answer_and_are_not_delivered_again(
    node: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "twice.hl7"
    file.write_bytes(adt("TWICE1", "88003"))
    for _ in range(2):
        engine("send", file, node["mllp"], "--expect", "AA", **node)
    found = wait_for(lambda: [*rows(node, "control:TWICE1")] if _sent(node, "TWICE1") else None)
    assert sorted(str(row["verdict"]) for row in found) == ["duplicate", "new"]


def _sent(node: dict[str, str], control_id: str) -> bool:
    return bool(rows(node, f"control:{control_id}", "status:SENT"))


def test_a_paused_channel_receives_and_delivers_after_resume(
    node: dict[str, str], tmp_path: Path
) -> None:
    engine("pause", "adt", "--reason", "a test", **node)
    wait_for(lambda: " pause " in engine("stats", **node).stdout)
    file = tmp_path / "paused.hl7"
    file.write_bytes(adt("PAUSED1", "88004"))
    wait_for(lambda: _held_back(node, file))
    engine("resume", "adt", **node)
    wait_for(lambda: _sent(node, "PAUSED1"))


def _held_back(node: dict[str, str], file: Path) -> bool:
    """Sent and acknowledged, and not delivered."""
    engine("send", file, node["mllp"], "--expect", "AA", **node)
    return bool(rows(node, "control:PAUSED1", "status:QUEUED"))


def test_stats_counts_what_was_received(node: dict[str, str]) -> None:
    def counted() -> bool:
        rows = json.loads(engine("stats", "--format", "json", **node).stdout)
        return any(row["channel"] == "adt" and row["received"] >= 1 for row in rows)

    wait_for(counted)


def test_a_query_that_cannot_be_read_is_a_usage_error(node: dict[str, str]) -> None:
    engine("log", "search", "status:BROKEN", expect=2, **node)


def test_a_folder_without_a_store_stays_one(tmp_path: Path) -> None:
    engine("stats", "--store", f"sqlite:///{tmp_path}", expect=3)
    assert list(tmp_path.iterdir()) == []


def received(node: dict[str, str]) -> int:
    counted = json.loads(engine("stats", "--format", "json", **node).stdout)
    return sum(int(row["received"]) for row in counted)


def test_purge_forgets_by_age_and_keeps_what_is_young(node: dict[str, str]) -> None:
    before = wait_for(lambda: received(node))
    assert engine("purge", "--older-than", "90d", "--yes", **node).stdout.strip() == "0"
    assert received(node) >= before  # nothing young was forgotten
    engine("purge", "--older-than", "soon", "--yes", expect=2, **node)


def test_a_refused_message_is_a_problem_that_is_shown_noted_and_tried(
    node: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "later.hl7"
    file.write_bytes(adt("UNBORN2", "88009", "21010102"))
    engine("send", file, node["mllp"], "--expect", "AA", **node)
    wait_for(lambda: rows(node, "control:UNBORN2", "status:ERROR"))
    listed = engine("problems", "--format", "ndjson", expect=1, **node).stdout
    number = next(
        row["problem"]
        for row in map(json.loads, listed.splitlines())
        if row.get("waiting") and "422" in row["title"]
    )
    engine("problems", "note", number, "--owner", "tests", "--snooze", "2h", **node)
    shown = json.loads(engine("problems", "show", number, "--format", "json", **node).stdout)
    assert (shown["owner"], shown["state"]) == ("tests", "put off")
    tried = engine("problems", "replay", number, "--dry-run", **node).stdout
    assert "create" in tried
    done = engine("problems", "replay", number, "--yes", "--reason", "a test", expect=1, **node)
    assert "failed" in done.stdout
