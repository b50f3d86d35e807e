"""Rim. A FHIR R4 server: one transaction or batch Bundle a message, or one request a resource.

The body of a delivery is always a Bundle with `entry.request` (made by `engine.fhir.bundle`); for
the `single` interaction its entries are sent one after the other, in the Bundle's order. The
timeout is that of the whole attempt. Sources: FHIR R4 http.html (transaction, batch, conditional
interactions), RFC 9110.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
from multidict import CIMultiDict
from yarl import URL

from engine.channel.connection import SecretReference
from engine.channel.model import REPLACE, FhirDestinationConfig
from engine.destinations.authorization.bearing import Bearing, shown_header
from engine.destinations.connections import Connections
from engine.destinations.fhir_document import (
    CONDITIONAL_CREATE,
    document_headers,
    document_identifiers,
    is_whole,
)
from engine.destinations.fhir_merging import Merging, Unread
from engine.destinations.http_exchange import Answer, Headers, Request
from engine.destinations.interface import (
    AttemptResult,
    Outgoing,
    Presence,
    SecretSource,
    Settlement,
    TokenSource,
)
from engine.fhir.marks import Mark, read_marks
from engine.fhir.merge_plan import Drawn
from engine.pipeline.response import (
    ACCEPTED,
    ANSWER_UNEXPECTED,
    Classification,
    Fault,
    classify_fault,
    classify_http,
    combine,
    conflict_of,
    entry_answers,
    is_conflict,
    may_lack,
)

FHIR_JSON = "application/fhir+json"
_HEADERS = (
    ("Content-Type", FHIR_JSON),
    ("Accept", FHIR_JSON),
    ("Accept-Encoding", "gzip"),
    ("Prefer", "return=minimal"),
    ("User-Agent", "interface-engine"),
)
ROUNDS_MAX = 3
"""Reads and writes of one attempt while other writers are at the same resources."""
_REPEATABLE_METHODS = frozenset({"PUT", "GET", "DELETE"})


class FhirDestination:
    """Sends Bundles to one server."""

    def __init__(
        self,
        config: FhirDestinationConfig,
        secrets: SecretSource,
        clock: Callable[[], float] = time.monotonic,
        tokens: TokenSource | None = None,
    ) -> None:
        """Args: the checked configuration; where secrets come from, asked at every attempt; the
        clock of what is remembered between messages; tokens, where it has `authorization`.
        """
        self._config = config
        self._secrets = secrets
        self._base = config.url.rstrip("/")
        self._base_url = URL(self._base)
        self._bearing = None if tokens is None else Bearing(tokens, self._base_url.host or "")
        self._http = Connections(
            config.tls,
            connections_max=config.concurrency_max,
            timeout_seconds=config.timeout_seconds,
        )
        # What the server cannot do as a transaction, `encode_bundle` has written as a batch.
        self._is_transaction = (
            config.interaction == "transaction" and "transaction" in config.capabilities
        )
        self._plain_headers = CIMultiDict(_HEADERS)
        self._shown_headers = self._describe_headers()
        self._transaction_shown = self._shown("POST", self._base)
        self._merging = Merging(config, self._exchange, clock)

    async def send(self, outgoing: Outgoing) -> AttemptResult:
        """One attempt: the Bundle, or its entries one by one."""
        problem = await self._bearing.missing() if self._bearing else None
        if problem is not None:
            return AttemptResult(
                classification=problem.classification,
                request=self._transaction_shown,
                response=problem.shown,
            )
        try:
            headers = self._with_secrets()
        except (OSError, KeyError, ValueError):
            return AttemptResult(classification=classify_fault(Fault.SECRET_MISSING))
        try:
            if is_whole(outgoing.content_type):
                return await self._send_document(outgoing, headers)
            marks = read_marks(outgoing.content_type)
            if marks and self._config.merge != REPLACE:
                return await self._send_merged(outgoing, marks, headers)
            return await self._send_once(outgoing, headers, self._config.timeout_seconds)
        except (ValueError, KeyError, TypeError):
            # The stored body is not what `engine.fhir.bundle` makes: no attempt can help.
            return AttemptResult(classification=classify_fault(Fault.BODY_UNUSABLE))
        except (OSError, ssl.SSLError):
            # The files of the TLS configuration cannot be read; nothing was sent.
            return AttemptResult(classification=classify_fault(Fault.TLS_REFUSED))

    def settlement(self, outgoing: Outgoing) -> Settlement:
        """Repeat what only updates or creates conditionally; else ask by the identifiers it has."""
        if is_whole(outgoing.content_type):
            conditional = CONDITIONAL_CREATE in self._config.capabilities
            return Settlement.REPEAT if conditional else Settlement.ASK
        if _repeatable(outgoing.body):
            return Settlement.REPEAT
        try:
            known = any(True for _ in _identifiers(outgoing.body))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return Settlement.PERSON
        return Settlement.ASK if known else Settlement.PERSON

    async def probe(self, outgoing: Outgoing) -> Presence:
        """Search for what plain creates would have made, by identifier.

        By POST to _search, so that no identifier stands in a URL. All there: it was taken. None
        there: it was not. Some, or no identifier to ask by: nobody can say.
        """
        try:
            whole = is_whole(outgoing.content_type)
            wanted = list((document_identifiers if whole else _identifiers)(outgoing.body))
            headers = self._with_secrets()
        except (orjson.JSONDecodeError, TypeError, AttributeError):
            return Presence.UNKNOWABLE
        except (OSError, KeyError, ValueError):
            return Presence.UNREACHABLE
        if not wanted:
            return Presence.UNKNOWABLE
        found: set[bool] = set()
        deadline = _now() + self._config.timeout_seconds
        for resource_type, identifier in wanted:
            count = await self._count(resource_type, identifier, headers, deadline)
            if count is None:
                return Presence.UNREACHABLE
            found.add(count > 0)
        if len(found) > 1:
            return Presence.UNKNOWABLE
        return Presence.PRESENT if True in found else Presence.ABSENT

    async def close(self) -> None:
        """End all connections."""
        if self._bearing is not None:
            await self._bearing.close()
        await self._http.close()

    # -- sending --

    async def _send_document(self, outgoing: Outgoing, headers: Headers) -> AttemptResult:
        """Create the Bundle itself; the server takes nothing out of it."""
        config = self._config
        sent = document_headers(headers, outgoing.body, config.capabilities)
        url = f"{self._base}/Bundle"
        answer = await self._exchange(
            Request("POST", URL(url), sent, outgoing.body), config.timeout_seconds
        )
        shown = self._shown("POST", url)
        if isinstance(answer, Fault):
            return AttemptResult(classification=classify_fault(answer), request=shown)
        return AttemptResult(
            classification=classify_http(answer.status, answer.headers, answer.body),
            status=str(answer.status),
            request=shown,
            response=self._kept(answer),
        )

    async def _send_merged(
        self, outgoing: Outgoing, marks: tuple[Mark, ...], headers: Headers
    ) -> AttemptResult:
        """Read, merge, write; again when another writer was there in between."""
        deadline = _now() + self._config.timeout_seconds
        in_full = outgoing.in_full
        for round_number in range(1, ROUNDS_MAX + 1):
            draft = await self._merging.draw(
                outgoing.body, marks, headers, deadline, in_full=in_full
            )
            if isinstance(draft, Unread):
                return self._unread(draft)
            result = await self._send_drawn(outgoing, draft.drawn, headers, deadline)
            answer = result.classification
            if answer.accepted:
                self._merging.confirm(draft)
                return result
            lacking = bool(draft.remembered) and may_lack(answer)
            if lacking:  # what was left out may be gone from the server
                self._merging.forget(draft)
                in_full = True
            if not (lacking or is_conflict(answer)) or not self._may_repeat(outgoing):
                return result
            if round_number == ROUNDS_MAX or _now() >= deadline:
                break
        return replace(result, classification=conflict_of(answer))

    def _may_repeat(self, outgoing: Outgoing) -> bool:
        """True when nothing was taken, or what was taken may be sent again."""
        return self._is_transaction or _repeatable(outgoing.body)

    async def _send_drawn(
        self, outgoing: Outgoing, drawn: Drawn, headers: Headers, deadline: float
    ) -> AttemptResult:
        """Send what a merge left to send; the attempt's record says what it was."""
        if not drawn.body:
            return AttemptResult(classification=ACCEPTED, request=_left_out(drawn))
        changed = replace(outgoing, body=drawn.body)
        result = await self._send_once(changed, headers, deadline - _now())
        if drawn.written:
            shown = b"\n\n" + drawn.body
        else:
            shown = b"\n\n" + _left_out(drawn) if drawn.left_out else b""
        return replace(result, request=result.request + shown)

    def _unread(self, unread: Unread) -> AttemptResult:
        answer = unread.response
        return AttemptResult(
            classification=unread.classification,
            status="" if answer is None else str(answer.status),
            request=self._transaction_shown + b"\n\nread before a merge; nothing was sent",
            response=b"" if answer is None else self._kept(answer),
        )

    async def _send_once(
        self, outgoing: Outgoing, headers: Headers, seconds: float
    ) -> AttemptResult:
        if self._config.interaction == "single":
            return await self._send_entries(outgoing, headers, seconds)
        return await self._send_bundle(outgoing, headers, seconds)

    async def _send_bundle(
        self, outgoing: Outgoing, headers: Headers, seconds: float
    ) -> AttemptResult:
        request = Request("POST", self._base_url, headers, outgoing.body)
        answer = await self._exchange(request, seconds)
        if isinstance(answer, Fault):
            return AttemptResult(
                classification=classify_fault(answer), request=self._transaction_shown
            )
        return AttemptResult(
            classification=self._judge(answer, outgoing),
            status=str(answer.status),
            request=self._transaction_shown,
            response=self._kept(answer),
        )

    def _judge(self, answer: Answer, outgoing: Outgoing) -> Classification:
        """What the answer to a whole Bundle means: its status, then the status of each entry."""
        found = classify_http(answer.status, answer.headers, answer.body)
        if not found.accepted:
            return found
        entries = entry_answers(answer.body)
        if self._is_transaction:
            if entries is not None:
                return combine(entries, repeatable=True) if entries else found
            # Some servers answer a transaction with nothing, or with more than is read. A page of
            # some proxy with status 200 is neither.
            silent = not answer.body or (
                not answer.complete and "json" in answer.headers.get("content-type", "")
            )
            return found if silent else ANSWER_UNEXPECTED
        sent_count = sum(1 for _ in _entries(outgoing.body))
        if entries is None or len(entries) != sent_count:
            return ANSWER_UNEXPECTED
        return combine(entries, repeatable=_repeatable(outgoing.body))

    async def _send_entries(
        self, outgoing: Outgoing, headers: Headers, seconds: float
    ) -> AttemptResult:
        """Each entry in turn; the first that is not taken ends the attempt."""
        deadline = _now() + seconds
        answers: list[Classification] = []
        requests: list[bytes] = []
        response, status = b"", ""
        for fhir_request, resource in _entries(outgoing.body):
            request = self._entry_request(fhir_request, resource, headers)
            requests.append(f"{request.method} {request.url}\n".encode())
            answer = await self._exchange(request, deadline - _now())
            if isinstance(answer, Fault):
                answers.append(classify_fault(answer))
            else:
                answers.append(classify_http(answer.status, answer.headers, answer.body))
                response, status = self._kept(answer), str(answer.status)
            if not answers[-1].accepted:
                break
        found = combine(answers, repeatable=_repeatable(outgoing.body)) if answers else ACCEPTED
        shown = b"".join(requests) + self._shown_headers
        return AttemptResult(classification=found, status=status, request=shown, response=response)

    def _entry_request(
        self, fhir_request: dict[str, Any], resource: Any, headers: Headers
    ) -> Request:
        url = URL(f"{self._base}/{fhir_request['url']}")
        sent = headers.copy()
        if condition := fhir_request.get("ifNoneExist"):
            sent["If-None-Exist"] = condition
        if version := fhir_request.get("ifMatch"):
            sent["If-Match"] = version
        content = orjson.dumps(resource) if resource is not None else None
        return Request(fhir_request["method"], url, sent, content)

    async def _count(
        self, resource_type: str, identifier: str, headers: Headers, deadline: float
    ) -> int | None:
        """How many resources have this identifier; None when the server does not say."""
        sent = headers.copy()
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        form = urlencode({"identifier": identifier, "_summary": "count"})
        url = URL(f"{self._base}/{resource_type}/_search")
        request = Request("POST", url, sent, form.encode())
        answer = await self._exchange(request, deadline - _now())
        if isinstance(answer, Fault) or answer.status != 200:
            return None
        try:
            total = orjson.loads(answer.body).get("total")
        except (orjson.JSONDecodeError, AttributeError):
            return None
        return total if isinstance(total, int) else None

    async def _exchange(self, request: Request, timeout_seconds: float) -> Answer | Fault:
        if self._bearing is None:
            return await self._http.exchange(request, timeout_seconds=timeout_seconds)
        return await self._bearing.exchange(self._http, request, timeout_seconds=timeout_seconds)

    # -- headers and records --

    def _with_secrets(self) -> Headers:
        """All headers of a request. Raises OSError or KeyError when a secret is not there."""
        config = self._config
        if not config.headers and config.bearer is None:
            return self._plain_headers
        headers = list(_HEADERS)
        for name, value in config.headers:
            plain = self._secrets(value) if isinstance(value, SecretReference) else value
            headers.append((name, plain))
        if config.bearer is not None:
            headers.append(("Authorization", f"Bearer {self._secrets(config.bearer)}"))
        return CIMultiDict(headers)

    def _describe_headers(self) -> bytes:
        """The headers as stored with an attempt: a secret by its reference."""
        shown = [f"{name}: {value}" for name, value in _HEADERS]
        for name, value in self._config.headers:
            hidden = f"({value})" if isinstance(value, SecretReference) else value
            shown.append(f"{name}: {hidden}")
        if self._config.bearer is not None:
            shown.append(f"Authorization: Bearer ({self._config.bearer})")
        if self._config.authorization is not None:
            shown.append(shown_header(self._config.authorization))
        return "\n".join(shown).encode()

    def _shown(self, method: str, url: str) -> bytes:
        return f"{method} {url}\n".encode() + self._shown_headers

    def _kept(self, answer: Answer) -> bytes:
        """Status, headers and body as stored, within the configured bound."""
        head = b"\n".join([b"%b: %b" % pair for pair in answer.raw_headers])
        kept = b"%d\n%b\n\n%b" % (answer.status, head, answer.body)
        return kept[: self._config.response_bytes_max]


