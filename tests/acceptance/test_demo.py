"""The demo: it runs without set-up, takes messages and documents, and says what to try."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from running_site import free_port

pytestmark = pytest.mark.acceptance


def engine(
    *words: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )


def test_the_demo_delivers_messages_and_documents_and_leaves_nothing_waiting(
    tmp_path: Path,
) -> None:
    ports = {name: str(free_port()) for name in ("MLLP_PORT", "HTTP_PORT", "FHIR_PORT")}
    ended = engine(
        "demo",
        "--folder",
        str(tmp_path / "demo"),
        "--rate",
        "20",
        environment={**ports, "DEMO_SECONDS": "12"},
    )
    assert ended.returncode == 0, ended.stderr
    found = re.search(r"(\d+) C-CDA documents: (\d+) delivered", ended.stderr)
    assert found is not None, ended.stderr
    assert int(found.group(2)) > 0
    store = f"sqlite:///{tmp_path}/demo/store"
    for state in ("PENDING", "HELD", "UNKNOWN"):
        assert not engine("log", "search", f"status:{state}", "--store", store).stdout
    assert (
        "D304" in engine("log", "search", "channel:documents status:ERROR", "--store", store).stdout
    )
    explained = re.search(r"explain (\d+) \"Condition", ended.stderr)
    assert explained is not None
    shown = engine(
        "explain", explained.group(1), "Condition[1].verificationStatus", "--store", store
    )
    assert "negationInd" in shown.stdout
