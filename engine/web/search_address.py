"""Rim. The address of a page of results: what was chosen stands in it, what was typed never does.

What was typed has an id (`saved_searches`), because it may name a patient. Channels, types, states,
destinations, codes and times name nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from engine.runtime.desk.finding import PAGE_ROWS, Wanted
from engine.runtime.desk.search_query import QueryError, read_query

CHOICES = ("channel", "type", "status", "destination", "code", "replayed", "job", "since", "until")
"""Names that may stand in an address, as in a query."""
VALUE_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAddress:
    """What an address says."""

    search_id: str = ""
    """Of what was typed."""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    before: int | None = None

    def url(self, path: str = "/messages") -> str:
        """The address."""
        pairs = [("s", self.search_id)] if self.search_id else []
        pairs += [(name, value) for name in CHOICES for value in self.chosen.get(name, ())]
        if self.before is not None:
            pairs.append(("before", str(self.before)))
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def with_choice(self, name: str, value: str) -> "SearchAddress":
        """The same with one more choice, from the first page."""
        values = tuple(dict.fromkeys((*self.chosen.get(name, ()), value)))
        return replace(self, chosen={**self.chosen, name: values}, before=None)

    def with_only(self, name: str, value: str) -> "SearchAddress":
        """The same with this choice in place of all of its name, from the first page."""
        return replace(self, chosen={**self.chosen, name: (value,)}, before=None)

    def without_choice(self, name: str, value: str) -> "SearchAddress":
        """The same without a choice, from the first page."""
        left = tuple(one for one in self.chosen.get(name, ()) if one != value)
        return replace(self, chosen={**self.chosen, name: left}, before=None)

    def page(self, before: int | None) -> "SearchAddress":
        """The page behind a message; None: the first."""
        return replace(self, before=before)

    def choices(self) -> list[tuple[str, str]]:
        """(name, value) of what was chosen."""
        return [(name, value) for name in CHOICES for value in self.chosen.get(name, ())]

    def wanted(self, text: str, now: float, rows: int = PAGE_ROWS) -> Wanted:
        """What to search for. Raises QueryError for a choice that cannot be read."""
        words = [f'{name}:"{value}"' for name, value in self.choices()]
        filters = read_query(" ".join(words), now=now).search
        return Wanted(text=text, filters=filters, before=self.before, rows=rows)


def read_address(params: QueryParams) -> SearchAddress:
    """What an address says; names it does not know are passed over.

    Raises:
        QueryError: a value is too long, or `before` is no number.
    """
    chosen: dict[str, tuple[str, ...]] = {}
    for name, value in params.multi_items():
        if len(value) > VALUE_CHARACTERS_MAX or '"' in value:
            raise QueryError(f"{name} has a value that cannot be")
        if name in CHOICES and value:
            chosen[name] = (*chosen.get(name, ()), value)
    before = params.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise QueryError("before wants the number of a message")
    return SearchAddress(
        search_id=params.get("s", ""), chosen=chosen, before=int(before) if before else None
    )
