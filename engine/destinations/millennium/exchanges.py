"""Rim. The exchanges of one attempt at Millennium, and what their failures mean for the delivery.

The class of an answer is `millennium.calls.answers`'s; here it becomes the class the retry policy
knows, which depends on what was asked: a search that got no answer changed nothing, a create that
got none may have been made.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from engine.destinations.http_exchange import Answer as HttpAnswer
from engine.destinations.millennium.service import MillenniumService
from engine.destinations.millennium.transcript import Transcript
from engine.millennium.calls.answers import Answer, classify_answer
from engine.millennium.calls.model import AnswerClass, CallPreset
from engine.millennium.calls.rendering import RenderedRequest
from engine.pipeline.response import (
    Classification,
    Fault,
    classify_fault,
    of_read,
    parse_retry_after,
)
from engine.pipeline.states import FailureClass

_CLASSES: Mapping[AnswerClass, FailureClass | None] = {
    AnswerClass.DONE: None,
    AnswerClass.CONFLICT: FailureClass.TRANSIENT,
    AnswerClass.MISSING: FailureClass.PERMANENT,
    AnswerClass.AUTHORIZATION: FailureClass.TRANSIENT,
    AnswerClass.CONFIGURATION: FailureClass.PERMANENT,
    AnswerClass.REJECTED: FailureClass.PERMANENT,
    AnswerClass.RETRY: FailureClass.TRANSIENT,
    AnswerClass.UNKNOWN: FailureClass.AMBIGUOUS,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call did not succeed."""

    classification: Classification
    explanation: str
    """In words, without anything the server wrote."""


@dataclass(frozen=True, slots=True)
class Exchanges:
    """One attempt's view of the service."""

    service: MillenniumService
    deadline: float
    """Time of the event loop."""
    transcript: Transcript

    @property
    def root(self) -> str:
        """The FHIR service root."""
        return self.service.root

    @property
    def roots(self) -> Mapping[str, str]:
        """Roots by their name in the paths of calls."""
        return self.service.roots

    @property
    def seconds_left(self) -> float:
        """Of the attempt."""
        return self.deadline - asyncio.get_running_loop().time()

    async def send(self, request: RenderedRequest, preset: CallPreset) -> HttpAnswer | Fault:
        """One exchange. Raises as `MillenniumService.exchange`."""
        return await self.service.exchange(
            request, preset=preset, deadline=self.deadline, transcript=self.transcript
        )

    async def ask(self, request: RenderedRequest, preset: CallPreset) -> HttpAnswer | Failure:
        """One exchange that changes nothing, so that without an answer it may be made again."""
        answer = await self.send(request, preset)
        if isinstance(answer, Fault):
            return Failure(of_read(classify_fault(answer)), _unanswered(answer))
        return answer


def classified(preset: CallPreset, answer: HttpAnswer) -> Answer:
    """What an answer to a plain call means."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return classify_answer(preset, answer.status, headers, answer.body)


def failure_of(preset: CallPreset, answer: HttpAnswer) -> Failure:
    """Why an answer is no success."""
    found = classified(preset, answer)
    kind = _CLASSES[found.kind]
    after = None
    if kind is FailureClass.TRANSIENT:
        after = parse_retry_after(answer.headers.get("retry-after"), answer.headers.get("date"))
    about = f" ({', '.join(found.elements)})" if found.elements else ""
    if kind is None:  # 200 where something else was asked for
        return Failure(
            Classification(FailureClass.TRANSIENT, "read-answer-unexpected"),
            "the answer is not what was asked for",
        )
    return Failure(Classification(kind, found.code, after), f"{found.explanation}{about}")


def data_of(answer: HttpAnswer) -> str | None:
    """The content of a Binary in base64; None when the answer is no whole Binary."""
    if answer.status != 200 or not answer.complete:
        return None
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    data = found.get("data") if isinstance(found, dict) else None
    return data if isinstance(data, str) else None


def lost_failure(fault: Fault) -> Failure:
    """Of a write that was not answered."""
    return Failure(classify_fault(fault), _unanswered(fault))


def _unanswered(fault: Fault) -> str:
    return f"no answer: {fault.value}"
