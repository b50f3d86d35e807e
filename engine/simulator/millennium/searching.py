"""Rim. Searches: parameters a type knows and needs, how each is compared, and pages. Report 1.6."""

import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from engine.simulator.millennium.answers import Resource, outcome
from engine.simulator.millennium.chart import Chart, Record
from engine.simulator.millennium.comparing import compares, is_plain
from engine.simulator.millennium.elements import dicts
from engine.simulator.millennium.options import Errors
from engine.simulator.millennium.search_rules import check, plain_name
from engine.simulator.millennium.tables import ResourceType

PATIENTS_MAX = 1000
"""A search that more patients qualify for is refused."""
PAGES_MAX = 2_000
"""Page contexts kept; the oldest are forgotten."""
CONTEXT, DIRECTION = "-pageContext", "-pageDirection"


@dataclass(frozen=True, slots=True)
class _Page:
    kind: str
    ids: tuple[str, ...]
    at: int
    size: int
    query: tuple[tuple[str, str], ...]


@dataclass(slots=True, kw_only=True)
class Searches:
    """Searches of one tenant, with the pages still to be fetched."""

    chart: Chart
    errors: Errors
    repeat_across_pages: bool
    shown: Callable[[Record, str], Resource]
    """How a record is read, given the service root."""
    _pages: OrderedDict[str, _Page] = field(default_factory=OrderedDict)

    def search(self, kind: ResourceType, query: str, root: str) -> Resource:
        """A searchset bundle. Refuses what the type does not know or needs.

        Args:
            kind: what is searched.
            query: of the URL.
            root: the service root, for links.
        """
        pairs = parse_qsl(query, keep_blank_values=True)
        context = dict(pairs).get(CONTEXT)
        if context is not None:
            page = self._pages.get(context)
            if page is None or page.kind != kind.name:
                raise outcome(400, "invalid", "the page context is not known any more")
            return self._bundle(page, root)
        check(kind, pairs, self.errors)
        if kind.name == "Organization":
            self._known_systems(pairs)
        found = self._found(kind, pairs)
        if kind.name == "Patient" and len(found) > PATIENTS_MAX:
            raise outcome(422, "too-costly", "too many patients qualify for the search")
        size = _size(kind, pairs, len(found))
        ids = tuple(record.identity for record in found)
        return self._bundle(_Page(kind.name, ids, 0, size, tuple(pairs)), root)

    def _found(self, kind: ResourceType, pairs: Sequence[tuple[str, str]]) -> list[Record]:
        wanted = [
            (n, v) for n, v in pairs if plain_name(n) in kind.search and plain_name(n) != "_count"
        ]
        by_id = any(name == "_id" for name, _ in wanted)
        records = self._candidates(kind.name, wanted)
        found = [
            record
            for record in records
            if (by_id or not record.replaced_by)
            and all(compares(record, name, value) for name, value in wanted)
        ]
        if kind.name == "Encounter":
            found.sort(key=_started, reverse=True)
        return found

    def _known_systems(self, pairs: Sequence[tuple[str, str]]) -> None:
        """An organization is looked for in alias pools the tenant has: 400 for others."""
        known = {
            str(one.get("system", ""))
            for record in self.chart.all("Organization")
            for one in dicts(record.resource.get("identifier"))
        }
        for name, value in pairs:
            system, mark, _ = value.rpartition("|")
            if plain_name(name) == "identifier" and mark and system and system not in known:
                raise outcome(400, "invalid", "the system of the identifier is not known")

    def _candidates(self, kind: str, wanted: Sequence[tuple[str, str]]) -> list[Record]:
        """Few records that hold all that can match, by whichever index there is."""
        for name, value in wanted:
            if name == "_id":
                found = (self.chart.get(kind, one) for one in dict.fromkeys(value.split(",")))
                return [record for record in found if record is not None]
            if name == "identifier" and is_plain(kind, name):
                system, mark, code = value.rpartition("|")
                if code:
                    return self.chart.by_identifier(kind, system if mark else "", code)
            if plain_name(name) in ("patient", "subject", "beneficiary"):
                return self.chart.of_patient(kind, value.rpartition("/")[2])
        return list(self.chart.all(kind))

    def _bundle(self, page: _Page, root: str) -> Resource:
        here = page.ids[page.at : page.at + page.size]
        records = [self.chart.get(page.kind, identity) for identity in here]
        entries = [
            {
                "fullUrl": f"{root}/{record.kind}/{record.identity}",
                "resource": self.shown(record, root),
                "search": {"mode": "match"},
            }
            for record in records
            if record is not None
        ]
        links = [{"relation": "self", "url": f"{root}/{page.kind}?{urlencode(page.query)}"}]
        following = page.at + page.size
        if following < len(page.ids):
            links.append({"relation": "next", "url": self._next(page, following, root)})
        bundle: dict[str, Any] = {
            "resourceType": "Bundle",
            "id": str(uuid.uuid4()),
            "type": "searchset",
            "link": links,
        }
        if page.size >= len(page.ids):
            bundle["total"] = len(page.ids)
        return {**bundle, "entry": entries} if entries else bundle

    def _next(self, page: _Page, at: int, root: str) -> str:
        context = str(uuid.uuid4())
        at = at - 1 if self.repeat_across_pages and page.size > 1 else at
        self._pages[context] = _Page(page.kind, page.ids, at, page.size, page.query)
        while len(self._pages) > PAGES_MAX:
            self._pages.popitem(last=False)
        query = urlencode([*page.query, (CONTEXT, context), (DIRECTION, "NEXT")])
        return f"{root}/{page.kind}?{query}"


def _started(record: Record) -> str:
    return str(record.resource.get("period", {}).get("start", ""))


def _size(kind: ResourceType, pairs: Sequence[tuple[str, str]], found: int) -> int:
    given: Mapping[str, str] = dict(pairs)
    uncounted = "_id" in given or (kind.name == "Patient" and "identifier" in given)
    if kind.page is None or uncounted:
        return max(found, 1)
    asked = given.get("_count", "")
    size = int(asked) if asked.isdigit() and int(asked) > 0 else kind.page
    return min(size, kind.page_max)
