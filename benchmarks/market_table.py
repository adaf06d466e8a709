"""How fact_crypto_market is best laid out: a year of it (6.6 million rows) in PostgreSQL, in several ways.

    python -m benchmarks.market_table [--snapshots 1320] [--coins 5000] [--layout NAME ...]

Every layout has the columns and the foreign key of the model, and is filled, loaded into, asked and thinned out in the
same way, one after the other, on the embedded PostgreSQL as cryptoelt configures it. Rows are made by the server, in
the order in which they would come.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.scene import machine
from benchmarks.table import mebibytes, show
from cryptoelt.clock import Clock
from cryptoelt.settings import Settings
from cryptoelt.warehouse import migrations
from cryptoelt.warehouse.embedded import EmbeddedPostgres
from cryptoelt.warehouse.engine import Warehouse

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

_FIRST = "timestamptz '2026-01-01 09:00Z'"
#: Random figures, some of them absent as in real answers; `n` numbers the snapshots, `c` the coins.
_ROWS = """
SELECT c AS crypto_id, {first} + n * interval '398 minutes' AS snapshot_timestamp,
  to_char({first} + n * interval '398 minutes', 'YYYY-MM-DD HH24:MI:SS') AS snapshot_str, 1 AS batch_index,
  c AS cmc_rank, CASE WHEN c % 3 = 0 THEN c / 7 END AS platform_id, c % 400 AS num_market_pairs,
  '2026-11-23T10:30:00.000Z' AS last_updated_usd, f / c AS price_usd, f * 1000 AS volume_24h_usd, f - 50 AS
  volume_change_24h, f / 90 AS percent_change_1h_usd, f / 70 AS percent_change_24h_usd, f / 50 AS percent_change_7d_usd,
  f * 1e9 / c AS market_cap_usd, f / c AS market_cap_dominance_usd, f * 2e9 / c AS fully_diluted_market_cap_usd,
  CASE WHEN c % 2 = 0 THEN f * 1e6 END AS self_reported_market_cap, 1e9::float8 AS circulating_supply,
  2e9::float8 AS total_supply, CASE WHEN c % 2 = 0 THEN 2e9::float8 END AS max_supply,
  CASE WHEN c % 2 = 0 THEN 1e9::float8 END AS self_reported_circulating_supply, c % 11 = 0 AS infinite_supply,
  f / 1e6 AS volume_to_market_cap_ratio, 0.5::float8 AS missing_supply_ratio,
  CASE WHEN c % 2 = 0 THEN 0.5::float8 END AS supply_utilization, 2::float8 AS fully_diluted_cap_ratio,
  n + 1 AS load_batch_id
FROM generate_series({low}, {high}) AS n, generate_series(1, {coins}) AS c,
  LATERAL (SELECT random() * 100 + n * 0 + c * 0) AS figure (f)
