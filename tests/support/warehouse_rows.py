"""Writes rows of the warehouse by hand, for tests of what is made of them in SQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from cryptoelt.warehouse.models import Base

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case

Row = tuple[Any, ...]
FIRST = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


def at(hours: float) -> datetime:
    """The moment so many hours after the first snapshot."""
    return FIRST + timedelta(hours=hours)


def insert(connection: Connection, table: str, **values: Any) -> None:
    """Insert one row of a table of schema `dwh`; what it must say beside these values is filled in."""
    known = Base.metadata.tables[f"dwh.{table}"].columns
    row = {"load_batch_id": 1, "snapshot_timestamp": FIRST, **values}
    if "snapshot_str" in known:
        row.setdefault("snapshot_str", f"{row['snapshot_timestamp']:%Y-%m-%d %H:%M:%S}")
    statement = sql.SQL("INSERT INTO dwh.{} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, row)


class WrittenRows:
    """A warehouse that a test writes into; nothing is committed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def insert(self, table: str, **values: Any) -> None:
        """Insert one row of a table of schema `dwh`."""
        insert(self.connection, table, **values)

    def coin(self, crypto_id: int, name: str | None, symbol: str | None, **values: Any) -> None:
        self.insert("dim_crypto_id", crypto_id=crypto_id, name=name, symbol=symbol, **values)

    def category(self, category_id: str, name: str | None, **values: Any) -> None:
        self.insert("dim_crypto_category", category_id=category_id, name=name, **values)

    def exchange(self, exchange_id: int, name: str | None, **values: Any) -> None:
        self.insert("dim_exchange_id", exchange_id=exchange_id, name=name, **values)

    def found(self, view: str, columns: str, where: str = "true") -> list[Row]:
        """Return some columns of a view, in order of the first, then of the second, and so on."""
        places = ", ".join(str(place + 1) for place in range(len(columns.split(","))))
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {view} WHERE {where} ORDER BY {places}")
            return cursor.fetchall()
