"""Returns, volatility, trend and outliers of coins, on histories small enough to work out by hand."""

from __future__ import annotations

import math
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.global_rows import MARKET, GlobalRows
from tests.support.touched import rows_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptoelt.warehouse.engine import Warehouse

START = datetime(2026, 3, 27, 9, tzinfo=UTC)  # two days before clocks change in Europe
KPIS = "analytics.vw_crypto_market_kpis"
LATEST = "analytics.vw_crypto_market_kpis_latest"
COLUMNS = (
    "snapshot_timestamp, price_usd, previous_snapshot_timestamp, hours_since_previous, log_return,"
    " realised_volatility_7d, volatility_7d_observations, realised_volatility_30d, volatility_30d_observations,"
    " trend_7d, trend_7d_observations, outlier_score, outlier_observations, is_outlier"
)


def day(number: float) -> datetime:
    """The moment so many days after the start."""
    return START + timedelta(days=number)


@pytest.fixture
def rows(warehouse: Warehouse) -> GlobalRows:
    return GlobalRows(warehouse)


def kpis(rows: GlobalRows, columns: str = COLUMNS, crypto_id: int = 1, time_zone: str = "UTC") -> list[tuple[Any, ...]]:
    """The figures of a coin, oldest first."""
    return rows.select(
        f"SELECT {columns} FROM {KPIS} WHERE crypto_id = {crypto_id} ORDER BY snapshot_timestamp", time_zone
    )


def walked(returns: Sequence[tuple[float, float]], first: float = 0) -> list[tuple[datetime, float]]:
    """Prices that begin at 1 and make these returns, each given as (days since the last price, log return)."""
    now, log_price = first, 0.0
    prices = [(day(now), 1.0)]
    for days, log_return in returns:
        now, log_price = now + days, log_price + log_return
        prices.append((day(now), math.exp(log_price)))
    return prices


def test_a_return_is_made_with_the_newest_earlier_price_above_zero(rows: GlobalRows) -> None:
    e = math.e
    prices = [(0, None), (1, 1.0), (1.25, e), (2, 0.0), (3, None), (4, -5.0), (5, e**3), (5.5, e**3)]
    rows.insert_prices(1, [(day(number), price) for number, price in prices])
    rows.insert_prices(2, [(day(1.1), 77.0)])

    columns = "previous_snapshot_timestamp, hours_since_previous, log_return, volatility_7d_observations"
    nothing = (None, None, None)
    assert kpis(rows, columns) == [
        (*nothing, 0),
        (*nothing, 0),
        (day(1), 6.0, pytest.approx(1.0), 1),
        # A row without a price has no return, and its windows hold those of the others.
        (*nothing, 1),
        (*nothing, 1),
        (*nothing, 1),
        (day(1.25), 90.0, pytest.approx(2.0), 2),
        (day(5), 12.0, 0.0, 3),
    ]


def test_steady_growth_by_hand(rows: GlobalRows) -> None:
    # Eleven prices, twelve hours apart, each a tenth (in logs) above the last: 0.2 a day; and 0.1^2 every half day is
    # a variance of 0.02 a day, 7.305 a year.
    rows.insert_prices(1, walked([(0.5, 0.1)] * 10))

    columns = (
        "realised_volatility_7d, volatility_7d_observations, realised_volatility_30d, volatility_30d_observations,"
        " trend_7d, trend_7d_observations"
    )
    found = kpis(rows, columns)
    trend = pytest.approx(0.2, rel=1e-12)
    assert found[8] == (None, 8, None, 8, None, 9)
    assert found[9] == (None, 9, None, 9, trend, 10)
    assert found[10] == (pytest.approx(2.7027763503479), 10, None, 10, trend, 11)


@pytest.mark.parametrize("time_zone", ["UTC", "Europe/Paris"])
def test_the_windows_end_at_the_snapshot_and_leave_out_their_first_moment(rows: GlobalRows, time_zone: str) -> None:
    # Of the coin at day 7.5 the window begins after day 0.5.
    later = [(0.9, 1.0), *[(1.0, 1.0)] * 5, (0.25, 1.0), (0.25, 1.0), (0.5, 1.0)]  # nine returns over 6.9 days
    rows.insert_prices(1, walked([(0.4, 9.0), (0.2, 2.0), *later]))  # the second begins before the window
    rows.insert_prices(2, walked([(0.5, 9.0), (0.1, 2.0), *later]))  # the first ends where the window begins
    rows.insert_prices(3, walked([(0.51, 2.0), (0.09, 0.0), *later]))  # so does neither

    columns = "realised_volatility_7d, volatility_7d_observations, trend_7d_observations"
    # Ten returns: one of 2 and nine of 1, squares that sum to 13, over 6.9 days and those of the first.
    assert kpis(rows, columns, 1, time_zone)[-1] == (pytest.approx(math.sqrt(13 / 7.1 * 365.25)), 10, 10)
    assert kpis(rows, columns, 2, time_zone)[-1] == (pytest.approx(math.sqrt(13 / 7.0 * 365.25)), 10, 10)
    assert kpis(rows, columns, 3, time_zone)[-1] == (pytest.approx(math.sqrt(13 / 7.5 * 365.25)), 11, 11)


