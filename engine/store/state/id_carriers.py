"""Rim. Finding the messages that carry an id: by its mark, then by looking into what they sent.

A mark says "perhaps": two ids in four thousand millions have the same. So the stored outputs and
answers of every message with the mark are looked into, newest first, until there are enough.
"""

import re
from collections.abc import Sequence

from engine.store.compression import Compression
from engine.store.database import AMONG, EACH_DELIVERY, Ids, Transaction
from engine.store.state.id_marks import (
    BUCKETS,
    GENERATIONS_MAX,
    WORD_BYTES,
    mark_of,
    records,
    to_words,
)

HIGHEST_ID = (1 << 63) - 1
CANDIDATES_MAX = 1_000
"""Messages with the mark that are looked into, the newest ones."""
CHECKED_AT_ONCE = 100
GENERATIONS_PER_READ = 500

_FRESH = "SELECT marks FROM fresh_marks WHERE last_message_id >= ? AND first_message_id <= ?"
_GENERATIONS = (
    "SELECT generation, first_message_id FROM mark_generations"
    " WHERE last_message_id >= ? AND first_message_id <= ? ORDER BY generation DESC"
)
_BUCKETS = f"SELECT row_id, marks, places FROM mark_buckets WHERE row_id {AMONG}"
_RUNS = f"SELECT run_id, message_id FROM runs WHERE message_id {AMONG}"
_BODIES = (
    f"SELECT each.value, b.body FROM {EACH_DELIVERY}"
    " JOIN delivery_bodies b ON b.delivery_id = d.delivery_id"
)
_ANSWERS = (
    f"SELECT each.value, a.response FROM {EACH_DELIVERY}"
    " JOIN attempts a ON a.delivery_id = d.delivery_id"
)


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
    lowest, highest = bounds
    marked = _with_mark(transaction, mark_of(text), bounds)
    within = sorted((one for one in marked if lowest <= one <= highest), reverse=True)
    pattern = re.compile(
        rb"(?<![A-Za-z0-9.-])" + re.escape(text.encode("utf-8", "replace")) + rb"(?![A-Za-z0-9.-])"
    )
    found: list[int] = []
    for first in range(0, min(len(within), CANDIDATES_MAX), CHECKED_AT_ONCE):
        some = within[first : first + CHECKED_AT_ONCE]
        sure = _really(transaction, compression, pattern, some)
        found += [message_id for message_id in some if message_id in sure]
        if len(found) >= limit:
            break
    return found[:limit]


def _with_mark(transaction: Transaction, mark: int, bounds: tuple[int, int]) -> set[int]:
    """Messages that have the mark, the newest among them when there are very many."""
    found = {
        message_id
        for (turn,) in transaction.rows(_FRESH, *bounds)
        if _at(turn, mark)
        for message_id, marks in records(turn)
        if mark in marks
    }
    generations = transaction.rows(_GENERATIONS, *bounds)
    for start in range(0, len(generations), GENERATIONS_PER_READ):
        if len(found) >= CANDIDATES_MAX:
            break
        some = generations[start : start + GENERATIONS_PER_READ]
        first_ids: dict[int, int] = {row[0]: row[1] for row in some}
        bucket = (mark & (BUCKETS - 1)) * GENERATIONS_MAX
        rows = transaction.rows(_BUCKETS, Ids(bucket + one for one in first_ids))
        for row_id, marks, places in sorted(rows, key=lambda row: -row[0]):
            if len(found) >= CANDIDATES_MAX:
                break
            first = first_ids[row_id - bucket]
            wanted = _at(marks, mark)
            if wanted:
                distances = to_words(places)
                found.update(first + distances[at] for at in wanted)
    return found


def _at(words: bytes, mark: int) -> list[int]:
    """The numbers of the words that are the mark."""
    needle = mark.to_bytes(WORD_BYTES, "little")
    found: list[int] = []
    at = words.find(needle)
    while at >= 0:
        if at % WORD_BYTES == 0:
            found.append(at // WORD_BYTES)
        at = words.find(needle, at + 1)
    return found


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
