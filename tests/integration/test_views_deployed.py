"""What holds for all views: they are there under their own names, say what they are, and show what is there."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import Clock
from cryptoelt.warehouse.engine import Warehouse
from cryptoelt.warehouse.scripts import scripts
from tests.support.broken_rows import BROKEN
from tests.support.healthy import NEWEST
from tests.support.touched import rows_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case
    from pydantic import SecretStr

    from tests.support.warehouse_rows import WrittenRows

VIEWS = {".".join(script.object_name): script for script in scripts() if script.kind == "view"}
#: Shows all wallets of an exchange when their weights do not add up, and how many there are.
OF_ALL_WALLETS, WALLETS = "vw_wallet_weight_anomalies", 3
#: Shows all tables, whether or not anything is amiss.
FRESHNESS = "monitoring.vw_load_freshness"
_NOW = f"snapshot_timestamp = '{NEWEST.isoformat()}'"
#: What each view of monitoring is there for, in a market without a fault: the one row it shows after that.
SHOWN = {
    "vw_categories_volume_to_market_cap_anomalies": BROKEN["category_volume_over_cap"],
    "vw_crypto_market_cap_outliers": BROKEN["market_volume_over_cap"],
    "vw_crypto_missing_names_or_symbols": BROKEN["crypto_name_missing"],
    "vw_crypto_missing_urls": BROKEN["crypto_info_urls_missing"],
    "vw_defi_volume_share_anomalies": BROKEN["global_defi_share"],
    "vw_extreme_category_price_change_index": BROKEN["category_price_index"],
    "vw_fact_crypto_market_invalid_fks": "INSERT INTO dwh.fact_crypto_market"
    " (crypto_id, snapshot_timestamp, snapshot_str, load_batch_id) VALUES (6, now(), '', 1)",
    "vw_high_fee_exchanges": f"UPDATE dwh.dim_exchange_map SET taker_fee = 0.51 WHERE exchange_id = 2 AND {_NOW}",
    "vw_invalid_dominance_percentages": f"UPDATE dwh.fact_global_market SET eth_dominance = 90.5 WHERE {_NOW}",
    "vw_invalid_fear_greed_scores": BROKEN["sentiment_score"],
    "vw_market_liquidity_ratio_outliers": BROKEN["global_liquidity"],
    "vw_missing_critical_market_metrics": BROKEN["global_figures_missing"],
    "vw_missing_crypto_prices": BROKEN["market_price_missing"],
    "vw_missing_crypto_rank_or_status": BROKEN["crypto_map_missing"],
    "vw_missing_metrics_in_crypto_category": BROKEN["category_market_missing"],
    "vw_missing_sentiment_labels": BROKEN["sentiment_label_missing"],
    "vw_missing_spot_volume": BROKEN["assets_volume_missing"],
    "vw_missing_urls": BROKEN["exchange_info_urls_missing"],
    "vw_outdated_last_updated_timestamp": BROKEN["global_outdated"],
    "vw_pipeline_misalignment_exchange_map": BROKEN["exchange_map_missing"],
    "vw_quarantine_open": "INSERT INTO ops.quarantine (table_name, snapshot_timestamp, rule, record,"
    " quarantined_at, load_batch_id) VALUES ('dim_crypto_id', now(), 'missing_key', '{}', now(), 1)",
    "vw_stablecoin_market_share_anomalies": "UPDATE dwh.fact_global_market SET stablecoin_market_share = 1.1"
    f" WHERE {_NOW}",
    "vw_supply_utilization_outliers": "UPDATE dwh.fact_crypto_market SET supply_utilization = 1.2"
    f" WHERE crypto_id = 2 AND {_NOW}",
    "vw_wallet_weight_anomalies": BROKEN["assets_weights"],
    "vw_weekly_visits_outliers": "UPDATE dwh.dim_exchange_map SET weekly_visits = 100000001"
    f" WHERE exchange_id = 2 AND {_NOW}",
}


@pytest.fixture(scope="module")
def healthy(make_database: Callable[[str | None], SecretStr], healthy_template: str) -> Warehouse:
    """A small market without a fault; nobody commits to it."""
    return Warehouse(make_database(healthy_template), Clock())


@pytest.fixture
def cursor(healthy: Warehouse) -> Iterator[Cursor]:
    with closing(healthy.connect()) as connection, connection.cursor() as opened:
        yield opened


def without_groups(text: str) -> str:
    """Leave texts and all that is in parentheses out of a statement."""
    text = re.sub(r"--.*|'[^']*'", "", text)
    while (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text


def test_a_file_makes_the_view_of_its_name_and_says_what_it_shows() -> None:
    for name, view in VIEWS.items():
        assert re.findall(r"^CREATE (?:OR REPLACE )?\w+ (\S+)", view.file.text, re.MULTILINE) == [name]
        assert f"COMMENT ON VIEW {name} IS" in view.file.text


def test_sorting_is_left_to_who_asks() -> None:
    assert [name for name, view in VIEWS.items() if "ORDER BY" in without_groups(view.file.text).upper()] == []


def test_no_two_scripts_have_the_same_name() -> None:
    files = list((Path(__file__).parents[2] / "sql").glob("views/*/*.sql"))
    assert len({file.stem for file in files}) == len(files) == len(VIEWS)


def test_every_view_is_explained_in_the_database(cursor: Cursor) -> None:
    for name in VIEWS:
        cursor.execute("SELECT obj_description(%s::regclass)", (name,))
        ((comment,),) = cursor.fetchall()
        assert comment, name
        assert comment.endswith("."), name


def test_every_view_of_analytics_shows_a_market_that_is_there(cursor: Cursor) -> None:
    shown = {name: rows_of(cursor, name) for name in VIEWS if name.startswith("analytics.")}
    assert len(shown) > 20
    assert [name for name, rows in shown.items() if not rows] == []


def test_every_view_of_monitoring_shows_what_is_amiss_and_nothing_else(cursor: Cursor) -> None:
    monitoring = [name for name in VIEWS if name.startswith("monitoring.") and name != FRESHNESS]
    assert [name for name in monitoring if rows_of(cursor, name)] == []
    assert sorted(f"monitoring.{name}" for name in SHOWN) == sorted(monitoring)
    for name, statement in SHOWN.items():
        cursor.execute(statement)
        shown = rows_of(cursor, f"monitoring.{name}")
        assert (cursor.rowcount, shown) == (1, WALLETS if name == OF_ALL_WALLETS else 1), name
        cursor.connection.rollback()


def rows_of(cursor: Cursor, view: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {view}")
    ((number,),) = cursor.fetchall()
    return int(number)


def test_the_schemas_of_views_hold_the_views_of_the_files_and_nothing_else(written: WrittenRows) -> None:
    where = "relnamespace IN ('analytics'::regnamespace, 'monitoring'::regnamespace)"
    found = written.found("pg_class AS c", "relnamespace::regnamespace::text, relname", where)
    assert found == sorted(view.object_name for view in VIEWS.values())


# --- what dashboards ask ----------------------------------------------------------------------------------------------


def filled(warehouse: Warehouse, *statements: str) -> None:
    """Fill a warehouse and let the server look at what it holds."""
    with closing(warehouse.connect()) as connection:
        connection.autocommit = True
        for statement in (*statements, "VACUUM ANALYZE"):
            connection.cursor().execute(statement)


def test_the_caps_of_all_coins_are_summed_without_reading_other_days_or_the_coins(warehouse: Warehouse) -> None:
    filled(
        warehouse,
        "INSERT INTO dwh.dim_crypto_id (crypto_id, snapshot_timestamp, load_batch_id)"
        " SELECT n, now(), 1 FROM generate_series(1, 200) AS n",
        "INSERT INTO dwh.fact_crypto_market"
        " (crypto_id, snapshot_timestamp, snapshot_str, load_batch_id, market_cap_usd, last_updated_usd)"
        " SELECT n, timestamptz '2026-01-01Z' + day * interval '1 day', 'x', 1, n, 'x'"
        " FROM generate_series(1, 200) AS n, generate_series(0, 49) AS day",
    )
    query = (
        "SELECT snapshot_timestamp, sum(market_cap_usd), sum(fully_diluted_market_cap_usd),"
        " sum(market_cap_dominance_usd) FROM analytics.vw_crypto_market_cap_trend"
        " WHERE snapshot_timestamp >= '2026-02-01Z' GROUP BY 1"
    )
    assert rows_read(warehouse, query).keys() <= {"fact_crypto_market"}
    assert sum(rows_read(warehouse, query).values()) <= 200 * 19


@pytest.mark.parametrize("chosen", ["name = 'category 7'", "category_id = '7'"])
def test_of_one_category_only_its_own_figures_are_read(warehouse: Warehouse, chosen: str) -> None:
    filled(
        warehouse,
        "INSERT INTO dwh.dim_crypto_category (category_id, name, snapshot_timestamp, load_batch_id)"
        " SELECT n, 'category ' || n, now(), 1 FROM generate_series(1, 200) AS n",
        "INSERT INTO dwh.fact_crypto_category"
        " (category_id, snapshot_timestamp, snapshot_str, load_batch_id, dominance_per_token)"
        " SELECT n, timestamptz '2026-01-01Z' + day * interval '1 day', 'x', 1, n"
        " FROM generate_series(1, 200) AS n, generate_series(0, 49) AS day",
    )
    query = (
        "SELECT snapshot_timestamp, dominance_per_token, volume_to_market_cap_ratio"
        f" FROM analytics.vw_category_dominance_index WHERE {chosen} AND snapshot_timestamp >= '2026-01-02Z'"
    )
    assert 0 < rows_read(warehouse, query)["fact_crypto_category"] < 60
