"""Rim. The processing half of a turn: runs that head their lanes, through the pure step, to drafts.

A draft is what the turn's transaction writes about one run, with the deliveries it makes already in
their lanes, so that one that may go out at once is written as PENDING from the start. What becomes
of a document depends on versions that were delivered: its draft is made again where there is a
newer one (`document_versions`).
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from engine.diagnostics import Diagnostic
from engine.pipeline import codes
from engine.pipeline.result import Output, ProcessResult
from engine.pipeline.states import Origin, State
from engine.pipeline.version_order import DocumentVersion, Newer
from engine.runtime.worker.earlier_plans import EarlierPlans, RevisionGone
from engine.runtime.worker.lane_buckets import owns, shared
from engine.runtime.worker.outlet import LiveDelivery
from engine.runtime.worker.plans import Plans
from engine.runtime.worker.store_turn import TurnReply
from engine.runtime.worker.workload import Workload
from engine.store.interface import Body, LaneLease, NewDelivery, Processed, Run

RUNS_PER_TURN = 64
SECONDS_PER_TURN = 0.02
"""The event loop is held this long at most (and one message): sends must not wait for
processing."""
RAW_BYTES_MAX = 32_000_000
"""Message bytes read ahead."""
STRANDED_SECONDS = 30.0
"""A run of a channel that is not (yet) in this process's configuration waits so long."""


@dataclass(slots=True)
class Draft:
    """One processed run, not yet written."""

    run: Run
    result: ProcessResult
    deliveries: list[tuple[Output, LiveDelivery | None]] = field(default_factory=list)
    """None: left to the store for now."""
    again: Callable[[Mapping[DocumentVersion, Newer]], ProcessResult] | None = None
    """Of a document: processes it as one that these newer versions came before."""

    def row(self, starting: set[int]) -> Processed:
        """What is written: deliveries whose token is in `starting` begin their attempt with it."""
        state = self.result.state
        if state is State.TRANSFORMED and not self.deliveries:
            state = State.SENT  # to every destination there is: none
        return Processed(
            run_id=self.run.run_id,
            state=state,
            deliveries=tuple(
                NewDelivery(
                    destination=output.destination,
                    content_type=output.content_type,
                    body=output.body,
                    state=State.PENDING if live and live.token in starting else State.QUEUED,
                )
                for output, live in self.deliveries
            ),
            diagnostics=self.result.diagnostic_values(),
            search_keys=self.result.search_keys,
            resource_ids=self.result.resource_ids,
            event_at=self.result.event_at,
        )


