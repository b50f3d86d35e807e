"""Pure. Two Bundles of one message: resources paired, elements counted."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.agreement.assignment import assign
from benchmarks.agreement.elements import Bundle, Leaf, Resource

VALUE_SHARE = 0.25
"""What an equal value at another path counts when resources are paired."""

ROUNDS = 2
"""Pairing is done again with references read as the pairs of the first round."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Elements at one path, or of many."""

    both: int = 0
    """Same path, same value."""
    differ: int = 0
    """Both have the path in a pair of resources, with other values."""
    ours: int = 0
    """Only we have it."""
    theirs: int = 0
    """Only they have it."""

    def add(self, other: "Tally") -> None:
        """Count another tally in."""
        self.both += other.both
        self.differ += other.differ
        self.ours += other.ours
        self.theirs += other.theirs

    @property
    def precision(self) -> float:
        """Share of our elements that they have."""
        return _share(self.both, self.both + self.differ + self.ours)

    @property
    def recall(self) -> float:
        """Share of their elements that we have."""
        return _share(self.both, self.both + self.differ + self.theirs)

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        return _share(2 * self.both, 2 * (self.both + self.differ) + self.ours + self.theirs)

    @property
    def agreement(self) -> float:
        """Share of equal values where both have the path in a pair of resources."""
        return _share(self.both, self.both + self.differ)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedResource:
    """What one resource, or one pair, holds in common and not."""

    resource_type: str
    name: str
    both: Counter[Leaf]
    ours: Counter[Leaf]
    theirs: Counter[Leaf]
    side: str
    """`both` for a pair; `ours` or `theirs` for a resource without a counterpart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The outcome for one message."""

    resources: list[PairedResource]
    paths: dict[str, Tally] = field(default_factory=dict)
    """By `Patient.name.family`."""

    def total(self) -> Tally:
        """All paths together."""
        found = Tally()
        for one in self.paths.values():
            found.add(one)
        return found

    def resource_total(self) -> Tally:
        """Resources paired, and those without a counterpart."""
        found = Tally()
        for one in self.resources:
            found.both += one.side == "both"
            found.ours += one.side == "ours"
            found.theirs += one.side == "theirs"
        return found


def compare(ours: Bundle, theirs: Bundle) -> Comparison:
    """Pair the resources of each type by likeness and count their elements."""
    pairs: dict[int, int] = {}
    for number in range(ROUNDS):
        known = pairs if number else None
        mine = [_known_leaves(one, ours, known) for one in ours.resources]
        turned = None if known is None else {right: left for left, right in known.items()}
        other = [_known_leaves(one, theirs, turned, is_theirs=True) for one in theirs.resources]
        pairs = _pairs(ours, theirs, mine, other)
    back = {right: left for left, right in pairs.items()}
    mine = [_final_leaves(one, ours, lambda at: pairs.get(at)) for one in ours.resources]
    other = [
        _final_leaves(one, theirs, lambda at: at if at in back else None)
        for one in theirs.resources
    ]
    return _counted(ours, theirs, pairs, mine, other)


def _pairs(
    ours: Bundle, theirs: Bundle, mine: Sequence[Counter[Leaf]], other: Sequence[Counter[Leaf]]
) -> dict[int, int]:
    """Index of our resource to the index of theirs."""
    found: dict[int, int] = {}
    for kind in {one.resource_type for one in ours.resources}:
        left = [at for at, one in enumerate(ours.resources) if one.resource_type == kind]
        right = [at for at, one in enumerate(theirs.resources) if one.resource_type == kind]
        if len(left) == len(right) == 1:
            found[left[0]] = right[0]
            continue
        matrix = [[likeness(mine[row], other[column]) for column in right] for row in left]
        found.update((left[row], right[column]) for row, column in assign(matrix))
    return found


def likeness(first: Counter[Leaf], second: Counter[Leaf]) -> float:
    """Jaccard of the elements, and a part of the Jaccard of their values alone."""
    return _jaccard(first, second) + VALUE_SHARE * _jaccard(_values(first), _values(second))


