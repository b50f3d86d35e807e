"""Pure. The states of a run and of a delivery, failure classes, and the legal transitions.

A *message* is what arrived. A *run* is one pass of a message through the engine: the first one,
made at receipt, or a later one, made by replay. A run makes one *delivery* per destination; a
delivery is tried in one or more *attempts*. The acknowledgment leg (what the sender was told) is
kept apart from the delivery leg: a lost ACK is never a reason to deliver again.
"""

from enum import StrEnum


class State(StrEnum):
    """The words analysts know from other engines, for runs and for deliveries."""

    RECEIVED = "RECEIVED"
    """Run: stored and acknowledged, not yet processed."""
    FILTERED = "FILTERED"
    """Run: the channel's filter said no. Final."""
    TRANSFORMED = "TRANSFORMED"
    """Run: output made; its deliveries carry on."""
    QUEUED = "QUEUED"
    """Delivery: waits for its turn in its lane, or for its next attempt."""
    PENDING = "PENDING"
    """Delivery: an attempt is in flight; written before the first byte is sent."""
    SENT = "SENT"
    """Delivery: the destination accepted it. Final. Run: every delivery is SENT."""
    ERROR = "ERROR"
    """Run or delivery: failed for good until a person acts (fix and replay)."""
    HELD = "HELD"
    """Run or delivery: waits for a person; its lane waits with it."""
    UNKNOWN = "UNKNOWN"
    """Delivery: sent, the answer was lost, and the destination cannot be asked."""
    PARKED = "PARKED"
    """Delivery: waits beside its lane for what it refers to, such as the visit of a result. Run:
    nothing else of it is left to do."""
    CANCELLED = "CANCELLED"
    """Run or delivery: a person or a newer replay gave it up. Final."""


FINAL_STATES = frozenset({State.FILTERED, State.SENT, State.ERROR, State.CANCELLED})

TRANSITIONS: dict[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.FILTERED, State.TRANSFORMED, State.ERROR, State.HELD}),
    State.TRANSFORMED: frozenset({State.SENT, State.ERROR, State.HELD, State.PARKED}),
    State.QUEUED: frozenset({State.PENDING, State.HELD, State.CANCELLED, State.ERROR}),
    State.PENDING: frozenset(
        {
            State.SENT,
            State.QUEUED,
            State.ERROR,
            State.UNKNOWN,
            State.HELD,
            State.PARKED,
            State.CANCELLED,
        }
    ),
    State.HELD: frozenset({State.RECEIVED, State.QUEUED, State.CANCELLED}),
    State.UNKNOWN: frozenset({State.QUEUED, State.SENT, State.CANCELLED}),
    State.PARKED: frozenset({State.QUEUED, State.HELD, State.SENT, State.CANCELLED}),
    State.ERROR: frozenset({State.QUEUED, State.CANCELLED}),
    State.FILTERED: frozenset(),
    State.SENT: frozenset(),
    State.CANCELLED: frozenset(),
}


class Origin(StrEnum):
    """Why a run exists."""

    RECEIVED = "received"
    REPLAY = "replay"
    """Processed again from the stored raw bytes."""
    RESEND = "resend"
    """The stored output sent again, without processing."""


class Verdict(StrEnum):
    """What the duplicate check said about a received message."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """Same control id, same bytes: the stored acknowledgment is sent again, nothing is delivered.
    """
    CONFLICT = "conflict"
    """Same control id, other bytes: the channel's policy decides."""
    FAULT = "fault"
    """Not a message: bytes that could not be framed, kept for support."""


class AcknowledgmentOutcome(StrEnum):
    """The acknowledgment leg, apart from the delivery leg."""

    NOT_OWED = "not owed"
    OWED = "owed"
    SENT = "sent"
    LOST = "lost"
    """The connection was gone before the acknowledgment could be written."""


class FailureClass(StrEnum):
    """What a failed attempt means for the next one. The retry policy looks at nothing else."""

    TRANSIENT = "transient"
    """The destination provably did not take it: try again."""
    AMBIGUOUS = "ambiguous"
    """It may have taken it: settle by a probe or an idempotent form, else UNKNOWN."""
    PERMANENT = "permanent"
    """It refused it: trying again cannot help."""
