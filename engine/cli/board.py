"""Rim. The channels at a glance, as a table for a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from engine.runtime.desk.message_log import ChannelStats


def board(rows: "Sequence[ChannelStats]") -> Table:
    """One line per channel: received, sent, waiting, held, errors, repeats, faults."""
    table = Table()
    table.add_column("channel")
    for name in ("received", "sent", "queued", "held", "errors", "repeats", "faults"):
        table.add_column(name, justify="right")
    for row in rows:
        numbers = (
            row.received, row.sent, row.queued, row.held, row.errors, row.duplicates, row.faults,
        )  # fmt: skip
        table.add_row(row.channel, *(f"{number:,}" for number in numbers))
    return table
