"""Survival by segment and field, as text and Markdown."""

from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks.survival.outcome import Outcome
from benchmarks.tables import markdown_table

STATES = (
    "landed", "translated", "decides", "key", "implied", "reported", "ignored", "unmapped",
    "unwritten", "condition", "silent",
)  # fmt: skip
"""From the best to what must not be.

landed: the value is in the output. translated: it made an element, by a table or a function.
decides: conditions read it, and the output changes with it. key: only ids change with it.
implied: it says what the value beside it says, such as ISO beside an OID. reported: the output does
not change, and a diagnostic says so. ignored: a map names it, with a reason. unmapped: the engine
reports it as unmapped. Where nothing changes with it: unwritten and condition as the engine's
account says, silent where the account says mapped.
"""

ACCOUNTED = STATES[:7]
HEAD = ("segment", "leaves", "accounted", *STATES)


def by_segment(found: Iterable[Outcome]) -> list[tuple[str, ...]]:
    """A row for each segment and one for all: leaves, share of each state, share accounted for."""
    counts: dict[str, Counter[str]] = {}
    for one in found:
        counts.setdefault(one.field[:3], Counter())[one.state] += 1
    rows = [_row(name, counts[name]) for name in sorted(counts)]
    return [*rows, _row("all", sum(counts.values(), Counter()))]


def _row(name: str, count: Counter[str]) -> tuple[str, ...]:
    total = count.total()
    good = sum(count[state] for state in ACCOUNTED)
    shares = (f"{good / total:.1%}", *(str(count[state]) for state in STATES))
    return (name, str(total), *shares)


def fields_in(found: Iterable[Outcome], state: str) -> list[tuple[str, int, str]]:
    """(field, leaves, an example's path) of the leaves in a state, most leaves first."""
    counts: Counter[str] = Counter()
    example: dict[str, str] = {}
    for one in found:
        if one.state == state:
            counts[one.field] += 1
            example.setdefault(one.field, one.path)
    return [(name, count, example[name]) for name, count in counts.most_common()]


def miscounted(found: Iterable[Outcome]) -> list[tuple[str, int, str]]:
    """Fields the engine does not count as mapped though their value is in the output."""
    wrong = [one for one in found if one.state == "landed" and one.counted != "mapped"]
    return fields_in(wrong, "landed")


def markdown(found: Sequence[Outcome], fields: int) -> str:
    """The part of docs/agreement.md: by segment, and the fields behind what is not accounted for.

    Args:
        found: all outcomes.
        fields: how many fields to name of each state.
    """
    lines = [markdown_table(HEAD, by_segment(found))]
    for state in STATES[len(ACCOUNTED) :]:
        named = fields_in(found, state)
        shown = ", ".join(f"{name} ({count})" for name, count, _ in named[:fields])
        more = f", and {len(named) - fields} more fields" if len(named) > fields else ""
        lines += ["", f"{state}: {shown or 'none'}{more}."]
    return "\n".join(lines)
