"""Pure. THE table of answers: what a status, an acknowledgment or a fault means for the next
attempt.

The retry policy looks at the failure class and nothing else, so what an answer means is said
once, here. Transient: the destination provably did not take it. Ambiguous: it may have.
Permanent: it refused it, and trying again cannot help. Failure codes are a bounded vocabulary,
safe for metrics and search.

Sources: RFC 9110 section 15, RFC 6585 (429), FHIR R4 http.html and issue-type, HL7 v2.5.1 chapter
2.9 and tables 0008 and 0357.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import orjson

from engine.fhir import outcome
from engine.hl7v2 import header as hl7_header
from engine.pipeline.states import FailureClass

RETRY_AFTER_SECONDS_MAX = 3600.0
"""A longer Retry-After is cut to this: a mistyped header must not stop a feed for days."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What an answer means. No failure class: the destination accepted it."""

    failure_class: FailureClass | None
    code: str
    retry_after_seconds: float | None = None

    @property
    def accepted(self) -> bool:
        """True when the destination took the message."""
        return self.failure_class is None


class Fault(StrEnum):
    """How an exchange can fail without an answer that can be read."""

    SECRET_MISSING = "secret-missing"  # noqa: S105  a failure code, not a secret
    CONNECT_REFUSED = "connect-refused"
    CONNECT_TIMEOUT = "connect-timeout"
    NAME_UNKNOWN = "name-unknown"
    TLS_REFUSED = "tls-refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RESET = "reset"
    ANSWER_BROKEN = "answer-broken"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"
    BODY_UNUSABLE = "body-unusable"
    FOLDER_MISSING = "folder-missing"
    FILE_DENIED = "file-denied"
    DISK_FULL = "disk-full"
    FILE_WRITE = "file-write"
    FILE_RENAME = "file-rename"
    FILE_NAME = "file-name"


_TRANSIENT = FailureClass.TRANSIENT
_AMBIGUOUS = FailureClass.AMBIGUOUS
_PERMANENT = FailureClass.PERMANENT

FAULTS: Mapping[Fault, FailureClass] = {
    # Nothing of the message had left us.
    Fault.SECRET_MISSING: _TRANSIENT,
    Fault.CONNECT_REFUSED: _TRANSIENT,
    Fault.CONNECT_TIMEOUT: _TRANSIENT,
    Fault.NAME_UNKNOWN: _TRANSIENT,
    Fault.TLS_REFUSED: _TRANSIENT,
    Fault.UNREACHABLE: _TRANSIENT,
    # Some or all of it had.
    Fault.TIMEOUT: _AMBIGUOUS,
    Fault.RESET: _AMBIGUOUS,
    Fault.ANSWER_BROKEN: _AMBIGUOUS,
    Fault.INTERRUPTED: _AMBIGUOUS,
    Fault.INTERNAL: _AMBIGUOUS,
    Fault.BODY_UNUSABLE: _PERMANENT,
    # Files: until the rename nobody can see the file.
    Fault.FOLDER_MISSING: _TRANSIENT,
    Fault.FILE_DENIED: _TRANSIENT,
    Fault.DISK_FULL: _TRANSIENT,
    Fault.FILE_WRITE: _TRANSIENT,
    Fault.FILE_RENAME: _AMBIGUOUS,
    Fault.FILE_NAME: _PERMANENT,
}

HTTP_STATUSES: Mapping[int, FailureClass] = {
    401: _TRANSIENT,  # a credential that expired: the queue waits for the new one
    407: _TRANSIENT,
    408: _TRANSIENT,  # the server did not get the whole request
    409: _TRANSIENT,  # another writer had the resource
    421: _TRANSIENT,
    423: _TRANSIENT,
    425: _TRANSIENT,
    429: _TRANSIENT,
    500: _AMBIGUOUS,
    502: _AMBIGUOUS,  # a gateway speaks: what the server behind it did is not known
    503: _TRANSIENT,
    504: _AMBIGUOUS,
    507: _TRANSIENT,
}
"""Statuses whose class is not that of their hundred: 4xx permanent, 5xx permanent, 3xx
permanent."""

TRANSIENT_ISSUES = frozenset({"transient", "lock-error", "no-store", "timeout", "throttled"})
"""Issue types of FHIR that say: as it stands it may work later (the children of `transient` that
cannot also mean a fault in the content)."""

