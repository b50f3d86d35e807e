"""Rim. Which worker may work on which lane buckets: leases with an epoch.

A lease is a row with an epoch (a number never used twice), an owner and a deadline on the
database's clock; a bucket names the epoch that holds it. Taking any bucket of an expired lease
ends that lease whole, and a worker whose buckets change gets a new epoch, so every write guarded
by an old epoch fails.
"""

import math

from engine.store.database import AMONG, LOCKED, SHARED, Database, Ids, Transaction
from engine.store.interface import LANE_BUCKETS, LaneLease, LeaseLost

_ALL_BUCKETS = range(LANE_BUCKETS)


def acquire(
    database: Database, held: LaneLease | None, owner: str, ttl_seconds: float, share: float
) -> tuple[LaneLease, set[int]]:
    """Renew `held` and take what `share` allows; see `interface.StateStore.acquire`.

    Returns the lease and the buckets that were not held without a break until now. A single
    transaction: renewing is one row, taking buckets rewrites their rows.
    """
    now = database.now()
    until = now + ttl_seconds
    with database.writing() as transaction:
        buckets = _bucket_rows(transaction, now)
        rows = transaction.rows("SELECT epoch, owner, until FROM leases")
        mine = held.epoch if held is not None and held.epoch in {row[0] for row in rows} else None
        leases: dict[int, float] = {
            # An owner's name belongs to one process at a time: an earlier one has died.
            row[0]: -math.inf if row[1] == owner and row[0] != mine else row[2]
            for row in rows
        }
        kept = {bucket for bucket, (epoch, _) in buckets.items() if mine and epoch == mine}
        taken = _to_take(buckets, leases, mine, now, ttl_seconds, share, len(kept))
        if mine is None or taken:
            epoch = _begin(transaction, owner, until, kept | taken, buckets, mine)
        else:
            epoch = mine
            transaction.write("UPDATE leases SET until = ? WHERE epoch = ?", until, epoch)
        wanted = _wanted_by_others(transaction, epoch, now)
    lease = LaneLease(
        owner=owner,
        epoch=epoch,
        buckets=frozenset(kept | taken),
        until=until,
        wanted_by_others=wanted,
    )
    return lease, taken


def _bucket_rows(transaction: Transaction, now: float) -> dict[int, tuple[int | None, float]]:
    """Every bucket's (epoch, freed at), locked; the rows are made at the first use."""
    rows = transaction.rows(f"SELECT bucket, epoch, freed_at FROM lane_buckets {LOCKED}")
    if len(rows) < LANE_BUCKETS:
        for bucket in _ALL_BUCKETS:
            transaction.write(
                "INSERT INTO lane_buckets (bucket, epoch, freed_at) VALUES (?, NULL, ?)"
                " ON CONFLICT DO NOTHING",
                bucket,
                now,
            )
        rows = transaction.rows(f"SELECT bucket, epoch, freed_at FROM lane_buckets {LOCKED}")
    return {bucket: (epoch, freed_at) for bucket, epoch, freed_at in rows}


def _to_take(
    buckets: dict[int, tuple[int | None, float]],
    leases: dict[int, float],
    mine: int | None,
    now: float,
    ttl_seconds: float,
    share: float,
    held: int,
) -> set[int]:
    """Free buckets up to the share; and all that an expired lease, or nobody for long, holds."""
    quota = max(0, math.ceil(share * LANE_BUCKETS) - held)
    taken: set[int] = set()
    for bucket in sorted(buckets):
        epoch, freed_at = buckets[bucket]
        if epoch is not None and epoch in leases:
            if epoch != mine and leases[epoch] < now:
                taken.add(bucket)
        elif freed_at + ttl_seconds < now:
            taken.add(bucket)
        elif quota > 0:
            quota -= 1
            taken.add(bucket)
    return taken


def _begin(
    transaction: Transaction,
    owner: str,
    until: float,
    wanted: set[int],
    buckets: dict[int, tuple[int | None, float]],
    mine: int | None,
) -> int:
    """A new epoch that holds `wanted`; the leases it takes from, and the own old one, end."""
    rows = transaction.rows(
        "INSERT INTO leases (owner, until) VALUES (?, ?) RETURNING epoch", owner, until
    )
    epoch = int(rows[0][0])
    transaction.write(f"UPDATE lane_buckets SET epoch = ? WHERE bucket {AMONG}", epoch, Ids(wanted))
    ended = {buckets[bucket][0] for bucket in wanted} | {mine}
    transaction.write(
        f"DELETE FROM leases WHERE epoch {AMONG}", Ids(old for old in ended if old is not None)
    )
    return epoch


def _wanted_by_others(transaction: Transaction, epoch: int, now: float) -> int:
    """How many buckets this lease has above its fair part while another has too few."""
    counts: dict[int, int] = {
        row[0]: row[1]
        for row in transaction.rows(
            "SELECT l.epoch, count(b.bucket) FROM leases l"
            " LEFT JOIN lane_buckets b ON b.epoch = l.epoch WHERE l.until >= ? GROUP BY l.epoch",
            now,
        )
    }
    fair = LANE_BUCKETS // max(1, len(counts))
    missing = sum(max(0, fair - count) for other, count in counts.items() if other != epoch)
    return max(0, min(missing, counts.get(epoch, 0) - fair))


def release(database: Database, lease: LaneLease) -> None:
    """Give these buckets back; the lease itself ends when it holds no more."""
    now = database.now()
    with database.writing() as transaction:
        transaction.write(
            "UPDATE lane_buckets SET epoch = NULL, freed_at = ?"
            f" WHERE epoch = ? AND bucket {AMONG}",
            now,
            lease.epoch,
            Ids(lease.buckets),
        )
        transaction.write(
            "DELETE FROM leases WHERE epoch = ?"
            " AND NOT EXISTS (SELECT 1 FROM lane_buckets WHERE lane_buckets.epoch = leases.epoch)",
            lease.epoch,
        )


def check(transaction: Transaction, lease: LaneLease) -> None:
    """Raise LeaseLost unless the epoch still holds; it cannot end before the transaction does."""
    if not transaction.rows(f"SELECT epoch FROM leases WHERE epoch = ? {SHARED}", lease.epoch):
        raise LeaseLost(f"epoch {lease.epoch} has ended")
