"""Rim. Asks what `identity.deciding` wants to know: the ledger, reads, searches, the claim."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from engine.destinations.http_exchange import Answer as HttpAnswer
from engine.destinations.ledger import Ledger, LedgerUnavailable
from engine.destinations.millennium.exchanges import Exchanges, Failure, failure_of
from engine.millennium.calls.model import CallPreset
from engine.millennium.calls.rendering import RenderedRequest, render_request
from engine.millennium.identity.deciding import Deciding
from engine.millennium.identity.entries import Claim, KeyKind, LedgerEntry, LedgerKey
from engine.millennium.identity.matching import may_be
from engine.millennium.identity.steps import (
    Answer,
    Claimed,
    Decision,
    Entries,
    Hits,
    Look,
    NoAnswer,
    Note,
    Noted,
    Question,
    Read,
    Seek,
    Seen,
    Sight,
    Take,
    Unaskable,
)

Json = dict[str, Any]

PAGES_MAX = 5
"""Of a probe. More results of one patient, code and day are a person's to look through."""
CLAIM_MARGIN_SECONDS = 30.0
"""A claim outlives the attempt it is for by so much."""
CLAIM_PAUSE_SECONDS = 0.05
CLAIM_WAIT_SECONDS = 5.0
"""So long an attempt waits for a claim of another; then the delivery waits its turn."""
_ABSENT = frozenset({404, 410})
_ACCEPT = (("Accept", "application/fhir+json"),)


