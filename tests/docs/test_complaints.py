"""Each complaint has its link and a test that exists, or says why there is none."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "docs/complaints.md").read_text(encoding="utf-8").splitlines()
COMPLAINTS = [line for line in LINES if line.startswith("| ") and not line.startswith("| what is")]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def names(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)}


@pytest.mark.parametrize("line", COMPLAINTS, ids=lambda line: line[2:60])
def test_a_complaint_has_a_link_and_a_test_or_a_reason(line: str) -> None:
    assert "](https://" in line
    named = TEST.findall(line)
    assert named or "No test: " in line
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).is_file() or name not in names(ROOT / file)
    ]
    assert missing == []


def test_there_are_complaints() -> None:
    assert len(COMPLAINTS) >= 30
