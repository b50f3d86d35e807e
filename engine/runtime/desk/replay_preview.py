"""Rim. What a replay would do: the pure step on the stored bytes, compared with what was sent last.

Sends nothing and writes nothing. It cannot know what a destination will answer; it says what would
be sent, and what cannot be made at all.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.pipeline.result import ProcessResult
from engine.pipeline.states import State
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.workbench import Workbench
from engine.store.interface import MessageDetail, RunDetail

EXAMPLES_MAX = 5


@dataclass(slots=True)
class Preview:
    """Counts by what would happen, with the first message ids of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[int]] = field(default_factory=dict)

    @property
    def would_fail(self) -> int:
        """Messages that would end in ERROR or HELD."""
        return sum(
            count for what, count in self.counts.items() if what.startswith(("fails", "held"))
        )

    def add(self, what: str, message_id: int) -> None:
        """Count one message."""
        self.counts[what] += 1
        shown = self.examples.setdefault(what, [])
        if len(shown) < EXAMPLES_MAX:
            shown.append(message_id)

    def lines(self) -> Iterator[str]:
        """One line per kind, most frequent first."""
        for what, count in self.counts.most_common():
            numbers = ", ".join(map(str, self.examples[what]))
            yield f"{count:>7,}  {what}   such as {numbers}"


def preview(log: MessageLog, bench: Workbench, message_ids: Sequence[int]) -> Preview:
    """Process stored messages again, in memory only.

    Args:
        log: where they are.
        bench: the configuration as it is now.
        message_ids: which.
    """
    found = Preview()
    for message_id in message_ids:
        detail = log.message(message_id)
        if detail is None:
            found.add("fails: the message is no longer stored", message_id)
            continue
        try:
            made = bench.convert(detail.receipt.raw, detail.receipt.channel)
        except KeyError:
            found.add(f"fails: the channel {detail.receipt.channel} is gone", message_id)
            continue
        found.add(_verdict(made.result, detail), message_id)
    return found


def _verdict(result: ProcessResult, detail: MessageDetail) -> str:
    if result.state is State.FILTERED:
        return "filtered: nothing would be sent"
    if result.state is not State.TRANSFORMED:
        codes = ", ".join(dict.fromkeys(one.code for one in result.diagnostics)) or "no code"
        kind = "held" if result.state is State.HELD else "fails"
        return f"{kind}: {codes}"
    before = {
        delivery.destination: delivery
        for run in _delivered_runs(detail)
        for delivery in run.deliveries
    }
    if not before:
        return "sent for the first time"
    same = all(
        output.destination in before and before[output.destination].body == output.body
        for output in result.outputs
    )
    settled = all(delivery.state is State.SENT for delivery in before.values())
    if same:
        return "sent again, unchanged" if settled else "tried again, unchanged"
    return "sent again, changed" if settled else "tried again, changed"


def _delivered_runs(detail: MessageDetail) -> Sequence[RunDetail]:
    """Runs that made deliveries, oldest first."""
    return [run for run in detail.runs if run.deliveries]
