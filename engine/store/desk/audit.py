"""Rim. The audit trail: rows that each seal the one before, and a head that seals the last.

A row's digest is HMAC-SHA256 over the digest before it and the row's own values, so that no row
can be changed, taken out or put in between without the key. The head is written in the same
transaction and sealed too: without the key rows cannot be taken from the end either. Who holds
both key and database can forge anything; noting the head elsewhere (it is in the process log, and
`engine audit verify` prints it) shows that too.
"""

import hmac
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from engine.store.database import LOCKED, Database, Row, Transaction
from engine.store.desk.rows import AuditEntry, AuditHead, AuditRow, AuditSearch, AuditVerdict
from engine.store.encoding import storable

PAGE_ROWS = 2000

_COLUMNS = (
    "a.number, a.at, a.actor, a.origin, a.act, a.channel, a.message_id, a.patients, a.subject,"
    " a.reason, a.details, a.digest"
)
_HEAD = "SELECT number, digest, seal, base_number, base_digest FROM audit_head"


def append(database: Database, key: bytes, entries: Sequence[AuditEntry]) -> AuditHead:
    """Record entries at the end of the trail, durably; the new head."""
    with database.writing() as transaction:
        number, digest, _, *base = transaction.rows(f"{_HEAD} {LOCKED}")[0]
        digest = bytes(digest)
        for entry in entries:
            number += 1
            values = _values(number, entry)
            digest = _digest(key, digest, values)
            transaction.write(
                "INSERT INTO audit (number, at, actor, origin, act, channel, message_id, patients,"
                " subject, reason, details, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *values,
                digest,
            )
            for patient in dict.fromkeys(entry.patients):
                transaction.write(
                    "INSERT INTO audit_patients (patient, number) VALUES (?, ?)", patient, number
                )
        transaction.write(
            "UPDATE audit_head SET number = ?, digest = ?, seal = ?",
            number,
            digest,
            _seal(key, number, digest, *base),
        )
    return AuditHead(number=number, digest=digest)


def prune(database: Database, key: bytes, before: float) -> int:
    """Forget the rows at the beginning that are older; how many. What is left is a chain still."""
    with database.writing() as transaction:
        number, digest, _, base_number, base_digest = transaction.rows(f"{_HEAD} {LOCKED}")[0]
        newer = transaction.rows("SELECT min(number) FROM audit WHERE at >= ?", before)[0][0]
        last = (newer if newer is not None else number + 1) - 1
        rows = transaction.rows("SELECT digest FROM audit WHERE number = ?", last)
        if last <= base_number or not rows:
            return 0
        base_digest = bytes(rows[0][0])
        transaction.write("DELETE FROM audit WHERE number <= ?", last)
        transaction.write("DELETE FROM audit_patients WHERE number <= ?", last)
        transaction.write(
            "UPDATE audit_head SET base_number = ?, base_digest = ?, seal = ?",
            last,
            base_digest,
            _seal(key, number, digest, last, base_digest),
        )
    return int(last - base_number)


def find(database: Database, search: AuditSearch) -> list[AuditRow]:
    """The rows that meet every condition, newest first."""
    tables = "audit a"
    conditions: list[str] = []
    values: list[Any] = []
    if search.patient:
        tables = "audit_patients p JOIN audit a ON a.number = p.number"
        conditions.append("p.patient = ?")
        values.append(search.patient)
    wanted = (
        ("a.actor = ?", search.actor or None),
        ("a.act = ?", search.act or None),
        ("a.channel = ?", search.channel or None),
        ("a.message_id = ?", search.message_id),
        ("a.at >= ?", search.since),
        ("a.at < ?", search.until),
        ("a.number < ?", search.before_number),
    )
    for condition, value in wanted:
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if search.scope is not None:
        marks = ", ".join("?" * len(search.scope)) or "NULL"
        conditions.append(f"(a.channel IN ({marks}) OR a.actor = ?)")
        values += [*search.scope, search.scope_actor]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    with database.reading() as transaction:
        rows = transaction.rows(
            f"SELECT {_COLUMNS} FROM {tables}{where} ORDER BY a.number DESC LIMIT ?",
            *values,
            search.limit,
        )
    return [_row(row) for row in rows]


