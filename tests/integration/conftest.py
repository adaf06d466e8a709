"""A real PostgreSQL for the tests: one server a session, a fresh database a test."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from psycopg2 import sql
from pydantic import SecretStr

from cryptoelt.clock import Clock
from cryptoelt.settings import Settings
from cryptoelt.warehouse import migrations
from cryptoelt.warehouse.embedded import EmbeddedPostgres
from cryptoelt.warehouse.engine import Warehouse
from tests.support.backfilling import BackfilledHome, fetch_fortnight
from tests.support.healthy import fill
from tests.support.loading import Loading
from tests.support.silver_writer import SilverWriter
from tests.support.transforming import Silver, Transforming
from tests.support.warehouse_rows import WrittenRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptoelt.spark import SparkHost

_TEMPLATE = "at_head"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    """The URL of a database of a server that lives as long as the test session."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), Settings().cache_dir)
    try:
        url = server.ensure_running()
        # Nothing here outlives the session, and nobody has to look after some hundred databases meanwhile.
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            _execute(url, sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        _execute(url, sql.SQL("SELECT pg_reload_conf()"))
        yield url
    finally:
        server.remove()


@pytest.fixture(scope="session")
def make_database(postgres_server: SecretStr) -> Callable[[str | None], SecretStr]:
    """Make a database, empty or as a copy of another, and return its URL."""
    numbers = itertools.count(1)

    def make(template: str | None = None) -> SecretStr:
        name = f"test_{next(numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        _execute(postgres_server, statement.format(sql.Identifier(name), sql.Identifier(template or "template0")))
        return _url(postgres_server, name)

    return make


@pytest.fixture(scope="session")
def template_at_head(postgres_server: SecretStr) -> str:
    """The name of a database at the head revision, to be copied."""
    _execute(postgres_server, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(_TEMPLATE)))
    migrations.upgrade(Warehouse(_url(postgres_server, _TEMPLATE), Clock()))
    return _TEMPLATE


@pytest.fixture(scope="session")
def healthy_lake(tmp_path_factory: pytest.TempPathFactory) -> SilverWriter:
    """The lake of a small market without a fault; filled with the warehouse that is loaded from it."""
    return SilverWriter(tmp_path_factory.mktemp("healthy") / "lake")


@pytest.fixture(scope="session")
def healthy_template(
    make_database: Callable[[str | None], SecretStr],
    template_at_head: str,
    healthy_lake: SilverWriter,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The name of a database with a small market without a fault, to be copied."""
    made = Warehouse(make_database(template_at_head), Clock())
    fill(healthy_lake, Loading(made, healthy_lake.root, tmp_path_factory.mktemp("metadata")))
    return made.database


@pytest.fixture
def postgres_url(make_database: Callable[[str | None], SecretStr]) -> SecretStr:
    """The URL of a fresh, empty database."""
    return make_database(None)


@pytest.fixture
def warehouse(make_database: Callable[[str | None], SecretStr], template_at_head: str) -> Warehouse:
    """A fresh warehouse at the head revision."""
    return Warehouse(make_database(template_at_head), Clock())


@pytest.fixture(scope="module")
def shared_warehouse(make_database: Callable[[str | None], SecretStr], template_at_head: str) -> Warehouse:
    """A warehouse at the head revision for all tests of a module: none of them commits."""
    return Warehouse(make_database(template_at_head), Clock())


@pytest.fixture
def written(shared_warehouse: Warehouse) -> Iterator[WrittenRows]:
    """A warehouse that the test writes rows into by hand."""
    with closing(shared_warehouse.connect()) as connection:
        yield WrittenRows(connection)


@pytest.fixture
def lake(tmp_path: Path) -> SilverWriter:
    """A lake of which only Silver is filled."""
    return SilverWriter(tmp_path / "lake")


@pytest.fixture
def load(warehouse: Warehouse, lake: SilverWriter, tmp_path: Path) -> Loading:
    """Loads tables of the lake into the warehouse."""
    return Loading(warehouse, lake.root, tmp_path / "metadata")


@pytest.fixture
def silver(settings: Settings, spark_host: SparkHost) -> Silver:
    """Builds tables of the lake from what was extracted."""
    return Silver(settings, spark_host)


@pytest.fixture
def transform(tmp_path: Path, spark_host: SparkHost) -> Transforming:
    """Builds tables of the lake from answers that a test writes down."""
    return Transforming(tmp_path / "home", spark_host)


def _url(server: SecretStr, database: str) -> SecretStr:
    return SecretStr(f"{server.get_secret_value().rpartition('/')[0]}/{database}")


def _execute(server: SecretStr, statement: sql.Composable) -> None:
    with closing(Warehouse(server, Clock()).connect()) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


@pytest.fixture(scope="session")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Bronze of two weeks of all frequencies, to be copied."""
    return fetch_fortnight(tmp_path_factory.mktemp("fortnight"))


@pytest.fixture
def make_home(
    tmp_path: Path, spark_host: SparkHost, make_database: Callable[[str | None], SecretStr], template_at_head: str
) -> Callable[[str], BackfilledHome]:
    """Make homes without a sandbox, each with an empty warehouse of its own."""
    return lambda name: BackfilledHome.make(tmp_path / name, make_database(template_at_head), spark_host)
