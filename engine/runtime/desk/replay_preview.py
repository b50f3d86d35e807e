"""Rim. What a replay would do, counted over its messages: outcomes, reasons, clustered differences.

Sends nothing and writes nothing. It cannot know what a destination will answer; it says what would
be sent, what would put older data over newer and so is left out, and what cannot be made at all.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.pipeline.differences import Difference
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.replay_trial import Asked, BenchOf, Effect, Newer, Trial, Tried

EXAMPLES_MAX = 5
CLUSTERS_MAX = 500
"""Differences that are told apart; what more there are is counted together."""
SHOWN_MAX = 200
"""Reasons, clusters and held messages of the JSON form."""
HELD_MAX = 1_000
"""Messages left out that are listed with the newer one."""

__all__ = ["Effect", "Newer", "Preview", "Progress", "counted", "preview"]


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

    def add(self, tried: Tried) -> None:
        """Count one message."""
        message_id = tried.message_id
        for found in tried.differences:
            self._differ(found, message_id)
        self.held += tried.held[: HELD_MAX - len(self.held)]
        self.counts[tried.effect] += 1
        self._show(tried.effect.value, message_id)
        if tried.reason:
            self.reasons[tried.reason] += 1
            self._show(tried.reason, message_id)

    def _differ(self, found: Sequence[Difference], message_id: int) -> None:
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


Progress = Callable[[int, Preview], bool]
"""Told how many are done and what was found; False ends the preview there."""


def preview(
    log: MessageLog,
    bench_of: BenchOf,
    message_ids: Sequence[int],
    *,
    destinations: Sequence[str] = (),
    overwrite_newer: bool = False,
    resend: bool = False,
    progress: Progress = lambda _done, _found: True,
) -> Preview:
    """Process stored messages again, in memory only, in this process.

    Args:
        log: where they are.
        bench_of: the configuration to process with, by the revision each message came under.
        message_ids: which.
        destinations: only what these would be sent; all when empty.
        overwrite_newer: what would put older data over newer is sent too.
        resend: the stored output is sent again instead of processing.
        progress: told how far it is.
    """
    asked = Asked(
        selected=frozenset(message_ids),
        destinations=frozenset(destinations),
        overwrite_newer=overwrite_newer,
        resend=resend,
    )
    trial = Trial(log, bench_of, asked)
    return counted(map(trial.of, message_ids), progress)


def counted(trials: Iterator[Tried], progress: Progress) -> Preview:
    """Count what becomes of each message; the order decides which are shown as examples."""
    found = Preview()
    done = 0
    while progress(done, found):
        tried = next(trials, None)
        if tried is None:
            break
        found.add(tried)
        done += 1
    return found
