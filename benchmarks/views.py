"""How soon the views of the dashboards answer, with a year of history in the warehouse.

    python -m benchmarks.views [--days 264]

The market's rows are those of `benchmarks.market_table`, the others random figures at the windows of the schedule; all
are made by the server. Every question is asked once to warm up and then a few times, as a dashboard asks it: to the
last row.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pyarrow as pa
from psycopg2 import sql

from benchmarks.history_lake import Past
from benchmarks.market_table import Size, columns_of, timed
from benchmarks.scene import machine
from benchmarks.table import show
from cryptoelt.clock import Clock
from cryptoelt.frequencies import FREQUENCIES
from cryptoelt.settings import Settings
from cryptoelt.warehouse import migrations
from cryptoelt.warehouse.embedded import EmbeddedPostgres
from cryptoelt.warehouse.engine import Warehouse
from cryptoelt.warehouse.schema import target_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

_WEEKDAYS_OF_A_YEAR = 264
_COINS, _CATEGORIES = 5_000, 282
_SNAPSHOTS_A_COMMIT = 30
_REPEATS = 5
_TARGET = 1.0
_BY_TYPE = (
    (pa.types.is_floating, "random() * 100"),
    (pa.types.is_integer, "(random() * 100)::bigint"),
    (pa.types.is_boolean, "true"),
    (pa.types.is_string, "'name'"),
    (pa.types.is_timestamp, "moment - interval '1 minute'"),
    (pa.types.is_date, "moment::date"),
)


@dataclass(frozen=True)
class Question:
    """What a dashboard, named by its letter, or an analyst asks of a view."""

    name: str
    view: str
    columns: str
    rest: str = "ORDER BY snapshot_timestamp"

    @property
    def query(self) -> str:
        """The question in SQL."""
        return f"SELECT {self.columns} FROM analytics.{self.view} {self.rest}"


_VOLUMES = "total_volume_24h, total_volume_24h_reported"
_CAPS = "sum(market_cap_usd), sum(fully_diluted_market_cap_usd), sum(market_cap_dominance_usd)"
_ONE_COIN = "WHERE crypto_id = 1027 ORDER BY snapshot_timestamp"
_QUESTIONS = (
    Question(
        "A: the market as a whole",
        "vw_global_market_overview",
        f"snapshot_timestamp, total_market_cap, {_VOLUMES}, market_liquidity_ratio",
    ),
    Question(
        "B: dominance of BTC and ETH",
        "vw_btc_eth_dominance_trend",
        "snapshot_timestamp, btc_dominance, eth_dominance, btc_dominance_delta, eth_dominance_delta",
    ),
    Question(
        "C: one category",
        "vw_category_dominance_index",
        "snapshot_timestamp, dominance_per_token, volume_to_market_cap_ratio",
        "WHERE name = 'Category 7' ORDER BY snapshot_timestamp",
    ),
    Question(
        "D: caps of all coins, summed by snapshot",
        "vw_crypto_market_cap_trend",
        f"snapshot_timestamp, {_CAPS}",
        "GROUP BY 1 ORDER BY 1",
    ),
    Question(
        "E: decentralised finance",
        "vw_defi_market_trend",
        "snapshot_timestamp, defi_market_cap, defi_volume_24h, defi_volume_share",
    ),
    Question(
        "F: sentiment by day",
        "vw_fear_greed_daily_trend",
        "snapshot_timestamp, fear_greed_score, sentiment_label",
    ),
    Question("altcoins against 24 hours before", "vw_altcoin_market_trend", "*"),
    Question("KPIs of one coin", "vw_crypto_market_kpis", "*", _ONE_COIN),
    Question("returns of one coin", "vw_crypto_market_kpis", "snapshot_timestamp, log_return", _ONE_COIN),
    Question("KPIs of all coins, newest snapshot", "vw_crypto_market_kpis_latest", "*", ""),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Views of the dashboards, with a year of history.")
    parser.add_argument("--days", type=int, default=_WEEKDAYS_OF_A_YEAR, help="weekdays of history; default: a year")
    days = parser.parse_args().days
    print(machine())
    with tempfile.TemporaryDirectory(prefix="cryptoelt-bench-") as folder:
        server = EmbeddedPostgres(Path(folder), Settings().cache_dir)
        try:
            warehouse = Warehouse(server.ensure_running(), Clock())
            migrations.upgrade(warehouse)
            with closing(warehouse.connect()) as connection:
                connection.autocommit = True
                cursor = connection.cursor()
                market, others = _fill(cursor, days)
                rows = [_answer(cursor, question) for question in _QUESTIONS]
        finally:
            server.remove()
    title = f"{market:,} snapshots of {_COINS:,} coins, {others:,} of {_CATEGORIES} categories and of the whole market"
    show(title, ["question", "rows", "median", "target", ""], [row for row in rows if row])


def _fill(cursor: Cursor, days: int) -> tuple[int, int]:
    """Write the history; return how many snapshots of the market there are, and how many of the rest."""
    cursor.execute("SELECT setseed(0.5)")
    cursor.execute(
        "INSERT INTO dwh.dim_crypto_id (crypto_id, snapshot_timestamp, load_batch_id)"
        " SELECT c, '2026-01-01Z', 1 FROM generate_series(1, %s) AS c",
        (_COINS,),
    )
    cursor.execute(
        "INSERT INTO dwh.dim_crypto_category (category_id, snapshot_timestamp, name, load_batch_id)"
        " SELECT 'category-' || c, '2026-01-01Z', 'Category ' || c, 1 FROM generate_series(1, %s) AS c",
        (_CATEGORIES,),
    )
    size = Size(days * len(FREQUENCIES["5x"].times), _COINS)
    columns = columns_of(cursor, size)
    seconds = 0.0
    for low in range(0, size.snapshots, _SNAPSHOTS_A_COMMIT):
        rows = size.rows(low, min(low + _SNAPSHOTS_A_COMMIT, size.snapshots) - 1)
        seconds += timed(cursor, f"INSERT INTO dwh.fact_crypto_market ({columns}) {rows}")
    past = Past.before(datetime.now(UTC), "10x", days * len(FREQUENCIES["10x"].times))
    _fill_table(cursor, "fact_crypto_category", past.moments, {"category_id": "'category-' || member"}, _CATEGORIES)
    _fill_table(cursor, "fact_global_market", past.moments)
    _fill_table(cursor, "fact_market_sentiment", past.moments)
    seconds += timed(cursor, "VACUUM ANALYZE")
    print(f"filled in {seconds:.0f} s", file=sys.stderr)
    return size.snapshots, len(past.moments)


def _fill_table(
    cursor: Cursor, table: str, moments: Sequence[datetime], keys: dict[str, str] | None = None, members: int = 1
) -> None:
    """Write random figures of every member at every moment."""
    target = target_of(table)
    known = {"snapshot_timestamp": "moment", **(keys or {})}
    values = [known.get(column.name) or _random(column) for column in target.columns]
    statement = sql.SQL(
        "INSERT INTO {} ({}, load_batch_id) SELECT {}, 1 FROM unnest(%s::timestamptz[]) AS moment,"
        " generate_series(1, %s) AS member"
    ).format(
        sql.Identifier(target.schema, target.name),
        sql.SQL(", ").join(map(sql.Identifier, target.columns.names)),
        sql.SQL(", ").join(map(sql.SQL, values)),
    )
    cursor.execute(statement, (list(moments), members))


def _random(column: pa.Field[pa.DataType]) -> str:
    return next(value for is_of, value in _BY_TYPE if is_of(column.type))


def _answer(cursor: Cursor, question: Question) -> list[str] | None:
    """Ask a question a few times and return its row of the table; None where the view is not deployed."""
    cursor.execute("SELECT to_regclass(%s)", (f"analytics.{question.view}",))
    if cursor.fetchone() == (None,):
        print(f"{question.name}: analytics.{question.view} is not deployed", file=sys.stderr)
        return None
    timed(cursor, question.query)
    rows = cursor.rowcount
    seconds = median(timed(cursor, question.query) for _ in range(_REPEATS))
    verdict = "met" if seconds <= _TARGET else "MISSED"
    return [question.name, f"{rows:,}", f"{seconds:.3f} s", f"{_TARGET:.0f} s", verdict]


if __name__ == "__main__":
    main()
