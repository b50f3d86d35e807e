"""Pure. What became of the leaves of many messages, added up by message type, segment and field.

Values are never kept, only counts and the reasons of the maps. Names that come from messages and
are no names of HL7 are counted together, so what is kept is bounded.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from engine.mapping.accounts import (
    CONDITION,
    IGNORED,
    MAPPED,
    NULL,
    UNMAPPED,
    UNWRITTEN,
    LeafAccount,
)

STATES = (MAPPED, IGNORED, UNWRITTEN, CONDITION, UNMAPPED, NULL)
OTHER = "other"
"""Stands for what is no message type, or no segment."""
TYPES_MAX = 2_000
REASONS_MAX = 20

_TYPE = re.compile(r"[A-Z][A-Z0-9]{2}(?:\^(?:[A-Z][A-Z0-9]{2}|[0-9]{1,7}-[0-9]))?")
_PATH = re.compile(r"([A-Z][A-Z0-9]{2})\[\d+\]-(\d+)")

Place = tuple[str, str, int | str]
"""Message type, segment, field; of a document its type, the section and the template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """One message type, segment or field."""

    message_type: str
    segment: str
    field: int | str
    counts: dict[str, int]
    """By state; each of `STATES` is there."""
    reason: str
    """Why leaves are ignored, most frequent first."""

    @property
    def leaves(self) -> int:
        """All populated leaves."""
        return sum(self.counts.values())

    @property
    def lost(self) -> int:
        """Leaves that are neither in the output nor ignored with a reason nor a null."""
        return sum(self.counts[state] for state in (UNWRITTEN, CONDITION, UNMAPPED))

    @property
    def share(self) -> float:
        """Share of leaves that are mapped or ignored with a reason, from 0 to 1."""
        judged = self.leaves - self.counts[NULL]
        return (self.counts[MAPPED] + self.counts[IGNORED]) / judged if judged else 1.0


@dataclass(slots=True)
class FieldCoverage:
    """Counts that grow message by message; those of several processes are merged."""

    messages: Counter[str] = field(default_factory=Counter)
    """By message type."""
    states: dict[Place, Counter[str]] = field(default_factory=dict)
    reasons: dict[Place, Counter[str]] = field(default_factory=dict)

    def add(self, message_type: str, accounts: Iterable[LeafAccount]) -> None:
        """Count one message.

        Args:
            message_type: MSH-9 as the message says it.
            accounts: of all its populated leaves.
        """
        kind = message_type if _TYPE.fullmatch(message_type) else OTHER
        if kind not in self.messages and len(self.messages) >= TYPES_MAX:
            kind = OTHER
        self.messages[kind] += 1
        for one in accounts:
            match = _PATH.match(one.path)
            place: Place = (kind, OTHER, 0)
            if one.group is not None:
                place = (kind, *one.group)
            elif match is not None:
                place = (kind, match.group(1), int(match.group(2)))
            self.states.setdefault(place, Counter())[one.state] += 1
            if one.state == IGNORED:
                reasons = self.reasons.setdefault(place, Counter())
                if one.reason in reasons or len(reasons) < REASONS_MAX:
                    reasons[one.reason] += 1

    def merge(self, other: "FieldCoverage") -> None:
        """Add the counts of another."""
        self.messages.update(other.messages)
        for place, counts in other.states.items():
            self.states.setdefault(place, Counter()).update(counts)
        for place, reasons in other.reasons.items():
            self.reasons.setdefault(place, Counter()).update(reasons)

    def fields(self) -> list[CoverageRow]:
        """A row for each field of each message type, by name."""
        return [self._row(place, (place,)) for place in sorted(self.states, key=_order)]

    def segments(self) -> list[CoverageRow]:
        """A row for each segment of each message type."""
        return self._grouped(lambda place: (place[0], place[1], 0))

    def types(self) -> list[CoverageRow]:
        """A row for each message type."""
        return self._grouped(lambda place: (place[0], "", 0))

    def total(self) -> CoverageRow:
        """Everything in one row."""
        return self._row(("", "", 0), tuple(self.states))

    def worst(self, count: int) -> list[CoverageRow]:
        """The fields with most lost leaves, over all message types."""
        rows = self._grouped(lambda place: ("", place[1], place[2]))
        lost = [row for row in rows if row.lost]
        return sorted(lost, key=lambda row: (-row.lost, row.segment, row.field))[:count]

    def _grouped(self, key: Callable[[Place], Place]) -> list[CoverageRow]:
        grouped: dict[Place, list[Place]] = {}
        for place in sorted(self.states, key=_order):
            grouped.setdefault(key(place), []).append(place)
        return [
            self._row(name, places)
            for name, places in sorted(grouped.items(), key=lambda one: _order(one[0]))
        ]

    def _row(self, name: Place, places: Iterable[Place]) -> CoverageRow:
        counts: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for place in places:
            counts.update(self.states[place])
            reasons.update(self.reasons.get(place, {}))
        return CoverageRow(
            message_type=name[0],
            segment=name[1],
            field=name[2],
            counts={state: counts[state] for state in STATES},
            reason="; ".join(text for text, _ in reasons.most_common(3)),
        )


def _order(place: Place) -> tuple[str, str, int, str]:
    """By message type and segment, then by field number, or by template."""
    kind, segment, field_name = place
    number = field_name if isinstance(field_name, int) else 0
    return kind, segment, number, str(field_name)
