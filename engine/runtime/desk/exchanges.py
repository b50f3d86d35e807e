"""Rim. Attempts to deliver as people read them: request, answer, and what differs between two.

For a masked viewer bodies are masked by element, conditions in addresses are hidden, and so is what
cannot be read as JSON or HL7: a body nobody understands may say anything.
"""

import re
from dataclasses import dataclass, field
from difflib import unified_diff

import orjson

from engine.hl7v2.parser import parse
from engine.pipeline.states import State
from engine.runtime.desk.masking import HIDDEN, MaskingPolicy
from engine.store.interface import DeliveryDetail

TEXT_CHARACTERS_MAX = 256_000
DIFF_LINES_MAX = 2_000
_SHOWN_HEADERS = frozenset(
    {
        "accept", "accept-encoding", "cache-control", "connection", "content-encoding",
        "content-length", "content-type", "date", "etag", "if-match", "if-none-match",
        "last-modified", "opc-request-id", "prefer", "retry-after", "server", "transfer-encoding",
        "user-agent", "x-correlation-id", "x-request-id", "cerner-correlation-id",
    }
)  # fmt: skip
"""What a masked viewer sees of headers; of others the name."""
_QUERY = re.compile(r"\?\S+")
_OURS = (b"without what the server has already: ", b"read before a merge; ")
"""What a destination notes in place of a body."""
_STATUS = re.compile(r"[1-5][0-9]{2}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One attempt."""

    destination: str
    number: int
    started_at: float
    finished_at: float
    state: State
    status: str
    failure_code: str
    """Empty: the destination took it."""
    request: str = field(repr=False)
    """Head, and body where it is not the delivery's own."""
    response: str = field(repr=False)


def exchanges(delivery: DeliveryDetail, policy: MaskingPolicy | None) -> list[Exchange]:
    """The attempts of a delivery.

    Args:
        delivery: with its attempts.
        policy: what is shown; None: everything.
    """
    return [
        Exchange(
            destination=delivery.destination,
            number=attempt.number,
            started_at=attempt.started_at,
            finished_at=attempt.finished_at,
            state=attempt.state,
            status=attempt.status,
            failure_code=attempt.failure_code if attempt.failure_class is not None else "",
            request=shown_text(attempt.request, policy),
            response=shown_text(attempt.response, policy),
        )
        for attempt in delivery.attempts
    ]


def difference(
    first: tuple[DeliveryDetail, int],
    second: tuple[DeliveryDetail, int],
    policy: MaskingPolicy | None,
) -> list[str]:
    """What differs between two attempts, as lines of a diff: request, body sent, answer.

    Args:
        first: a delivery and the number of one of its attempts.
        second: the same of another.
        policy: what is shown; None: everything.

    Raises:
        KeyError: there is no such attempt.
    """
    names = [f"delivery {one.delivery_id} attempt {number}" for one, number in (first, second)]
    texts = [_whole(one, number, policy) for one, number in (first, second)]
    found = unified_diff(texts[0], texts[1], names[0], names[1], lineterm="", n=2)
    return [line for _, line in zip(range(DIFF_LINES_MAX), found, strict=False)]


def _whole(delivery: DeliveryDetail, number: int, policy: MaskingPolicy | None) -> list[str]:
    attempt = next((one for one in delivery.attempts if one.number == number), None)
    if attempt is None:
        raise KeyError(number)
    head, changed = attempt.request.partition(b"\n\n")[::2]
    parts = (
        "request", shown_text(head, policy),
        "body", shown_body(changed or delivery.body, policy),
        "answer", shown_text(attempt.response, policy),
    )  # fmt: skip
    return [line for part in parts for line in (*part.split("\n"), "")]


def shown_text(stored: bytes, policy: MaskingPolicy | None) -> str:
    """A request or an answer as stored: a line, headers, an empty line, a body."""
    if not stored:
        return ""
    head, _, body = stored.partition(b"\n\n")
    if head.startswith(b"MSH"):
        return shown_body(stored, policy)
    lines = head.decode("utf-8", "backslashreplace").split("\n")
    if policy is not None:
        lines = [_masked_line(line) for line in lines]
    shown = "\n".join(lines)
    return f"{shown}\n\n{shown_body(body, policy)}" if body else shown


def _masked_line(line: str) -> str:
    """A line of a head without what may name a patient."""
    name, mark, _ = line.partition(": ")
    if mark and name and " " not in name:
        return line if name.lower() in _SHOWN_HEADERS else f"{name}: {HIDDEN}"
    if _STATUS.match(line):
        return line
    if line.startswith("file "):
        return f"file {HIDDEN}"
    return _QUERY.sub(f"?{HIDDEN}", line)


def shown_body(body: bytes, policy: MaskingPolicy | None) -> str:
    """A body as text: JSON is indented, HL7 a segment a line."""
    text = _body_text(body, policy)
    if len(text) > TEXT_CHARACTERS_MAX:
        return f"{text[:TEXT_CHARACTERS_MAX]}\n… ({len(body):,} bytes in all)"
    return text


def _body_text(body: bytes, policy: MaskingPolicy | None) -> str:
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            value = None
        if value is not None:
            shown = policy.resource(value) if policy is not None else value
            return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()
    if body.startswith(b"MSH"):
        message = parse(body).message
        if message is not None:
            if policy is not None:
                return "\n".join(policy.message(message))
            return "\n".join(one.text for one in message.segments)
    if policy is not None and not body.startswith(_OURS):
        return f"{HIDDEN} ({len(body):,} bytes)" if body else ""
    return body.decode("utf-8", "backslashreplace")
