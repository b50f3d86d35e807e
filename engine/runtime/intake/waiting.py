"""Rim. What waits for the end of the reactor's turn, and batches on their way through it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.cda.package import Part, Refused
from engine.diagnostics import Diagnostic
from engine.listeners.interface import Connection
from engine.mllp import FrameFault
from engine.runtime.intake.answers import batch_answer
from engine.runtime.intake.ordered_answers import OrderedAnswers, Slot
from engine.runtime.intake.reception import Reception


class HasReception(Protocol):
    """The sink a payload came to."""

    reception: Reception


class Parcel:
    """Several messages that came together and get one answer: a batch, or a frame with several.

    Args:
        slot: the place of the answer.
        count: how many messages there are.
        envelope: FHS, BHS, BTS and FTS as received.
        ordered: sends the answer when all parts are known.
    """

    __slots__ = ("_accepted", "_answers", "_envelope", "_ordered", "_remaining", "_slot")

    def __init__(
        self, slot: Slot, count: int, envelope: Sequence[bytes], ordered: OrderedAnswers
    ) -> None:
        self._slot = slot
        self._remaining = count
        self._envelope = envelope
        self._ordered = ordered
        self._answers: list[bytes] = []
        self._accepted = True

    def add(self, payload: bytes, *, accepted: bool) -> None:
        """The answer to one part; the last one completes the answer to all."""
        self._answers.append(payload)
        self._accepted = self._accepted and accepted
        self._remaining -= 1
        if self._remaining == 0:
            whole = batch_answer(self._envelope, self._answers)
            self._ordered.fill(self._slot, whole, accepted=self._accepted)


@dataclass(slots=True)
class Waiting:
    """A payload or a fault of this turn."""

    sink: HasReception
    connection: Connection
    payload: bytes
    fault: FrameFault | None = None
    parcel: Parcel | None = None
    problems: tuple[Diagnostic, ...] = ()
    """What was found wrong with its batch."""
    part: Part | None = None
    """Of an archive or a form: gives the payload when its turn comes."""
    number: int = 0
    """Which part it is, from 1."""
    refused: Refused | None = None
    """Why the part, or the whole, is not taken in."""

    @property
    def source(self) -> str:
        """Where it came from, with the number of the part."""
        return (
            f"{self.connection.source} part {self.number}"
            if self.number
            else (self.connection.source)
        )

    def unpack(self) -> None:
        """Read the part, once."""
        if self.part is None:
            return
        found = self.part()
        self.part = None
        if isinstance(found, Refused):
            self.refused = found
        else:
            self.payload = found


def is_batch(payload: bytes) -> bool:
    """True when the payload may hold several messages; `hl7v2.batch.split` decides."""
    if payload[:3] != b"MSH":
        return payload.find(b"MSH") >= 0
    # One search: a second MSH with the same separator, at the start of a line or not.
    return payload.find(payload[:4], 4) >= 0
