"""The scorer was frozen before the maps were tuned: a change of it is written down."""

from pathlib import Path

from benchmarks.agreement.frozen import digest

PAGE = Path(__file__).parents[3] / "docs" / "agreement.md"


def test_digest_of_the_scorer_is_the_last_one_written_down() -> None:
    freeze = PAGE.read_text("utf-8").split("## Freeze")[1].split("## ")[0]
    digests = [line.split("`")[1] for line in freeze.splitlines() if line.startswith("| `")]
    assert digests[-1] == digest()
