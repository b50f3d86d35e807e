"""Rim. What sending one stored message again would do: one step of the preview of a replay.

The pure step on the stored bytes, compared with what was sent. Sends nothing and writes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.pipeline.differences import Difference, differences
from engine.pipeline.result import Output, ProcessResult
from engine.pipeline.staleness import overwrites
from engine.pipeline.states import State
from engine.runtime.desk.message_log import MessageLog, SentBefore, StoredMessage
from engine.runtime.desk.workbench import Workbench


class Effect(StrEnum):
    """What sending the message again would do, the gravest of its destinations."""

    FAILS = "fails"
    """It ends in ERROR again."""
    WAITS = "waits"
    """It ends in HELD: a code asks for a person."""
    HELD = "held"
    """Left out: a newer message about the same has been delivered."""
    UPDATE = "update"
    """Delivered before; the output differs now."""
    CREATE = "create"
    """Not delivered before."""
    NO_OP = "no-op"
    """Delivered before, and the output is the same."""
    FILTERED = "filtered"
    """The channel's filter says no: nothing would be sent."""


_GRAVEST = (Effect.HELD, Effect.UPDATE, Effect.CREATE, Effect.NO_OP)
"""Of the effects at single destinations."""


@dataclass(frozen=True, slots=True)
class Newer:
    """A message that is left out, and why."""

    message_id: int
    newer_message_id: int
    destination: str
    what: tuple[str, ...]
    """Resources, as they are addressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of one message."""

    message_id: int
    effect: Effect
    reason: str = ""
    """Of what fails or waits."""
    differences: tuple[tuple[Difference, ...], ...] = ()
    """Of each destination that was sent something else before, in order."""
    held: tuple[Newer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How the messages of a job would be sent."""

    selected: frozenset[int]
    """All messages of the job: they come in their order and hold up none of each other."""
    destinations: frozenset[str] = frozenset()
    """Only what these would be sent; all when empty."""
    overwrite_newer: bool = False
    """What would put older data over newer is sent too."""
    resend: bool = False
    """The stored output is sent again instead of processing."""


BenchOf = Callable[[str], Workbench]
"""Gives the workbench for a message by the revision it came under. Raises LookupError."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Tries messages of one job, one by one."""

    log: MessageLog
    bench_of: BenchOf
    asked: Asked

    def of(self, message_id: int) -> Tried:
        """Try one message. Raises StoreUnavailable."""
        stored = self.log.to_replay(message_id)
        if self.asked.resend:
            return self._resend(message_id, stored)
        if stored is None:
            return _fails(message_id, "the message is no longer stored")
        try:
            bench = self.bench_of(stored.revision)
        except LookupError:
            return _fails(message_id, f"configuration {stored.revision} is gone")
        try:
            made = bench.convert(stored.raw, stored.channel, received_at=stored.received_at)
        except KeyError:
            return _fails(message_id, f"the channel {stored.channel} is gone")
        return self._judge(made.result, stored)

    def _resend(self, message_id: int, stored: StoredMessage | None) -> Tried:
        before = {} if stored is None else _delivered(stored)
        if stored is None or not before:
            return _fails(message_id, "there is no stored output")
        outputs = [
            Output(destination=one.destination, content_type=one.content_type, body=one.body)
            for one in before.values()
        ]
        return self._weigh(outputs, before, stored)

    def _judge(self, result: ProcessResult, stored: StoredMessage) -> Tried:
        message_id = stored.message_id
        if result.state is State.FILTERED:
            return Tried(message_id=message_id, effect=Effect.FILTERED)
        if result.state is not State.TRANSFORMED:
            codes = ", ".join(dict.fromkeys(one.code for one in result.diagnostics)) or "no code"
            effect = Effect.WAITS if result.state is State.HELD else Effect.FAILS
            return Tried(message_id=message_id, effect=effect, reason=codes)
        return self._weigh(result.outputs, _delivered(stored), stored)

    def _weigh(
        self, outputs: Sequence[Output], before: Mapping[str, SentBefore], stored: StoredMessage
    ) -> Tried:
        """The gravest effect at any destination, and what was found on the way."""
        effects: set[Effect] = set()
        found: list[tuple[Difference, ...]] = []
        held: list[Newer] = []
        for output in outputs:
            if self.asked.destinations and output.destination not in self.asked.destinations:
                continue
            newer = None if self.asked.overwrite_newer else self._newer(output, stored)
            if newer is not None:
                held.append(newer)
                effects.add(Effect.HELD)
                continue
            effect, differ = _effect(output, before.get(output.destination))
            effects.add(effect)
            if differ:
                found.append(tuple(sorted(differ)))
        return Tried(
            message_id=stored.message_id,
            effect=next((one for one in _GRAVEST if one in effects), Effect.FILTERED),
            differences=tuple(found),
            held=tuple(held),
        )

    def _newer(self, output: Output, stored: StoredMessage) -> Newer | None:
        """The message whose data this would overwrite."""
        later = self.log.newer_sent(stored.message_id, output.destination, self.asked.selected)
        found = overwrites(output.content_type, output.body, stored.message_type, later)
        if found is None:
            return None
        return Newer(stored.message_id, found.message_id, output.destination, found.what)


def _effect(output: Output, before: SentBefore | None) -> tuple[Effect, set[Difference]]:
    """At one destination that nothing newer was sent to."""
    if before is None:
        return Effect.CREATE, set()
    found = differences(before.content_type, before.body, output.content_type, output.body)
    if before.state is not State.SENT:
        return Effect.CREATE, found
    return (Effect.UPDATE if found else Effect.NO_OP), found


def _fails(message_id: int, reason: str) -> Tried:
    return Tried(message_id=message_id, effect=Effect.FAILS, reason=reason)


def _delivered(stored: StoredMessage) -> dict[str, SentBefore]:
    """By destination: the last delivery that was accepted, else the last one."""
    found: dict[str, SentBefore] = {}
    for one in stored.sent:
        known = found.get(one.destination)
        if known is None or known.state is not State.SENT or one.state is State.SENT:
            found[one.destination] = one
    return found
