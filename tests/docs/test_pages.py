"""What the pages say is true: files they name are there, commands they show run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
NAMED = re.compile(r"`((?:engine|docs|samples|transforms|tests|channels)/[\w./-]+\.\w+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_named_file_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [name for name in LINK.findall(text) if not (page.parent / name).exists()]
    missing += [name for name in NAMED.findall(text) if not (ROOT / name).exists()]
    assert missing == []


def commands() -> list[str]:
    """The commands of the README that need nothing but the checkout."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = [line.split("  #")[0].strip() for line in text.splitlines()]
    runs_alone = ("engine check", "engine convert", "engine explain")
    return [line for line in found if line.startswith(runs_alone)]


@pytest.mark.parametrize("command", commands())
def test_the_readme_s_commands_run(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_shows_commands_that_were_tried() -> None:
    assert len(commands()) >= 3
