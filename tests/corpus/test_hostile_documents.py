"""Files made to break a reader of XML cost little, and are refused with a code or just read.

Time and memory are limits of the child process (`hostile_child.py`): a file that costs more than a
second of CPU or 300 MB is ended by the system, and the test sees that.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
HOSTILE = HERE.parents[2] / "shared" / "corpora" / "ccda" / "hostile"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not HOSTILE.exists(), reason="the shared corpora are not here"),
]

REFUSED = {
    "attr-entity-blowup.xml": "D303",
    "billion-laughs.xml": "D303",
    "control-char.xml": "D304",
    "deep-nesting-20000.xml": "D304",
    "deep-nesting-300.xml": "D304",
    "many-attributes-100k.xml": "D307",
    "trailing-garbage.xml": "D304",
    "truncated.xml": "D304",
    "wrong-namespace.xml": "D308",
    "xxe-file.xml": "D303",
}
"""File to the code that says why it is not converted."""

READ = {
    "cdata-and-pi-in-text.xml": None,
    "comment-split-text.xml": None,
    "duplicate-ID.xml": "D320",
    "leading-bom-and-blank.xml": "D310",
    "narrative-script.xml": None,
    "no-namespace.xml": "D311",
    "prefixed-namespace.xml": None,
    "reference-xpath-injection.xml": None,
    "utf16-le-bom.xml": None,
}
"""File to the code that says what was mended or met in it; None: nothing had to be said."""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, Any]]:
    files = sorted(str(path) for path in HOSTILE.glob("*.xml"))
    ran = subprocess.run(
        [sys.executable, str(HERE / "hostile_child.py"), *files],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=HERE.parents[1],
    )
    assert ran.returncode == 0, ran.stderr[-2_000:]
    return {one["file"]: one for one in map(json.loads, ran.stdout.splitlines())}


def test_every_hostile_file_has_its_expectation(outcomes: dict[str, dict[str, Any]]) -> None:
    assert outcomes.keys() == REFUSED.keys() | READ.keys()


def test_no_hostile_file_costs_more_than_a_second_and_300_mb(
    outcomes: dict[str, dict[str, Any]],
) -> None:
    assert [name for name, one in outcomes.items() if "ended" in one] == []


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_attack_or_damage_is_refused_with_its_code(
    name: str, outcomes: dict[str, dict[str, Any]]
) -> None:
    assert REFUSED[name] in outcomes[name]["codes"]
    assert outcomes[name]["types"] == []


@pytest.mark.parametrize("name", sorted(READ))
def test_odd_but_harmless_file_is_read(name: str, outcomes: dict[str, dict[str, Any]]) -> None:
    assert "DocumentReference" in outcomes[name]["types"]
    said = READ[name]
    assert said is None or said in outcomes[name]["codes"]


def test_script_of_a_narrative_reaches_no_resource(outcomes: dict[str, dict[str, Any]]) -> None:
    entries = json.loads(outcomes["narrative-script.xml"]["body"])["entry"]
    told = json.dumps([e for e in entries if e["resource"]["resourceType"] != "DocumentReference"])
    for word in ("<script", "javascript:", "onmouseover", "onclick", "<iframe", "<object"):
        assert word not in told.lower()


def test_expression_in_a_reference_is_only_a_name(outcomes: dict[str, dict[str, Any]]) -> None:
    found = outcomes["reference-xpath-injection.xml"]
    assert "SECRET" not in found["body"]
    assert set(found["codes"]) <= {"D321", "D340", "T561"}
