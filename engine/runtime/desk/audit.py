"""Rim. Recording who saw and did what, and asking for it.

Nothing a patient's message says is recorded: patients are keyed hashes, search terms too, so that
"who looked at patient X" is answered by hashing X. When nothing can be recorded, nothing is shown:
the failure of the store goes on to the caller.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import Right, Viewer
from engine.store.desk.rows import AuditEntry, AuditHead, AuditRow, AuditSearch, AuditVerdict
from engine.store.interface import MessageDetail

PATIENT_KEYS = frozenset({"mrn"})
"""The kinds of search keys that identify a patient."""
REASON_CHARACTERS_MAX = 500
PAGE_ROWS = 1000

__all__ = [
    "Act",
    "AuditEntry",
    "AuditHead",
    "AuditRow",
    "AuditSearch",
    "AuditVerdict",
    "every_row",
    "patients_of",
    "prune_trail",
    "read_trail",
    "record",
    "record_as",
    "verify_trail",
]


class Act(StrEnum):
    """What was done. Words of the trail: never renamed."""

    VIEW = "view"
    SEARCH = "search"
    UNMASK = "unmask"
    EMERGENCY = "emergency"
    EDIT = "edit"
    REPLAY = "replay"
    SETTLE = "settle"
    EXPORT = "export"
    CONTROL = "control"
    PURGE = "purge"
    DEPLOY = "deploy"
    USERS = "users"
    LOGIN = "login"
    LOGOUT = "logout"
    FAILED_LOGIN = "failed-login"
    REFUSED = "refused"
    AUDIT = "audit"


def record(
    desk: Desk,
    viewer: Viewer,
    act: Act,
    *,
    channel: str = "",
    message_id: int | None = None,
    patients: Iterable[str] = (),
    subject: str = "",
    reason: str = "",
    details: Mapping[str, str] | None = None,
) -> AuditHead:
    """Record what a viewer does, before it is shown or done.

    Args:
        desk: where.
        viewer: who; that values are unmasked is recorded with every act.
        act: what.
        channel: of the message or of the control.
        message_id: of the message.
        patients: identifiers of the patients it shows, in the clear; they are hashed here.
        subject: what it was done to when that is no message: `user m.ruiz`, `job 77`.
        reason: the person's own words.
        details: names and values for the reader of the trail; no value of a patient. Search terms
            go in as `search_hash`.

    Raises:
        StoreUnavailable: it is not recorded, so it must not be shown or done.
    """
    told = dict(details or {})
    if viewer.unmasked:
        told["values"] = "emergency" if viewer.emergency else "unmasked"
        reason = reason or viewer.reason
    entry = AuditEntry(
        at=desk.clock(),
        actor=viewer.name,
        origin=viewer.origin,
        act=act.value,
        channel=channel,
        message_id=message_id,
        patients=tuple(desk.patient_hash(one) for one in patients),
        subject=subject,
        reason=reason[:REASON_CHARACTERS_MAX],
        details=told,
    )
    with desk.store() as store:
        return store.audit(desk.key(), [entry])


def record_as(
    desk: Desk, name: str, origin: str, act: Act, *, subject: str = "", reason: str = ""
) -> None:
    """Record what somebody does who is no viewer (yet): a sign-in, a failed one."""
    viewer = Viewer(name=name, rights=frozenset(), origin=origin)
    record(desk, viewer, act, subject=subject, reason=reason)


def patients_of(detail: MessageDetail) -> tuple[str, ...]:
    """The identifiers of the patients a message is about, in the clear, for `record`."""
    return tuple(value for kind, value in detail.search_keys if kind in PATIENT_KEYS)


def read_trail(
    desk: Desk, viewer: Viewer, search: AuditSearch, patient: str = ""
) -> Sequence[AuditRow]:
    """What was recorded, newest first; that somebody asked is recorded too.

    Who is kept to channels sees what was done to them, and the own acts.

    Args:
        desk: where.
        viewer: who asks. Raises NotAllowed without READ_AUDIT.
        search: which rows; `patient` in it is set here.
        patient: an identifier in the clear; empty: of all patients.
    """
    viewer.require(Right.READ_AUDIT)
    wanted = _asked(desk, viewer, search, patient)
    record(desk, viewer, Act.AUDIT, patients=(patient,) if patient else ())
    with desk.store() as store:
        return store.audit_rows(wanted)


def every_row(
    desk: Desk, viewer: Viewer, search: AuditSearch, patient: str = ""
) -> Iterator[AuditRow]:
    """Like `read_trail`, all of it, page by page."""
    viewer.require(Right.READ_AUDIT)
    wanted = replace(_asked(desk, viewer, search, patient), limit=PAGE_ROWS)
    record(desk, viewer, Act.AUDIT, patients=(patient,) if patient else ())
    while True:
        with desk.store() as store:
            rows = store.audit_rows(wanted)
        yield from rows
        if len(rows) < PAGE_ROWS:
            return
        wanted = replace(wanted, before_number=rows[-1].number)


def verify_trail(desk: Desk, viewer: Viewer, noted: AuditHead | None = None) -> AuditVerdict:
    """Check the whole trail. Raises NotAllowed without READ_AUDIT."""
    viewer.require(Right.READ_AUDIT)
    with desk.store() as store:
        return store.verify_audit(desk.key(), noted)


def prune_trail(desk: Desk, viewer: Viewer, before: float) -> int:
    """Forget what was recorded before then; how many entries. That it was done is recorded.

    Raises NotAllowed without USERS and READ_AUDIT.
    """
    viewer.require(Right.USERS, Right.READ_AUDIT)
    record(desk, viewer, Act.PURGE, subject="audit trail", details={"before": str(int(before))})
    with desk.store() as store:
        return store.prune_audit(desk.key(), before)


def _asked(desk: Desk, viewer: Viewer, search: AuditSearch, patient: str) -> AuditSearch:
    """The search of a patient, within the viewer's channels and own acts."""
    if patient:
        search = replace(search, patient=desk.patient_hash(patient))
    if viewer.channels is None:
        return search
    scope = tuple(sorted(viewer.channels - {""}))
    return replace(search, scope=scope, scope_actor=viewer.name)
