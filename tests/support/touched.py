"""How many rows of a table a query reads: what it costs, whatever way the server finds to answer it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptoelt.warehouse.engine import Warehouse

#: What this transaction has read of each table of the warehouse; rows of which an index told all are none.
READ = """
    SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
    FROM pg_stat_xact_user_tables WHERE schemaname = 'dwh'
"""


def rows_read(warehouse: Warehouse, query: str) -> dict[str, int]:
    """Run a query and return how many rows of each table of `dwh` it read."""
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        cursor.fetchall()
        cursor.execute(READ)
        return {table: int(rows) for table, rows in cursor.fetchall() if rows}
