"""Rim. The tables of the store, once, for SQLite and PostgreSQL.

These are the state's tables; the log's are in `sqlite.segments` and in the PostgreSQL migration.
What each table is for is said in docs/store.md. Words, not numbers, are stored for states: support
staff read these tables too.

Ids carry their parents: a delivery is `run_id * 1000 + position`, so the deliveries of a run are a
range of the primary key, need no index, and a commit that is tried again finds its own rows.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

DELIVERIES_PER_RUN = 1000
"""A run makes at most this many deliveries; see the module's text on ids."""

RARE_RUN = "state NOT IN ('RECEIVED', 'TRANSFORMED', 'SENT')"
"""The states of few runs. Repeated in a query's own words, or SQLite does not use the index."""
NOTABLE_MESSAGE = "verdict IN ('duplicate', 'conflict', 'fault')"
RARE_DELIVERY = "state IN ('ERROR', 'HELD', 'UNKNOWN', 'CANCELLED')"

REVISION = "0016"
"""The migration that makes these tables."""

STATE = MetaData()

_ID = BigInteger().with_variant(Integer(), "sqlite")


class _WrittenBy(FunctionElement[int]):
    """The number of the writing transaction; 0 on SQLite, whose writers take turns.

    A reader that remembers how far it read must not pass rows of transactions still under way: it
    reads only what was written by transactions older than all of those.
    """

    inherit_cache = True


@compiles(_WrittenBy, "sqlite")
def _written_by_sqlite(*_: object, **__: object) -> str:
    return "0"


@compiles(_WrittenBy, "postgresql")
def _written_by_postgresql(*_: object, **__: object) -> str:
    return "(pg_current_xact_id()::text::bigint)"


