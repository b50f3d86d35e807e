"""Rim. The (channel, message type) pairs of a search: where a branch for each begins.

The index `messages_by_type` has the messages of a pair in order. Which channels there are is known
from the totals, and the types of a channel are read from the index, one step for each.
"""

from collections.abc import Iterator

from engine.store.database import Transaction
from engine.store.interface import Search

PAIRS_MAX = 200
"""With more pairs than this the newest messages are read instead."""

Pair = tuple[str, str]
_CHANNELS = "SELECT channel FROM totals WHERE event = 'received' ORDER BY channel"
_TYPES = (
    "WITH RECURSIVE steps(kind) AS ("
    "SELECT (SELECT message_type FROM messages WHERE channel = ? ORDER BY message_type LIMIT 1)"
    " UNION ALL SELECT (SELECT m.message_type FROM messages m"
    " WHERE m.channel = ? AND m.message_type > s.kind ORDER BY m.message_type LIMIT 1)"
    " FROM steps s WHERE s.kind IS NOT NULL)"
    " SELECT kind FROM steps WHERE kind IS NOT NULL LIMIT ?"
)
"""The types of a channel, by one look into the index for each."""


def pairs(transaction: Transaction, query: Search) -> list[Pair] | None:
    """The pairs that may meet the query.

    None when neither channel nor type is asked for, or when there are too many pairs for that to
    help.
    """
    if not query.channels and not query.message_types:
        return None
    channels = [row[0] for row in transaction.rows(_CHANNELS)]
    if query.channels:
        channels = [one for one in channels if one in query.channels]
    found: dict[Pair, None] = {}
    for channel in channels:
        for pair in _pairs_of(transaction, channel, query.message_types):
            found[pair] = None
            if len(found) > PAIRS_MAX:
                return None
    return list(found)


def _pairs_of(transaction: Transaction, channel: str, types: tuple[str, ...]) -> Iterator[Pair]:
    """`ADT^A01` stands for itself; `ADT` for what of it the channel has had; nothing for all."""
    whole = [kind for kind in types if "^" in kind]
    for kind in whole:
        yield channel, kind
    if types and len(whole) == len(types):
        return
    for (kind,) in transaction.rows(_TYPES, channel, channel, PAIRS_MAX + 1):
        if not types or kind.partition("^")[0] in types:
            yield channel, kind
