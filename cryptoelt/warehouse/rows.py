"""One row of a table of schema `dwh`, found by its key as somebody typed it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2 import sql
from sqlalchemy import TIMESTAMP, BigInteger

from cryptoelt.clock import iso, parse_iso
from cryptoelt.errors import UsageError
from cryptoelt.identity import folded
from cryptoelt.lake.silver import SNAPSHOT
from cryptoelt.warehouse.models import DWH, Base
from cryptoelt.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case
    from sqlalchemy import Column
    from sqlalchemy import Table as SqlTable

_INT64 = 2**63
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_VALID_FROM = "valid_from"
#: Tables of Silver that are loaded into another one's.
_ROWS_ELSEWHERE = {"market_sentiment_history": "fact_market_sentiment"}


@dataclass(frozen=True)
class Row:
    """A row of a warehouse table.

    Attributes:
        table: the table.
        key: its whole key.
        values: all its columns.
    """

    table: str
    key: dict[str, Any]
    values: dict[str, Any]

    @property
    def snapshot(self) -> datetime:
        """Its snapshot; of a dimension the one that last changed it."""
        moment: datetime = self.values[SNAPSHOT]
        return moment

    @property
    def load_batch_id(self) -> int:
        """The load that wrote it."""
        return int(self.values["load_batch_id"])


def parse_key(table: str, assignments: Iterable[str]) -> dict[str, Any]:
    """Return a key of a table of schema `dwh`, or a part of it, from columns given as KEY=VALUE; asks no database.

    Raises:
        UsageError: there is no such table or column, or a value is none of its type.
    """
    return _parsed(table, _key_columns(table), assignments)


def find_row(connection: Connection, table: str, wanted: dict[str, Any]) -> Row:
    """Return the row with a key; of several that a part of a key leaves, the newest, and of those the first.

    An address is found in whatever spelling of its letters it was typed, where that does not matter.

    Raises:
        UsageError: there is no such row.
    """
    columns = _key_columns(table)
    newest = _VALID_FROM if _VALID_FROM in columns else SNAPSHOT
    order = [sql.SQL("{} DESC").format(sql.Identifier(newest)), *(map(sql.Identifier, columns))]
    where = [sql.SQL("{} = ANY(%s)").format(sql.Identifier(name)) for name in wanted]
    statement = sql.SQL("SELECT * FROM {} WHERE {} ORDER BY {} LIMIT 1").format(
        sql.Identifier(DWH, table), sql.SQL(" AND ").join([sql.SQL("true"), *where]), sql.SQL(", ").join(order)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [_spellings(value) for value in wanted.values()])
        found, names = cursor.fetchone(), [column.name for column in cursor.description or ()]
    if found is None:
        raise UsageError(f"{table} has no row{_where(wanted)}", hint=f"its key: {', '.join(columns)}")
    values = dict(zip(names, found, strict=True))
    return Row(table, {name: values[name] for name in columns}, values)


def _key_columns(table: str) -> dict[str, Column[Any]]:
    tables: dict[str, SqlTable] = {t.name: t for t in Base.metadata.sorted_tables if t.schema == DWH}
    if table not in tables:
        if table in _ROWS_ELSEWHERE:
            place = _ROWS_ELSEWHERE[table]
            raise UsageError(f"{table} is no table of {DWH}", hint=f"its rows stand in {place}: trace them there")
        raise UsageError(f"unknown table {table!r}", hint=did_you_mean(table, sorted(tables)))
    return {column.name: column for column in tables[table].primary_key.columns}


def _parsed(table: str, columns: dict[str, Column[Any]], assignments: Iterable[str]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not separator:
            raise UsageError(f"{assignment!r}: not of the form KEY=VALUE", hint=f"its key: {', '.join(columns)}")
        if name not in columns:
            raise UsageError(f"{table} has no key column {name!r}", hint=did_you_mean(name, columns))
        if name in wanted:
            raise UsageError(f"{name} is given twice", hint="give each column of the key once")
        wanted[name] = _value(columns[name], value)
    return wanted


def _value(column: Column[Any], text: str) -> Any:
    """Return a value as the type of its column.

    Raises:
        UsageError: the text is no such value.
    """
    if isinstance(column.type, TIMESTAMP):
        try:
            return parse_iso(text)
        except (ValueError, OverflowError):
            raise UsageError(
                f"{column.name}={text}: not a time", hint="write it as ISO 8601, e.g. 2026-11-23T10:30:00Z"
            ) from None
    if isinstance(column.type, BigInteger):
        if _INTEGER.fullmatch(text) is None or not -_INT64 <= int(text) < _INT64:
            raise UsageError(f"{column.name}={text}: not a whole number", hint=f"e.g. {column.name}=1")
        return int(text)
    return text


def _spellings(value: Any) -> list[Any]:
    """Return the forms in which a row may hold a value: rows of an older version hold addresses as they were sent."""
    return [value, folded(value)] if isinstance(value, str) else [value]


def shown(value: Any) -> Any:
    """Return the value of a key as it would be typed."""
    return iso(value) if hasattr(value, "astimezone") else value


def _where(wanted: dict[str, Any]) -> str:
    return "".join(f"{' with' if not number else ','} {n}={shown(v)}" for number, (n, v) in enumerate(wanted.items()))
