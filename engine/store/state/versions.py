"""Rim. Which messages hold versions of a document that a run is about to send."""

from collections.abc import Sequence

from engine.pipeline.codes import LATE_VERSION
from engine.pipeline.version_order import REPLACED, SERIES, Key, Known, is_older
from engine.store.database import AMONG, EACH_DELIVERY, Database, Ids, Transaction
from engine.store.encoding import codes_of, decode_diagnostics, decode_list
from engine.store.schema import DELIVERIES_PER_RUN
from engine.store.state.jobs import may_overwrite
from engine.store.state.search_keys import newest_with_key

MESSAGES_MAX = 200
"""Messages with one key that are compared, the newest: a document has a few versions."""

_RUN = "SELECT message_id, channel, job_id FROM runs WHERE run_id = ?"
_RUN_SAID = "SELECT search_keys, diagnostics FROM runs WHERE run_id = ?"
_RUNS = f"SELECT run_id, message_id, search_keys FROM runs WHERE message_id {AMONG} AND channel = ?"
_DELIVERED = (
    f"SELECT DISTINCT each.value FROM {EACH_DELIVERY} WHERE d.state NOT IN ('ERROR', 'CANCELLED')"
)


def known_versions(database: Database, run_id: int, keys: Sequence[Key]) -> list[Known] | None:
    """See `interface.StateStore.known_versions`."""
    with database.reading() as transaction:
        found = transaction.rows(_RUN, run_id)
        if not found:
            return []
        message_id, channel, job_id = found[0]
        if job_id is not None and may_overwrite(transaction, job_id):
            return None
        others = {
            one
            for kind, value in dict.fromkeys(keys)
            for one in newest_with_key(transaction, kind, value, MESSAGES_MAX)
        }
        return _delivered(transaction, sorted(others - {message_id}), channel)


def newer_version(database: Database, delivery_id: int) -> int | None:
    """See `interface.StateStore.newer_version`."""
    run_id = delivery_id // DELIVERIES_PER_RUN
    with database.reading() as transaction:
        said = transaction.rows(_RUN_SAID, run_id)
    if not said or LATE_VERSION.code in codes_of(decode_diagnostics(said[0][1])):
        return None
    keys: list[Key] = [(kind, value) for kind, value in decode_list(said[0][0])]
    asked = [key for key in keys if key[0] == SERIES]
    asked += [(REPLACED, value) for kind, value in keys if kind == "document"]
    known = known_versions(database, run_id, asked) if asked else None
    newer = [one.message_id for one in known or () if is_older(one.keys, keys)]
    return max(newer, default=None)


def _delivered(transaction: Transaction, message_ids: list[int], channel: str) -> list[Known]:
    """Those of these messages of a channel of which something was delivered, or will be."""
    if not message_ids:
        return []
    runs = transaction.rows(_RUNS, Ids(message_ids), channel)
    delivered = {row[0] for row in transaction.rows(_DELIVERED, Ids(row[0] for row in runs))}
    sent = {message_id for run_id, message_id, _ in runs if run_id in delivered}
    keys: dict[int, set[Key]] = {message_id: set() for message_id in sent}
    for _, message_id, text in runs:
        if message_id in sent:
            keys[message_id].update((kind, value) for kind, value in decode_list(text))
    return [Known(message_id=one, keys=frozenset(keys[one])) for one in sorted(keys)]
