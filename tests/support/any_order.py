"""A warehouse that small histories are loaded into in any order."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from cryptoelt.warehouse.models import Base
from tests.support.chance import examples
from tests.support.loading import Loading
from tests.support.silver_writer import SilverWriter, at
from tests.support.small_histories import (
    SILVER,
    expected_coins,
    expected_figures,
    expected_links,
    expected_versions,
    said_by,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.silver_writer import Row
    from tests.support.small_histories import History

#: One endpoint at one snapshot.
Unit = tuple[int, str]
DWH = {table.name: table for table in Base.metadata.tables.values() if table.schema == "dwh"}
#: Dimension -> its key, a column that changes, and what was said of it.
VERSIONED: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "dim_crypto_id": ("crypto_id", "name", lambda said: said[0]),
    "dim_crypto_info": ("crypto_id", "tags", lambda said: said[0]),
    "dim_exchange_id": ("exchange_id", "name", lambda said: said),
    "dim_exchange_info": ("exchange_id", "fiats[1]", lambda said: said[0]),
    "dim_crypto_category": ("category_id", "name", lambda said: said),
}
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


def check(lab: Lab, history: History) -> None:
    """Hold the warehouse against what was found by walking through the snapshots."""
    rows = lab.rows
    links = "SELECT category_id, crypto_id, valid_from, valid_to, snapshot_timestamp FROM dwh.link_crypto_category"
    assert rows(f"{links} ORDER BY 1, 2, 3") == expected_links(history)
    coins = "SELECT crypto_id, name, snapshot_timestamp, is_inferred, inferred_from FROM dwh.dim_crypto_id"
    assert rows(f"{coins} ORDER BY 1") == expected_coins(history)
    maps, assets = expected_figures(history)
    figures = "exchange_id, snapshot_timestamp, taker_fee, weekly_visits, info_snapshot_timestamp"
    assert rows(f"SELECT {figures} FROM dwh.dim_exchange_map ORDER BY 1, 2") == maps
    ratios = "exchange_id, crypto_id, blockchain_name, snapshot_timestamp, spot_volume_usd, value_to_volume_ratio"
    assert rows(f"SELECT {ratios} FROM dwh.fact_exchange_assets ORDER BY 1, 2, 3, 4") == assets
    for table, (key, column, value_of) in VERSIONED.items():
        told = said_by(history, SILVER[table][0])
        current, former = expected_versions(
            {n: {_key(key, k): value_of(said) for k, said in part.said.items()} for n, part in told.items()}
        )
        known = "WHERE NOT is_inferred" if "is_inferred" in DWH[table].columns else ""
        assert rows(f"SELECT {key}, {column}, snapshot_timestamp FROM dwh.{table} {known} ORDER BY 1") == current
        history_of = f"SELECT {key}, {column}, valid_from, valid_to FROM dwh.{table}_history ORDER BY 1, 3"
        assert rows(history_of) == former


def _key(column: str, key: int) -> int | str:
    return f"c{key}" if column == "category_id" else key
