"""The generated parts of docs/agreement.md: `python -m benchmarks.agreement --write`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.agreement import report
from benchmarks.agreement.compare import Comparison
from benchmarks.agreement.frozen import digest
from benchmarks.agreement.ledger import Difference, LedgerRow, ledger, read_decisions
from benchmarks.agreement.score import FamilyScore
from benchmarks.tables import markdown_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "agreement.md"

OPINIONS = ("microsoft", "google-whistle", "reportstream")
"""The families whose differences are decided."""

UNDECIDED_SHOWN = 20

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
        markdown_table(("family", *report.HEAD), summary),
    ]
    for (family, part), score in scores.items():
        if part == "all":
            rows = report.family_rows(score)[:-1]
            lines += ["", f"### {family}", markdown_table(("type", *report.HEAD), rows)]
    return "\n".join(lines)


def decided(compared: dict[str, Sequence[Comparison]]) -> str:
    """The ledger as Markdown: summary, decisions with counts, the greatest undecided differences.

    Args:
        compared: the comparisons of each family.
    """
    families = [(family, compared[family]) for family in OPINIONS]
    rows, undecided = ledger(families, read_decisions())
    rows = [row for row in rows if row.counts]
    by_verdict: Counter[str] = Counter()
    for row in rows:
        by_verdict[row.decision.verdict] += row.counts.total()
    by_verdict["undecided"] = sum(counts.total() for counts in undecided.values())
    total = by_verdict.total()
    summary = [
        (verdict, str(count), f"{count / total:.1%}") for verdict, count in by_verdict.most_common()
    ]
    return "\n".join(
        [
            markdown_table(("verdict", "elements", "share"), summary),
            "",
            markdown_table(
                ("elements", "kind", *OPINIONS, "verdict", "why"), map(_ledger_cells, rows)
            ),
            "",
            "Not decided, the most frequent:",
            "",
            markdown_table(("element", "kind", *OPINIONS), _undecided_cells(undecided)),
        ]
    )


def _ledger_cells(row: LedgerRow) -> tuple[str, ...]:
    one = row.decision
    counts = (str(row.counts[family]) for family in OPINIONS)
    return (f"`{one.elements}`", one.kinds, *counts, one.verdict, one.why.replace("|", "\\|"))


def _undecided_cells(undecided: dict[Difference, Counter[str]]) -> list[tuple[str, ...]]:
    ranked = sorted(undecided.items(), key=lambda item: (-item[1].total(), item[0]))
    return [
        (f"`{path}`", kind, *(str(counts[family]) for family in OPINIONS))
        for (path, kind), counts in ranked[:UNDECIDED_SHOWN]
    ]
