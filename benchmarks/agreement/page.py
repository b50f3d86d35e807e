"""The generated parts of docs/agreement.md: `python -m benchmarks.agreement --write`."""

from pathlib import Path

from benchmarks.agreement import report
from benchmarks.agreement.frozen import digest
from benchmarks.agreement.score import FamilyScore

PAGE = Path(__file__).resolve().parents[2] / "docs" / "agreement.md"

PARTS = ("all", "develop", "held-out")


def write_part(name: str, text: str, page: Path = PAGE) -> None:
    """Put text between the marks `<!-- name -->` and `<!-- /name -->`."""
    before, rest = page.read_text("utf-8").split(f"<!-- {name} -->\n")
    _, after = rest.split(f"<!-- /{name} -->")
    page.write_text(f"{before}<!-- {name} -->\n{text.strip()}\n<!-- /{name} -->{after}", "utf-8")


def figures(scores: dict[tuple[str, str], FamilyScore]) -> str:
    """The summary of all families and parts, and a table of message types for each family.

    Args:
        scores: by family and part.
    """
    summary = [
        (f"{family}, {part}", *report.family_rows(score)[-1][1:])
        for (family, part), score in scores.items()
    ]
    lines = [
        f"Digest of the scorer: `{digest()}`.",
        "",
        report.markdown_table(("family", *report.HEAD), summary),
    ]
    for (family, part), score in scores.items():
        if part == "all":
            rows = report.family_rows(score)[:-1]
            lines += ["", f"### {family}", report.markdown_table(("type", *report.HEAD), rows)]
    return "\n".join(lines)
