"""Opening and migrating."""

import sqlite3
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

import engine.store
from engine.store.interface import StoreUnavailable
from engine.store.migrate import migrate_sqlite
from engine.store.open_store import migrate, open_log, open_state
from engine.store.schema import REVISION, STATE


@pytest.mark.parametrize("url", ["", "mysql://x", "sqlite:/x", "/var/lib/engine"])
def test_an_unknown_url_is_refused(url):
    with pytest.raises(StoreUnavailable, match="sqlite:///"):
        open_state(url)


def test_a_url_that_cannot_be_opened_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreUnavailable):
        open_log(f"sqlite:///{tmp_path / 'file' / 'store'}")


def test_a_server_that_is_not_there_is_unavailable():
    with pytest.raises(StoreUnavailable):
        open_log("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")


def test_a_store_of_another_revision_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path}"
    open_state(url).close()
    connection = sqlite3.connect(tmp_path / "state.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreUnavailable, match="9999"):
        open_state(url)


def test_a_lost_state_is_not_made_anew_beside_an_old_log(tmp_path):
    """It would deliver every message of the log again."""
    url = f"sqlite:///{tmp_path}"
    open_log(url).close()
    (tmp_path / "state.db").unlink()
    for opening in (open_log, open_state, migrate):
        with pytest.raises(StoreUnavailable, match="restore it"):
            opening(url)


def test_migrating_twice_changes_nothing(tmp_path):
    url = f"sqlite:///{tmp_path}"
    migrate(url)
    migrate(url)
    open_log(url).close()


def test_the_newest_migration_is_the_revision_of_the_schema():
    config = Config()
    folder = Path(engine.store.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def tables_of(url_or_creator, **given):
    """Every table with its columns and indexes, as the database itself describes them."""
    found = {}
    database = create_engine(url_or_creator, **given)
    inspector = inspect(database)
    for name in inspector.get_table_names():
        columns = {c["name"]: (str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)}
        indexes = {i["name"]: i["column_names"] for i in inspector.get_indexes(name)}
        found[name] = (columns, indexes, inspector.get_pk_constraint(name)["constrained_columns"])
    database.dispose()
    return found


def test_migrations_make_the_tables_of_the_schema_on_sqlite(tmp_path):
    migrate_sqlite(tmp_path / "migrated")
    made = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    STATE.create_all(made)
    made.dispose()
    migrated = tables_of(f"sqlite:///{tmp_path / 'migrated' / 'state.db'}")
    migrated.pop("alembic_version")
    assert migrated == tables_of(f"sqlite:///{tmp_path / 'made.db'}")


@pytest.mark.postgresql
def test_migrations_make_the_tables_of_the_schema_on_postgresql(make_postgresql_store):
    import psycopg

    url = make_postgresql_store()
    migrated = tables_of("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    other = make_postgresql_store()
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    made = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(other))
    STATE.create_all(made)
    made.dispose()
    expected = tables_of("postgresql+psycopg://", creator=lambda: psycopg.connect(other))
    assert {name: migrated[name] for name in expected} == expected
    extra = set(migrated) - set(expected)
    assert {name for name in extra if not name.startswith("log")} == {
        "alembic_version",
        "migrating",
    }
