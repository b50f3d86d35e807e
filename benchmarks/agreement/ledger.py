"""The disagreement ledger: every difference falls under a decision made by hand, or none yet."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.agreement.compare import Comparison, PairedResource

DECISIONS = Path(__file__).resolve().parent / "decisions.csv"

KINDS = ("differ", "ours", "theirs", "ours-alone", "theirs-alone")
"""differ: other values at one path of a pair of resources. ours, theirs: only one of a pair has it.
The last two are of resources without a counterpart."""

Difference = tuple[str, str]
"""A path such as `Patient.name.family`, and a kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict on the differences at some paths."""

    elements: str
    """A path, `*` standing for any text."""
    kinds: str
    """A kind, `*` standing for any text."""
    verdict: str
    why: str

    def covers(self, difference: Difference) -> bool:
        """True when the difference falls under it."""
        path, kind = difference
        return _matches(path, self.elements) and _matches(kind, self.kinds)


def _matches(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def read_decisions(path: Path = DECISIONS) -> list[Decision]:
    """The decisions in the order of the file: the first that covers a difference counts."""
    with path.open(encoding="utf-8", newline="") as opened:
        return [Decision(**row) for row in csv.DictReader(opened)]


def differences(found: Comparison) -> Counter[Difference]:
    """How many elements differ in one message, by path and kind."""
    result: Counter[Difference] = Counter()
    for one in found.resources:
        result.update(_of_resource(one))
    return result


def _of_resource(one: PairedResource) -> Counter[Difference]:
    result: Counter[Difference] = Counter()
    ours, theirs = (_by_path(one.resource_type, leaves) for leaves in (one.ours, one.theirs))
    alone = "" if one.side == "both" else "-alone"
    for path in ours.keys() | theirs.keys():
        differ = min(ours[path], theirs[path])
        result[path, "differ"] += differ
        result[path, f"ours{alone}"] += ours[path] - differ
        result[path, f"theirs{alone}"] += theirs[path] - differ
    return +result


def _by_path(kind: str, leaves: Counter[tuple[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (path, _), count in leaves.items():
        found[f"{kind}.{path}"] += count
    return found


@dataclass(slots=True)
class LedgerRow:
    """A decision, and how many elements of each family it covers."""

    decision: Decision
    counts: Counter[str]


def ledger(
    families: Iterable[tuple[str, Sequence[Comparison]]], decisions: Sequence[Decision]
) -> tuple[list[LedgerRow], dict[Difference, Counter[str]]]:
    """The decisions with counts, most elements first; and what no decision covers.

    Args:
        families: name and comparisons of each.
        decisions: in the order in which they are tried.
    """
    rows = [LedgerRow(decision, Counter()) for decision in decisions]
    undecided: dict[Difference, Counter[str]] = {}
    known: dict[Difference, LedgerRow | None] = {}
    for family, comparisons in families:
        for difference, count in _summed(comparisons):
            if difference not in known:
                covering = (row for row in rows if row.decision.covers(difference))
                known[difference] = next(covering, None)
            row = known[difference]
            counts = undecided.setdefault(difference, Counter()) if row is None else row.counts
            counts[family] += count
    rows.sort(key=lambda row: -row.counts.total())
    return rows, undecided


def _summed(comparisons: Iterable[Comparison]) -> Iterator[tuple[Difference, int]]:
    total: Counter[Difference] = Counter()
    for one in comparisons:
        total.update(differences(one))
    yield from total.items()
