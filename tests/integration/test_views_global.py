"""The views on the market as a whole, on histories small enough to work out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.global_rows import GLOBAL, GlobalRows

if TYPE_CHECKING:
    from cryptoelt.warehouse.engine import Warehouse


def on(day: int, hour: int = 10, minute: int = 30) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


MONDAY, TUESDAY = on(23), on(24)


@pytest.fixture
def rows(warehouse: Warehouse) -> GlobalRows:
    return GlobalRows(warehouse)


def shown(rows: GlobalRows, view: str, columns: str) -> list[tuple[Any, ...]]:
    """What a view has in these columns, by snapshot; the snapshot itself comes first."""
    return rows.select(f"SELECT snapshot_timestamp, {columns} FROM {view} ORDER BY snapshot_timestamp")


def test_the_overview_shows_caps_volumes_and_liquidity_of_every_snapshot(rows: GlobalRows) -> None:
    monday = {
        "total_market_cap": 3.2e12,
        "total_volume_24h": 1.6e11,
        "total_volume_24h_reported": 8e11,
        "market_liquidity_ratio": 0.05,
        "total_market_cap_yesterday": 4e12,
        "total_market_cap_yesterday_change": -20.0,
        "total_volume_24h_yesterday": 8e10,
        "total_volume_24h_yesterday_change": 100.0,
        "altcoin_market_cap": 1.28e12,
        "btc_dominance": 60.0,
        "eth_dominance": 10.0,
    }
    rows.insert_facts(GLOBAL, {TUESDAY: {"total_market_cap": 0.0, "total_volume_24h": 5.0}, MONDAY: monday})

    # An undefined ratio is absent, and what Tuesday lacks is not taken from Monday.
    assert shown(rows, "analytics.vw_global_market_overview", ", ".join(monday)) == [
        (MONDAY, 3.2e12, 1.6e11, 8e11, 0.05, 4e12, -20.0, 8e10, 100.0, 1.28e12, 60.0, 10.0),
        (TUESDAY, 0.0, 5.0, None, None, None, None, None, None, None, None, None),
    ]


def test_dominances_are_compared_with_the_value_of_yesterday_as_sent(rows: GlobalRows) -> None:
    monday = {"btc_dominance": 61.0, "eth_dominance": 9.0, "btc_dominance_delta": -1.5, "eth_dominance_delta": 0.25}
    tuesday = {
        "btc_dominance": 60.0,
        "eth_dominance": 11.5,
        "btc_dominance_yesterday": 60.5,  # not the 61.0 that Monday's snapshot had
        "eth_dominance_yesterday": 11.25,
        "btc_dominance_delta": -0.5,
        "eth_dominance_delta": 0.25,
        "btc_dominance_24h_change": -0.5,
        "eth_dominance_24h_change": 0.24,
    }
    rows.insert_facts(GLOBAL, {TUESDAY: tuesday, MONDAY: monday})

    columns = ", ".join([*tuesday, "others_dominance"])
    assert shown(rows, "analytics.vw_btc_eth_dominance_trend", columns) == [
        (MONDAY, 61.0, 9.0, None, None, -1.5, 0.25, None, None, 30.0),
        (TUESDAY, 60.0, 11.5, 60.5, 11.25, -0.5, 0.25, -0.5, 0.24, 28.5),
    ]


def test_altcoins_and_their_shares(rows: GlobalRows) -> None:
    monday = {
        "altcoin_market_cap": 1.0e12,
        "altcoin_volume_24h": 30.0,
        "altcoin_volume_24h_reported": 90.0,
        "total_market_cap": 4.0e12,
        "total_volume_24h": 40.0,
    }
    tuesday = {"altcoin_market_cap": 1.0, "altcoin_volume_24h": 1.0, "total_market_cap": 0.0, "total_volume_24h": None}
    rows.insert_facts(GLOBAL, {MONDAY: monday, TUESDAY: tuesday})

    columns = (
        "altcoin_market_cap, altcoin_volume_24h, altcoin_volume_24h_reported, altcoin_market_share,"
        " altcoin_volume_share"
    )
    assert shown(rows, "analytics.vw_altcoin_market_trend", columns) == [
        (MONDAY, 1.0e12, 30.0, 90.0, 0.25, 0.75),
        (TUESDAY, 1.0, 1.0, None, None, None),
    ]


@pytest.mark.parametrize("replayed", [False, True])
def test_the_change_of_altcoins_is_against_24_hours_before_in_time(rows: GlobalRows, *, replayed: bool) -> None:
    caps = {
        on(23, 10, 30): 100.0,
        on(23, 11, 30): 200.0,
        on(23, 14, 0): 400.0,
        on(23, 15, 0): 500.0,
        on(23, 16, 0): 0.0,
        on(24, 10, 42): 110.0,  # 24 hours and 12 minutes after the first, 23 hours and 12 minutes after the second
        on(24, 12, 0): 250.0,  # just within the tolerance
        on(24, 13, 0): 1.0,  # nothing lies nearer than an hour
        on(24, 14, 30): 600.0,  # as far from 14:00 as from 15:00
        on(24, 16, 15): 7.0,  # the value of the day before is 0
        on(25, 15, 1): 8.0,  # 14:30 of the day before is 31 minutes off
    }
    # A late snapshot is inserted last; a replayed one is taken out and inserted again.
    rows.insert_facts(GLOBAL, {moment: {"altcoin_market_cap": caps[moment]} for moment in sorted(caps, reverse=True)})
    if replayed:
        rows.execute(f"DELETE FROM {GLOBAL} WHERE snapshot_timestamp = '{on(23, 11, 30)}'")
        rows.insert_facts(GLOBAL, {on(23, 11, 30): {"altcoin_market_cap": 200.0}})

    columns = "compared_snapshot_timestamp, altcoin_market_cap_24h_change"
    found = shown(rows, "analytics.vw_altcoin_market_trend", columns)
    assert [row for row in found if row[0] < TUESDAY] == [
        (moment, None, None) for moment in sorted(caps) if moment < TUESDAY
    ]
    assert [row for row in found if row[0] > TUESDAY] == [
        (on(24, 10, 42), on(23, 10, 30), pytest.approx(10.0)),
        (on(24, 12, 0), on(23, 11, 30), pytest.approx(25.0)),
        (on(24, 13, 0), None, None),
        (on(24, 14, 30), on(23, 14, 0), pytest.approx(50.0)),
        (on(24, 16, 15), on(23, 16, 0), None),
        (on(25, 15, 1), None, None),
    ]


@pytest.mark.parametrize(
    ("view", "sector", "share"),
    [
        ("analytics.vw_defi_market_trend", "defi", "volume_share"),
        ("analytics.vw_stablecoin_market_trend", "stablecoin", "market_share"),
    ],
)
def test_sectors_show_what_was_sent_and_their_share(rows: GlobalRows, view: str, sector: str, share: str) -> None:
    figures = {
        f"{sector}_market_cap": 9.5e10,
        f"{sector}_volume_24h": 3e10,
        f"{sector}_volume_24h_reported": 4e10,
        f"{sector}_24h_percentage_change": -2.5,
        f"{sector}_{share}": 0.3,
    }
    rows.insert_facts(GLOBAL, {TUESDAY: {f"{sector}_market_cap": 0.0}, MONDAY: figures})

    assert shown(rows, view, ", ".join(figures)) == [
        (MONDAY, 9.5e10, 3e10, 4e10, -2.5, 0.3),
        (TUESDAY, 0.0, None, None, None, None),
    ]


def test_derivatives_are_set_against_the_total_volume(rows: GlobalRows) -> None:
    derivatives = ("derivatives_volume_24h", "derivatives_volume_24h_reported", "derivatives_24h_percentage_change")
    monday = {**dict(zip(derivatives, (8e11, 9e11, 12.5), strict=True)), "total_volume_24h": 1e11}
    rows.insert_facts(GLOBAL, {MONDAY: monday, TUESDAY: {derivatives[0]: 8e11, "total_volume_24h": 0.0}})

    columns = f"{', '.join(derivatives)}, derivatives_to_total_volume_ratio"
    assert shown(rows, "analytics.vw_derivatives_activity_trend", columns) == [
        (MONDAY, 8e11, 9e11, 12.5, 8.0),
        (TUESDAY, 8e11, None, None, None),
    ]


def test_participants_and_how_many_of_them_are_active(rows: GlobalRows) -> None:
    counts = ("active_cryptocurrencies", "total_cryptocurrencies", "active_market_pairs", "active_exchanges")
    monday = {**dict(zip(counts, (9_000, 36_000, 110_000, 800), strict=True)), "total_exchanges": 10_000}
    rows.insert_facts(GLOBAL, {MONDAY: monday, TUESDAY: {"active_exchanges": 800, "total_exchanges": 0}})

    columns = f"{', '.join(counts)}, total_exchanges, active_cryptocurrencies_share, active_exchanges_share"
    assert shown(rows, "analytics.vw_market_participants_trend", columns) == [
        (MONDAY, 9_000, 36_000, 110_000, 800, 10_000, 0.25, 0.08),
        (TUESDAY, None, None, None, 800, 0, None, None),
    ]


def test_the_creation_of_coins_is_shown_as_sent_and_marked_as_bad_data(rows: GlobalRows) -> None:
    monday: dict[str, object] = {
        "total_crypto_dex_currencies": 10_990_000,
        "total_cryptocurrencies": 30_000,
        "new_cryptos_today": 12_000,
        "new_cryptos_last_24h": 31_000,
        "new_cryptos_last_7d": 210_000,
        "new_cryptos_last_30d": 900_000,
        "new_cryptos_today_pct": 0.02,
        "crypto_growth_rate_30d": 30.0,
        "max_daily_new_cryptos": 76_000,
        "max_new_cryptos_day": date(2026, 1, 20),
        "min_daily_new_cryptos": 14_000,
        "min_new_cryptos_day": date(2026, 8, 2),
    }
    rows.insert_facts(GLOBAL, {MONDAY: monday})

    found = shown(rows, "analytics.vw_crypto_creation_activity", ", ".join(monday))
    assert found == [(MONDAY, *monday.values())]
    ((comment,),) = rows.select("SELECT obj_description('analytics.vw_crypto_creation_activity'::regclass)")
    assert comment.startswith("Bad data from the API")


@pytest.mark.parametrize(
    ("view", "column", "good", "bad"),
    [
        ("vw_defi_volume_share_anomalies", "defi_volume_share", (0.0, 0.49, 1.0), (-0.001, 1.001)),
        ("vw_stablecoin_market_share_anomalies", "stablecoin_market_share", (0.0, 0.07, 1.0), (-0.001, 1.001)),
        ("vw_market_liquidity_ratio_outliers", "market_liquidity_ratio", (0.01, 0.05, 10.0), (0.0, 0.0099, 10.1)),
        ("vw_invalid_dominance_percentages", "btc_dominance", (0.0, 60.0, 90.0), (-0.1, 90.1)),
        ("vw_invalid_dominance_percentages", "eth_dominance", (0.0, 11.0, 90.0), (-0.1, 90.1)),
    ],
)
def test_figures_out_of_bounds_are_shown(
    rows: GlobalRows, view: str, column: str, good: tuple[float, ...], bad: tuple[float, ...]
) -> None:
    figures = [None, *good, *bad]
    rows.insert_facts(GLOBAL, {on(23, hour): {column: figure} for hour, figure in enumerate(figures)}, 7)

    first = 1 + len(good)
    assert shown(rows, f"monitoring.{view}", f"{column}, load_batch_id") == [
        (on(23, first + place), figure, 7) for place, figure in enumerate(bad)
    ]


@pytest.mark.parametrize(
    ("view", "columns"),
    [
        ("vw_defi_volume_share_anomalies", "defi_volume_share defi_volume_24h total_volume_24h"),
        ("vw_stablecoin_market_share_anomalies", "stablecoin_market_share stablecoin_market_cap total_market_cap"),
        ("vw_market_liquidity_ratio_outliers", "market_liquidity_ratio total_volume_24h total_market_cap"),
    ],
)
def test_a_ratio_out_of_bounds_comes_with_what_it_was_made_of(rows: GlobalRows, view: str, columns: str) -> None:
    rows.insert_facts(GLOBAL, {MONDAY: dict(zip(columns.split(), (11.0, 22.0, 2.0), strict=True))})

    assert shown(rows, f"monitoring.{view}", columns.replace(" ", ", ")) == [(MONDAY, 11.0, 22.0, 2.0)]


def test_snapshots_without_a_critical_figure_name_what_is_missing(rows: GlobalRows) -> None:
    whole = {"total_market_cap": 1.0, "total_volume_24h": 0.0, "btc_dominance": 60.0}
    rows.insert_facts(
        GLOBAL,
        {
            on(23, 1): whole,  # a zero is no gap
            on(23, 2): {**whole, "total_volume_24h": None},
            on(23, 3): {"total_volume_24h": 5.0},
        },
        7,
    )

    columns = "total_market_cap, total_volume_24h, btc_dominance, missing_metrics, load_batch_id"
    assert shown(rows, "monitoring.vw_missing_critical_market_metrics", columns) == [
        (on(23, 2), 1.0, None, 60.0, ["total_volume_24h"], 7),
        (on(23, 3), None, 5.0, None, ["total_market_cap", "btc_dominance"], 7),
    ]


def test_figures_older_than_five_minutes_are_shown_with_their_delay(rows: GlobalRows) -> None:
    updated = {
        on(23, 1, 0): on(23, 0, 55),  # exactly five minutes
        on(23, 2, 0): on(23, 1, 54),
        on(23, 3, 0): on(22, 3, 0),
        on(23, 4, 0): on(23, 4, 1),
        on(23, 5, 0): None,
    }
    rows.insert_facts(GLOBAL, {moment: {"last_updated_timestamp": source} for moment, source in updated.items()}, 7)

    columns = "last_updated_timestamp, delay_seconds, load_batch_id"
    assert shown(rows, "monitoring.vw_outdated_last_updated_timestamp", columns) == [
        (on(23, 2, 0), on(23, 1, 54), 360.0, 7),
        (on(23, 3, 0), on(22, 3, 0), 86_400.0, 7),
    ]