@pytest.mark.parametrize("time_zone", ["UTC", "Europe/Paris"])
def test_the_window_of_30_days_begins_with_a_return_from_before_it(rows: GlobalRows, time_zone: str) -> None:
    # At day 10 the window begins after day -20. Of the first coin a return ends there and the next lies within; of the
    # second the next ends half an hour later and began 20 days before.
    still = [(0.5, 0.0)] * 42
    rows.insert_prices(1, walked([(20, 5.0), (20, 7.0), (0.5, 3.0), *still, (8.5, 0.0)], first=-60))
    rows.insert_prices(2, walked([(20, 5.0), (20.02, 3.0), *still, (8.98, 0.0)], first=-60))

    columns = "snapshot_timestamp, realised_volatility_30d, volatility_30d_observations, outlier_observations"
    first, second = (kpis(rows, columns, crypto_id, time_zone)[-1] for crypto_id in (1, 2))
    assert first == (day(10), pytest.approx(math.sqrt(9 / 30 * 365.25)), 44, 43)
    assert second == (day(10), pytest.approx(math.sqrt(9 / 50 * 365.25)), 44, 43)


#: Forty returns over half a day each, whose rates (by the square root of their days) have the median 0.01 and, as
#: their distances from it are 0.02, 0.01, 0, 0.01 and 0.02, the median absolute deviation 0.01.
CALM = [(0.5, rate / 100 * math.sqrt(0.5)) for rate in (-1, 0, 1, 2, 3)] * 8


def test_forty_returns_by_hand(rows: GlobalRows) -> None:
    # Eight times the rates -1, 0, 1, 2 and 3 hundredths: squares that sum to 0.006 over twenty days, 0.0003 a day.
    rows.insert_prices(1, walked(CALM))

    found = kpis(rows, "realised_volatility_30d, volatility_30d_observations")
    assert found[-2:] == [(None, 39), (pytest.approx(math.sqrt(0.006 / 20 * 365.25)), 40)]


@pytest.mark.parametrize(
    ("days", "rate", "distance", "is_outlier"),
    [
        (0.5, 0.09, 8, True),
        (0.5, -0.07, -8, True),
        (0.5, 0.07, 6, False),
        (2, 0.07, 6, False),  # over a weekend the same rate is twice the return
        (2, 0.09, 8, True),
    ],
)
def test_a_return_far_from_the_median_rate_is_an_outlier(
    rows: GlobalRows, days: float, rate: float, distance: int, *, is_outlier: bool
) -> None:
    rows.insert_prices(1, walked([*CALM, (days, rate * math.sqrt(days))]))

    found = kpis(rows, "outlier_score, outlier_observations, is_outlier")
    assert found[-1] == (pytest.approx(distance / 1.4826, rel=1e-9), 40, is_outlier)
    assert found[-2] == (None, 39, None)


def test_an_outlier_stays_in_every_other_figure(rows: GlobalRows) -> None:
    rows.insert_prices(1, walked([*CALM, (0.5, 4.0), (0.5, 0.0)]))

    shock, after = kpis(rows, "is_outlier, volatility_30d_observations, realised_volatility_7d, trend_7d")[-2:]
    assert shock[:2] == (True, 41)
    assert after[:2] == (False, 42)
    assert after[2] > 20
    assert after[3] > 0.1


def test_a_price_that_stands_still_has_no_outliers_and_no_volatility(rows: GlobalRows) -> None:
    rows.insert_prices(1, walked([(0.5, 0.0)] * 45 + [(0.5, 1.0)]))

    columns = "realised_volatility_30d, trend_7d, outlier_score, outlier_observations, is_outlier"
    still, moved = kpis(rows, columns)[-2:]
    assert still == (0.0, 0.0, None, 44, None)
    assert moved[2:] == (None, 45, None)


