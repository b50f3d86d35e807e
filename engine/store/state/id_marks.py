"""Rim. Marks of the ids in what was sent for messages and in what was answered.

A message makes a dozen resources, each with an id of its own, and every answer has a request id. As
search keys they would cost a worker 48 us a message (benchmarks/search); so only a *mark* of each
id, its CRC-32, is kept. New marks are appended, one row a turn; now and then all of them are moved
into `mark_buckets` as a new *generation*, spread by their last bits, so that a search reads one
small row of each generation. `id_carriers` searches.

A turn's row is a list of 32-bit words, little-endian: for each message its id (low word, high
word), the number of its marks, and the marks. A bucket's row has its marks, and beside them, in the
same order, the messages as distances from the generation's first.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from zlib import crc32

from engine.store.database import AMONG, Database, Ids, InsertMany, Row, Transaction
from engine.store.interface import StoreUnavailable
from engine.store.schema import FRESH_MARKS, MARK_BUCKETS

WORD_BYTES = 4
BUCKETS = 512
GENERATIONS_MAX = 1 << 40
"""A bucket's row is numbered `bucket * GENERATIONS_MAX + generation`."""
MARKS_PER_MESSAGE_MAX = 1_000
ROWS_WORTH_MOVING = 8
DISTANCE_MAX = (1 << 32) - 1

_HEADER_WORDS = 3
_FRESH = InsertMany(table=FRESH_MARKS, columns=("first_message_id", "last_message_id", "marks"))
_BUCKET = InsertMany(table=MARK_BUCKETS, columns=("row_id", "marks", "places"))
_ALL_FRESH = "SELECT turn, first_message_id, last_message_id, marks FROM fresh_marks ORDER BY turn"
_BEGIN = (
    "INSERT INTO mark_generations (first_message_id, last_message_id) VALUES (?, ?)"
    " RETURNING generation"
)
_OLD = "SELECT generation FROM mark_generations WHERE last_message_id < ? ORDER BY generation"
_ROWS = f"SELECT row_id, marks, places FROM mark_buckets WHERE row_id {AMONG}"

Words = Sequence[int]


def mark_of(one: str) -> int:
    """The mark of an id."""
    return crc32(one.encode("utf-8", "replace"))


def marks_of(ids: Iterable[str]) -> list[int]:
    """The marks of some ids."""
    return [crc32(one.encode("utf-8", "replace")) for one in ids]


def add_marks(transaction: Transaction, found: Sequence[tuple[int, Words]]) -> None:
    """Write one row for the (message_id, marks) of a turn; those of one message may come twice."""
    if not found:
        return
    words = array("I")
    for message_id, marks in found:
        kept = marks[:MARKS_PER_MESSAGE_MAX]
        words.extend((message_id & 0xFFFFFFFF, message_id >> 32, len(kept)))
        words.extend(kept)
    message_ids = [message_id for message_id, _ in found]
    row = (min(message_ids), max(message_ids), to_bytes(words))
    transaction.write_many(_FRESH, [row])


def to_bytes(words: "array[int]") -> bytes:
    """Words as they are stored."""
    if sys.byteorder == "big":
        words.byteswap()
    return words.tobytes()


def to_words(stored: bytes) -> "array[int]":
    """The inverse of `to_bytes`."""
    words = array("I")
    words.frombytes(stored)
    if sys.byteorder == "big":
        words.byteswap()
    return words


def records(turn: bytes) -> Iterator[tuple[int, Words]]:
    """(message_id, marks) of each message of a turn's row."""
    words = to_words(turn)
    at = 0
    while at + _HEADER_WORDS <= len(words):
        end = at + _HEADER_WORDS + words[at + 2]
        yield words[at] | words[at + 1] << 32, words[at + _HEADER_WORDS : end]
        at = end


def move_marks(database: Database, least: int = ROWS_WORTH_MOVING) -> None:
    """Move fresh marks into a generation. One that fails is done later; no mark is lost."""
    with suppress(StoreUnavailable), database.writing(one_snapshot=True) as transaction:
        rows = transaction.rows(_ALL_FRESH)
        if len(rows) < least:
            return
        first = min(row[1] for row in rows)
        rows = [row for row in rows if row[2] - first <= DISTANCE_MAX]
        ((generation,),) = transaction.rows(_BEGIN, first, max(row[2] for row in rows))
        transaction.write_many(_BUCKET, _buckets(rows, first, generation))
        turns = Ids(row[0] for row in rows)
        transaction.write(f"DELETE FROM fresh_marks WHERE turn {AMONG}", turns)


def _buckets(rows: Sequence[Row], first: int, generation: int) -> list[Row]:
    """The rows of a generation; empty buckets have none."""
    marks = [array("I") for _ in range(BUCKETS)]
    places = [array("I") for _ in range(BUCKETS)]
    add_mark = [one.append for one in marks]
    add_place = [one.append for one in places]
    low_bits = BUCKETS - 1
    for row in rows:
        for message_id, own in records(row[3]):
            distance = message_id - first
            for mark in own:
                bucket = mark & low_bits
                add_mark[bucket](mark)
                add_place[bucket](distance)
    return [
        (bucket * GENERATIONS_MAX + generation, to_bytes(marks[bucket]), to_bytes(places[bucket]))
        for bucket in range(BUCKETS)
        if marks[bucket]
    ]


def forget_marks(database: Database, before_message_id: int, keep: Sequence[int]) -> None:
    """Drop generations of older messages; the marks of messages to keep become fresh again."""
    move_marks(database, 1)
    with database.reading() as transaction:
        old = [row[0] for row in transaction.rows(_OLD, before_message_id)]
    kept = set(keep)
    for generation in old:
        with database.writing() as transaction:
            _forget_generation(transaction, generation, kept)


def _forget_generation(transaction: Transaction, generation: int, kept: set[int]) -> None:
    row_ids = Ids(bucket * GENERATIONS_MAX + generation for bucket in range(BUCKETS))
    ((first,),) = transaction.rows(
        "SELECT first_message_id FROM mark_generations WHERE generation = ?", generation
    )
    left: dict[int, list[int]] = {}
    for _, marks, places in transaction.rows(_ROWS, row_ids) if kept else ():
        for mark, distance in zip(to_words(marks), to_words(places), strict=True):
            if first + distance in kept:
                left.setdefault(first + distance, []).append(mark)
    transaction.write(f"DELETE FROM mark_buckets WHERE row_id {AMONG}", row_ids)
    transaction.write("DELETE FROM mark_generations WHERE generation = ?", generation)
    add_marks(transaction, sorted(left.items()))
