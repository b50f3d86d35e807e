"""Rim. Reads what a FHIR server has of the resources a message says only a part of.

One request reads all of a Bundle (a batch of GETs; one by one where the server knows no batches).
Staff, places and organisations that a recent message wrote, or found there, with the very same
entry are not read again. A read changes nothing, so its failure is never ambiguous.
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
from engine.mapping.memory import SHARED_TYPES
from engine.pipeline.response import (
    READ_SEVERAL,
    READ_UNEXPECTED,
    Classification,
    Fault,
    classify_fault,
    classify_http,
    of_read,
)

KNOWN_MAX = 4_000
"""Entries of one generation that need not be read; two generations are kept."""
KNOWN_SECONDS = 900.0
"""What the server had then is looked at again after this."""
_ABSENT = frozenset({404, 410})

Json = dict[str, Any]
Ask = Callable[[Request, float], Awaitable[Answer | Fault]]
"""Sends a request; gets its time limit in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """The read failed."""

    classification: Classification
    response: Answer | None = None


class Merging:
    """What is merged at one server."""

    def __init__(self, config: FhirDestinationConfig, ask: Ask) -> None:
        """Args: the checked configuration; how a request is sent."""
        self._base = config.url.rstrip("/")
        self._batches = "batch" in config.capabilities
        self._create_only = config.merge == "create"
        self._ask = ask
        self._newer: dict[bytes, tuple[str, float]] = {}
        self._older: dict[bytes, tuple[str, float]] = {}

    async def draw(
        self, body: bytes, marks: Sequence[Mark], headers: Headers, deadline: float
    ) -> Drawn | Unread:
        """The Bundle as it is to be sent.

        Args:
            body: as stored.
            marks: its entries that are merged.
            headers: of every request.
            deadline: time of the event loop at which the attempt ends.
        """
        now = asyncio.get_running_loop().time()
        known: dict[int, str] = {}
        asked: list[int] = []
        for at, mark in enumerate(marks):
            name = self._known(mark.cut(body), now)
            if name:
                known[at] = name
            else:
                asked.append(at)
        if not asked:
            return without(body, [(marks[at], name) for at, name in known.items()])
        urls = [question(marks[at].cut(body)) for at in asked]
        found = await self._read(urls, headers, deadline)
        if isinstance(found, Unread):
            return found
        present = {asked[at]: resource for at, resource in found.items()}
        return draw(body, marks, present, known, create_only=self._create_only)

    def remember(self, body: bytes, marks: Sequence[Mark], names: Sequence[str]) -> None:
        """The server has now what these entries say, under these names (empty: not known)."""
        now = asyncio.get_running_loop().time()
        for mark, name in zip(marks, names, strict=True):
            if name.partition("/")[0] in SHARED_TYPES and not mark.deletes:
                entry = mark.cut(body)
                if not self._known(entry, now):
                    self._keep(entry, name, now + KNOWN_SECONDS)

    def forget(self) -> None:
        """Read everything again."""
        self._newer.clear()
        self._older.clear()

    def _known(self, entry: bytes, now: float) -> str:
        found = self._newer.get(entry)
        if found is None:
            found = self._older.get(entry)
            if found is not None:
                self._keep(entry, *found)
        return found[0] if found is not None and found[1] > now else ""

    def _keep(self, entry: bytes, name: str, until: float) -> None:
        if len(self._newer) >= KNOWN_MAX:
            self._older, self._newer = self._newer, {}
        self._newer[entry] = (name, until)

    async def _read(
        self, urls: Sequence[str], headers: Headers, deadline: float
    ) -> dict[int, Json] | Unread:
        """What the server has, by the place in `urls`."""
        sent = headers.copy()
        sent["Prefer"] = "return=representation"
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
