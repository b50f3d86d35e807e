"""Every scenario of HL7's C-CDA examples has an asserted outcome, in scenarios.csv."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from converted_documents import CORPUS, convert_document
from facts import holds

SCENARIOS = CORPUS / "hl7-scenarios"
TABLE = Path(__file__).parent / "scenarios.csv"
FACTS = list(csv.DictReader(TABLE.read_text("utf-8").splitlines()))

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not SCENARIOS.exists(), reason="the shared corpora are not here"),
]


def file_of(start: str) -> Path:
    """The one file whose name begins so and goes on with an underscore."""
    found = [path for path in SCENARIOS.glob("*.xml") if path.name.startswith(f"{start}_")]
    assert len(found) == 1, (start, [path.name for path in found])
    return found[0]


@cache
def resources_of(path: Path) -> list[dict[str, Any]]:
    return convert_document(path.name, path.read_bytes()).resources()


@pytest.mark.parametrize("row", FACTS, ids=lambda row: f"{row['file']}: {row['fact'][:40]}")
def test_scenario_keeps_its_meaning(row: dict[str, str]) -> None:
    assert holds(resources_of(file_of(row["file"])), row["fact"])


def test_every_scenario_has_an_outcome() -> None:
    asserted = {file_of(row["file"]).name for row in FACTS}
    assert {path.name for path in SCENARIOS.glob("*.xml")} == asserted
