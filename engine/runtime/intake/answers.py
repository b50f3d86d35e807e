"""Rim. The answers of one intake process: the acknowledgment table, with our ids and our time.

What is answered is decided in `engine.hl7v2.acknowledgment` alone; here its questions are asked and
MSH-7 and MSH-10 of the answer are filled in.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from engine.diagnostics import Diagnostic, Place, Severity
from engine.hl7v2.acknowledgment import (
    Mode,
    Moment,
    Outcome,
    accept_acknowledgment_code,
    build_acknowledgment,
    decide,
    mode,
    owes_application_acknowledgment,
)
from engine.hl7v2.header import Header
from engine.mllp import TOO_LARGE, FrameFault
from engine.runtime.intake.document_answers import BEGIN, answers_of_package, document_answer
from engine.runtime.intake.document_header import is_of_document

ANSWERED_FAULTS = frozenset({TOO_LARGE.code, "M150", "M151"})
"""Frame faults after which the sender waits; after the others nobody does, or for another
message."""


@dataclass(slots=True)
class Answer:
    """What a sender is told once its message is stored."""

    payload: bytes
    """Empty: nothing is said now."""
    code: str
    """MSA-1, or ""."""
    accepted: bool = True
    late: bool = False
    """An application acknowledgment may follow after processing."""


SILENCE = Answer(b"", "", accepted=False)


class Answers:
    """Makes acknowledgments.

    Args:
        started_at: when the process began, Unix seconds; part of every control id, so that ids are
            unique across restarts.
    """

    def __init__(self, started_at: float) -> None:
        self._prefix = f"{int(started_at * 10):X}"
        self._numbers = count(1)
        self._second = -1
        self._timestamp = ""

    def set_time(self, now: float) -> None:
        """The time of the answers to come, Unix seconds; MSH-7 has it in local time with offset."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._timestamp = time.strftime("%Y%m%d%H%M%S%z", time.localtime(second))

    def accept(self, header: Header, *, late: bool) -> Answer:
        """The message was stored; `late`: the channel acknowledges after processing."""
        code = accept_acknowledgment_code(header, deferred=late)
        owed = (late or mode(header) is Mode.ENHANCED) and owes_application_acknowledgment(
            header, deferred=late
        )
        return Answer(self._build(header, code), code or "", late=owed)

    def refuse(self, header: Header, condition: str) -> Answer:
        """The message was kept and refused, for a reason of table 0357."""
        code = accept_acknowledgment_code(header, Outcome.REJECTED)
        return Answer(self._build(header, code, condition), code or "", accepted=False)

    def unreadable(self, header: Header, problems: Sequence[Diagnostic]) -> Answer:
        """The message has no MSH that can be read, or one that cannot be understood."""
        code = accept_acknowledgment_code(header, Outcome.ERROR)
        return Answer(self._build(header, code, None, problems), code or "", accepted=False)

    def unframed(self, header: Header, fault: FrameFault) -> Answer:
        """Bytes that are no frame: answered when a sender waits and can be named an id."""
        if fault.code not in ANSWERED_FAULTS or not header.control_id:
            return SILENCE
        code = accept_acknowledgment_code(header, Outcome.REJECTED)
        payload = self._build(header, code, None, (fault.diagnostic,))
        return Answer(payload, code or "", accepted=False)

    def part_refused(self, problem: Diagnostic) -> Answer:
        """A part of an archive or a form that is no document, or all of it."""
        return Answer(document_answer("", "AE", None, (problem,)), "AE", accepted=False)

    def processed(
        self,
        header: Header,
        outcome: Outcome,
        problems: Sequence[Mapping[str, Any]],
        *,
        late: bool,
    ) -> Answer:
        """Processing, or delivery, came to an end; `problems` are stored diagnostics."""
        code = decide(header, Moment.PROCESSED, outcome, deferred=late)
        accepted = outcome is Outcome.ACCEPTED
        found = () if accepted else tuple(_diagnostic(problem) for problem in problems)
        condition = None if accepted or found else "207"
        return Answer(self._build(header, code, condition, found), code or "", accepted=accepted)

    def _build(
        self,
        header: Header,
        code: str | None,
        condition: str | None = None,
        problems: Sequence[Diagnostic] = (),
    ) -> bytes:
        if code is None:
            return b""
        if is_of_document(header):
            return document_answer(header.control_id, code, condition, problems)
        return build_acknowledgment(
            header,
            code,
            control_id=f"{self._prefix}{next(self._numbers):X}",
            timestamp=self._timestamp,
            text_code0357=condition,
            diagnostics=problems,
        )


def batch_answer(envelope: Sequence[bytes], answers: Sequence[bytes]) -> bytes:
    """One answer to a batch: its acknowledgments, in a batch when it came in one; to several
    documents one list.

    HL7 v2.5.1 ch. 2.10.3.2 lets a batch be answered by a batch of acknowledgments.
    """
    given = [answer for answer in answers if answer]
    if any(answer.startswith(BEGIN) for answer in given):
        return answers_of_package(given)
    body = b"".join(given)
    if not envelope or not given:
        return body
    return b"BHS|^~\\&\r" + body + b"BTS|" + str(len(given)).encode("ascii") + b"\r"


def _diagnostic(stored: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(
        code=str(stored.get("code", "")),
        severity=Severity(stored.get("severity", "error")),
        message=str(stored.get("message", "")),
        place=Place(path=stored.get("path")),
        hint=stored.get("hint"),
    )