ACKNOWLEDGMENT_CODES: Mapping[str, FailureClass | None] = {
    "AA": None,
    "CA": None,
    "AE": _PERMANENT,
    "CE": _PERMANENT,
    "AR": _TRANSIENT,  # chapter 2.9.2.2: for reasons unrelated to content; may succeed later
    "CR": _TRANSIENT,
}
ERROR_CODES_0357: Mapping[str, FailureClass] = {
    "200": _PERMANENT,
    "201": _PERMANENT,
    "202": _PERMANENT,
    "203": _PERMANENT,
    "206": _TRANSIENT,
    "207": _TRANSIENT,
}
"""ERR-3 codes that say more than MSA-1: unsupported type, event, processing id, version; record
locked; internal error."""

ACCEPTED = Classification(None, "http-200")
SHADOWED = Classification(None, "shadow")
"""Made and checked, and not sent: the environment is in shadow."""
_TAKEN = frozenset({"200", "200 OK", "201", "201 Created", "204", "204 No Content"})
_ACCEPTED_HTTP = {status: Classification(None, f"http-{status}") for status in (200, 201, 202, 204)}
ACKNOWLEDGMENT_UNREADABLE = Classification(_AMBIGUOUS, "ack-unreadable")
ACKNOWLEDGMENT_FOREIGN = Classification(_AMBIGUOUS, "ack-foreign")
ANSWER_UNEXPECTED = Classification(_AMBIGUOUS, "answer-unexpected")
READ_UNEXPECTED = Classification(_TRANSIENT, "read-answer-unexpected")
READ_SEVERAL = Classification(_PERMANENT, "read-several")
CONFLICT = 412
"""Another writer has changed what was read before a merge."""
_LACKING = (400, 404, 409, 410, 412, 422)
_LACKING_CODES = frozenset(f"{of}-{status}" for of in ("http", "entry") for status in _LACKING)
"""How servers refuse a reference to what they do not have, or no longer."""
_FAULT_ANSWERS = {fault: Classification(kind, fault.value) for fault, kind in FAULTS.items()}


def classify_fault(fault: Fault) -> Classification:
    """What an exchange without an answer means."""
    return _FAULT_ANSWERS[fault]


classify_exception = classify_fault
"""The name other parts know it by."""


def classify_http(status: int, headers: Mapping[str, str], body: bytes) -> Classification:
    """What an HTTP answer to a FHIR request means.

    Args:
        status: the HTTP status.
        headers: the answer's headers; `retry-after` is read (lower-case key or a case-blind
            mapping). body: as much of the answer's body as was kept.
    """
    if 200 <= status < 300:
        return _ACCEPTED_HTTP.get(status) or Classification(None, f"http-{status}")
    failure_class = HTTP_STATUSES.get(status, _PERMANENT)
    if failure_class is not _TRANSIENT and status >= 400 and body:
        failure_class = _refined(status, failure_class, _error_issues(body))
    return Classification(
        failure_class,
        f"http-{status}",
        parse_retry_after(headers.get("retry-after"), headers.get("date"))
        if failure_class is _TRANSIENT
        else None,
    )


def of_read(answer: Classification) -> Classification:
    """The same of a read before a merge: it changed nothing, so it may always be made again."""
    passing = answer.failure_class is _AMBIGUOUS
    failure_class = _TRANSIENT if passing else answer.failure_class
    return Classification(failure_class, f"read-{answer.code}", answer.retry_after_seconds)


def is_conflict(answer: Classification) -> bool:
    """True when what was read before a merge has changed: it is read again."""
    return answer.code in (f"http-{CONFLICT}", f"entry-{CONFLICT}")


def may_lack(answer: Classification) -> bool:
    """True when a refusal may mean that something the message refers to is not there."""
    return answer.code in _LACKING_CODES


def conflict_of(answer: Classification) -> Classification:
    """A conflict, or a lack, that went on: another attempt reads again."""
    return Classification(_TRANSIENT, answer.code)


def _error_issues(body: bytes) -> frozenset[str]:
    """The issue types of an OperationOutcome that are errors; empty when it is none."""
    return frozenset(
        issue.code for issue in outcome.parse(body) if issue.severity in ("fatal", "error")
    )


