"""Reads what a home and its warehouse hold, with the plain driver and the plain parser; makes databases."""

from __future__ import annotations

import json
import math
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.extras
from psycopg2 import sql

from tests.support.cli import embedded_postgres

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]


def url_of(home: Path, database: str | None = None) -> str:
    """Return the URL of a home's embedded server, started if it does not run; of another database if one is named."""
    url = embedded_postgres(home).ensure_running().get_secret_value()
    return url if database is None else f"{url.rpartition('/')[0]}/{database}"


def create_database(home: Path, name: str) -> str:
    """Make an empty database on a home's server and return its URL."""
    execute(url_of(home), sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    return url_of(home, name)


def execute(url: str, statement: str | sql.Composable) -> None:
    """Run one statement outside a transaction."""
    with closing(_connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def rows(url: str, query: str, *, time_zone: str = "UTC", **values: object) -> list[Row]:
    """Return the rows of a query, in a session of a time zone."""
    with (
        closing(_connect(url)) as connection,
        connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
    ):
        cursor.execute("SELECT set_config('TimeZone', %s, false)", (time_zone,))
        cursor.execute(query, values or None)
        return [dict(row) for row in cursor.fetchall()]


def count(url: str, table: str) -> int:
    """Return the number of rows of a table."""
    (row,) = rows(url, f"SELECT count(*) AS n FROM {table}")
    return int(row["n"])


def lines_of(path: Path) -> list[Row]:
    """Return the lines of a journal."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def assert_row(found: Row, expected: Row) -> None:
    """Compare a row column by column: doubles bit by bit, and never a number with a text or NULL with 0."""
    for name, value in expected.items():
        actual = found[name]
        assert type(actual) is type(value) or {type(actual), type(value)} <= {int, float}, (name, actual, value)
        assert actual == value, (name, actual, value)
        if isinstance(value, float):
            assert math.copysign(1, actual) == math.copysign(1, value), name


def _connect(url: str) -> psycopg2.extensions.connection:
    return psycopg2.connect(url.replace("postgresql+psycopg2://", "postgresql://"))
