"""The scores of one family: per message type, per FHIR path, per message."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.agreement.compare import Comparison, Tally, compare
from benchmarks.agreement.elements import read_bundle
from benchmarks.agreement.ours import message_type, our_bundle
from benchmarks.agreement.pairs import CORPUS, Pair, find_pairs


@dataclass(slots=True, kw_only=True)
class FamilyScore:
    """All comparisons of one family, added up."""

    family: str
    elements: dict[str, Tally] = field(default_factory=dict)
    """By message type."""
    resources: dict[str, Tally] = field(default_factory=dict)
    """Resources paired or not, by message type."""
    messages: Counter[str] = field(default_factory=Counter)
    """How many of each type."""
    paths: dict[str, Tally] = field(default_factory=dict)
    """By FHIR path."""
    path_messages: dict[str, Counter[str]] = field(default_factory=dict)
    """By FHIR path: in how many messages it was different, by `differ`, `ours`, `theirs`."""

    def add(self, kind: str, found: Comparison) -> None:
        """Count one message in."""
        self.messages[kind] += 1
        self.elements.setdefault(kind, Tally()).add(found.total())
        self.resources.setdefault(kind, Tally()).add(found.resource_total())
        for path, tally in found.paths.items():
            self.paths.setdefault(path, Tally()).add(tally)
            seen = self.path_messages.setdefault(path, Counter())
            seen.update(differ=tally.differ > 0, ours=tally.ours > 0, theirs=tally.theirs > 0)

    def total(self) -> Tally:
        """All elements of the family."""
        return _sum(self.elements.values())

    def resource_total(self) -> Tally:
        """All resources of the family."""
        return _sum(self.resources.values())


def score_family(
    family: str, *, only: str = "", part: str = "all", corpus: Path = CORPUS
) -> tuple[FamilyScore, list[tuple[Pair, Comparison]]]:
    """Score all pairs of a family, or those of one message type.

    Args:
        family: one of `pairs.FAMILIES`.
        only: a message type such as `ADT_A01`.
        part: `all`, `develop` or `held-out`.
        corpus: where the families are.
    """
    score = FamilyScore(family=family)
    compared: list[tuple[Pair, Comparison]] = []
    for pair in find_pairs(family, corpus):
        kind = message_type(pair.message)
        if (only and kind != only) or part == ("develop" if pair.held_out else "held-out"):
            continue
        found = compare_pair(pair)
        score.add(kind, found)
        compared.append((pair, found))
    return score, compared


def compare_pair(pair: Pair) -> Comparison:
    """Our Bundle against the published one. A message we cannot read counts as nothing made."""
    published = json.loads(pair.published.read_text("utf-8-sig"))
    ours = our_bundle(pair.message, pair.family)
    return compare(read_bundle({} if ours is None else ours), read_bundle(published))


def _sum(tallies: Iterable[Tally]) -> Tally:
    found = Tally()
    for one in tallies:
        found.add(one)
    return found