MESSAGES = Table(
    "messages",
    STATE,
    Column("message_id", _ID, primary_key=True, autoincrement=False),
    Column("received_at", Float, nullable=False),
    Column("channel", Text, nullable=False),
    Column("message_type", Text, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("duplicate_of", BigInteger),
    Index("messages_by_type", "channel", "message_type", "message_id"),
    Index(
        "messages_notable",
        "verdict",
        "message_id",
        sqlite_where=text(NOTABLE_MESSAGE),
        postgresql_where=text(NOTABLE_MESSAGE),
    ),
)

MINUTES = Table(
    "minutes",
    STATE,
    Column("minute", _ID, primary_key=True, autoincrement=False),
    Column("first_message_id", BigInteger, nullable=False),
    Column("last_message_id", BigInteger, nullable=False),
)

RUNS = Table(
    "runs",
    STATE,
    Column("run_id", _ID, primary_key=True),
    Column("message_id", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("lanes", Text, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("other_buckets", Text),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("open", SmallInteger, nullable=False),
    Column("received_at", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("message_type", Text, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("replay_of", BigInteger),
    Column("destinations", Text),
    Column("job_id", BigInteger),
    Column("event_at", Float),
    Column("diagnostics", Text),
    Column("search_keys", Text),
    Column("written_by", BigInteger, nullable=False, server_default=_WrittenBy()),
    Index("runs_by_message", "message_id", "run_id"),
    Index(
        "runs_notable",
        "state",
        "message_id",
        "channel",
        sqlite_where=text(RARE_RUN),
        postgresql_where=text(RARE_RUN),
    ),
    Index(
        "runs_of_job",
        "job_id",
        "message_id",
        sqlite_where=text("job_id IS NOT NULL"),
        postgresql_where=text("job_id IS NOT NULL"),
    ),
)
RUNS_OPEN = Index(
    "runs_open",
    RUNS.c.written_by,
    RUNS.c.run_id,
    RUNS.c.channel,
    RUNS.c.received_at,
    sqlite_where=text("open = 1"),
    postgresql_where=text("open = 1"),
)

DELIVERIES = Table(
    "deliveries",
    STATE,
    Column("delivery_id", _ID, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, nullable=False),
    Column("destination", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Float, nullable=False),
    Column("first_attempt_at", Float),
    Column("possibly_sent", SmallInteger, nullable=False),
    Column("aside", SmallInteger, nullable=False, server_default="0"),
    Index(
        "deliveries_notable",
        "state",
        "message_id",
        sqlite_where=text(RARE_DELIVERY),
        postgresql_where=text(RARE_DELIVERY),
    ),
)

DELIVERY_BODIES = Table(
    "delivery_bodies",
    STATE,
    Column("delivery_id", _ID, primary_key=True, autoincrement=False),
    Column("content_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

ATTEMPTS = Table(
    "attempts",
    STATE,
    Column("attempt_id", _ID, primary_key=True),
    Column("delivery_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float, nullable=False),
    Column("state", Text, nullable=False),
    Column("failure_class", Text),
    Column("failure_code", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Index("attempts_of_delivery", "delivery_id", "number", unique=True),
)

FRESH_KEYS = Table(
    "fresh_keys",
    STATE,
    Column("key_id", _ID, primary_key=True),
    Column("value", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message_id", BigInteger, nullable=False),
)

KEY_GENERATIONS = Table(
    "key_generations",
    STATE,
    Column("generation", _ID, primary_key=True),
    Column("first_message_id", BigInteger, nullable=False),
    Column("last_message_id", BigInteger, nullable=False),
)

SEARCH_KEYS = Table(
    "search_keys",
    STATE,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

COUNTERS = Table(
    "counters",
    STATE,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

TOTALS = Table(
    "totals",
    STATE,
    Column("channel", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

CONTROLS = Table(
    "controls",
    STATE,
    Column("channel", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Float, nullable=False),
)

JOBS = Table(
    "jobs",
    STATE,
    Column("job_id", _ID, primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("destinations", Text, nullable=False),
    Column("rate_per_second", Float, nullable=False),
    Column("stop_after_failures", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("started", Integer, nullable=False),
    Column("succeeded", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("left_out", Integer, nullable=False, server_default="0"),
    Column("overwrite_newer", SmallInteger, nullable=False, server_default="0"),
    Column("revision", Text, nullable=False, server_default=""),
    Column("preview", Text, nullable=False, server_default=""),
    Column("approved_by", Text, nullable=False, server_default=""),
    Index(
        "jobs_unfinished",
        "job_id",
        sqlite_where=text("state <> 'done'"),
        postgresql_where=text("state <> 'done'"),
    ),
)

JOB_MESSAGES = Table(
    "job_messages",
    STATE,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

JOB_CHANNELS = Table(
    "job_channels",
    STATE,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", Text, primary_key=True),
    sqlite_with_rowid=False,
)

LEASES = Table(
    "leases",
    STATE,
    Column("epoch", _ID, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Float, nullable=False),
    sqlite_autoincrement=True,
)

LANE_BUCKETS = Table(
    "lane_buckets",
    STATE,
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger),
    Column("freed_at", Float, nullable=False),
)

RELEASED = Table(
    "released",
    STATE,
    Column("released_id", _ID, primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("run_id", BigInteger, nullable=False),
    Column("delivery_id", BigInteger),
)

DECISIONS = Table(
    "decisions",
    STATE,
    Column("decision_id", _ID, primary_key=True),
    Column("at", Float, nullable=False),
    Column("author", Text, nullable=False),
    Column("delivery_id", BigInteger, nullable=False),
    Column("state_before", Text, nullable=False),
    Column("state_after", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Index("decisions_of_delivery", "delivery_id"),
)

CURSORS = Table(
    "cursors",
    STATE,
    Column("name", Text, primary_key=True),
    Column("written_by", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
)

FRESH_MARKS = Table(
    "fresh_marks",
    STATE,
    Column("turn", _ID, primary_key=True),
    Column("first_message_id", BigInteger, nullable=False),
    Column("last_message_id", BigInteger, nullable=False),
    Column("marks", LargeBinary, nullable=False),
)

MARK_GENERATIONS = Table(
    "mark_generations",
    STATE,
    Column("generation", _ID, primary_key=True),
    Column("first_message_id", BigInteger, nullable=False),
    Column("last_message_id", BigInteger, nullable=False),
)

MARK_BUCKETS = Table(
    "mark_buckets",
    STATE,
    Column("row_id", _ID, primary_key=True, autoincrement=False),
    Column("marks", LargeBinary, nullable=False),
    Column("places", LargeBinary, nullable=False),
)

SAVED_SEARCHES = Table(
    "saved_searches",
    STATE,
    Column("search_id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Index("saved_searches_by_owner", "owner", "created_at"),
    Index("saved_searches_by_name", "name"),
    Index("saved_searches_expiring", "expires_at"),
)

EDITED_COPIES = Table(
    "edited_copies",
    STATE,
    Column("copy_id", _ID, primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("channel", Text, nullable=False),
    Column("parent_message_id", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("changes", Text),
    Column("raw", LargeBinary, nullable=False),
    Column("message_id", BigInteger),
    Column("claimed_until", Float, nullable=False, server_default="0"),
    Index(
        "edited_copies_waiting",
        "channel",
        "copy_id",
        sqlite_where=text("message_id IS NULL"),
        postgresql_where=text("message_id IS NULL"),
    ),
    Index("edited_copies_of", "parent_message_id"),
    Index("edited_copies_as", "message_id"),
)

USERS = Table(
    "users",
    STATE,
    Column("name", Text, primary_key=True),
    Column("password", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("os_account", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("channels", Text),
    Column("enabled", SmallInteger, nullable=False),
    Column("theme", Text, nullable=False),
    Column("shortcuts", SmallInteger, nullable=False),
    Column("created_at", Float, nullable=False),
)

SESSIONS = Table(
    "sessions",
    STATE,
    Column("token", LargeBinary, primary_key=True),
    Column("user_name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False),
    Column("unmasked_until", Float, nullable=False),
    Column("unmask_reason", Text, nullable=False),
    Column("emergency_until", Float, nullable=False),
    Column("emergency_reason", Text, nullable=False),
    Index("sessions_of_user", "user_name", "seen_at"),
)

DESK_KEYS = Table(
    "desk_keys",
    STATE,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

AUDIT = Table(
    "audit",
    STATE,
    Column("number", _ID, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("message_id", BigInteger),
    Column("patients", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Index("audit_by_actor", "actor", "number"),
    Index(
        "audit_by_message",
        "message_id",
        "number",
        sqlite_where=text("message_id IS NOT NULL"),
        postgresql_where=text("message_id IS NOT NULL"),
    ),
)

AUDIT_PATIENTS = Table(
    "audit_patients",
    STATE,
    Column("patient", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

AUDIT_HEAD = Table(
    "audit_head",
    STATE,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    Column("base_number", BigInteger, nullable=False),
    Column("base_digest", LargeBinary, nullable=False),
)
