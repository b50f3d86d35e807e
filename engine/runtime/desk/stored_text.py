"""Rim. What attempts keep of requests and answers, as text that people read.

A stored text is made of pieces between empty lines: heads (a request line or a status, headers,
notes) and bodies; an attempt of many calls has many of each. For a masked viewer a body is masked
by element, a line of a head is shown when it is of a known kind, and everything else is hidden: a
text that nobody understands may say anything.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from engine.hl7v2.parser import parse
from engine.runtime.desk.masking import HIDDEN, MaskingPolicy

TEXT_CHARACTERS_MAX = 256_000
STEPS_MAX = 500
SHOWN_HEADERS = frozenset(
    {
        "accept", "accept-encoding", "cache-control", "connection", "content-encoding",
        "content-length", "content-type", "date", "etag", "if-match", "if-none-match",
        "last-modified", "opc-request-id", "prefer", "retry-after", "server", "transfer-encoding",
        "user-agent", "x-correlation-id", "x-request-id", "cerner-correlation-id",
        "www-authenticate", "authorization",
    }
)  # fmt: skip
"""What a masked viewer sees of headers; of others the name. Secrets are never stored."""

_REQUEST = re.compile(r"([A-Z]{3,7} https?://[^?\s]*)(\?\S*)?")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60}): .*")
_KNOWN = re.compile(
    r"[1-5][0-9]{2}"
    r"|[0-9]{1,4}: [1-5][0-9]{2}"
    r"|[0-9]{1,4}: no answer: [a-z-]{1,40}"
    r"|mllp [A-Za-z0-9.:\[\]-]{1,260}"
    r"|[A-Z][A-Z0-9]{2}(?:\^[A-Z0-9]{1,7})?"
    r"|# .*"
)
"""Statuses, numbered answers, where it went, and what a destination notes in its own words."""
_OURS = (
    "without what the server has already: ",
    "read before a merge; ",
    "shadow: ",
    "one of the first messages: ",
)


def shown_text(stored: bytes, policy: MaskingPolicy | None) -> str:
    """A request or an answer as an attempt keeps it.

    Args:
        stored: as kept.
        policy: what is shown; None: everything.
    """
    if stored.startswith((b"MSH", b"{", b"[")):
        return shown_body(stored, policy)
    return _cut("\n\n".join(_piece(one, policy) for one in stored.split(b"\n\n")), len(stored))


def shown_body(body: bytes, policy: MaskingPolicy | None) -> str:
    """A body as text: JSON is indented, HL7 a segment a line."""
    value = _json(body)
    if value is not None:
        shown = policy.resource(value) if policy is not None else value
        return _cut(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode(), len(body))
    message = parse(body).message if body.startswith(b"MSH") else None
    if message is not None:
        lines = (
            policy.message(message)
            if policy is not None
            else [one.text for one in message.segments]
        )
        return _cut("\n".join(lines), len(body))
    text = body.decode("utf-8", "backslashreplace")
    if policy is not None and body and not text.startswith(_OURS):
        return f"{HIDDEN} ({len(body):,} bytes)"
    return _cut(text, len(body))


def json_values(stored: bytes) -> Iterator[Any]:
    """Every body of a stored text that is JSON, in order."""
    if stored.startswith((b"{", b"[")):
        found = _json(stored)
        if found is not None:
            yield found
            return
    for piece in stored.split(b"\n\n"):
        _, body = _halves(piece)
        found = _json(body)
        if found is not None:
            yield found


def steps(body: bytes) -> list[str]:
    """What a body asks of its destination, a line each: interactions of a Bundle, or calls.

    Without the conditions of addresses, which hold identifiers.
    """
    value = _json(body)
    if not isinstance(value, dict):
        return []
    calls, entries = value.get("calls"), value.get("entry")
    found = [
        f"{call.get('call', '')} {call.get('name', '')}".strip()
        for call in (calls if isinstance(calls, list) else ())
        if isinstance(call, dict)
    ]
    for entry in entries if isinstance(entries, list) else ():
        request = entry.get("request") if isinstance(entry, dict) else None
        if isinstance(request, dict):
            url = str(request.get("url", "")).partition("?")[0]
            found.append(f"{request.get('method', '')} {url}".strip())
    return found[:STEPS_MAX]


def _cut(text: str, size: int) -> str:
    if len(text) <= TEXT_CHARACTERS_MAX:
        return text
    return f"{text[:TEXT_CHARACTERS_MAX]}\n… ({size:,} bytes in all)"


def _json(body: bytes) -> Any:
    if body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _halves(piece: bytes) -> tuple[bytes, bytes]:
    """The lines of a head, and the body that follows them without an empty line, if one does."""
    lines = piece.split(b"\n")
    for at, line in enumerate(lines):
        if line.startswith((b"{", b"[")):
            return b"\n".join(lines[:at]), b"\n".join(lines[at:])
    return piece, b""


def _piece(piece: bytes, policy: MaskingPolicy | None) -> str:
    head, body = _halves(piece)
    lines = head.decode("utf-8", "backslashreplace").split("\n") if head else []
    if policy is not None:
        if len(lines) > 1 and not _is_head(lines[0]):
            lines = [f"{HIDDEN} ({len(head):,} bytes)"]
        lines = [_masked_line(line) for line in lines]
    if body:
        lines.append(shown_body(body, policy))
    return "\n".join(lines)


def _is_head(line: str) -> bool:
    known = (_KNOWN, _REQUEST, _HEADER)
    return any(one.fullmatch(line) for one in known) or line.startswith(("file ", *_OURS))


def _masked_line(line: str) -> str:
    """A line of a head without what may name a patient."""
    if not line or _KNOWN.fullmatch(line) or line.startswith((*_OURS, HIDDEN)):
        return line
    request = _REQUEST.fullmatch(line)
    if request is not None:
        return f"{request[1]}?{HIDDEN}" if request[2] else request[1]
    header = _HEADER.fullmatch(line)
    if header is not None:
        return line if header[1].lower() in SHOWN_HEADERS else f"{header[1]}: {HIDDEN}"
    return f"file {HIDDEN}" if line.startswith("file ") else HIDDEN
