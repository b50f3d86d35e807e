"""Rim. Problems and outages as `engine problems` writes them: text and JSON."""

import time
from typing import TYPE_CHECKING, Any

from engine.cli.log import clock
from engine.cli.terminal import data, plural

if TYPE_CHECKING:
    from engine.runtime.desk.message_log import OutageRow, ProblemRow
    from engine.runtime.desk.problems import ProblemView


def _state(row: "ProblemRow") -> str:
    if row.closed_at is not None:
        return "closed"
    if (row.snoozed_until or 0) > time.time():
        return "put off"
    return "again" if row.regressions else "open"


def print_row(row: "ProblemRow") -> None:
    """Two lines of text."""
    more = f" and {row.channels - 1} more" if row.channels > 1 else ""
    data(f"{f'P-{row.problem_id}':<7} {_state(row):<8} {row.title}")
    data(
        f"{'':>16} {row.waiting:,} of {plural(row.failures, 'failure')} wait,"
        f" {plural(row.messages, 'message')}, {plural(row.patients, 'patient')},"
        f" {row.channel}{more}, {clock(row.first_at)} to {clock(row.last_at)} UTC"
        f"{f', {row.owner}' if row.owner else ''}"
    )


def print_view(found: "ProblemView") -> None:
    """All that is known of it, as text."""
    print_row(found.row)
    for name, value in found.row.grouped_by:
        data(f"  {name:<12} {value}")
    if found.remedy:
        data(f"  {'what to do':<12} {found.remedy}")
    if found.row.note:
        data(f"  {'note':<12} {found.row.note}")
    for change in found.before:
        files = ", ".join(change.files[:8]) or "nothing differs"
        data(f"  before it    {change.revision} at {clock(change.at)} UTC: {files}")
    for row in found.sample:
        codes = ", ".join(row.codes)
        data(f"  message      {row.message_id}  {row.channel}  {row.message_type}  {codes}")


def as_dict(row: "ProblemRow") -> dict[str, Any]:
    """The JSON form."""
    return {
        "problem": f"P-{row.problem_id}",
        "state": _state(row),
        "title": row.title,
        "grouped_by": dict(row.grouped_by),
        "waiting": row.waiting,
        "failures": row.failures,
        "messages": row.messages,
        "patients": row.patients,
        "channel": row.channel,
        "channels": row.channels,
        "first_at": row.first_at,
        "last_at": row.last_at,
        "closed_at": row.closed_at,
        "regressions": row.regressions,
        "owner": row.owner,
        "note": row.note,
        "snoozed_until": row.snoozed_until,
    }


def outage_dict(row: "OutageRow") -> dict[str, Any]:
    """The JSON form of an outage."""
    return {
        "outage": row.destination,
        "channel": row.channel,
        "code": row.code,
        "began_at": row.began_at,
        "ended_at": row.ended_at,
    }


def view_dict(found: "ProblemView") -> dict[str, Any]:
    """The JSON form of all that is known."""
    return {
        **as_dict(found.row),
        "channels": list(found.channels),
        "remedy": found.remedy or None,
        "before": [
            {"revision": one.revision, "at": one.at, "files": list(one.files)}
            for one in found.before
        ],
        "sample": [row.message_id for row in found.sample],
    }
