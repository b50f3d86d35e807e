"""Pure. What the ledger's entries of one resource say together."""

from dataclasses import replace

from engine.millennium.identity.entries import EntryState, LedgerEntry, LedgerKey

PROBES_MAX = 3
"""Searches that must find nothing before a create whose answer was lost is sent again."""


def leads_to(entry: LedgerEntry | None, key: LedgerKey) -> LedgerKey:
    """The key this one was merged into, else itself."""
    return entry.replaced_by if entry is not None and entry.replaced_by is not None else key


def ids_of(entries: dict[LedgerKey, LedgerEntry]) -> list[str]:
    """Ids of the resources that entries name, each once."""
    return list(dict.fromkeys(entry.id for entry in entries.values() if names_one(entry)))


def lost_of(entries: dict[LedgerKey, LedgerEntry]) -> LedgerEntry | None:
    """Of creates whose answer was lost, the one that was sent most often and asked for least."""
    lost = [entry for entry in entries.values() if entry.state is EntryState.UNKNOWN]
    return max(lost, key=lambda one: (one.creates, -one.probes), default=None)


def is_expected(lost: LedgerEntry | None) -> bool:
    """A create of it was lost, and it has not been asked for often enough."""
    return lost is not None and lost.creates > 0 and lost.probes + 1 < PROBES_MAX


def asked_again(entries: dict[LedgerKey, LedgerEntry]) -> tuple[LedgerEntry, ...]:
    """Lost ones, asked for once more."""
    return tuple(
        replace(entry, probes=entry.probes + 1)
        for entry in entries.values()
        if entry.state is EntryState.UNKNOWN
    )


def names_one(entry: LedgerEntry | None) -> bool:
    """True when the entry leads to a resource."""
    return entry is not None and bool(entry.id) and entry.state is EntryState.KNOWN