def head(database: Database) -> AuditHead:
    """The end of the trail as it is recorded."""
    with database.reading() as transaction:
        row = transaction.rows(_HEAD)[0]
    return AuditHead(number=row[0], digest=bytes(row[1]))


def verify(database: Database, key: bytes, noted: AuditHead | None = None) -> AuditVerdict:
    """Check the trail from its beginning.

    Args:
        database: where it is.
        key: what it was sealed with.
        noted: a head noted earlier, to be found in it again.

    Returns:
        How many rows there are, and the first that is broken.
    """
    with database.reading() as transaction:
        found = transaction.rows(_HEAD)
        number, digest, seal, base_number, base_digest = found[0]
        end = AuditHead(number=number, digest=bytes(digest))
        before = bytes(base_digest)
        checked = base_number
        for row in _in_order(transaction, base_number):
            problem = _problem(key, before, checked + 1, row, noted)
            if not problem and checked >= number:
                problem = "it is beyond the head of the trail"
            if problem:
                return AuditVerdict(
                    rows=checked - base_number,
                    head=end,
                    broken_number=checked + 1,
                    problem=problem,
                )
            before = bytes(row[-1])
            checked += 1
    sealed = hmac.compare_digest(_seal(key, number, digest, base_number, base_digest), bytes(seal))
    problem = _problem_at_end(end, checked, before, noted, sealed=sealed)
    return AuditVerdict(
        rows=checked - base_number,
        head=end,
        broken_number=checked + 1 if problem else None,
        problem=problem,
    )


def _problem(key: bytes, before: bytes, number: int, row: Row, noted: AuditHead | None) -> str:
    if row[0] != number:
        return "it is missing"
    if not hmac.compare_digest(_digest(key, before, row[:-1]), bytes(row[-1])):
        return "it is not as it was recorded, or the row before it was changed"
    if noted is not None and noted.number == number and noted.digest != bytes(row[-1]):
        return "it is not the row whose digest was noted"
    return ""


def _problem_at_end(
    end: AuditHead, checked: int, last: bytes, noted: AuditHead | None, *, sealed: bool
) -> str:
    if checked < end.number:
        return "it and all after it are missing from the end"
    if last != end.digest:
        return "the head does not belong to the last row"
    if end.number and not sealed:
        return "the head was not sealed with this key: rows may be missing from an end"
    if noted is not None and noted.number > end.number:
        return f"the trail was noted to reach {noted.number}"
    return ""


def _in_order(transaction: Transaction, base: int) -> Iterator[Row]:
    """The rows after `base`, page by page."""
    while True:
        rows = transaction.rows(
            f"SELECT {_COLUMNS} FROM audit a WHERE a.number > ? ORDER BY a.number LIMIT ?",
            base,
            PAGE_ROWS,
        )
        yield from rows
        if len(rows) < PAGE_ROWS:
            return
        base = rows[-1][0]


def _values(number: int, entry: AuditEntry) -> Row:
    """The row without its digest; what a database would store as something else is replaced."""
    details = {storable(name): storable(value) for name, value in entry.details.items()}
    return (
        number,
        float(entry.at),
        storable(entry.actor),
        storable(entry.origin),
        entry.act,
        storable(entry.channel),
        entry.message_id,
        orjson.dumps(list(dict.fromkeys(entry.patients))).decode(),
        storable(entry.subject),
        storable(entry.reason),
        orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode(),
    )


def _digest(key: bytes, before: bytes, values: Row) -> bytes:
    return hmac.digest(key, before + orjson.dumps(list(values)), "sha256")


def _seal(key: bytes, number: int, digest: bytes, base_number: int, base_digest: bytes) -> bytes:
    """Of the head and of where the trail begins, so that neither end can be moved."""
    ends = b"head %d %d " % (number, base_number)
    return hmac.digest(key, ends + bytes(digest) + b" " + bytes(base_digest), "sha256")


def _row(row: Row) -> AuditRow:
    return AuditRow(
        number=row[0],
        entry=AuditEntry(
            at=row[1],
            actor=row[2],
            origin=row[3],
            act=row[4],
            channel=row[5],
            message_id=row[6],
            patients=tuple(orjson.loads(row[7])),
            subject=row[8],
            reason=row[9],
            details=orjson.loads(row[10]),
        ),
        digest=bytes(row[11]),
    )
