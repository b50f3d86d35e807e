"""Rim. One line of a search result: what a message is, how it stands, and why, in one sentence.

A line names no patient: patients are told apart by a short keyed hash, unless values are unmasked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.pipeline.states import State, Verdict
from engine.runtime.desk.audit import PATIENT_KEYS
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.facets import status_of
from engine.runtime.desk.message_log import MessageLog
from engine.runtime.desk.rights import Right, Viewer
from engine.store.interface import MessageFacts, MessageRow

WHY_CHARACTERS_MAX = 200
HASH_SHOWN = 6

_WAITING = {
    State.HELD: "held: waits for a person",
    State.UNKNOWN: "sent, the answer was lost, and the destination cannot be asked",
    State.PARKED: "waits for what it refers to",
}
_VERDICTS = {
    Verdict.DUPLICATE: "a duplicate",
    Verdict.CONFLICT: "its control id belongs to another message",
    Verdict.FAULT: "no message: these bytes could not be framed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLine:
    """What the list shows of a message."""

    row: MessageRow
    status: str
    """A state, or why it never ran."""
    why: str
    """Empty where all is well."""
    patient: str = field(repr=False)
    """The MRN where values are shown, else a short hash; empty for none."""
    mrn: str = field(default="", repr=False)
    """Filled only where values are shown."""


def result_lines(
    desk: Desk, log: MessageLog, viewer: Viewer, rows: Sequence[MessageRow]
) -> list[ResultLine]:
    """The lines of some messages."""
    facts = log.facts([row.message_id for row in rows])
    found = []
    for row in rows:
        mrn = mrn_of(facts.get(row.message_id))
        found.append(
            ResultLine(
                row=row,
                status=status_of(row),
                why=why_of(row),
                patient=shown_patient(desk, viewer, mrn),
                mrn=mrn if viewer.unmasked else "",
            )
        )
    return found


def mrn_of(facts: MessageFacts | None) -> str:
    """The first identifier of a patient; empty for none."""
    keys = facts.search_keys if facts is not None else ()
    return next((value for kind, value in keys if kind in PATIENT_KEYS), "")


def shown_patient(desk: Desk, viewer: Viewer, mrn: str) -> str:
    """What stands for a patient: the same for all of one patient's messages."""
    if not mrn or not viewer.may(Right.SEE_BODIES):
        return ""
    return mrn if viewer.unmasked else f"#{desk.patient_hash(mrn)[:HASH_SHOWN]}"


def why_of(row: MessageRow) -> str:
    """Why a message stands as it does, without a value of it; empty where all is well."""
    if row.state is None:
        again = f" of message {row.duplicate_of}" if row.duplicate_of is not None else ""
        return _VERDICTS.get(row.verdict, "kept, never processed") + again
    if row.problem is not None and row.state in (State.ERROR, State.HELD):
        place = row.problem.get("path") or ""
        told = f"{row.problem.get('code')} {place} {row.problem.get('message', '')}"
        return " ".join(told.split())[:WHY_CHARACTERS_MAX]
    if row.failure is not None and row.state not in (State.SENT, State.CANCELLED):
        destination, code = row.failure
        return f"{destination}: {code}"
    return _WAITING.get(row.state, "")
