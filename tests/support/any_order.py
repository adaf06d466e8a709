"""A warehouse that small histories are loaded into in any order."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from cryptoelt.warehouse.models import Base
from tests.support.chance import examples
from tests.support.loading import Loading
from tests.support.silver_writer import SilverWriter, at
from tests.support.small_histories import SILVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.silver_writer import Row
    from tests.support.small_histories import History

#: One endpoint at one snapshot.
Unit = tuple[int, str]
DWH = {table.name: table for table in Base.metadata.tables.values() if table.schema == "dwh"}
#: An example takes a second or two.
EXAMPLES = examples(12, 100)


class Lab:
    """One database for all examples, emptied between them; a lake for each load of a history."""

    def __init__(self, cursor: Cursor, warehouse: Warehouse, history: History, root: Path) -> None:
        self.cursor = cursor
        self.history = history
        self.lake = SilverWriter(root)
        self.load = Loading(warehouse, self.lake.root, root / "metadata")
        cursor.execute(f"TRUNCATE {', '.join(f'dwh.{name}' for name in DWH)}, ops.load_batch, ops.quarantine")

    def commit(self, table: str, numbers: Sequence[int]) -> int:
        """Write what Silver has of these snapshots in one commit; return how many records that is."""
        endpoint, rows_of = SILVER[table]
        written: dict[datetime, Sequence[Row]] = {}
        for n in numbers:
            part = self.history[n].parts[endpoint]
            if part.is_quarantined:
                self.lake.reject(table, at(n), [("rule", f"{n}")])
            written[at(n)] = [row for key, said in part.said.items() for row in rows_of(n, key, said)]
        self.lake.commit(table, written)
        return sum(map(len, written.values())) + sum(self.history[n].parts[endpoint].is_quarantined for n in numbers)

    def take(self, units: Sequence[Unit], tables: Sequence[str] = tuple(SILVER), *, together: bool = True) -> None:
        """Load these units: table after table, in one commit a table or in one for each snapshot."""
        for table in tables:
            numbers = [n for n, endpoint in units if endpoint == SILVER[table][0]]
            if numbers:
                written = [self.commit(table, part) for part in ([numbers] if together else [[n] for n in numbers])]
                assert self.load(table).rows_in == sum(written)

    def stored(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, without the batch that happened to bring it."""
        found = {}
        for name, table in DWH.items():
            columns = ", ".join(column.name for column in table.columns if column.name != "load_batch_id")
            key = ", ".join(column.name for column in table.primary_key.columns)
            found[name] = self.rows(f"SELECT {columns} FROM dwh.{name} ORDER BY {key}")
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        self.cursor.execute(query)
        return self.cursor.fetchall()


def units_of(history: History) -> list[Unit]:
    return [(n, endpoint) for n, run in history.items() for endpoint in run.parts]


def split(units: list[Unit], cuts: set[int]) -> Iterator[list[Unit]]:
    """Cut a list after these places."""
    places = sorted({0, len(units), *(cut for cut in cuts if cut < len(units))})
    return (units[a:b] for a, b in itertools.pairwise(places))