def test_a_late_or_replayed_snapshot_gives_the_figures_of_a_history_in_order(rows: GlobalRows) -> None:
    prices = walked([*CALM, (0.5, 0.3), (2, -0.1), (0.1, 0.02)])
    rows.insert_prices(1, prices)
    late = prices[17]
    rows.insert_prices(2, [price for price in reversed(prices) if price != late])
    before = kpis(rows, crypto_id=2)
    rows.insert_prices(2, [late])
    rows.execute(f"DELETE FROM {MARKET} WHERE crypto_id = 2 AND snapshot_timestamp = '{prices[30][0]}'")
    rows.insert_prices(2, [prices[30]])

    in_order = kpis(rows, crypto_id=1)
    assert kpis(rows, crypto_id=2) == in_order
    assert before != [row for row in in_order if row[0] != late[0]]


def test_the_latest_figures_are_the_rows_of_the_newest_snapshot(rows: GlobalRows) -> None:
    prices = walked([*CALM, (1, 0.3)])
    newest = prices[-1][0]
    rows.insert_prices(1, prices)
    rows.insert_prices(2, prices[:-1])  # gone from the newest snapshot
    rows.insert_prices(3, [(day(-300), 2.0), (newest, 1.0)])  # back after a long time
    rows.insert_prices(4, [(newest, 1.0)])
    rows.insert_prices(5, [*prices[:-1], (newest, None)])
    everything = f"SELECT crypto_id, {COLUMNS} FROM {{}} ORDER BY crypto_id"

    found = rows.select(everything.format(LATEST))
    assert [(row[0], row[4]) for row in found] == [
        (1, pytest.approx(24.0)),
        (3, pytest.approx(321 * 24)),
        (4, None),
        (5, None),
    ]
    assert found == rows.select(everything.format(f"{KPIS} WHERE snapshot_timestamp = '{newest}'"))
    (names,) = rows.select(
        "SELECT a.names = b.names FROM (SELECT array_agg(attname ORDER BY attnum) AS names FROM pg_attribute"
        f" WHERE attrelid = '{KPIS}'::regclass) AS a, (SELECT array_agg(attname ORDER BY attnum) AS names"
        f" FROM pg_attribute WHERE attrelid = '{LATEST}'::regclass) AS b"
    )
    assert names == (True,)


def test_no_prices_no_rows(rows: GlobalRows) -> None:
    assert rows.select(f"SELECT * FROM {KPIS}") == rows.select(f"SELECT * FROM {LATEST}") == []


@pytest.fixture
def long_history(rows: GlobalRows) -> GlobalRows:
    """300 coins in 240 snapshots, twelve hours apart: four times as long as any window."""
    rows.execute(
        "INSERT INTO dwh.dim_crypto_id (crypto_id, snapshot_timestamp, load_batch_id)"
        " SELECT c, '2026-01-01Z', 1 FROM generate_series(1, 300) AS c"
    )
    rows.execute(
        f"INSERT INTO {MARKET} (crypto_id, snapshot_timestamp, snapshot_str, price_usd, load_batch_id)"
        " SELECT c, timestamptz '2026-01-01Z' + n * interval '12 hours', '', 1 + (n * c) % 7, 1"
        " FROM generate_series(0, 239) AS n, generate_series(1, 300) AS c"
    )
    with closing(rows.warehouse.connect()) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"VACUUM ANALYZE {MARKET}")
    return rows


@pytest.mark.parametrize(
    ("condition", "coins"),
    [
        ("crypto_id = 3", 1),
        ("crypto_id = ANY('{3,4,5}')", 3),
        ("crypto_id IN (SELECT crypto_id FROM dwh.dim_crypto_id WHERE name = 'Bitcoin')", 1),
    ],
)
def test_a_question_about_some_coins_reads_their_rows_and_thirty_days_of_each(
    long_history: GlobalRows, condition: str, coins: int
) -> None:
    long_history.execute("UPDATE dwh.dim_crypto_id SET name = 'Bitcoin' WHERE crypto_id = 3")
    read = rows_read(long_history.warehouse, f"SELECT * FROM {KPIS} WHERE {condition}")
    assert read["fact_crypto_market"] <= 240 * coins * (1 + 60 + 2)


def test_the_latest_figures_read_thirty_days_of_each_coin(long_history: GlobalRows) -> None:
    read = rows_read(long_history.warehouse, f"SELECT * FROM {LATEST}")
    assert read["fact_crypto_market"] <= 300 * (1 + 60 + 3)


def test_figures_that_are_not_asked_for_are_not_computed(long_history: GlobalRows) -> None:
    read = rows_read(long_history.warehouse, f"SELECT snapshot_timestamp, log_return FROM {KPIS} WHERE crypto_id = 3")
    assert read["fact_crypto_market"] <= 240 * 3