def _refined(status: int, failure_class: FailureClass, issues: frozenset[str]) -> FailureClass:
    """An OperationOutcome can say more than the status.

    All its errors of a passing kind: try later. A 500 with errors is the server's own word that the
    interaction failed, which R4 makes all or nothing: it provably did not take it.
    """
    if not issues:
        return failure_class
    if issues <= TRANSIENT_ISSUES:
        return _TRANSIENT
    return _TRANSIENT if status == 500 else failure_class


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """Seconds of a Retry-After header, None when there is none (RFC 9110 10.2.3).

    Args:
        value: seconds, or a date.
        date: the answer's own Date, by which a date is read: no clock of ours is needed, and the
            server's need not be right.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _between(date, value)
    return min(seconds, RETRY_AFTER_SECONDS_MAX) if seconds >= 0 else None


def _between(start: str | None, end: str) -> float:
    """Seconds between two HTTP dates; below zero when one cannot be read."""
    try:
        return (parsedate_to_datetime(end) - parsedate_to_datetime(start or "")).total_seconds()
    except (ValueError, TypeError):
        return -1.0


def entry_answers(body: bytes) -> list[Classification] | None:
    """What each entry of an answer Bundle to a transaction or batch says, or None when it is no
    Bundle.

    A 2xx status alone does not say that a batch was taken: every entry has its own status.
    """
    try:
        bundle = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return None
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        return None
    if _all_taken(entries):
        return [ACCEPTED] * len(entries)
    return [_classify_entry(entry) for entry in entries]


def _all_taken(entries: list[Any]) -> bool:
    """True when every entry has a usual status of success: the common case, in one look."""
    try:
        return _TAKEN.issuperset([entry["response"]["status"] for entry in entries])
    except (KeyError, TypeError):
        return False


def _classify_entry(entry: object) -> Classification:
    response = entry.get("response") if isinstance(entry, dict) else None
    status = response.get("status") if isinstance(response, dict) else None
    if not isinstance(response, dict) or not isinstance(status, str) or not status[:3].isdigit():
        return ANSWER_UNEXPECTED
    number = int(status[:3])
    if 200 <= number < 300:
        return ACCEPTED
    detail = response.get("outcome")
    answer = classify_http(number, {}, orjson.dumps(detail) if detail else b"")
    return Classification(answer.failure_class, f"entry-{number}")


_RANK = {None: 0, _PERMANENT: 1, _TRANSIENT: 2, _AMBIGUOUS: 3}


def combine(answers: Sequence[Classification], *, repeatable: bool) -> Classification:
    """One classification for the parts of one delivery.

    The worst decides, ambiguous before transient before permanent, so that no untaken part is left
    behind. When some parts were taken and the whole may not be sent twice, a passing failure of
    another part is ambiguous: sending again would make the taken ones twice.
    """
    if answers.count(ACCEPTED) == len(answers):
        return ACCEPTED
    found = max(answers, key=lambda answer: _RANK[answer.failure_class], default=ACCEPTED)
    taken = any(answer.accepted for answer in answers)
    if found.failure_class is _TRANSIENT and taken and not repeatable:
        return Classification(_AMBIGUOUS, found.code)
    return found


def classify_mllp(acknowledgment: bytes, control_id: str) -> Classification:
    """What an HL7 acknowledgment means for the message with this control id (MSH-10).

    An acknowledgment whose MSA-2 is another's is never taken for this one's.
    """
    found = hl7_header.peek_fields(acknowledgment, (("MSA", 1), ("MSA", 2), ("ERR", 3), ("MSA", 6)))
    code, answered, error_code, old_error_code = (part.strip() for part in found)
    if code not in ACKNOWLEDGMENT_CODES:
        return ACKNOWLEDGMENT_UNREADABLE
    if answered != control_id:
        return ACKNOWLEDGMENT_FOREIGN
    failure_class = ACKNOWLEDGMENT_CODES[code]
    if failure_class is None:
        return Classification(None, f"ack-{code}")
    condition = (error_code or old_error_code)[:3]
    if condition in ERROR_CODES_0357:
        return Classification(ERROR_CODES_0357[condition], f"ack-{code}-{condition}")
    return Classification(failure_class, f"ack-{code}")
