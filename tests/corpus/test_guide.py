"""Every row of HL7's guide is implemented or overridden with a reason, and the page says so."""

from pathlib import Path

import pytest

from engine.mapping.guide.comparison import Comparison
from engine.mapping.guide.guide_tables import GuideMap
from engine.mapping.guide.ledger import ledger_page
from engine.mapping.guide.verdicts import MISSING, OVERRIDDEN, Verdict
from engine.runtime.configuration import message_library, read_project
from engine.runtime.desk.guide_folder import read_guide

ROOT = Path(__file__).parents[2]
GUIDE = ROOT.parent / "shared" / "corpora" / "v2-to-fhir-ig" / "mappings"
PAGE = ROOT / "docs" / "reference" / "guide.md"
UPDATE = f"run engine spec all --against {GUIDE} -o {PAGE.relative_to(ROOT)}"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not GUIDE.exists(), reason="the guide's tables are not here"),
]

Found = dict[GuideMap, list[Verdict]]


@pytest.fixture(scope="module")
def found() -> Found:
    guide_maps, problems = read_guide(GUIDE)
    assert problems == []
    library, problems = message_library(read_project(ROOT))
    assert problems == []
    comparison = Comparison(library=library)
    return {one: comparison.compare(one) for one in guide_maps}


def test_the_guide_is_read_whole(found: Found) -> None:
    kinds = {kind: [one for one in found if one.kind == kind] for kind in
             ("message", "segment", "datatype", "codesystem")}  # fmt: skip
    assert {kind: len(maps) for kind, maps in kinds.items()} == {
        "message": 13,
        "segment": 75,
        "datatype": 105,
        "codesystem": 99,
    }
    assert sum(map(len, found.values())) > 4_000


def test_no_row_of_the_guide_is_missing(found: Found) -> None:
    missing = [
        f"{one.guide_map.name} {one.row.line}: {one.row.source} -> {one.row.target}"
        for verdicts in found.values()
        for one in verdicts
        if one.state == MISSING
    ]
    assert missing == []


def test_every_row_that_is_overridden_has_a_reason(found: Found) -> None:
    every = [one for verdicts in found.values() for one in verdicts]
    assert [one.row for one in every if one.state == OVERRIDDEN and not one.reason] == []


def test_the_page_is_that_of_a_fresh_run(found: Found) -> None:
    assert PAGE.read_text(encoding="utf-8") == ledger_page(found), UPDATE