@dataclass(slots=True, kw_only=True)
class Inquiry:
    """One decision on its way, and what came up meanwhile."""

    ledger: Ledger
    exchanges: Exchanges
    owner: str
    """Of claims: the delivery."""
    finder: CallPreset | None
    """Finds resources of the type by an identifier."""
    reader: CallPreset
    """Whose scopes and API reading has."""
    may_create: bool
    sent: Json = field(default_factory=dict)
    """What is to be created, for the probe."""
    probe: str = ""
    """Search of the probe, filled; empty: there is none."""
    claimed: tuple[LedgerKey, ...] = ()
    sending: bool = False
    """The create is out and its end not written: the claim must outlive whatever happens."""
    failure: Failure | None = None
    """Why a question got no answer."""
    entries: dict[LedgerKey, LedgerEntry] = field(default_factory=dict)
    """What the ledger had."""

    async def decide(self, deciding: Deciding) -> Decision:
        """Drive a decision to its end.

        Raises:
            LedgerUnavailable, AuthorizationFailed, OutOfTimeError: as their owners say.
        """
        answer: Answer | None = None
        while True:
            try:
                question = next(deciding) if answer is None else deciding.send(answer)
            except StopIteration as end:
                decision: Decision = end.value
                return decision
            answer = await self._answer(question)

    async def _answer(self, question: Question) -> Answer:
        root = self.exchanges.root
        match question:
            case Look(keys):
                found = await self.ledger.find(root, keys)
                self.entries |= found
                return Entries(found)
            case Note(entries):
                await self.ledger.record(root, entries)
                return Noted()
            case Take(keys):
                return Claimed(await self._take(keys))
            case Read(resource_type, resource_id):
                return await self.read(resource_type, resource_id)
            case Seek(key):
                if key.kind is KeyKind.ONCE:
                    return await self._probe(key)
                return await self._search(key)

    @contextlib.asynccontextmanager
    async def claims(self) -> AsyncIterator[None]:
        """Give a claim back that nothing was sent under; else it stays, and says so."""
        try:
            yield
        finally:
            if self.claimed and not self.sending:
                with contextlib.suppress(LedgerUnavailable):
                    await self.ledger.release(self.exchanges.root, self.claimed, self.owner)

    # -- the ledger --

    async def _take(self, keys: tuple[LedgerKey, ...]) -> Claim:
        """The claim, waited for a while: another attempt is at it and will be done soon."""
        loop = asyncio.get_running_loop()
        until = min(loop.time() + CLAIM_WAIT_SECONDS, self.exchanges.deadline)
        while True:
            ttl = self.exchanges.seconds_left + CLAIM_MARGIN_SECONDS
            claim = await self.ledger.claim(self.exchanges.root, keys, self.owner, ttl)
            if claim is not Claim.REFUSED:
                self.claimed = keys
                return claim
            if loop.time() >= until:
                return claim
            await asyncio.sleep(CLAIM_PAUSE_SECONDS)

    # -- the service --

    async def read(self, resource_type: str, resource_id: str) -> Sight | NoAnswer:
        """What the service has under an id."""
        url = f"{self.exchanges.root}/{resource_type}/{quote(resource_id, safe='')}"
        answer = await self._get(url)
        if answer is None:
            return NoAnswer()
        if answer.status in _ABSENT:
            return Sight(None)
        resource = _parsed(answer)
        if answer.status != 200 or resource.get("resourceType") != resource_type:
            return self._failed(answer)
        resource.setdefault("id", resource_id)
        return Sight(_seen(resource, answer.headers.get("etag", "")))

    async def _search(self, key: LedgerKey) -> Hits | NoAnswer | Unaskable:
        """What the service has under an identifier."""
        if self.finder is None:
            return Unaskable()
        arguments = {"identifier": f"{key.system}|{key.value}"}
        request = render_request(self.finder, self.exchanges.roots, arguments)
        answer = await self.exchanges.ask(request, self.finder)
        if isinstance(answer, Failure):
            self.failure = answer
            return NoAnswer()
        if answer.status == 400 and not self.may_create:
            return Hits(())  # an alias pool the service does not know: report section 5
        return self._hits(answer, key.resource_type)

    async def _probe(self, key: LedgerKey) -> Hits | NoAnswer | Unaskable:
        """What may be what was sent, without what the ledger knows under other keys."""
        if not self.probe:
            return Unaskable()
        found: dict[str, Seen] = {}
        url = f"{self.exchanges.root}/{self.probe}"
        for _ in range(PAGES_MAX):
            answer = await self._get(url)
            if answer is None:
                return NoAnswer()
            hits = self._hits(answer, key.resource_type)
            if isinstance(hits, NoAnswer):
                return hits
            found |= {one.id: one for one in hits.seen if may_be(self.sent, one.resource)}
            url = _next_page(_parsed(answer), self.exchanges.root)
            if not url:
                break
        known = await self.ledger.known_ids(self.exchanges.root, key.resource_type, list(found))
        return Hits(tuple(one for one in found.values() if one.id not in known))

    def _hits(self, answer: HttpAnswer, resource_type: str) -> Hits | NoAnswer:
        bundle = _parsed(answer)
        if answer.status != 200 or bundle.get("resourceType") != "Bundle":
            return self._failed(answer)
        entries = bundle.get("entry")
        resources = [
            entry.get("resource")
            for entry in (entries if isinstance(entries, list) else [])
            if isinstance(entry, dict)
        ]
        return Hits(
            tuple(
                _seen(resource)
                for resource in resources
                if isinstance(resource, dict)
                and resource.get("resourceType") == resource_type
                and resource.get("id")
            )
        )

    async def _get(self, url: str) -> HttpAnswer | None:
        request = RenderedRequest(method="GET", url=url, headers=_ACCEPT, body=b"")
        answer = await self.exchanges.ask(request, self.reader)
        if isinstance(answer, Failure):
            self.failure = answer
            return None
        return answer

    def _failed(self, answer: HttpAnswer) -> NoAnswer:
        self.failure = failure_of(self.reader, answer)
        return NoAnswer()


def _seen(resource: Json, etag: str = "") -> Seen:
    """A resource with its version: of the header, else of its meta. Opaque either way."""
    meta = resource.get("meta")
    version = meta.get("versionId", "") if isinstance(meta, dict) else ""
    return Seen(str(resource["id"]), etag or (f'W/"{version}"' if version else ""), resource)


def _parsed(answer: HttpAnswer) -> Json:
    try:
        found = orjson.loads(answer.body) if answer.complete else None
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _next_page(bundle: Json, root: str) -> str:
    """The link to the next page, verbatim; never to another service."""
    links = bundle.get("link")
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or link.get("relation") != "next":
            continue
        url = link.get("url")
        if isinstance(url, str) and url.startswith(f"{root}/"):
            return url
    return ""
