"""Rim. What a received message becomes: a receipt to store and the answer its sender gets
afterwards.

Steps 3 and 4 of a message's path, for one listener: peek at MSH, choose the channel, find lanes,
ask the duplicate index, write the acknowledgment. Nothing here touches the store or the network,
and nothing is decided by more than MSH and the lane fields, so that it costs some 25 microseconds.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.cda.header import DocumentHeader, read_header
from engine.cda.package import Refused
from engine.cda.reader import is_document
from engine.channel.model import Acknowledge, ChannelConfig, MllpListenerConfig
from engine.diagnostics import Diagnostic, Severity
from engine.hl7v2.header import Header, peek
from engine.mllp import FrameFault
from engine.pipeline.document_keys import document_lanes
from engine.pipeline.duplicate import NEW, DuplicateIndex
from engine.pipeline.lane_keys import LanePlan, lane_keys, plan_lanes
from engine.pipeline.states import Verdict
from engine.runtime import codes
from engine.runtime.intake.answers import SILENCE, Answer, Answers
from engine.runtime.intake.document_header import as_header
from engine.runtime.routing import Router
from engine.store.interface import EditedCopy, Receipt

RAW_FAULT_BYTES_MAX = 65_536
"""Of bytes that are no message this much is kept, beyond what a listener cut already."""


@dataclass(slots=True)
class ChannelIntake:
    """A channel as intake needs it. The duplicate index outlives a reload."""

    config: ChannelConfig
    duplicates: DuplicateIndex
    lanes: LanePlan = field(init=False)
    late: bool = field(init=False)
    """The application acknowledgment waits for processing or delivery."""
    drained: bool = False
    """An operator said: take nothing new."""

    def __post_init__(self) -> None:
        self.lanes = plan_lanes(self.config.lane)
        self.late = self.config.acknowledge is not Acknowledge.STORED

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.config.name


@dataclass(slots=True)
class Taken:
    """A message on its way into the store."""

    receipt: Receipt
    answer: Answer
    channel: ChannelIntake | None
    header: Header | None
    key: tuple[str, str, str] | None = None
    """Channel, sender and control id, for the duplicate index."""


class Drained(Exception):  # noqa: N818  a condition, not an error
    """The message's channel takes nothing new."""


