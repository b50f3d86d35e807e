"""The scores as text and as Markdown."""

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
