"""Puts rows into the tables of a warehouse, one INSERT for all, and reads what its views make of them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from psycopg2 import sql
from psycopg2.extras import execute_values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptoelt.warehouse.engine import Warehouse

GLOBAL, SENTIMENT, MARKET = "dwh.fact_global_market", "dwh.fact_market_sentiment", "dwh.fact_crypto_market"
Row = dict[str, Any]


class GlobalRows:
    """A warehouse that a test fills row by row; what a row does not say is NULL."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse

    def insert(self, table: str, rows: Sequence[Row]) -> None:
        """Insert rows that all name the same columns, in the order given."""
        columns = list(rows[0])
        with closing(self.warehouse.connect()) as connection, connection, connection.cursor() as cursor:
            statement = sql.SQL("INSERT INTO {} ({}) VALUES %s").format(
                sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            execute_values(cursor, statement, [[row[name] for name in columns] for row in rows], page_size=10_000)

    def insert_facts(self, table: str, rows: dict[datetime, Row], load_batch_id: int = 1) -> None:
        """Insert one row a snapshot; rows may name different columns."""
        for moment, row in rows.items():
            own = {"snapshot_timestamp": moment, "snapshot_str": f"{moment:%Y-%m-%d}", "load_batch_id": load_batch_id}
            self.insert(table, [{**own, **row}])

    def insert_prices(self, crypto_id: int, prices: Sequence[tuple[datetime, float | None]]) -> None:
        """Insert the market rows of a coin in the order given, and the coin where it is not known."""
        self.execute(
            "INSERT INTO dwh.dim_crypto_id (crypto_id, snapshot_timestamp, load_batch_id)"
            f" VALUES ({crypto_id}, '2026-01-01Z', 1) ON CONFLICT DO NOTHING"
        )
        rows = [
            {
                "crypto_id": crypto_id,
                "snapshot_timestamp": moment,
                "snapshot_str": "",
                "price_usd": price,
                "load_batch_id": 1,
            }
            for moment, price in prices
        ]
        if rows:
            self.insert(MARKET, rows)

    def execute(self, statement: str) -> None:
        """Run a statement and commit."""
        with closing(self.warehouse.connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def select(self, query: str, time_zone: str = "UTC") -> list[tuple[Any, ...]]:
        """Return what a query finds in a session of this time zone."""
        with closing(self.warehouse.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT set_config('TimeZone', %s, false)", (time_zone,))
            cursor.execute(query)
            return cursor.fetchall()
