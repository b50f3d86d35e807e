"""Rim. Compiling ahead: the maps of what came lately, before somebody opens a message of it."""

from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.message_log import MessageRow
from engine.store.interface import Search

ROWS_LOOKED_AT = 500
KINDS_MAX = 60
"""Of channel and type; a map that is rarer is compiled when the first message of it is opened."""
BYTES_MAX = 100_000
"""A longer message is passed over: compiling is wanted, not its processing."""


def warm(desk: Desk, benches: SharedBenches, revision: str) -> int:
    """Process the newest message of each channel and type, as its page would; shows nobody a thing.

    The benches are lent for one message at a time, so who opens one meanwhile waits for no more.

    Args:
        desk: the store.
        benches: what is compiled stays there.
        revision: of the configuration to compile.

    Returns:
        How many kinds there were.

    Raises:
        StoreUnavailable: it cannot be read.
        LookupError: the configuration is not kept.
    """
    with benches.lend(revision) as lent:
        for channel in lent.bench.loaded.configuration.channels:
            lent.bench.plan(channel)
    with desk.log() as log:
        newest = log.search(Search(limit=ROWS_LOOKED_AT))
    kinds: dict[tuple[str, str], MessageRow] = {}
    for row in newest:
        kinds.setdefault((row.channel, row.message_type), row)
    chosen = list(kinds.values())[:KINDS_MAX]
    for row in chosen:
        with desk.log() as log:
            raw = log.raw([row.message_id]).get(row.message_id, b"")
        with benches.lend(revision) as lent:
            known = lent.bench.loaded.configuration.channel(row.channel) is not None
            if known and 0 < len(raw) <= BYTES_MAX:
                lent.bench.trace(raw, row.channel)
    return len(chosen)
