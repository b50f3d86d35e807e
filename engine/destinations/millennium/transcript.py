"""Rim. What an attempt at Millennium did, call by call, as support staff will read it.

The attempt keeps two texts. The request text has every request with its body, without the token;
the response text begins with the ids of all answers (`X-Request-Id` and `opc-request-id`, which the
vendor's support asks for, and `Location`), followed by every answer. Both are cut to the
destination's bound, at the end: the first failure is what one looks for.
"""

from dataclasses import dataclass, field

from engine.destinations.http_exchange import Answer
from engine.millennium.calls.rendering import RenderedRequest
from engine.pipeline.response import Fault

_IDS = frozenset({b"x-request-id", b"opc-request-id", b"cerner-correlation-id", b"location"})
_SHOWN = _IDS | {b"etag", b"content-type", b"date", b"retry-after", b"www-authenticate"}


@dataclass(slots=True)
class Transcript:
    """The exchanges of one attempt."""

    bytes_max: int
    status: str = ""
    """Of the last answer."""
    _requests: list[bytes] = field(default_factory=list)
    _answers: list[bytes] = field(default_factory=list)
    _ids: list[bytes] = field(default_factory=list)

    def sent(self, request: RenderedRequest, *, with_token: bool) -> None:
        """A request goes out."""
        head = [f"{request.method} {request.url}"]
        head += [f"{name}: {value}" for name, value in request.headers]
        if with_token:
            head.append("Authorization: Bearer (of the tenant)")
        text = "\n".join(head).encode()
        self._requests.append(text + (b"\n\n" + request.body if request.body else b""))

    def answered(self, answer: Answer | Fault) -> None:
        """It was answered, or not."""
        number = len(self._requests)
        if isinstance(answer, Fault):
            self.status = ""
            self._answers.append(b"%d: no answer: %b" % (number, answer.value.encode()))
            return
        self.status = str(answer.status)
        shown = [pair for pair in answer.raw_headers if pair[0].lower() in _SHOWN]
        self._ids += [b"%b: %b" % pair for pair in shown if pair[0].lower() in _IDS]
        head = b"\n".join([b"%b: %b" % pair for pair in shown])
        parts = [b"%d: %d" % (number, answer.status), head, b"", answer.body]
        self._answers.append(b"\n".join(part for part in parts if part))

    def note(self, text: str) -> None:
        """What was decided, in words without a patient's data."""
        self._requests.append(f"# {text}".encode())

    def explain(self, text: str) -> None:
        """Why it went no further, for the reader of the answer."""
        self._answers.append(f"# {text}".encode())

    @property
    def request(self) -> bytes:
        """What was sent and decided."""
        return b"\n\n".join(self._requests)[: self.bytes_max]

    @property
    def response(self) -> bytes:
        """What was answered."""
        if not self._answers:
            return b""
        head = b"\n".join([self.status.encode(), *dict.fromkeys(self._ids)])
        return (head + b"\n\n" + b"\n\n".join(self._answers))[: self.bytes_max]