class Reception:
    """The channels behind one listener; exchanged whole on reload.

    Args:
        listener: its name, under which faults are kept that belong to no channel.
        channels: the channels, in the order of their files.
        answers: makes acknowledgments.
        revision: of the configuration in force.
    """

    def __init__(
        self, listener: str, channels: Sequence[ChannelIntake], answers: Answers, revision: str
    ) -> None:
        self.channels = tuple(channels)
        self._router = Router([(found.config.route, found) for found in channels])
        self._answers = answers
        self._revision = revision
        self._fault_channel = channels[0].name if len(channels) == 1 else listener
        self.takes_documents = not any(
            isinstance(found.config.listener, MllpListenerConfig) for found in channels
        )
        """MLLP carries messages; a document on it is a mistake of the sender."""

    @property
    def drained(self) -> bool:
        """True when no channel of the listener takes anything."""
        return all(channel.drained for channel in self.channels)

    def take(
        self, raw: bytes, source: str, now: float, found_before: tuple[Diagnostic, ...] = ()
    ) -> Taken:
        """A message, with what was found wrong with its batch. Raises Drained."""
        header, facts = self._peek(raw)
        problems = header.diagnostics
        if found_before:
            problems = (*found_before, *problems)
        if not header.readable or (header.diagnostics and _has_errors(header.diagnostics)):
            return self._fault(raw, source, now, header, problems)
        router = self._router
        channel = router.only if router.only is not None else router.choose(header)
        if channel is None:
            return self._unrouted(raw, source, now, header)
        if channel.drained:
            raise Drained
        sha256 = hashlib.sha256(raw).digest()
        sender = f"{header.field(3)}|{header.field(4)}"
        control_id = header.control_id
        seen = channel.duplicates.look_up(sender, control_id, sha256, now)
        answer = (
            self._answers.accept(header, late=channel.late)
            if seen is NEW or seen.verdict is Verdict.DUPLICATE
            else self._conflict_answer(header, channel)
        )
        runnable = seen is NEW or (
            seen.verdict is Verdict.CONFLICT and channel.config.duplicates.different == "accept"
        )
        if seen is not NEW and seen.verdict is Verdict.CONFLICT:
            problems = (*problems, codes.CONTROL_ID_REUSED())
        receipt = Receipt(
            channel=channel.config.name,
            received_at=now,
            source=source,
            raw=raw,
            sha256=sha256,
            control_id=control_id,
            sender=sender,
            message_type=header.message_type,
            version=header.version,
            lanes=(
                lane_keys(raw, header, channel.lanes)
                if facts is None
                else document_lanes(facts, header, channel.lanes)
            ),
            verdict=seen.verdict,
            duplicate_of=seen.duplicate_of,
            runnable=runnable,
            acknowledgment=answer.payload,
            acknowledgment_code=answer.code,
            revision=self._revision,
            diagnostics=_as_dicts(problems) if problems else (),
        )
        key = (channel.config.name, sender, control_id) if control_id else None
        return Taken(receipt, answer, channel, header, key)

    def _peek(self, raw: bytes) -> tuple[Header, DocumentHeader | None]:
        """The header of a message, or of a document and its facts."""
        if self.takes_documents and is_document(raw):
            facts = read_header(raw)
            return as_header(facts, raw), facts
        return peek(raw), None

    def _conflict_answer(self, header: Header, channel: ChannelIntake) -> Answer:
        """Same control id, other bytes: as the channel's policy says."""
        if channel.config.duplicates.different == "reject":
            return self._answers.refuse(header, "205")
        return self._answers.accept(header, late=channel.late)

    def _unrouted(self, raw: bytes, source: str, now: float, header: Header) -> Taken:
        """No channel of the listener takes it: kept under the listener, refused."""
        reason = self._router.refusal(header)
        problem = codes.NO_CHANNEL_TAKES_IT(reason=reason)
        answer = self._answers.refuse(header, reason)
        return self._refused(raw, source, now, header, answer, (problem,))

    def _fault(
        self,
        raw: bytes,
        source: str,
        now: float,
        header: Header,
        problems: Sequence[Diagnostic],
    ) -> Taken:
        """No MSH, or header of a document, that can be read."""
        answer = self._answers.unreadable(header, problems)
        return self._refused(raw[:RAW_FAULT_BYTES_MAX], source, now, header, answer, problems)

    def take_copy(self, copy: EditedCopy, now: float) -> Receipt | None:
        """An edited copy as a message of its own: nobody is answered, and it is no duplicate.

        None when its channel is not here, or takes nothing new.
        """
        channel = next((one for one in self.channels if one.name == copy.channel), None)
        if channel is None or channel.drained:
            return None
        facts = read_header(copy.raw) if is_document(copy.raw) else None
        header = as_header(facts, copy.raw) if facts is not None else peek(copy.raw)
        return Receipt(
            channel=copy.channel,
            received_at=now,
            source=copy.source,
            raw=copy.raw,
            sha256=hashlib.sha256(copy.raw).digest(),
            control_id=header.control_id,
            sender=f"{header.field(3)}|{header.field(4)}",
            message_type=header.message_type,
            version=header.version,
            lanes=(
                lane_keys(copy.raw, header, channel.lanes)
                if facts is None
                else document_lanes(facts, header, channel.lanes)
            ),
            revision=self._revision,
            diagnostics=_as_dicts(header.diagnostics) if header.diagnostics else (),
        )

    def take_fault(self, fault: FrameFault, source: str, now: float) -> Taken:
        """Bytes that could not be framed, or too many of them."""
        header, _ = self._peek(fault.data)
        answer = self._answers.unframed(header, fault)
        return self._refused(fault.data, source, now, header, answer, (fault.diagnostic,))

    def take_refused(self, refused: Refused, source: str, now: float) -> Taken:
        """A part of an archive or a form that is no document, or all of it."""
        answer = self._answers.part_refused(refused.problem)
        header = peek(refused.data)
        return self._refused(refused.data, source, now, header, answer, (refused.problem,))

    def take_broken(self, raw: bytes, source: str, now: float, kind: str) -> Taken:
        """A message on which the engine itself failed; `kind` is the exception's class.

        Kept for whoever mends the engine, and refused, so that its sender does not wait.
        """
        header, _ = self._peek(raw[:RAW_FAULT_BYTES_MAX])
        answer = self._answers.refuse(header, "207") if header.control_id else SILENCE
        return self._refused(raw, source, now, header, answer, (codes.INTAKE_FAILED(kind=kind),))

    def _refused(
        self,
        raw: bytes,
        source: str,
        now: float,
        header: Header,
        answer: Answer,
        problems: Sequence[Diagnostic],
    ) -> Taken:
        receipt = Receipt(
            channel=self._fault_channel,
            received_at=now,
            source=source,
            raw=raw,
            sha256=hashlib.sha256(raw).digest(),
            control_id=header.control_id,
            sender=f"{header.field(3)}|{header.field(4)}" if header.readable else "",
            message_type=header.message_type,
            version=header.version,
            verdict=Verdict.FAULT,
            runnable=False,
            acknowledgment=answer.payload,
            acknowledgment_code=answer.code,
            revision=self._revision,
            diagnostics=_as_dicts(problems),
        )
        return Taken(receipt, answer, None, header)


def _has_errors(problems: Sequence[Diagnostic]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _as_dicts(problems: Sequence[Diagnostic]) -> tuple[dict[str, object], ...]:
    return tuple(problem.as_dict() for problem in problems)
