"""What the views make of coins and their market; what is expected was worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.support.warehouse_rows import at

if TYPE_CHECKING:
    from tests.support.warehouse_rows import WrittenRows

FACT = "fact_crypto_market"
INFERRED = {"is_inferred": True, "inferred_from": FACT}


@pytest.fixture
def history(written: WrittenRows) -> WrittenRows:
    """Two coins of the map and one that only listings have named; hour 2 is missing, hour 1 was loaded last.

    The first has everything, the second no maximum of supply and zeros, the third next to nothing.
    """
    written.coin(1, "Alpha", "ALP")
    written.coin(2, "Beta", "BET")
    written.coin(3, "Gamma", None, **INFERRED)
    full = {
        "crypto_id": 1,
        "num_market_pairs": 12,
        "circulating_supply": 50.0,
        "total_supply": 80.0,
        "max_supply": 100.0,
        "self_reported_circulating_supply": 49.0,
        "infinite_supply": False,
        "supply_utilization": 0.5,
        "missing_supply_ratio": 0.375,
        "fully_diluted_cap_ratio": 2.0,
    }
    written.insert(
        FACT,
        **full,
        cmc_rank=1,
        price_usd=2.0,
        percent_change_1h_usd=0.5,
        percent_change_24h_usd=-1.5,
        percent_change_7d_usd=10.0,
        volume_24h_usd=25.0,
        volume_change_24h=4.0,
        volume_to_market_cap_ratio=0.25,
        market_cap_usd=100.0,
        market_cap_dominance_usd=80.0,
        fully_diluted_market_cap_usd=200.0,
    )
    written.insert(
        FACT,
        **full,
        snapshot_timestamp=at(3),
        cmc_rank=2,
        price_usd=1.0,
        volume_24h_usd=0.0,
        volume_to_market_cap_ratio=0.0,
        market_cap_usd=50.0,
        market_cap_dominance_usd=40.0,
        fully_diluted_market_cap_usd=100.0,
    )
    written.insert(FACT, **full, snapshot_timestamp=at(1), load_batch_id=2, cmc_rank=1, price_usd=3.0)
    written.insert(
        FACT,
        crypto_id=2,
        cmc_rank=2,
        num_market_pairs=0,
        price_usd=0.0,
        volume_24h_usd=5.0,
        market_cap_usd=0.0,
        market_cap_dominance_usd=0.0,
        circulating_supply=0.0,
        total_supply=0.0,
        infinite_supply=True,
    )
    written.insert(FACT, crypto_id=3, snapshot_timestamp=at(3), volume_24h_usd=1.0, fully_diluted_market_cap_usd=7.0)
    return written


def test_market_cap_trend_has_every_row_so_that_its_sums_are_those_of_the_market(history: WrittenRows) -> None:
    view = "analytics.vw_crypto_market_cap_trend"
    columns = (
        "crypto_id, snapshot_timestamp, name, symbol,"
        " market_cap_usd, market_cap_dominance_usd, fully_diluted_market_cap_usd"
    )
    assert history.found(view, columns) == [
        (1, at(0), "Alpha", "ALP", 100.0, 80.0, 200.0),
        (1, at(1), "Alpha", "ALP", None, None, None),
        (1, at(3), "Alpha", "ALP", 50.0, 40.0, 100.0),
        (2, at(0), "Beta", "BET", 0.0, 0.0, None),
        (3, at(3), "Gamma", None, None, None, 7.0),
    ]
    sums = "sum(market_cap_usd) cap, sum(fully_diluted_market_cap_usd) fdv, sum(market_cap_dominance_usd) dominance"
    summed = f"(SELECT snapshot_timestamp, {sums} FROM {view} WHERE snapshot_timestamp <> '{at(1)}' GROUP BY 1) AS s"
    assert history.found(summed, "snapshot_timestamp, cap, fdv, dominance") == [
        (at(0), 100.0, 200.0, 80.0),
        (at(3), 50.0, 107.0, 40.0),
    ]


def test_rank_history_has_the_snapshots_that_ranked_the_coin(history: WrittenRows) -> None:
    columns = "crypto_id, snapshot_timestamp, name, symbol, cmc_rank, num_market_pairs"
    assert history.found("analytics.vw_crypto_market_rank_history", columns) == [
        (1, at(0), "Alpha", "ALP", 1, 12),
        (1, at(1), "Alpha", "ALP", 1, 12),
        (1, at(3), "Alpha", "ALP", 2, 12),
        (2, at(0), "Beta", "BET", 2, 0),
    ]


def test_price_evolution_shows_the_changes_as_sent_and_a_price_of_zero(history: WrittenRows) -> None:
    columns = (
        "crypto_id, snapshot_timestamp, name, symbol, price_usd,"
        " percent_change_1h_usd, percent_change_24h_usd, percent_change_7d_usd"
    )
    assert history.found("analytics.vw_crypto_price_evolution", columns) == [
        (1, at(0), "Alpha", "ALP", 2.0, 0.5, -1.5, 10.0),
        (1, at(1), "Alpha", "ALP", 3.0, None, None, None),
        (1, at(3), "Alpha", "ALP", 1.0, None, None, None),
        (2, at(0), "Beta", "BET", 0.0, None, None, None),
    ]


def test_supply_utilization_leaves_out_coins_without_a_maximum(history: WrittenRows) -> None:
    columns = (
        "crypto_id, snapshot_timestamp, name, symbol, circulating_supply, total_supply, max_supply, infinite_supply,"
        " self_reported_circulating_supply, supply_utilization, missing_supply_ratio, fully_diluted_cap_ratio"
    )
    alpha = ("Alpha", "ALP", 50.0, 80.0, 100.0, False, 49.0, 0.5, 0.375, 2.0)
    assert history.found("analytics.vw_crypto_supply_utilization", columns) == [
        (1, at(0), *alpha),
        (1, at(1), *alpha),
        (1, at(3), *alpha),
    ]


def test_a_utilization_of_zero_is_known(written: WrittenRows) -> None:
    written.coin(1, "Alpha", "ALP")
    written.insert(FACT, crypto_id=1, circulating_supply=0.0, max_supply=10.0, supply_utilization=0.0)
    assert written.found("analytics.vw_crypto_supply_utilization", "crypto_id, supply_utilization") == [(1, 0.0)]


def test_volume_versus_price_needs_both(history: WrittenRows) -> None:
    columns = (
        "crypto_id, snapshot_timestamp, name, symbol, price_usd, volume_24h_usd, volume_change_24h,"
        " percent_change_24h_usd, volume_to_market_cap_ratio"
    )
    assert history.found("analytics.vw_crypto_volume_vs_price", columns) == [
        (1, at(0), "Alpha", "ALP", 2.0, 25.0, 4.0, -1.5, 0.25),
        (1, at(3), "Alpha", "ALP", 1.0, 0.0, None, None, 0.0),
        (2, at(0), "Beta", "BET", 0.0, 5.0, None, None, None),
    ]


def test_info_overview_has_a_row_for_every_info_named_as_the_map_names_the_coin(written: WrittenRows) -> None:
    written.coin(1, "Alpha", "ALP")
    written.coin(2, None, None, **INFERRED)
    written.coin(3, "Gamma", "GAM")
    urls = ("logo_url", "website_url", "technical_doc_url", "explorer_url", "source_code_url", "twitter_url")
    written.insert(
        "dim_crypto_info",
        crypto_id=1,
        snapshot_timestamp=at(5),
        slug="alpha",
        category="coin",
        tags=["a", "b"],
        description="first",
        date_added=date(2020, 1, 2),
        date_launched=date(2019, 1, 2),
        **{url: f"https://{url}" for url in urls},
    )
    written.insert("dim_crypto_info", crypto_id=2)
    columns = (
        "crypto_id, name, symbol, slug, category, tags, description, date_added, date_launched,"
        f" {', '.join(urls)}, snapshot_timestamp"
    )
    assert written.found("analytics.vw_crypto_info_overview", columns) == [
        (
            *(1, "Alpha", "ALP", "alpha", "coin", ["a", "b"], "first", date(2020, 1, 2), date(2019, 1, 2)),
            *("https://logo_url", "https://website_url", "https://technical_doc_url"),
            *("https://explorer_url", "https://source_code_url", "https://twitter_url", at(5)),
        ),
        (2, *(None,) * 14, at(0)),
    ]


def test_market_cap_outliers_trade_more_than_ten_times_their_cap(written: WrittenRows) -> None:
    written.coin(1, "Alpha", "ALP")
    for hour, ratio in enumerate([10.0, 10.5, None, 0.0]):
        written.insert(
            FACT,
            crypto_id=1,
            snapshot_timestamp=at(hour),
            market_cap_usd=2.0,
            volume_24h_usd=None if ratio is None else 2.0 * ratio,
            volume_to_market_cap_ratio=ratio,
        )
    columns = "crypto_id, snapshot_timestamp, name, symbol, market_cap_usd, volume_24h_usd, volume_to_market_cap_ratio"
    assert written.found("monitoring.vw_crypto_market_cap_outliers", columns) == [
        (1, at(1), "Alpha", "ALP", 2.0, 21.0, 10.5)
    ]


def test_supply_utilization_outliers_exceed_their_maximum_by_a_tenth(written: WrittenRows) -> None:
    written.coin(1, "Alpha", "ALP")
    for hour, issued in enumerate([11.0, 11.5, None, 0.0]):
        written.insert(
            FACT,
            crypto_id=1,
            snapshot_timestamp=at(hour),
            circulating_supply=issued,
            max_supply=10.0,
            supply_utilization=None if issued is None else issued / 10.0,
        )
    columns = "crypto_id, snapshot_timestamp, name, symbol, circulating_supply, max_supply, supply_utilization"
    assert written.found("monitoring.vw_supply_utilization_outliers", columns) == [
        (1, at(1), "Alpha", "ALP", 11.5, 10.0, 1.15)
    ]


def test_coins_that_miss_a_name_or_a_symbol_say_whether_their_map_is_still_to_come(written: WrittenRows) -> None:
    written.coin(1, "Alpha", "ALP")
    written.coin(2, None, "BET")
    written.coin(3, "Gamma", None, snapshot_timestamp=at(4), **INFERRED)
    written.coin(4, "Delta", "DEL", **INFERRED)
    columns = "crypto_id, name, symbol, snapshot_timestamp, is_inferred, inferred_from"
    assert written.found("monitoring.vw_crypto_missing_names_or_symbols", columns) == [
        (2, None, "BET", at(0), False, None),
        (3, "Gamma", None, at(4), True, FACT),
    ]


def test_coins_that_miss_a_logo_or_a_website_are_found(written: WrittenRows) -> None:
    urls = {1: ("l", "w"), 2: (None, "w"), 3: ("l", None), 4: (None, None)}
    for crypto_id, (logo_url, website_url) in urls.items():
        written.coin(crypto_id, f"coin {crypto_id}", f"C{crypto_id}")
        written.insert("dim_crypto_info", crypto_id=crypto_id, logo_url=logo_url, website_url=website_url)
    written.coin(5, "of which no info was fetched", "C5")
    columns = "crypto_id, name, symbol, logo_url, website_url, snapshot_timestamp"
    assert written.found("monitoring.vw_crypto_missing_urls", columns) == [
        (2, "coin 2", "C2", None, "w", at(0)),
        (3, "coin 3", "C3", "l", None, at(0)),
        (4, "coin 4", "C4", None, None, at(0)),
    ]


def test_market_rows_of_coins_that_no_map_has_confirmed_are_found_until_one_does(history: WrittenRows) -> None:
    view = "monitoring.vw_fact_crypto_market_invalid_fks"
    history.insert(FACT, crypto_id=3, snapshot_timestamp=at(4), cmc_rank=9, market_cap_usd=6.0)
    columns = "crypto_id, snapshot_timestamp, name, symbol, cmc_rank, market_cap_usd, inferred_from"
    assert history.found(view, columns) == [
        (3, at(3), "Gamma", None, None, None, FACT),
        (3, at(4), "Gamma", None, 9, 6.0, FACT),
    ]
    with history.connection.cursor() as cursor:
        cursor.execute("UPDATE dwh.dim_crypto_id SET is_inferred = false, inferred_from = NULL WHERE crypto_id = 3")
    assert history.found(view, columns) == []


def test_a_price_of_zero_is_not_missing(written: WrittenRows) -> None:
    written.coin(1, "Alpha", "ALP")
    written.coin(2, None, None, **INFERRED)
    written.insert(FACT, crypto_id=1, price_usd=0.0)
    written.insert(FACT, crypto_id=1, snapshot_timestamp=at(1), cmc_rank=4, last_updated_usd="then")
    written.insert(FACT, crypto_id=2)
    columns = "crypto_id, snapshot_timestamp, name, symbol, cmc_rank, last_updated_usd"
    assert written.found("monitoring.vw_missing_crypto_prices", columns) == [
        (1, at(1), "Alpha", "ALP", 4, "then"),
        (2, at(0), None, None, None, None),
    ]


def test_map_rows_that_miss_a_rank_or_a_status_are_found(written: WrittenRows) -> None:
    written.coin(1, "Alpha", "ALP")
    for hour, (rank, is_active) in enumerate([(1, 1), (None, 1), (1, None), (1, 0), (None, None)]):
        written.insert("dim_crypto_map", crypto_id=1, snapshot_timestamp=at(hour), rank=rank, is_active=is_active)
    columns = "crypto_id, snapshot_timestamp, name, symbol, rank, is_active"
    assert written.found("monitoring.vw_missing_crypto_rank_or_status", columns) == [
        (1, at(1), "Alpha", "ALP", None, 1),
        (1, at(2), "Alpha", "ALP", 1, None),
        (1, at(4), "Alpha", "ALP", None, None),
    ]