def _values(leaves: Counter[Leaf]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, value), count in leaves.items():
        found[value] += count
    return found


def _jaccard(first: Counter[Any], second: Counter[Any]) -> float:
    shared = (first & second).total()
    return _share(shared, first.total() + second.total() - shared)


def _known_leaves(
    resource: Resource, bundle: Bundle, pairs: dict[int, int] | None, *, is_theirs: bool = False
) -> Counter[Leaf]:
    """For pairing: a reference is what its target is known by, or the pair its target is in."""
    found = resource.leaves.copy()
    for reference in resource.references:
        target = bundle.target(reference.target)
        if target is None:
            continue
        pair = None if pairs is None else pairs.get(target)
        if pair is not None:
            found[reference.path, f"pair {target if is_theirs else pair}"] += 1
            continue
        for name in _names_of(target, bundle):
            found[reference.path, name] += 1
    return found


def _names_of(at: int, bundle: Bundle, *, further: bool = True) -> list[str]:
    """The names of a resource; of one that has none, those of what it points to."""
    resource = bundle.resources[at]
    if resource.names or not further:
        return [f"{resource.resource_type} {name}" for name in resource.names]
    targets = (bundle.target(one.target) for one in resource.references)
    return [
        f"{resource.resource_type} of {name}"
        for target in targets
        if target is not None
        for name in _names_of(target, bundle, further=False)
    ]


def _final_leaves(
    resource: Resource, bundle: Bundle, pair_of: Callable[[int], int | None]
) -> Counter[Leaf]:
    """For counting: a reference is the type of its target and its pair."""
    found = resource.leaves.copy()
    for reference in resource.references:
        target = bundle.target(reference.target)
        if target is None:
            found[reference.path, "nothing in the Bundle"] += 1
            continue
        kind, pair = bundle.resources[target].resource_type, pair_of(target)
        if pair is None:
            names = "; ".join(_names_of(target, bundle))
            found[reference.path, f"{kind} without counterpart: {names}"] += 1
        else:
            found[reference.path, f"{kind} {pair}"] += 1
    return found


def _counted(
    ours: Bundle,
    theirs: Bundle,
    pairs: dict[int, int],
    mine: Sequence[Counter[Leaf]],
    other: Sequence[Counter[Leaf]],
) -> Comparison:
    result = Comparison(resources=[])
    nothing: Counter[Leaf] = Counter()
    rows: list[tuple[Resource, Counter[Leaf], Counter[Leaf], str]] = []
    for at, one in enumerate(ours.resources):
        pair = pairs.get(at)
        if pair is None:
            rows.append((one, mine[at], nothing, "ours"))
        else:
            rows.append((one, mine[at], other[pair], "both"))
    taken = set(pairs.values())
    for at, one in enumerate(theirs.resources):
        if at not in taken:
            rows.append((one, nothing, other[at], "theirs"))
    for resource, left, right, side in rows:
        both = left & right
        found = PairedResource(
            resource_type=resource.resource_type,
            name=", ".join(resource.names[:3]),
            both=both,
            ours=left - both,
            theirs=right - both,
            side=side,
        )
        result.resources.append(found)
        _count_paths(found, result.paths)
    return result


def _count_paths(found: PairedResource, paths: dict[str, Tally]) -> None:
    both, ours, theirs = (_by_path(one) for one in (found.both, found.ours, found.theirs))
    for path in both.keys() | ours.keys() | theirs.keys():
        differ = min(ours[path], theirs[path])
        paths.setdefault(f"{found.resource_type}.{path}", Tally()).add(
            Tally(
                both=both[path],
                differ=differ,
                ours=ours[path] - differ,
                theirs=theirs[path] - differ,
            )
        )


def _by_path(leaves: Counter[Leaf]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (path, _), count in leaves.items():
        found[path] += count
    return found


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
