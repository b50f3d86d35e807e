"""The demo: it needs no set-up, delivers to a FHIR server and to Millennium, says what to try."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from running_site import free_port

pytestmark = pytest.mark.acceptance
ROOT = Path(__file__).parents[2]


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


PORTS = (
    "MLLP_PORT", "HTTP_PORT", "FHIR_PORT", "CONSOLE_PORT", "CHART_PORT", "MILLENNIUM_PORT",
    "OPEN_ENGINE_PORT",
)  # fmt: skip
RELEASED = re.compile(
    r"The code CRP .*\n"
    r"  held     \d\d:\d\d:\d\d  message (?P<message>\d+), .*\n"
    r"  mapped   \d\d:\d\d:\d\d  engine tables add LAB_A/72 CRP=(?P<target>\S+)\n"
    r"  released \d\d:\d\d:\d\d  engine reload\n"
    r"  sent     \d\d:\d\d:\d\d\n"
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a demo that has ended, and what it said."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    ports = {name: str(free_port()) for name in PORTS}
    ended = engine(
        "demo", "--folder", str(folder), "--rate", "20",
        environment={**ports, "DEMO_SECONDS": "15"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return folder, ended.stderr


def test_the_demo_delivers_messages_and_documents_and_leaves_nothing_waiting(
    ran: tuple[Path, str],
) -> None:
    folder, said = ran
    found = re.search(r"(\d+) C-CDA documents: (\d+) delivered", said)
    assert found is not None, said
    assert int(found.group(2)) > 0
    store = f"sqlite:///{folder}/store"
    for state in ("PENDING", "QUEUED", "HELD", "PARKED", "UNKNOWN"):
        assert not engine("log", "search", f"status:{state}", "--store", store).stdout
    assert (
        "D304" in engine("log", "search", "channel:documents status:ERROR", "--store", store).stdout
    )
    explained = re.search(r"explain (\d+) \"Condition", said)
    assert explained is not None
    shown = engine(
        "explain", explained.group(1), "Condition[1].verificationStatus", "--store", store
    )
    assert "negationInd" in shown.stdout


def test_the_demo_writes_to_millennium_and_passes_on_by_mllp_what_it_has_no_api_for(
    ran: tuple[Path, str],
) -> None:
    _, said = ran
    found = re.search(
        r"In the simulated Millennium: (\d+) patients, (\d+) encounters, (\d+) observations, "
        r"(\d+) immunizations, (\d+) documents written; (\d+) updates",
        said,
    )
    assert found is not None, said
    assert all(int(number) > 0 for number in found.groups()), said
    assert re.search(r"(\d+) of them for a token; to Open Engine by MLLP: .*\d+ merges", said), said


def test_the_demo_holds_a_code_maps_it_in_its_own_copy_and_releases_the_message(
    ran: tuple[Path, str],
) -> None:
    folder, said = ran
    told = RELEASED.search(said)
    assert told is not None, said
    table = "codevalues/aliases/LAB_A/72.csv"
    row = f"CRP,,,{told['target']},C-Reactive Protein,"
    assert row in (folder / "project" / table).read_text().splitlines()
    assert row not in (ROOT / "examples/millennium" / table).read_text().splitlines()
    shown = engine("log", "show", told["message"], "--store", f"sqlite:///{folder}/store")
    assert "to chart  SENT" in shown.stdout, shown.stdout


def test_commands_mean_the_demo_once_its_variables_are_set(ran: tuple[Path, str]) -> None:
    folder, said = ran
    assert f". {folder}/try.sh" in said
    shown = subprocess.run(
        ["/bin/sh", "-c", f". {folder}/try.sh; engine check && engine tables missing"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert "everything is in order" in shown.stdout, shown.stderr
    assert "CRP" not in shown.stdout
