"""Rim. Facets: what the messages found have in common, counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.pipeline.states import Origin, State
from engine.store.interface import MessageRow

_WORST_FIRST = (
    State.HELD,
    State.UNKNOWN,
    State.ERROR,
    State.PARKED,
    State.PENDING,
    State.QUEUED,
)
VALUES_MAX = 12
"""Of one facet; the most frequent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """One property with its values, most frequent first."""

    name: str
    """As in the query: `channel`, `type`, `status`, `destination`, `code`, `replayed`."""
    values: tuple[tuple[str, int], ...]
    left_out: int
    """Values beyond the most frequent."""


def facets_of(rows: Sequence[MessageRow]) -> tuple[Facet, ...]:
    """The facets of some messages; without those that tell nothing apart."""
    made = (
        _facet("channel", (row.channel for row in rows)),
        _facet("type", (row.message_type for row in rows)),
        _facet("status", (status_of(row) for row in rows)),
        _facet(
            "destination", (name for row in rows for name in {one for one, _ in row.deliveries})
        ),
        _facet("code", (code for row in rows for code in row.codes)),
        _facet("replayed", ("yes" for row in rows if row.origin is not Origin.RECEIVED)),
    )
    return tuple(facet for facet in made if facet.values)


def status_of(row: MessageRow) -> str:
    """The word of a message: how its latest run stands, or why it never ran."""
    if row.state is None:
        return row.verdict.value.upper()
    return standing(row.state, [state for _, state in row.deliveries]).value


def standing(run: State, deliveries: Iterable[State]) -> State:
    """The state of a run; while it is being delivered, that of the delivery that stands worst."""
    if run is not State.TRANSFORMED:
        return run
    states = set(deliveries)
    return next((state for state in _WORST_FIRST if state in states), run)


def _facet(name: str, values: Iterable[str]) -> Facet:
    counts = Counter(value for value in values if value)
    shown = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return Facet(
        name=name, values=tuple(shown[:VALUES_MAX]), left_out=max(0, len(shown) - VALUES_MAX)
    )
