"""The scores as text and as Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.agreement.compare import Comparison, Tally
from benchmarks.agreement.score import FamilyScore

HEAD = ("messages", "precision", "recall", "F1", "agreement", "resources P", "resources R")
SHOWN_MAX = 160


def family_rows(score: FamilyScore) -> list[tuple[str, ...]]:
    """A row for each message type, and one for all."""
    rows = [
        _row(kind, score.messages[kind], score.elements[kind], score.resources[kind])
        for kind in sorted(score.elements)
    ]
    total = sum(score.messages.values())
    rows.append(_row("all", total, score.total(), score.resource_total()))
    return rows


def _row(name: str, count: int, elements: Tally, resources: Tally) -> tuple[str, ...]:
    shares = (
        elements.precision, elements.recall, elements.f1, elements.agreement,
        resources.precision, resources.recall,
    )  # fmt: skip
    return (name, str(count), *(f"{share:.1%}" for share in shares))


def path_rows(score: FamilyScore, worst: int) -> list[tuple[str, ...]]:
    """The paths with the most elements not in common, worst first."""
    ranked = sorted(
        score.paths.items(),
        key=lambda item: (-(item[1].differ + item[1].ours + item[1].theirs), item[0]),
    )
    return [
        (path, *(str(number) for number in (one.both, one.differ, one.ours, one.theirs)))
        for path, one in ranked[:worst]
    ]


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns under their heads, the first to the left."""
    table = [tuple(head), *rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The same for documentation."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def difference(found: Comparison) -> str:
    """Resource by resource: `-` is what only they have, `+` what only we have."""
    lines: list[str] = []
    for one in sorted(found.resources, key=lambda each: (each.resource_type, each.name)):
        place = {"both": "in both", "ours": "only ours", "theirs": "only theirs"}[one.side]
        lines.append(f"{one.resource_type} ({one.name}) {place}, {one.both.total()} equal")
        shown = [("-", leaf, count) for leaf, count in one.theirs.items()]
        shown += [("+", leaf, count) for leaf, count in one.ours.items()]
        for sign, (path, value), count in sorted(shown, key=lambda item: (item[1][0], item[0])):
            times = f" ({count} times)" if count > 1 else ""
            lines.append(f"  {sign} {path} = {value[:SHOWN_MAX]}{times}")
    return "\n".join(lines)
