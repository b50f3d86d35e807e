"""Rim. Edited copies: from a person's wish to a message of its own in the log.

The log has one writer, intake; so a copy is a row here until intake has stored it. Which message it
became is read back from the log, in the transaction that follows it: intake never has to write both
and a copy is stored once, whatever fails in between.
"""

from collections.abc import Iterable, Sequence

from engine.store.copy_interface import EditedCopy, copy_id_of
from engine.store.database import Database, LoggedMessage, Row, Transaction
from engine.store.encoding import decode_list, encode_list

WAITING_MAX = 100
"""Copies taken at a time."""

_COLUMNS = (
    "copy_id, created_at, channel, parent_message_id, author, reason, changes, raw, message_id"
)
_INSERT = (
    "INSERT INTO edited_copies (created_at, channel, parent_message_id, author, reason, changes,"
    " raw) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING copy_id"
)
_ONE = f"SELECT {_COLUMNS} FROM edited_copies WHERE copy_id = ?"
_OF = f"SELECT {_COLUMNS} FROM edited_copies WHERE parent_message_id = ? ORDER BY copy_id"
_AS = f"SELECT {_COLUMNS} FROM edited_copies WHERE message_id = ?"
_ANY_WAITING = "SELECT 1 FROM edited_copies WHERE message_id IS NULL AND claimed_until < ? LIMIT 1"
_WAITING = (
    f"SELECT {_COLUMNS} FROM edited_copies WHERE message_id IS NULL AND claimed_until < ?"
    " AND channel = ? ORDER BY copy_id LIMIT ?"
)
_CLAIM = (
    "UPDATE edited_copies SET claimed_until = ? WHERE copy_id = ? AND message_id IS NULL"
    " AND claimed_until < ? RETURNING copy_id"
)
_STORED = (
    "UPDATE edited_copies SET message_id = ?, raw = ? WHERE copy_id = ? AND message_id IS NULL"
)
_FORGET = "DELETE FROM edited_copies WHERE message_id < ?"


class CopyTables:
    """`copy_interface.CopyStore` over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, copy: EditedCopy) -> int:
        """Keep a copy for intake; returns its id."""
        with self._database.writing() as transaction:
            rows = transaction.rows(
                _INSERT,
                copy.created_at,
                copy.channel,
                copy.parent_message_id,
                copy.author,
                copy.reason,
                encode_list(copy.changes),
                copy.raw,
            )
        return int(rows[0][0])

    def find(self, copy_id: int) -> EditedCopy | None:
        """A copy by its id."""
        with self._database.reading() as transaction:
            rows = transaction.rows(_ONE, copy_id)
        return _copy_of(rows[0]) if rows else None

    def any_waiting(self) -> bool:
        """True when intake has something to do."""
        now = self._database.now()
        with self._database.reading() as transaction:
            return bool(transaction.rows(_ANY_WAITING, now))

    def claim(self, channels: Iterable[str], seconds: float) -> list[EditedCopy]:
        """The copies that wait for these channels, for whoever asked, for so long."""
        now = self._database.now()
        found: list[EditedCopy] = []
        with self._database.writing() as transaction:
            for channel in sorted(channels):
                found += [
                    _copy_of(row)
                    for row in transaction.rows(_WAITING, now, channel, WAITING_MAX)
                    if transaction.rows(_CLAIM, now + seconds, row[0], now)
                ]
        return found


def mark_stored(transaction: Transaction, messages: Sequence[LoggedMessage]) -> None:
    """Note which messages are edited copies; their bytes are in the log now."""
    for message in messages:
        copy_id = copy_id_of(message.source)
        if copy_id is not None:
            transaction.write(_STORED, message.message_id, b"", copy_id)


def copies_of(transaction: Transaction, message_id: int) -> list[EditedCopy]:
    """The copies made of a message."""
    return [_copy_of(row) for row in transaction.rows(_OF, message_id)]


def copied_as(transaction: Transaction, message_id: int) -> EditedCopy | None:
    """The copy that a message is; None for one that was received."""
    rows = transaction.rows(_AS, message_id)
    return _copy_of(rows[0]) if rows else None


def forget_copies(database: Database, before_message_id: int) -> None:
    """Drop what is known of copies of old messages."""
    with database.writing() as transaction:
        transaction.write(_FORGET, before_message_id)


def _copy_of(row: Row) -> EditedCopy:
    return EditedCopy(
        copy_id=row[0],
        created_at=row[1],
        channel=row[2],
        parent_message_id=row[3],
        author=row[4],
        reason=row[5],
        changes=tuple(decode_list(row[6])),
        raw=bytes(row[7]),
        message_id=row[8],
    )
