"""Rim. The ledger of what exists on the services we write to; see `ledger_interface`.

Every call is one transaction. Rows of one call are written in the order of their keys, so that two
writers never wait for each other in a circle.
"""

from collections.abc import Mapping, Sequence

import orjson

from engine.millennium.identity.entries import Claim, EntryState, KeyKind, LedgerEntry, LedgerKey
from engine.store.database import LOCKED, Database, InsertMany, Row, Transaction
from engine.store.ledger_interface import LedgerStep
from engine.store.ledger_schema import LEDGER_KEYS, LEDGER_RESOURCES

KEYS_PER_STATEMENT = 50
STEP_CHARACTERS_MAX = 500
RETIRED_MAX = 100
"""Merges into one resource that are looked at: more than anybody has."""

_KEY = "kind = ? AND resource_type = ? AND system = ? AND value = ?"
_JOINED_KEY = "(k.kind = ? AND k.resource_type = ? AND k.system = ? AND k.value = ?)"
_ENTRIES = (
    "SELECT k.kind, k.resource_type, k.system, k.value, k.state, k.id, k.replaced_system,"
    " k.replaced_value, k.creates, k.probes, r.etag, r.verified_at, r.applied FROM ledger_keys k"
    " LEFT JOIN ledger_resources r ON r.root = k.root AND r.resource_type = k.resource_type"
    " AND r.id = k.id WHERE k.root = ? AND ("
)
_SET_KEY = InsertMany(
    table=LEDGER_KEYS,
    columns=(
        "root",
        "kind",
        "resource_type",
        "system",
        "value",
        "state",
        "id",
        "creates",
        "probes",
    ),
    # What was merged away stays so: only a later merge brings it back.
    conflict="ON CONFLICT (root, kind, resource_type, system, value) DO UPDATE SET"
    " state = excluded.state, id = excluded.id, creates = excluded.creates,"
    " probes = excluded.probes WHERE ledger_keys.state <> 'retired'",
)
_SET_RESOURCE = InsertMany(
    table=LEDGER_RESOURCES,
    columns=("root", "resource_type", "id", "etag", "verified_at", "applied"),
    conflict="ON CONFLICT (root, resource_type, id) DO UPDATE SET etag = excluded.etag,"
    " verified_at = excluded.verified_at, applied = excluded.applied",
)
_APPLIED = (
    f"SELECT applied FROM ledger_resources WHERE root = ? AND resource_type = ? AND id = ? {LOCKED}"
)
_CLAIMED = f"SELECT owner, until FROM ledger_claims WHERE root = ? AND {_KEY}"
_CLAIM = (
    "INSERT INTO ledger_claims (root, kind, resource_type, system, value, owner, until)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (root, kind, resource_type, system, value)"
    " DO UPDATE SET owner = excluded.owner, until = excluded.until"
    " WHERE ledger_claims.until < ? OR ledger_claims.owner = excluded.owner RETURNING 1"
)
_UNCLAIM = f"DELETE FROM ledger_claims WHERE root = ? AND {_KEY} AND owner = ?"
_SET_STEP = (
    "INSERT INTO ledger_steps (delivery_id, position, outcome) VALUES (?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
_SAME_RESOURCE = (
    "SELECT o.kind, o.resource_type, o.system, o.value FROM ledger_keys k JOIN ledger_keys o"
    " ON o.root = k.root AND o.resource_type = k.resource_type AND o.id = k.id"
    " WHERE k.root = ? AND k.kind = ? AND k.resource_type = ? AND k.system = ? AND k.value = ?"
    " AND k.id <> '' AND o.kind = 'identifier' AND o.state = 'known'"
)
_RETIRED_INTO = (
    "SELECT r.id FROM ledger_keys s JOIN ledger_keys r ON r.root = s.root"
    " AND r.resource_type = s.resource_type AND r.replaced_system = s.system"
    " AND r.replaced_value = s.value WHERE s.root = ? AND s.resource_type = ? AND s.id = ?"
    " AND s.id <> '' AND r.state = 'retired' AND r.id <> ''"
)
_REVIVE = (
    f"UPDATE ledger_keys SET state = CASE id WHEN '' THEN 'unknown' ELSE 'known' END,"
    f" replaced_system = NULL, replaced_value = NULL, retired_at = ? WHERE root = ? AND {_KEY}"
    " AND state = 'retired' AND retired_at <= ?"
)
_RETIRE = (
    "INSERT INTO ledger_keys (root, kind, resource_type, system, value, state, id,"
    " replaced_system, replaced_value, retired_at, creates, probes)"
    " VALUES (?, ?, ?, ?, ?, 'retired', '', ?, ?, ?, 0, 0)"
    " ON CONFLICT (root, kind, resource_type, system, value) DO UPDATE SET state = 'retired',"
    " replaced_system = excluded.replaced_system, replaced_value = excluded.replaced_value,"
    " retired_at = excluded.retired_at WHERE ledger_keys.retired_at <= excluded.retired_at"
)
_DECIDED = "SELECT 1 FROM decisions WHERE delivery_id = ? AND state_after = 'QUEUED' LIMIT 1"


class _RefusedError(Exception):
    """Another owner has one of the keys: none is claimed."""


class DatabaseLedger:
    """`ledger_interface.LedgerStore` over the state's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, root: str, keys: Sequence[LedgerKey]) -> dict[LedgerKey, LedgerEntry]:
        """What is known of these keys."""
        found: dict[LedgerKey, LedgerEntry] = {}
        with self._database.reading() as transaction:
            for begin in range(0, len(keys), KEYS_PER_STATEMENT):
                some = keys[begin : begin + KEYS_PER_STATEMENT]
                sql = _ENTRIES + " OR ".join([_JOINED_KEY] * len(some)) + ")"
                values = [value for key in some for value in _columns(key)]
                for row in transaction.rows(sql, root, *values):
                    entry = _entry(row)
                    found[entry.key] = entry
        return found

    def known_ids(self, root: str, resource_type: str, ids: Sequence[str]) -> set[str]:
        """Those of these ids that some key points to."""
        sql = "SELECT 1 FROM ledger_keys WHERE root = ? AND resource_type = ? AND id = ? LIMIT 1"
        with self._database.reading() as transaction:
            return {each for each in ids if transaction.rows(sql, root, resource_type, each)}

    def retired_into(self, root: str, resource_type: str, resource_id: str) -> set[str]:
        """Ids merged into this one, step by step, each looked at once."""
        found, wanted = set[str](), [resource_id]
        with self._database.reading() as transaction:
            while wanted and len(found) < RETIRED_MAX:
                rows = transaction.rows(_RETIRED_INTO, root, resource_type, wanted.pop())
                fresh = {row[0] for row in rows} - found - {resource_id}
                found |= fresh
                wanted += fresh
        return found

    def claim(self, root: str, keys: Sequence[LedgerKey], owner: str, ttl_seconds: float) -> Claim:
        """Take all keys or none."""
        now = self._database.now()
        claim = Claim.GRANTED
        try:
            with self._database.writing() as transaction:
                for key in sorted(keys):
                    if transaction.rows(_CLAIMED, root, *_columns(key)):
                        claim = Claim.TAKEN_OVER
                    row = (root, *_columns(key), owner, now + ttl_seconds, now)
                    if not transaction.rows(_CLAIM, *row):
                        raise _RefusedError
        except _RefusedError:
            return Claim.REFUSED
        return claim

    def release(self, root: str, keys: Sequence[LedgerKey], owner: str) -> None:
        """Give claims back whose create ended."""
        with self._database.writing() as transaction:
            _release(transaction, root, keys, owner)

    def record(
        self,
        root: str,
        entries: Sequence[LedgerEntry],
        owner: str = "",
        step: LedgerStep | None = None,
    ) -> None:
        """Write what is known now, end the claims on it, and note the step, all at once."""
        ordered = sorted(entries, key=lambda entry: entry.key)
        with self._database.writing() as transaction:
            transaction.write_many(_SET_KEY, [_key_row(root, entry) for entry in ordered])
            self._write_resources(transaction, root, ordered)
            if owner:
                _release(transaction, root, [entry.key for entry in ordered], owner)
            if step is not None:
                outcome = step.outcome[:STEP_CHARACTERS_MAX]
                transaction.write(_SET_STEP, step.delivery_id, step.position, outcome)

    def _write_resources(
        self, transaction: Transaction, root: str, entries: Sequence[LedgerEntry]
    ) -> None:
        resources = {
            (entry.key.resource_type, entry.id): entry
            for entry in entries
            if entry.id and entry.state is EntryState.KNOWN
        }
        rows: list[Row] = []
        for (resource_type, resource_id), entry in sorted(resources.items()):
            before = transaction.rows(_APPLIED, root, resource_type, resource_id)
            applied = newest(_applied(before[0][0]) if before else {}, entry.applied)
            text = orjson.dumps(applied, option=orjson.OPT_SORT_KEYS).decode()
            rows.append((root, resource_type, resource_id, entry.etag, entry.verified_at, text))
        transaction.write_many(_SET_RESOURCE, rows)

    def merge(
        self, root: str, survivor: Sequence[LedgerKey], retired: Sequence[LedgerKey], at: float
    ) -> None:
        """Let what is retired lead to the survivor from now on."""
        if not survivor:
            return
        target = survivor[0]
        with self._database.writing() as transaction:
            for key in sorted(survivor):
                transaction.write(_REVIVE, at, root, *_columns(key), at)
            gone = set(retired)
            for key in retired:
                rows = transaction.rows(_SAME_RESOURCE, root, *_columns(key))
                gone |= {_key(row) for row in rows}
            for key in sorted(gone - set(survivor)):
                transaction.write(_RETIRE, root, *_columns(key), target.system, target.value, at)

    def steps(self, delivery_id: int) -> dict[int, str]:
        """Calls of a delivery that are done."""
        sql = "SELECT position, outcome FROM ledger_steps WHERE delivery_id = ?"
        with self._database.reading() as transaction:
            return dict(transaction.rows(sql, delivery_id))

    def admit(self, destination: str, delivery_id: int, held_first: int) -> bool:
        """Whether a delivery may go out, or is one of the first and waits for a person."""
        with self._database.writing() as transaction:
            if transaction.rows(_DECIDED, delivery_id):
                return True
            rows = transaction.rows(
                "SELECT delivery_id FROM first_releases WHERE destination = ? LIMIT ?",
                destination,
                held_first,
            )
            if any(row[0] == delivery_id for row in rows):
                return False
            if len(rows) >= held_first:
                return True
            transaction.write(
                "INSERT INTO first_releases (destination, delivery_id) VALUES (?, ?)"
                " ON CONFLICT DO NOTHING",
                destination,
                delivery_id,
            )
        return False


def newest(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """The later time of each field group."""
    return {group: max(before.get(group, at), at) for group, at in {**before, **after}.items()}


def _release(transaction: Transaction, root: str, keys: Sequence[LedgerKey], owner: str) -> None:
    for key in sorted(keys):
        transaction.write(_UNCLAIM, root, *_columns(key), owner)


def _columns(key: LedgerKey) -> tuple[str, str, str, str]:
    return key.kind.value, key.resource_type, key.system, key.value


def _key(row: Row) -> LedgerKey:
    return LedgerKey(kind=KeyKind(row[0]), resource_type=row[1], system=row[2], value=row[3])


def _key_row(root: str, entry: LedgerEntry) -> Row:
    return (
        root,
        *_columns(entry.key),
        entry.state.value,
        entry.id,
        entry.creates,
        entry.probes,
    )


def _entry(row: Row) -> LedgerEntry:
    key = _key(row)
    replaced_by = None
    if row[6] is not None:
        replaced_by = LedgerKey(
            kind=key.kind, resource_type=key.resource_type, system=row[6], value=row[7]
        )
    return LedgerEntry(
        key=key,
        state=EntryState(row[4]),
        id=row[5],
        replaced_by=replaced_by,
        creates=row[8],
        probes=row[9],
        etag=row[10] or "",
        verified_at=row[11] or 0.0,
        applied=_applied(row[12]),
    )


def _applied(text: str | None) -> dict[str, float]:
    return dict(orjson.loads(text)) if text else {}
