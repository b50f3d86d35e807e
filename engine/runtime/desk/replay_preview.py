"""Rim. What a replay would do: the pure step on the stored bytes, compared with what was sent.

Sends nothing and writes nothing. It cannot know what a destination will answer; it says what would
be sent, what would put older data over newer and so is left out, and what cannot be made at all.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.pipeline.differences import Difference, differences
from engine.pipeline.result import Output, ProcessResult
from engine.pipeline.staleness import overwrites
from engine.pipeline.states import State
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.workbench import Workbench
from engine.store.interface import DeliveryDetail, MessageDetail

EXAMPLES_MAX = 5
CLUSTERS_MAX = 500
"""Differences that are told apart; what more there are is counted together."""
SHOWN_MAX = 200
"""Reasons, clusters and held messages of the JSON form."""
HELD_MAX = 1_000
"""Messages left out that are listed with the newer one."""


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


@dataclass(slots=True)
class Preview:
    """Counts by effect, with the first message ids of each, and differences in clusters."""

    counts: Counter[Effect] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of what fails or waits: diagnostic codes."""
    examples: dict[str, list[int]] = field(default_factory=dict)
    """By effect, by reason, and by cluster."""
    clusters: Counter[Difference] = field(default_factory=Counter)
    """Messages whose output differs there."""
    held: list[Newer] = field(default_factory=list)

    @property
    def would_fail(self) -> int:
        """Messages that would end in ERROR or HELD."""
        return self.counts[Effect.FAILS] + self.counts[Effect.WAITS]

    def add(self, effect: Effect, message_id: int, reason: str = "") -> None:
        """Count one message."""
        self.counts[effect] += 1
        self._show(effect.value, message_id)
        if reason:
            self.reasons[reason] += 1
            self._show(reason, message_id)

    def differ(self, found: set[Difference], message_id: int) -> None:
        """Count where one message's output differs."""
        for one in found:
            if one not in self.clusters and len(self.clusters) >= CLUSTERS_MAX:
                one = Difference("elsewhere", "value")  # noqa: PLW2901  counted, not told apart
            self.clusters[one] += 1
            self._show(cluster_name(one), message_id)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, bounded: what the page of a replay job shows."""
        return {
            "counts": [[one.value, count] for one, count in self.counts.most_common()],
            "reasons": [[one, count] for one, count in self.reasons.most_common(SHOWN_MAX)],
            "clusters": [
                [one.path, one.kind, count] for one, count in self.clusters.most_common(SHOWN_MAX)
            ],
            "held": [
                [one.message_id, one.newer_message_id, one.destination, list(one.what)]
                for one in self.held[:SHOWN_MAX]
            ],
            "examples": self.examples,
        }

    def _show(self, what: str, message_id: int) -> None:
        shown = self.examples.setdefault(what, [])
        if len(shown) < EXAMPLES_MAX and message_id not in shown:
            shown.append(message_id)

    def lines(self) -> Iterator[str]:
        """One line per effect, reason and cluster, most frequent first."""
        for effect, count in self.counts.most_common():
            yield f"{count:>7,}  {_TOLD[effect]}   such as {self._named(effect.value)}"
        for reason, count in self.reasons.most_common():
            yield f"{count:>11,}  {reason}   such as {self._named(reason)}"
        for one, count in self.clusters.most_common(20):
            name = cluster_name(one)
            yield f"{count:>11,}  {name}   such as {self._named(name)}"
        for newer in self.held[:EXAMPLES_MAX]:
            yield (
                f"{'':>11}  {newer.message_id} is older than {newer.newer_message_id}"
                f" at {newer.destination}: {', '.join(newer.what)}"
            )

    def _named(self, what: str) -> str:
        return ", ".join(map(str, self.examples[what]))


_TOLD = {
    Effect.FAILS: "would fail",
    Effect.WAITS: "would wait for a person",
    Effect.HELD: "left out: newer data was delivered",
    Effect.UPDATE: "update: sent before, the output differs now",
    Effect.CREATE: "create: not delivered before",
    Effect.NO_OP: "no-op: delivered before, the same again",
    Effect.FILTERED: "filtered: nothing would be sent",
}


def cluster_name(one: Difference) -> str:
    """`Patient.name.family value`, as `Preview.examples` names it."""
    return f"{one.path} {one.kind}"


BenchOf = Callable[[str], Workbench]
"""Gives the workbench for a message by the revision it came under. Raises LookupError."""


def preview(
    log: MessageLog,
    bench_of: BenchOf,
    message_ids: Sequence[int],
    *,
    destinations: Sequence[str] = (),
    overwrite_newer: bool = False,
    resend: bool = False,
    progress: Callable[[int, Preview], bool] = lambda _done, _found: True,
) -> Preview:
    """Process stored messages again, in memory only.

    Args:
        log: where they are.
        bench_of: the configuration to process with, by the revision each message came under.
        message_ids: which.
        destinations: only what these would be sent; all when empty.
        overwrite_newer: what would put older data over newer is sent too.
        resend: the stored output is sent again instead of processing.
        progress: told how many are done and what was found; False ends the preview there.
    """
    found = Preview()
    trial = _Trial(
        log, bench_of, frozenset(message_ids), frozenset(destinations), overwrite_newer, found
    )
    for done, message_id in enumerate(message_ids):
        if not progress(done, found):
            break
        if resend:
            trial.resend(message_id)
        else:
            trial.add(message_id)
    return found


@dataclass(frozen=True, slots=True)
class _Trial:
    """One preview under way."""

    log: MessageLog
    bench_of: BenchOf
    selected: frozenset[int]
    destinations: frozenset[str]
    overwrite_newer: bool
    found: Preview

    def add(self, message_id: int) -> None:
        """Try one message."""
        detail = self.log.message(message_id)
        if detail is None:
            self.found.add(Effect.FAILS, message_id, "the message is no longer stored")
            return
        receipt = detail.receipt
        try:
            bench = self.bench_of(receipt.revision)
        except LookupError:
            self.found.add(Effect.FAILS, message_id, f"configuration {receipt.revision} is gone")
            return
        try:
            made = bench.convert(receipt.raw, receipt.channel, received_at=receipt.received_at)
        except KeyError:
            self.found.add(Effect.FAILS, message_id, f"the channel {receipt.channel} is gone")
            return
        self._judge(made.result, detail)

    def resend(self, message_id: int) -> None:
        """Try to send the stored output of one message again."""
        detail = self.log.message(message_id)
        before = {} if detail is None else _delivered(detail)
        if detail is None or not before:
            self.found.add(Effect.FAILS, message_id, "there is no stored output")
            return
        outputs = [
            Output(destination=one.destination, content_type=one.content_type, body=one.body)
            for one in before.values()
        ]
        self._weigh(outputs, before, detail)

    def _judge(self, result: ProcessResult, detail: MessageDetail) -> None:
        message_id = detail.message_id
        if result.state is State.FILTERED:
            self.found.add(Effect.FILTERED, message_id)
            return
        if result.state is not State.TRANSFORMED:
            codes = ", ".join(dict.fromkeys(one.code for one in result.diagnostics)) or "no code"
            effect = Effect.WAITS if result.state is State.HELD else Effect.FAILS
            self.found.add(effect, message_id, codes)
            return
        self._weigh(result.outputs, _delivered(detail), detail)

    def _weigh(
        self,
        outputs: Sequence[Output],
        before: Mapping[str, DeliveryDetail],
        detail: MessageDetail,
    ) -> None:
        effects = {
            self._effect(output, before.get(output.destination), detail)
            for output in outputs
            if not self.destinations or output.destination in self.destinations
        }
        gravest = next((one for one in _GRAVEST if one in effects), Effect.FILTERED)
        self.found.add(gravest, detail.message_id)

    def _effect(
        self, output: Output, before: DeliveryDetail | None, detail: MessageDetail
    ) -> Effect:
        """At one destination."""
        if not self.overwrite_newer and self._is_older(output, detail):
            return Effect.HELD
        if before is None:
            return Effect.CREATE
        found = differences(before.content_type, before.body, output.content_type, output.body)
        self.found.differ(found, detail.message_id)
        if before.state is not State.SENT:
            return Effect.CREATE
        return Effect.UPDATE if found else Effect.NO_OP

    def _is_older(self, output: Output, detail: MessageDetail) -> bool:
        sent = self.log.newer_sent(detail.message_id, output.destination)
        later = [one for one in sent if one.message_id not in self.selected]
        kind = detail.receipt.message_type
        found = overwrites(output.content_type, output.body, kind, later)
        if found is None:
            return False
        if len(self.found.held) < HELD_MAX:
            self.found.held.append(
                Newer(detail.message_id, found.message_id, output.destination, found.what)
            )
        return True


def _delivered(detail: MessageDetail) -> dict[str, DeliveryDetail]:
    """By destination: the last delivery that was accepted, else the last one."""
    found: dict[str, DeliveryDetail] = {}
    for run in detail.runs:
        for delivery in run.deliveries:
            known = found.get(delivery.destination)
            if known is None or known.state is not State.SENT or delivery.state is State.SENT:
                found[delivery.destination] = delivery
    return found