def _left_out(drawn: Drawn) -> bytes:
    lately = f"; lately, so not read: {', '.join(drawn.remembered)}" if drawn.remembered else ""
    return f"without what the server has already: {', '.join(drawn.left_out)}{lately}".encode()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _entries(body: bytes) -> Iterator[tuple[dict[str, Any], Any]]:
    """(request, resource or None) of each entry. Raises JSONDecodeError, KeyError, TypeError."""
    for entry in orjson.loads(body)["entry"]:
        yield entry["request"], entry.get("resource")


def _repeatable(body: bytes) -> bool:
    """True when every entry is a PUT, or a POST with If-None-Exist."""
    try:
        return all(_is_repeatable(request) for request, _ in _entries(body))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False


def _is_repeatable(request: dict[str, Any]) -> bool:
    return request["method"] in _REPEATABLE_METHODS or bool(request.get("ifNoneExist"))


def _identifiers(body: bytes) -> Iterator[tuple[str, str]]:
    """(resource type, `system|value`) of the plain creates whose resource has an identifier."""
    for request, resource in _entries(body):
        if _is_repeatable(request) or not isinstance(resource, dict):
            continue
        identifiers = resource.get("identifier") or []
        for found in identifiers if isinstance(identifiers, list) else [identifiers]:
            if found.get("system") and found.get("value"):
                yield resource["resourceType"], f"{found['system']}|{found['value']}"
                break