@dataclass(slots=True)
class Processing:
    """Runs between the board and the store."""

    work: Workload
    earlier: EarlierPlans
    raw: dict[int, bytes] = field(default_factory=dict)
    """By message id, read ahead."""
    raw_bytes: int = 0
    damaged: set[int] = field(default_factory=set)
    lacking: deque[int] = field(default_factory=deque)
    """Runs that may be processed but whose bytes are not at hand."""
    foreign: dict[int, bool] = field(default_factory=dict)
    """Runs another worker works on, whose place in our lanes is held; True: they head them."""
    shared: dict[int, bool] = field(default_factory=dict)
    """Our runs that may stand behind others in another worker's lane; True: they head ours."""
    stranded: dict[int, float] = field(default_factory=dict)
    """Runs of unknown channels, and since when."""
    standing: set[int] = field(default_factory=set)
    """Our held runs that head their lanes."""
    again: dict[int, None] = field(default_factory=dict)
    """Those of them to be processed again, in order. A held run is, after every reload and when its
    lane comes to this worker: what it lacked may be there now."""
    unloaded: set[int] = field(default_factory=set)
    """Replays on an earlier configuration that is being loaded."""

    @property
    def busy(self) -> bool:
        """True when the next turn has something to process."""
        return bool(self.work.processing.ready or self.lacking)

    def wanted(self) -> list[int]:
        """Message ids whose bytes the next turn needs and that are not at hand."""
        return [message_id for message_id in self._soon() if message_id not in self.raw]

    def _soon(self) -> list[int]:
        """Message ids of the next turn."""
        found = (self.work.runs.get(run_id) for run_id in islice(self.lacking, RUNS_PER_TURN))
        return [run.message_id for run in found if run is not None]

    def receive(self, reply: TurnReply, lease: LaneLease) -> None:
        """Take in what the store gave."""
        for run in reply.runs:
            if run.state in (State.RECEIVED, State.HELD):
                self._add(run, reply, lease)
        others = {run.message_id for run in reply.runs if run.run_id in self.foreign}
        for message_id, raw in reply.raw.items():
            if message_id not in others and message_id not in self.raw:
                self.raw[message_id] = raw
                self.raw_bytes += len(raw)
        self.damaged |= reply.raw_asked - reply.raw.keys()
        for run_id in reply.final & self.foreign.keys():
            del self.foreign[run_id]
            self.work.close_run(self.work.runs[run_id], 0.0)
        for run_id in reply.unblocked & self.shared.keys():
            del self.shared[run_id]
            self.lacking.append(run_id)
        for run_id in reply.reopened:
            if run_id in self.again and run_id in self.work.held:
                self.standing.discard(run_id)
                self.work.reopen_run(run_id)
                self.lacking.append(run_id)
            self.again.pop(run_id, None)

    def close(self, run: Run, now: float) -> None:
        """A newer replay closed the run."""
        self.work.close_run(run, now)
        self._drop_raw(run.message_id)

    def to_reopen(self) -> list[int]:
        """Held runs to be processed again, as many as a turn takes."""
        return list(islice((each for each in self.again if each in self.work.held), RUNS_PER_TURN))

    def drop_ahead(self) -> None:
        """Forget bytes that were read ahead, those of the next turn apart.

        They may belong to runs behind one that waits for a person: kept for long, they would take
        the room that other lanes need.
        """
        soon = set(self._soon())
        for message_id in [each for each in self.raw if each not in soon]:
            self._drop_raw(message_id)

    def _drop_raw(self, message_id: int) -> None:
        raw = self.raw.pop(message_id, None)
        if raw is not None:
            self.raw_bytes -= len(raw)

    def neighbours(self) -> tuple[list[tuple[int, int]], list[int]]:
        """Foreign runs (with their message) and shared runs that head our lanes: to be asked
        for."""
        runs = self.work.runs
        foreign = [(each, runs[each].message_id) for each, head in self.foreign.items() if head]
        return foreign, [each for each, head in self.shared.items() if head]

    def _add(self, run: Run, reply: TurnReply, lease: LaneLease) -> None:
        if run.run_id in self.work.runs:
            return
        if run.state is State.HELD and any(one.run_id == run.run_id for one in reply.deliveries):
            return  # it is its delivery that waits for a person
        self.work.add_run(run)
        if not owns(run, lease):
            self.foreign[run.run_id] = False
        elif run.state is State.RECEIVED and shared(run, lease):
            self.shared[run.run_id] = False

    def forget_lanes(self) -> None:
        """The board was cut down to the lease's lanes: follow it."""
        runs = self.work.runs
        self.lacking = deque(run_id for run_id in self.lacking if run_id in runs)
        self.foreign = {key: value for key, value in self.foreign.items() if key in runs}
        self.shared = {key: value for key, value in self.shared.items() if key in runs}
        self.stranded = {key: value for key, value in self.stranded.items() if key in runs}
        self.unloaded = {run_id for run_id in self.unloaded if run_id in runs}
        self.standing = {run_id for run_id in self.standing if run_id in runs}
        self.again = {run_id: None for run_id in self.again if run_id in runs}

    def clear(self) -> None:
        """Forget everything."""
        self.raw.clear()
        self.raw_bytes = 0
        self.damaged.clear()
        self.forget_lanes()

    def use_plans(self) -> None:
        """Try runs of unknown channels and held ones again: the configuration has changed."""
        self.lacking.extend(self.stranded)
        self.stranded.clear()
        self.standing = {run_id for run_id in self.standing if run_id in self.work.held}
        self.again = dict.fromkeys(sorted(self.standing))

    def use_earlier(self) -> None:
        """Try replays again that waited for an earlier configuration: it has been loaded."""
        self.lacking.extend(sorted(self.unloaded))
        self.unloaded.clear()

    # -- processing --

    def process_some(self, plans: Plans, now: float) -> list[Draft]:
        """Process runs until the turn's share of time is used up.

        Drafts of documents are yet to be concluded: nothing behind them in their lanes is among
        these.
        """
        drafts: list[Draft] = []
        end = time.perf_counter() + SECONDS_PER_TURN
        candidates = self._candidates(now)
        waiting: list[int] = []
        while len(drafts) < RUNS_PER_TURN and time.perf_counter() < end:
            if not candidates:
                candidates.extend(self._heads())
                if not candidates:
                    break
            run = self.work.runs.get(candidates.popleft())
            if run is None:
                continue
            draft = self._process(run, plans, now)
            if draft is None:
                if run.run_id not in self.stranded and run.run_id not in self.unloaded:
                    waiting.append(run.run_id)
                continue
            drafts.append(draft)
            if draft.again is None:
                self.conclude(draft)
        self.lacking.extend((*waiting, *candidates))
        return drafts

    def _candidates(self, now: float) -> deque[int]:
        """Runs that were to be processed already."""
        found, self.lacking = self.lacking, deque()
        found.extend(
            run_id for run_id, since in self.stranded.items() if now - since > STRANDED_SECONDS
        )
        return found

    def _heads(self) -> list[int]:
        """Runs that have become head of their lanes."""
        found: list[int] = []
        for run_id in self.work.processing.take_up_to(RUNS_PER_TURN):
            if run_id in self.foreign:
                self.foreign[run_id] = True
            elif run_id in self.shared:
                self.shared[run_id] = True
            elif run_id in self.work.held:
                self.standing.add(run_id)
                self.again[run_id] = None
            else:
                found.append(run_id)
        return found

    def _process(self, run: Run, plans: Plans, now: float) -> Draft | None:
        """The draft of one run; None when its bytes, channel or configuration are not there yet."""
        if run.origin is not Origin.RECEIVED and run.revision not in ("", plans.revision):
            try:
                earlier = self.earlier.get(run.revision)
            except RevisionGone:
                return _draft(run, State.ERROR, codes.REVISION_GONE(revision=run.revision))
            if earlier is None:
                self.unloaded.add(run.run_id)
                return None
            plans = earlier
        channel = plans.channels.get(run.channel)
        if channel is None:
            since = self.stranded.setdefault(run.run_id, now)
            if now - since <= STRANDED_SECONDS:
                return None
            del self.stranded[run.run_id]
            return _draft(run, State.HELD, codes.CHANNEL_GONE(name=run.channel))
        if run.message_id in self.damaged:
            self.damaged.discard(run.message_id)
            return _draft(run, State.ERROR, codes.BYTES_DAMAGED())
        raw = self.raw.pop(run.message_id, None)
        if raw is None:
            return None
        self.raw_bytes -= len(raw)
        result = channel.process(raw, run.received_at).without_values()
        draft = Draft(run, result)
        if result.versions:
            draft.again = partial(channel.process, raw, run.received_at)
        return draft

    def conclude(self, draft: Draft) -> None:
        """A draft is what it is: what it sends goes into its lanes, and the run leaves its own."""
        draft.deliveries = self._deliveries(draft.run, draft.result)
        if draft.result.state is State.HELD:
            self.work.hold_run(draft.run.run_id)
            self.standing.add(draft.run.run_id)
        else:
            self.work.finish_run(draft.run.run_id)

    def _deliveries(
        self, run: Run, result: ProcessResult
    ) -> list[tuple[Output, LiveDelivery | None]]:
        """The deliveries of a run, put in their lanes."""
        if result.state is not State.TRANSFORMED:
            return []
        made: list[tuple[Output, LiveDelivery | None]] = []
        for output in result.outputs:
            if run.destinations and output.destination not in run.destinations:
                continue
            body = Body(content_type=output.content_type, body=output.body)
            made.append((output, self.work.add_new(run, output.destination, body)))
        return made


def _draft(run: Run, state: State, diagnostic: Diagnostic) -> Draft:
    return Draft(run, ProcessResult(state=state, diagnostics=(diagnostic,)))