"""
_WITH_FIGURES = "(snapshot_timestamp) INCLUDE (market_cap_usd, fully_diluted_market_cap_usd, market_cap_dominance_usd)"
_KEY = "PRIMARY KEY (crypto_id, snapshot_timestamp)"


@dataclass(frozen=True)
class Layout:
    """One way to lay out the table."""

    key: str = _KEY
    indexes: tuple[str, ...] = ("(snapshot_timestamp)",)
    by_month: bool = False


LAYOUTS = {
    "plain: key (coin, time), index (time)": Layout(),
    "monthly partitions of 0": Layout(by_month=True),
    "key (coin, time), BRIN (time)": Layout(indexes=("USING brin (snapshot_timestamp) WITH (pages_per_range = 16)",)),
    "key (time, coin), index (coin)": Layout("PRIMARY KEY (snapshot_timestamp, crypto_id)", ("(crypto_id)",)),
    "key (coin, time), index (time) with figures": Layout(indexes=(_WITH_FIGURES,)),
    "monthly partitions of 4": Layout(indexes=(_WITH_FIGURES,), by_month=True),
}
_CAPS = "snapshot_timestamp, sum(market_cap_usd), sum(fully_diluted_market_cap_usd), sum(market_cap_dominance_usd)"
_QUERIES = {
    "caps by snapshot, the year": f"SELECT {_CAPS} FROM t GROUP BY 1 ORDER BY 1",
    "caps by snapshot, 30 days": f"SELECT {_CAPS} FROM t WHERE snapshot_timestamp"
    " > (SELECT max(snapshot_timestamp) - interval '30 days' FROM t) GROUP BY 1 ORDER BY 1",
    "one coin, the year": "SELECT snapshot_timestamp, price_usd FROM t WHERE crypto_id = 1027 ORDER BY 1",
    "newest snapshot, all coins": "SELECT * FROM t WHERE snapshot_timestamp = (SELECT max(snapshot_timestamp) FROM t)",
}
_REPEATS = 3


@dataclass(frozen=True)
class Size:
    """How much history there is."""

    snapshots: int
    coins: int

    def rows(self, low: int, high: int) -> str:
        """Return the query for the rows of snapshots `low` to `high`."""
        return _ROWS.format(first=_FIRST, low=low, high=high, coins=self.coins)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Layouts of fact_crypto_market, with a year in it.")
    parser.add_argument("--snapshots", type=int, default=1_320)
    parser.add_argument("--coins", type=int, default=5_000)
    parser.add_argument("--layout", type=int, nargs="*", help="numbers of layouts, from 0; default: all")
    given = parser.parse_args()
    print(machine())
    chosen = [name for number, name in enumerate(LAYOUTS) if given.layout is None or number in given.layout]
    figures: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory(prefix="cryptoelt-bench-") as folder:
        server = EmbeddedPostgres(Path(folder), Settings().cache_dir)
        try:
            warehouse = Warehouse(server.ensure_running(), Clock())
            migrations.upgrade(warehouse)
            for name in chosen:
                figures[name] = _figures(warehouse, LAYOUTS[name], Size(given.snapshots, given.coins))
                print(f"{name}: {figures[name]}", file=sys.stderr)
        finally:
            server.remove()
    columns = [f"{number}" for number, _ in enumerate(chosen)]
    rows = [[what, *(figures[name][what] for name in chosen)] for what in figures[chosen[0]]]
    show(f"{given.snapshots:,} snapshots of {given.coins:,} coins", ["", *columns], rows)
    print("\n" + "\n".join(f"{number}: {name}" for number, name in enumerate(chosen)))


def _figures(warehouse: Warehouse, layout: Layout, size: Size) -> dict[str, str]:
    found: dict[str, str] = {}
    with closing(warehouse.connect()) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT setseed(0.5)")
        _make(cursor, layout, size)
        columns = columns_of(cursor, size)
        step = max(1, size.snapshots // 50)  # as many commits as memory likes; the order is that of time
        filling = 0.0
        for low in range(0, size.snapshots, step):
            rows = size.rows(low, min(low + step, size.snapshots) - 1)
            filling += timed(cursor, f"INSERT INTO t ({columns}) {rows}")
        found["filled in"] = f"{filling:.0f} s"
        cursor.execute("VACUUM ANALYZE t")
        found["table"], found["indexes"] = (mebibytes(bytes_) for bytes_ in _sizes(cursor))
        place = size.snapshots
        for what, snapshots in (("load of 50 snapshots", 50), ("load of 1 snapshot", 1)):
            seconds = []
            for _ in range(_REPEATS):
                seconds.append(_load(cursor, columns, size, place, snapshots))
                place += snapshots
            found[what] = f"{median(seconds):.3f} s"
        cursor.execute("VACUUM ANALYZE t")
        for what, query in _QUERIES.items():
            timed(cursor, query)
            found[what] = f"{median(timed(cursor, query) for _ in range(_REPEATS)):.3f} s"
        window = "snapshot_timestamp >= {0} + interval '30 days' AND snapshot_timestamp < {0} + interval '60 days'"
        found["delete of 30 days"] = f"{timed(cursor, 'DELETE FROM t WHERE ' + window.format(_FIRST)):.2f} s"
        found["VACUUM after it"] = f"{timed(cursor, 'VACUUM t'):.2f} s"
        cursor.execute("DROP TABLE t")
        cursor.execute("CHECKPOINT")
    return found


def _make(cursor: Cursor, layout: Layout, size: Size) -> None:
    partitions = "PARTITION BY RANGE (snapshot_timestamp)" if layout.by_month else ""
    cursor.execute(f"CREATE TABLE t (LIKE dwh.fact_crypto_market) {partitions}")
    if layout.by_month:
        months = size.snapshots * 398 // 60 // 24 // 28 + 3
        for number in range(months):
            bounds = [f"timestamptz '2026-01-01Z' + interval '{n} months'" for n in (number, number + 1)]
            cursor.execute(f"SELECT {bounds[0]}, {bounds[1]}")
            low, high = cursor.fetchone()  # type: ignore[misc]
            cursor.execute(f"CREATE TABLE t_{number} PARTITION OF t FOR VALUES FROM (%s) TO (%s)", (low, high))
    cursor.execute(f"ALTER TABLE t ADD {layout.key}")
    cursor.execute("ALTER TABLE t ADD FOREIGN KEY (crypto_id) REFERENCES dwh.dim_crypto_id")
    for index in layout.indexes:
        cursor.execute(f"CREATE INDEX ON t {index}")
    cursor.execute(
        "INSERT INTO dwh.dim_crypto_id (crypto_id, snapshot_timestamp, load_batch_id)"
        f" SELECT c, {_FIRST}, 1 FROM generate_series(1, %s) AS c ON CONFLICT DO NOTHING",
        (size.coins,),
    )


def columns_of(cursor: Cursor, size: Size) -> str:
    """Return the names of the columns that `Size.rows` makes, as SQL spells a list."""
    cursor.execute(f"SELECT * FROM ({size.rows(0, 0)}) AS q LIMIT 0")
    return ", ".join(column.name for column in cursor.description or ())


def _sizes(cursor: Cursor) -> tuple[int, int]:
    cursor.execute(
        "SELECT sum(pg_table_size(part)), sum(pg_indexes_size(part))"
        " FROM (SELECT regclass 't' UNION SELECT relid FROM pg_partition_tree('t')) AS parts (part)"
    )
    row = cursor.fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("the table has no size")
    return int(row[0]), int(row[1])


def _load(cursor: Cursor, columns: str, size: Size, low: int, snapshots: int) -> float:
    """Stage rows, then insert them on conflict do nothing; return the seconds of the second, commit included."""
    cursor.execute(f"CREATE TEMP TABLE stage AS {size.rows(low, low + snapshots - 1)}")
    cursor.execute("CHECKPOINT")
    seconds = timed(cursor, f"INSERT INTO t ({columns}) SELECT {columns} FROM stage ON CONFLICT DO NOTHING")
    if cursor.rowcount != snapshots * size.coins:
        raise RuntimeError(f"{cursor.rowcount} rows were new")
    cursor.execute("DROP TABLE stage")
    return seconds


def timed(cursor: Cursor, statement: str) -> float:
    """Run a statement, fetch what it returns, and return the seconds that took."""
    began = time.perf_counter()
    cursor.execute(statement)
    if cursor.description:
        cursor.fetchall()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
