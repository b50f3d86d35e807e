"""Rim. Reads what a FHIR server has of the resources a message says only a part of.

One request reads all of a Bundle (a batch of GETs; one by one where the server knows no batches).
One batch is one exchange; a search a type (`_id=a,b`) would be one each, and of an index or a cache
that may be behind. What the server lately had, with the very same entry, is not read again
(`merge_memory`). A read changes nothing, so its failure is never ambiguous.
FHIR R4 4.0.1, https://hl7.org/fhir/R4/http.html#concurrency.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from yarl import URL

from engine.channel.model import FhirDestinationConfig
from engine.destinations.http_exchange import Answer, Headers, Request
from engine.destinations.merge_memory import MergeMemory, Seen
from engine.fhir.marks import Mark
from engine.fhir.merge_plan import (
    Drawn,
    SeveralMatchError,
    draw,
    found_resource,
    question,
    read_request,
    without,
)
from engine.pipeline.response import (
    READ_SEVERAL,
    READ_UNEXPECTED,
    Classification,
    Fault,
    classify_fault,
    classify_http,
    of_read,
)

_ABSENT = frozenset({404, 410})

Json = dict[str, Any]
Ask = Callable[[Request, float], Awaitable[Answer | Fault]]
"""Sends a request; gets its time limit in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """The read failed."""

    classification: Classification
    response: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be sent, and what is known of the server once it took that."""

    drawn: Drawn
    seen: tuple[tuple[int, Seen], ...] = ()
    """By the place of the mark."""
    remembered: tuple[bytes, ...] = ()
    """Entries that were left out without being read."""


class Merging:
    """What is merged at one server."""

    def __init__(self, config: FhirDestinationConfig, ask: Ask, clock: Callable[[], float]) -> None:
        """Args: the checked configuration; how a request is sent; a clock that only goes on."""
        self._base = config.url.rstrip("/")
        self._batches = "batch" in config.capabilities
        self._create_only = config.merge == "create"
        self._ask = ask
        self._memory = MergeMemory(config.merge_memory_seconds, clock)

    async def draw(
        self,
        body: bytes,
        marks: Sequence[Mark],
        headers: Headers,
        deadline: float,
        *,
        in_full: bool,
    ) -> Draft | Unread:
        """The Bundle as it is to be sent.

        Args:
            body: as stored.
            marks: its entries that are merged.
            headers: of every request.
            deadline: time of the event loop at which the attempt ends.
            in_full: read all, whatever is remembered.
        """
        known: dict[int, str] = {}
        asked: dict[int, bytes] = {}
        for at, mark in enumerate(marks):
            entry = mark.cut(body)
            name = "" if in_full or mark.deletes else self._memory.name_of(entry)
            if name:
                known[at] = name
            else:
                asked[at] = entry
        remembered = tuple(marks[at].cut(body) for at in known)
        if not asked:
            cut = without(body, [(marks[at], name) for at, name in known.items()])
            return Draft(drawn=cut, remembered=remembered)
        found = await self._read([question(entry) for entry in asked.values()], headers, deadline)
        if isinstance(found, Unread):
            return found
        places = list(asked)
        present = {places[at]: resource for at, resource in found.items()}
        seen: list[tuple[int, Seen]] = []
        for at, entry in asked.items():
            version = str(present.get(at, {}).get("meta", {}).get("versionId", ""))
            one = self._memory.look(entry, version, deletes=bool(marks[at].deletes))
            if one is not None:
                seen.append((at, one))
        return Draft(
            drawn=draw(body, marks, present, known, create_only=self._create_only),
            seen=tuple(seen),
            remembered=remembered,
        )

    def confirm(self, draft: Draft) -> None:
        """The server took it: it has now what was read and what was written."""
        for at, seen in draft.seen:
            self._memory.confirm(seen, draft.drawn.names[at], written=draft.drawn.writes[at])

    def forget(self, draft: Draft) -> None:
        """What was left out without being read may be gone from the server."""
        for entry in draft.remembered:
            self._memory.forget(entry)

    async def _read(
        self, urls: Sequence[str], headers: Headers, deadline: float
    ) -> dict[int, Json] | Unread:
        """What the server has, by the place in `urls`."""
        sent = headers.copy()
        sent["Prefer"] = "return=representation"
        sent["Cache-Control"] = "no-cache"  # some servers answer a search as they did a minute ago
        if not self._batches:
            return await self._read_singly(urls, sent, deadline)
        request = Request("POST", URL(self._base), sent, read_request(urls))
        answer = await self._ask(request, deadline - asyncio.get_running_loop().time())
        if isinstance(answer, Fault):
            return Unread(classification=of_read(classify_fault(answer)))
        told = classify_http(answer.status, answer.headers, answer.body)
        if not told.accepted:
            return Unread(classification=of_read(told), response=answer)
        entries = _entries(answer)
        if len(entries) != len(urls):
            return Unread(classification=READ_UNEXPECTED, response=answer)
        found: dict[int, Json] = {}
        for at, (url, entry) in enumerate(zip(urls, entries, strict=True)):
            problem = _take(found, at, url, entry)
            if problem is not None:
                return Unread(classification=problem, response=answer)
        return found

    async def _read_singly(
        self, urls: Sequence[str], headers: Headers, deadline: float
    ) -> dict[int, Json] | Unread:
        found: dict[int, Json] = {}
        for at, url in enumerate(urls):
            request = self._read_one(url, headers)
            answer = await self._ask(request, deadline - asyncio.get_running_loop().time())
            if isinstance(answer, Fault):
                return Unread(classification=of_read(classify_fault(answer)))
            response = {"status": str(answer.status), "etag": answer.headers.get("etag")}
            entry = {"response": response, "resource": _parsed(answer)}
            problem = _take(found, at, url, entry)
            if problem is not None:
                return Unread(classification=problem, response=answer)
        return found

    def _read_one(self, url: str, headers: Headers) -> Request:
        """A read, or a search by POST to _search: no identifier stands in a URL of ours."""
        kind, searched, query = url.partition("?")
        if not searched:
            return Request("GET", URL(f"{self._base}/{url}"), headers, None)
        sent = headers.copy()
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        return Request("POST", URL(f"{self._base}/{kind}/_search"), sent, query.encode())


def _entries(answer: Answer) -> list[Any]:
    bundle = _parsed(answer)
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    return entries if isinstance(entries, list) else []


def _parsed(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.body) if answer.complete else None
    except orjson.JSONDecodeError:
        return None


def _take(found: dict[int, Json], at: int, url: str, entry: Any) -> Classification | None:
    """Note what one read gave; why it gave nothing that can be used, or None."""
    try:
        response = entry["response"]
        status = int(response["status"][:3])
        if status in _ABSENT:
            return None
        if status != 200:
            detail = response.get("outcome")
            return of_read(classify_http(status, {}, orjson.dumps(detail) if detail else b""))
        resource = found_resource(entry.get("resource"), url)
    except SeveralMatchError:
        return READ_SEVERAL
    except (KeyError, TypeError, ValueError, AttributeError):
        return READ_UNEXPECTED
    if resource is None:
        return None if "?" in url else READ_UNEXPECTED
    etag = response.get("etag")
    if isinstance(etag, str) and "versionId" not in resource.get("meta", {}):
        version = etag.removeprefix("W/").strip('"')
        resource = {**resource, "meta": {**resource.get("meta", {}), "versionId": version}}
    found[at] = resource
    return None
