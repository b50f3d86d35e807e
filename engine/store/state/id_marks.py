"""Rim. Finding messages by the ids in what was sent for them and in what was answered.

A message makes a dozen resources, each with an id of its own, and every answer has a request id. As
search keys they would cost a worker 34 us a message (benchmarks/search); so only a *mark* of each
id, its CRC-32, is kept: one row of marks for each turn (2.6 us a message), and small rows are
joined into blocks now and then. A search reads the blocks, newest first (60 bytes a message), and
looks into the bodies and answers of the few messages whose mark agrees.

A block is a list of 32-bit words, little-endian: for each message its id (low word, high word), the
number of its marks, and the marks.
"""

import re
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from zlib import crc32

from engine.store.compression import Compression
from engine.store.database import AMONG, EACH_DELIVERY, Database, Ids, InsertMany, Row, Transaction
from engine.store.interface import StoreUnavailable
from engine.store.schema import ID_MARKS, MARK_BLOCK_BYTES, SMALL_BLOCK

WORD_BYTES = 4
MARKS_PER_MESSAGE_MAX = 1_000
ROWS_PER_READ = 64
ROWS_WORTH_JOINING = 8
CARRIERS_MAX = 1_000
"""Messages with the mark that are looked into, the newest ones."""
CHECKED_AT_ONCE = 100

_HEADER_WORDS = 3
_INSERT = InsertMany(
    table=ID_MARKS, columns=("first_message_id", "last_message_id", "size", "marks")
)
_BLOCKS = (
    "SELECT block, marks FROM id_marks WHERE block < ? AND last_message_id >= ?"
    " AND first_message_id <= ? ORDER BY block DESC LIMIT ?"
)
_SMALL = (
    "SELECT block, first_message_id, last_message_id, marks FROM id_marks"
    f" WHERE {SMALL_BLOCK} ORDER BY block"
)
_OLD = (
    "SELECT block, marks FROM id_marks WHERE block > ? AND last_message_id < ?"
    " ORDER BY block LIMIT ?"
)
_RUNS = f"SELECT run_id, message_id FROM runs WHERE message_id {AMONG}"
_BODIES = (
    f"SELECT each.value, b.body FROM {EACH_DELIVERY}"
    " JOIN delivery_bodies b ON b.delivery_id = d.delivery_id"
)
_ANSWERS = (
    f"SELECT each.value, a.response FROM {EACH_DELIVERY}"
    " JOIN attempts a ON a.delivery_id = d.delivery_id"
)
HIGHEST_ID = (1 << 63) - 1

Words = Sequence[int]


def marks_of(ids: Iterable[str]) -> list[int]:
    """The marks of some ids."""
    return [crc32(one.encode("utf-8", "replace")) for one in ids]


def add_marks(transaction: Transaction, found: Sequence[tuple[int, Words]]) -> None:
    """Write one row for the (message_id, marks) of a turn; those of one message may come twice."""
    if found:
        _write(transaction, found, last=max(message_id for message_id, _ in found))


def _write(transaction: Transaction, found: Sequence[tuple[int, Words]], *, last: int) -> None:
    words = array("I")
    for message_id, marks in found:
        _append(words, message_id, marks)
    block = _bytes_of(words)
    first = min(message_id for message_id, _ in found)
    transaction.write_many(_INSERT, [(first, last, len(block), block)])


def _append(words: "array[int]", message_id: int, marks: Words) -> None:
    marks = marks[:MARKS_PER_MESSAGE_MAX]
    words.extend((message_id & 0xFFFFFFFF, message_id >> 32, len(marks)))
    words.extend(marks)


def _bytes_of(words: "array[int]") -> bytes:
    if sys.byteorder == "big":
        words.byteswap()
    return words.tobytes()


def _words_of(block: bytes) -> "array[int]":
    words = array("I")
    words.frombytes(block)
    if sys.byteorder == "big":
        words.byteswap()
    return words


def _records(block: bytes) -> Iterator[tuple[int, Words]]:
    """(message_id, marks) of each message of a block."""
    words = _words_of(block)
    at = 0
    while at + _HEADER_WORDS <= len(words):
        end = at + _HEADER_WORDS + words[at + 2]
        yield words[at] | words[at + 1] << 32, words[at + _HEADER_WORDS : end]
        at = end


