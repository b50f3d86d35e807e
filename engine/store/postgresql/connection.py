"""Rim. A PostgreSQL connection as the store uses it: bounded waits, and one kind of failure.

A frozen client must not hold locks for long, so the server is told to end its transaction; and no
wait for a lock is longer than the sender's patience. A failure's text never quotes the server's
message about data: it could name values of a patient's message.
"""

import logging
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from engine.store.interface import StoreUnavailable

LOCK_TIMEOUT_SECONDS = 5.0
IDLE_TRANSACTION_SECONDS = 10.0
STATEMENT_TIMEOUT_SECONDS = 60.0
CONNECT_TIMEOUT_SECONDS = 5
UNANSWERED_SECONDS = 15
"""A server that has not acknowledged our bytes for this long is gone."""

Connection = psycopg.Connection[tuple[Any, ...]]
DATABASE_ERRORS = (psycopg.Error, OSError)


def connect(url: str, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> Connection:
    """Connect in autocommit mode. Raises psycopg.Error; callers map it with `unavailable`."""
    given = conninfo_to_dict(url)
    # its warnings quote the server's messages, which may quote values
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    settings = {
        "lock_timeout": _milliseconds(lock_timeout_seconds),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_TRANSACTION_SECONDS),
        "statement_timeout": _milliseconds(STATEMENT_TIMEOUT_SECONDS),
        "client_encoding": "UTF8",
        "TimeZone": "UTC",
        # Every statement is short: compiling one takes longer than running it.
        "jit": "off",
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    connection = psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=int(given.get("connect_timeout") or CONNECT_TIMEOUT_SECONDS),
        options=f"{given.get('options') or ''} {options}".strip(),
        application_name=given.get("application_name") or "interface-engine",
        keepalives_idle=10,
        tcp_user_timeout=_milliseconds(UNANSWERED_SECONDS),
        target_session_attrs=given.get("target_session_attrs") or "read-write",
    )
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )
    return connection


def unavailable(doing: str, failure: BaseException) -> StoreUnavailable:
    """The failure as operators are told it: a state code, or why there is no connection."""
    code = getattr(failure, "sqlstate", None)
    if code:
        return StoreUnavailable(f"{doing}: {type(failure).__name__} ({code})")
    if isinstance(failure, (psycopg.OperationalError, OSError)):
        return StoreUnavailable(f"{doing}: {str(failure).splitlines()[0] if str(failure) else ''}")
    return StoreUnavailable(f"{doing}: {type(failure).__name__}")


def close_quietly(connection: Connection | None) -> None:
    """Close; closing a broken connection does not raise."""
    if connection is not None:
        connection.close()


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
