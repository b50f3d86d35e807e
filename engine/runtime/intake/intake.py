"""Rim. Intake: what listeners receive in one turn of the reactor goes into the store in one commit.

While the loop waits for the disk the sockets fill, so batches form by themselves; a commit thread
and a linger timer both measured slower. After the commit, and only then, the acknowledgments go
out, those of one connection in one write. When the store fails nothing is acknowledged: connections
that wait close, the doors stay shut, and after a pause the store is tried again.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from engine.cda.package import Refused, is_package, open_package
from engine.hl7v2.batch import split
from engine.listeners.interface import Connection
from engine.listeners.reactor import Clock
from engine.mllp import FrameFault
from engine.pipeline.states import Verdict
from engine.runtime.intake.answering import Answering
from engine.runtime.intake.answers import Answers
from engine.runtime.intake.late_acknowledgment import AskStates
from engine.runtime.intake.reception import (
    RAW_FAULT_BYTES_MAX,
    ChannelIntake,
    Drained,
    Reception,
    Taken,
)
from engine.runtime.intake.waiting import Parcel, Waiting, is_batch
from engine.store.interface import Log, Receipt, StoreUnavailable
from engine.telemetry.events import (
    ReadingPaused,
    StoreFailed,
    StoreResumed,
)
from engine.telemetry.logs import error_caught
from engine.telemetry.recorder import Recorder

COMMIT_MESSAGES_MAX = 1000
COMMIT_BYTES_MAX = 32_000_000
"""More than this goes into several commits."""
BULK_MESSAGES_PER_TURN = 200
"""Of batches so many are stored in a turn, so that a large file does not hold up live senders."""
WAITING_MESSAGES_MAX = 20_000
WAITING_BYTES_MAX = 64_000_000
"""Beyond this the connections that deliver are not read until the turn has been stored."""
RETRY_SECONDS_MIN = 0.5
RETRY_SECONDS_MAX = 5.0
DOUBT_SECONDS = 60.0
"""After a failure the ids stored since this long before it are read again: a commit whose end was
not seen may have happened, and its messages will be resent."""


class ListenerIntake:
    """The sink of one listener; its reception is exchanged when the configuration changes."""

    __slots__ = ("_intake", "reception")

    def __init__(self, intake: "Intake", reception: Reception) -> None:
        self._intake = intake
        self.reception = reception

    def receive(self, connection: Connection, payload: bytes) -> None:
        """See `listeners.interface.Sink`."""
        self._intake.add(Waiting(self, connection, payload))

    def receive_fault(self, connection: Connection, fault: FrameFault) -> None:
        """See `listeners.interface.Sink`."""
        self._intake.add(Waiting(self, connection, b"", fault))

    def lost(self, connection: Connection) -> None:
        """See `listeners.interface.Sink`."""
        self._intake.lost(connection)


class Intake:
    """Collects, stores, answers.

    Args:
        log: the message log; called in the reactor's thread.
        clock: the reactor.
        recorder: takes the events.
        ask_states: asks for the states of runs, for late acknowledgments.
        wall: the time of day, Unix seconds.
        on_store: called with False when the store fails and with True when it is tried again.
        channels: gives the channels there are now.
    """

    def __init__(
        self,
        log: Log,
        clock: Clock,
        recorder: Recorder,
        ask_states: AskStates,
        *,
        channels: Callable[[], Sequence[ChannelIntake]],
        on_store: Callable[[bool], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.answers = Answers(wall())
        self.channels = channels
        self._log = log
        self._clock = clock
        self._recorder = recorder
        self._wall = wall
        self._on_store = on_store
        self._waiting: list[Waiting] = []
        self._waiting_bytes = 0
        self._held: dict[Connection, None] = {}
        self._bulk: deque[Waiting] = deque()
        self._bulk_of: Counter[Connection] = Counter()
        self._scheduled = False
        self._down_since: float | None = None
        self._retry_seconds = RETRY_SECONDS_MIN
        self._answering = Answering(self.answers, clock, recorder, ask_states)

    # -- what listeners bring --

    def add(self, waiting: Waiting) -> None:
        """A payload or a fault; stored when this turn of the reactor ends."""
        connection = waiting.connection
        if self._down_since is not None:
            connection.abandon("store")
            return
        self._waiting.append(waiting)
        self._waiting_bytes += len(waiting.payload)
        if not self._scheduled:
            self._scheduled = True
            self._clock.callLater(0, self._end_turn)
        if (
            self._waiting_bytes > WAITING_BYTES_MAX or len(self._waiting) > WAITING_MESSAGES_MAX
        ) and connection not in self._held:
            self._held[connection] = None
            connection.hold("intake")

    def lost(self, connection: Connection) -> None:
        """A sender is gone; what it sent is stored all the same."""
        self._held.pop(connection, None)
        self._answering.forget(connection)

    @property
    def idle(self) -> bool:
        """True when nothing waits for the store or for a late acknowledgment."""
        return not self._waiting and not self._bulk and not len(self._answering.late)

    @property
    def store_works(self) -> bool:
        """False while the store is down."""
        return self._down_since is None

    def recover(self, since: float, names: Collection[str] | None = None) -> None:
        """Fill the duplicate indexes from the log. Raises StoreUnavailable.

        Args:
            since: Unix seconds; what was received before is taken to be known, or too old.
            names: only of these channels; None: of all.
        """
        channels = {
            found.name: found for found in self.channels() if names is None or found.name in names
        }
        if not channels:
            return
        limit = sum(found.config.duplicates.ids_max for found in channels.values())
        for entry in self._log.recent_control_ids(since, limit):
            channel = channels.get(entry.channel)
            if channel is not None:
                channel.duplicates.remember(
                    entry.sender,
                    entry.control_id,
                    entry.sha256,
                    entry.message_id,
                    entry.received_at,
                )

    def housekeep(self) -> None:
        """Each second: counts become events, waiting outcomes are written, the log may rotate."""
        self._answering.report()
        if self._down_since is None and not self._waiting:
            try:
                self._record_outcomes()
                self._log.rotate()
            except StoreUnavailable:
                self._fail(())

    def append(self, receipts: Sequence[Receipt]) -> None:
        """Store what came from no connection. A store that fails is tried again by who asked."""
        if self._down_since is not None:
            return
        try:
            self._commit(receipts)
        except StoreUnavailable:
            self._fail(())

    # -- the end of a turn --

    def _end_turn(self) -> None:
        self._scheduled = False
        waiting, self._waiting = self._waiting, []
        self._waiting_bytes = 0
        position = 0
        while position < len(waiting) and self._down_since is None:
            position += self._store(waiting[position:] if position else waiting)
        if self._bulk and self._down_since is None:
            self._store_bulk()
        if self._held:
            self._release()

    def _store_bulk(self) -> None:
        """A part of the batches that wait, then room for everybody else."""
        bulk = self._bulk
        taken = [bulk.popleft() for _ in range(min(len(bulk), BULK_MESSAGES_PER_TURN))]
        done = self._store(taken, bulk=True)
        if self._down_since is not None:
            return
        for waiting in taken[:done]:
            self._bulk_of[waiting.connection] -= 1
            if not self._bulk_of[waiting.connection]:
                del self._bulk_of[waiting.connection]
                waiting.connection.release("bulk")
        bulk.extendleft(reversed(taken[done:]))
        if bulk and not self._scheduled:
            self._scheduled = True
            self._clock.callLater(0, self._end_turn)

    def _release(self) -> None:
        held, self._held = self._held, {}
        self._recorder.record(
            ReadingPaused(waiting_messages=len(self._bulk), waiting_bytes=WAITING_BYTES_MAX)
        )
        for connection in held:
            connection.release("intake")

    def _store(self, waiting: Sequence[Waiting], *, bulk: bool = False) -> int:
        """Commit as many as one commit may hold and answer them; how many were dealt with."""
        now = self._wall()
        self.answers.set_time(now)
        try:
            accepted, count = self._gather(waiting, now, bulk=bulk)
            if accepted:
                ids = self._commit([taken.receipt for _, taken in accepted])
                self._answering.answer(accepted, ids)
        except StoreUnavailable:
            self._fail(waiting)
        except Exception as error:  # noqa: BLE001  a fault of ours: nobody may wait for ever
            self._recorder.record(error_caught(error))
            for one in waiting:
                one.connection.abandon("error")
        else:
            return count
        return len(waiting)

    def _gather(
        self, waiting: Sequence[Waiting], now: float, *, bulk: bool
    ) -> tuple[list[tuple[Waiting, Taken]], int]:
        """What goes into one commit, and how many of those that wait that deals with.

        A message with the control id of one before it waits for the next commit, because its
        verdict needs the other's message id. Raises StoreUnavailable.
        """
        accepted: list[tuple[Waiting, Taken]] = []
        keys: set[tuple[str, str, str]] = set()
        size = count = 0
        for one in waiting:
            if len(accepted) >= COMMIT_MESSAGES_MAX or size > COMMIT_BYTES_MAX:
                break
            if self._bulk_of and not bulk and one.connection in self._bulk_of:
                self._behind_batch(one)
            elif (taken := self._take(one, now)) is not None:
                key = taken.key
                if key is not None:
                    if key in keys:
                        break
                    keys.add(key)
                if taken.receipt.verdict is Verdict.DUPLICATE:
                    taken = self._with_stored_answer(taken)
                accepted.append((one, taken))
                size += len(taken.receipt.raw)
            count += 1
        return accepted, count

    def _commit(self, receipts: Sequence[Receipt]) -> list[int]:
        """Store them, and in the same commit how the last turn's acknowledgments went."""
        self._record_outcomes()
        began = time.perf_counter()
        ids = self._log.append(receipts)
        taken_seconds = time.perf_counter() - began
        self._recorder.duration("commit_seconds", "Time of a commit", taken_seconds)
        self._retry_seconds = RETRY_SECONDS_MIN
        return ids

    def _take(self, one: Waiting, now: float) -> Taken | None:
        """The receipt of what waits; None when it is a batch, or its channel takes nothing."""
        reception = one.sink.reception
        source = one.source
        try:
            if one.fault is not None:
                return reception.take_fault(one.fault, source, now)
            one.unpack()
            if one.parcel is None and self._opened(one):
                return None
            if one.refused is not None:
                return reception.take_refused(one.refused, source, now)
            return reception.take(one.payload, source, now, one.problems)
        except Drained:
            one.connection.abandon("drain")
            return None
        except Exception as error:  # noqa: BLE001  one message must not stop the others
            caught = error_caught(error)
            self._recorder.record(caught)
            return reception.take_broken(one.payload, source, now, caught.error)

    def _opened(self, one: Waiting) -> bool:
        """Queue what several came as: the messages of a batch, the documents of an archive."""
        if one.sink.reception.takes_documents and is_package(one.payload):
            return self._unpack(one)
        return is_batch(one.payload) and self._split(one)

    def _unpack(self, one: Waiting) -> bool:
        """Queue the parts of an archive or a form; False when nothing of it can be taken."""
        package = open_package(one.payload)
        if package.problem is not None:
            one.refused = Refused(package.problem, one.payload[:RAW_FAULT_BYTES_MAX])
            return False
        connection = one.connection
        ordered = self._answering.ordered
        parcel = Parcel(ordered.reserve(connection), len(package.parts), (), ordered)
        connection.hold("bulk")
        for number, part in enumerate(package.parts, 1):
            self._bulk.append(
                Waiting(one.sink, connection, b"", parcel=parcel, part=part, number=number)
            )
        self._bulk_of[connection] += len(package.parts)
        return True

    def _split(self, one: Waiting) -> bool:
        """Queue the messages of a batch; False when it is a single message after all."""
        batch = split(one.payload)
        if not batch.messages or (len(batch.messages) == 1 and not batch.envelope):
            return False
        connection = one.connection
        ordered = self._answering.ordered
        parcel = Parcel(ordered.reserve(connection), len(batch.messages), batch.envelope, ordered)
        connection.hold("bulk")
        problems = batch.diagnostics
        for message in batch.messages:
            self._bulk.append(Waiting(one.sink, connection, message, None, parcel, problems))
            problems = ()
        self._bulk_of[connection] += len(batch.messages)
        return True

    def _behind_batch(self, one: Waiting) -> None:
        """A message that came after a batch on the same connection is stored after it."""
        self._bulk.append(one)
        self._bulk_of[one.connection] += 1

    def _with_stored_answer(self, taken: Taken) -> Taken:
        """A duplicate gets the acknowledgment of the first one again. Raises StoreUnavailable."""
        receipt = taken.receipt
        stored = self._log.acknowledgment(receipt.duplicate_of or 0)
        if stored:
            taken.answer.payload = stored
            taken.receipt = replace(receipt, acknowledgment=stored)
        return taken

    def _record_outcomes(self) -> None:
        outcomes = self._answering.take_outcomes()
        if outcomes:
            self._log.record_acknowledgments(outcomes)

    # -- when the store fails --

    def _fail(self, waiting: Sequence[Waiting]) -> None:
        """Say nothing to anybody who waits, and shut the doors for a while."""
        bulk, self._bulk = self._bulk, deque()
        self._bulk_of.clear()
        connections = dict.fromkeys(one.connection for one in (*waiting, *self._waiting, *bulk))
        self._recorder.record(
            StoreFailed(
                waiting_messages=len(waiting) + len(self._waiting) + len(bulk),
                retry_seconds=self._retry_seconds,
            )
        )
        self._waiting = []
        if self._down_since is None:
            self._down_since = self._wall()
        self._on_store(False)
        for connection in connections:
            self._answering.forget(connection)
            connection.abandon("store")
        self._clock.callLater(self._retry_seconds, self._try_again)

    def _try_again(self) -> None:
        """Learn what a commit in doubt may have stored, then open the doors."""
        since = self._down_since or 0.0
        try:
            self._log.rotate()
            self.recover(since - DOUBT_SECONDS)
        except StoreUnavailable:
            self._retry_seconds = min(self._retry_seconds * 2, RETRY_SECONDS_MAX)
            self._clock.callLater(self._retry_seconds, self._try_again)
            return
        # Only a commit proves that the disk works: the next failure waits longer.
        self._retry_seconds = min(self._retry_seconds * 2, RETRY_SECONDS_MAX)
        self._down_since = None
        self._on_store(True)
        self._recorder.record(StoreResumed(down_seconds=self._wall() - since))
