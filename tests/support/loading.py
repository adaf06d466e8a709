"""Runs loads as the pipeline does, and looks at what they left in the warehouse."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import Clock
from cryptoelt.load import loaders
from cryptoelt.results import Phase, Unit
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.load.base import BaseLoader
    from cryptoelt.warehouse.engine import Warehouse

BATCH = "silver_version, rows_in, rows_loaded, rows_present, rows_quarantined"


class Loading:
    """Loads tables of one lake into one warehouse; every call is a run of its own."""

    def __init__(self, warehouse: Warehouse, lake_root: str, metadata_dir: Path) -> None:
        self.warehouse = warehouse
        self.lake_root = lake_root
        self.metadata_dir = metadata_dir
        self._runs = 0

    def __call__(self, table: str, version: int | None = None, *, replace: bool = False) -> Unit:
        """Load one table and return its unit."""
        unit = Unit(Phase.LOAD, table)
        self.loader(table).load_table(table, unit, version, replace=replace)
        return unit

    def loader(self, table: str, clock: Clock | None = None) -> BaseLoader:
        """Return the loader of a table's domain."""
        self._runs += 1
        made = loaders()[TABLES[table].domain]
        return made(self.warehouse, self.lake_root, clock or Clock(), f"run-{self._runs}", self.metadata_dir)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        with closing(self.warehouse.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def execute(self, statement: str) -> None:
        """Run a statement and commit."""
        with closing(self.warehouse.connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def batches(self, table: str) -> list[tuple[Any, ...]]:
        """Return the load batches of a table: version and counts, oldest first."""
        return self.rows(f"SELECT {BATCH} FROM ops.load_batch WHERE table_name = '{table}' ORDER BY load_batch_id")