def join_small(database: Database) -> None:
    """Join the rows of single turns into blocks. One that fails is done later; no mark is lost."""
    with suppress(StoreUnavailable), database.writing(one_snapshot=True) as transaction:
        rows = transaction.rows(_SMALL)
        if len(rows) < ROWS_WORTH_JOINING:
            return
        joined: list[Row] = []
        group: list[Row] = []
        size = 0
        for row in rows:
            group.append(row)
            size += len(row[3])
            if size >= MARK_BLOCK_BYTES:
                joined.append(_joined(group))
                group, size = [], 0
        if group:
            joined.append(_joined(group))
        transaction.write(f"DELETE FROM id_marks WHERE block {AMONG}", Ids(row[0] for row in rows))
        transaction.write_many(_INSERT, joined)


def _joined(rows: Sequence[Row]) -> Row:
    block = b"".join([bytes(row[3]) for row in rows])
    return (min(row[1] for row in rows), max(row[2] for row in rows), len(block), block)


def forget_marks(database: Database, before_message_id: int, keep: Sequence[int]) -> None:
    """Drop blocks of older messages; the marks of messages to keep are written anew."""
    kept = set(keep)
    block = 0
    while True:
        with database.writing() as transaction:
            rows = transaction.rows(_OLD, block, before_message_id, ROWS_PER_READ)
            if not rows:
                return
            block = rows[-1][0]
            left = [one for row in rows for one in _records(row[1]) if one[0] in kept]
            transaction.write(
                f"DELETE FROM id_marks WHERE block {AMONG}", Ids(row[0] for row in rows)
            )
            if left:
                highest = max(before_message_id, *(message_id for message_id, _ in left))
                _write(transaction, left, last=highest)


def carriers(
    transaction: Transaction,
    compression: Compression,
    text: str,
    bounds: tuple[int, int],
    limit: int,
) -> list[int]:
    """The newest messages for which something with this id was sent, or answered.

    Args:
        transaction: a consistent read.
        compression: of bodies.
        text: the id, in full.
        bounds: the lowest and the highest message id wanted.
        limit: how many at most.
    """
    candidates = _with_mark(transaction, crc32(text.encode("utf-8", "replace")), bounds)
    pattern = re.compile(
        rb"(?<![A-Za-z0-9.-])" + re.escape(text.encode("utf-8", "replace")) + rb"(?![A-Za-z0-9.-])"
    )
    found: list[int] = []
    for first in range(0, len(candidates), CHECKED_AT_ONCE):
        some = candidates[first : first + CHECKED_AT_ONCE]
        sure = _really(transaction, compression, pattern, some)
        found += [message_id for message_id in some if message_id in sure]
        if len(found) >= limit:
            break
    return found[:limit]


def _with_mark(transaction: Transaction, mark: int, bounds: tuple[int, int]) -> list[int]:
    """Messages within the bounds that have the mark, newest first."""
    lowest, highest = bounds
    needle = mark.to_bytes(WORD_BYTES, "little")
    found: set[int] = set()
    block = HIGHEST_ID
    while len(found) < CARRIERS_MAX:
        rows = transaction.rows(_BLOCKS, block, lowest, highest, ROWS_PER_READ)
        for _, packed in rows:
            if _has_word(packed, needle):
                found.update(one for one, marks in _records(packed) if mark in marks)
        if len(rows) < ROWS_PER_READ:
            break
        block = rows[-1][0]
    within = [message_id for message_id in found if lowest <= message_id <= highest]
    return sorted(within, reverse=True)[:CARRIERS_MAX]


def _has_word(block: bytes, needle: bytes) -> bool:
    at = block.find(needle)
    while at >= 0 and at % WORD_BYTES:
        at = block.find(needle, at + 1)
    return at >= 0


def _really(
    transaction: Transaction,
    compression: Compression,
    pattern: "re.Pattern[bytes]",
    message_ids: Sequence[int],
) -> set[int]:
    """Those of these messages whose stored outputs or answers hold the id."""
    runs: dict[int, int] = {row[0]: row[1] for row in transaction.rows(_RUNS, Ids(message_ids))}
    found: set[int] = set()
    for sql in (_BODIES, _ANSWERS):
        left = Ids(run_id for run_id, message_id in runs.items() if message_id not in found)
        for run_id, packed in transaction.rows(sql, left) if left else ():
            if runs[run_id] not in found and _holds(compression, packed, pattern):
                found.add(runs[run_id])
    return found


def _holds(compression: Compression, packed: bytes, pattern: "re.Pattern[bytes]") -> bool:
    try:
        return pattern.search(compression.unpack(packed)) is not None
    except ValueError:
        return False
