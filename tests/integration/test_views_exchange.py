"""What the views make of exchanges and of what they hold; what is expected was worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.warehouse_rows import at

if TYPE_CHECKING:
    from tests.support.warehouse_rows import WrittenRows

ASSETS, MAP, INFO = "fact_exchange_assets", "dim_exchange_map", "fact_exchange_info"


def hold(written: WrittenRows, exchange: int, chain: str, wallet: str, coin: int, **values: Any) -> None:
    """Write down a holding."""
    key = {"exchange_id": exchange, "blockchain_name": chain, "wallet_address": wallet, "crypto_id": coin}
    written.insert(ASSETS, **key, **values)


@pytest.fixture
def holdings(written: WrittenRows) -> WrittenRows:
    """Five holdings of one exchange, worth 80 and of unknown worth; one of another, worth nothing; a day is missing."""
    written.exchange(1, "One")
    written.exchange(2, None, is_inferred=True, inferred_from=ASSETS)
    written.coin(1, "Alpha", "ALP")
    written.coin(2, "Beta", None)
    for chain, wallet, coin, balance, price, value, weight in [
        ("Bitcoin", "w1", 1, 4.0, 10.0, 40.0, 0.5),
        ("Bitcoin", "w1", 2, 1.0, 20.0, 20.0, 0.25),
        ("Ethereum", "w1", 1, 1.0, 10.0, 10.0, 0.125),
        ("Ethereum", "w0", 2, 1.0, 10.0, 10.0, 0.125),
        ("Ethereum", "w2", 1, 3.0, None, None, None),
    ]:
        figures = {"balance": balance, "currency_price_usd": price, "total_usd_value": value, "wallet_weight": weight}
        hold(written, 1, chain, wallet, coin, **figures)
    later = {"balance": 1.0, "currency_price_usd": 10.0, "total_usd_value": 10.0, "wallet_weight": 1.0}
    hold(written, 1, "Bitcoin", "w1", 1, snapshot_timestamp=at(48), **later)
    hold(written, 2, "Bitcoin", "w9", 1, balance=0.0, currency_price_usd=40.0, total_usd_value=0.0)
    return written


def test_average_price_is_taken_over_the_holdings_that_have_one(holdings: WrittenRows) -> None:
    columns = "crypto_id, snapshot_timestamp, name, symbol, avg_price_usd, holding_count"
    assert holdings.found("analytics.vw_average_asset_price_by_crypto", columns) == [
        (1, at(0), "Alpha", "ALP", 20.0, 3),  # 10, 10 and 40
        (1, at(48), "Alpha", "ALP", 10.0, 1),
        (2, at(0), "Beta", None, 15.0, 2),  # 20 and 10
    ]


def test_top_wallets_are_ranked_within_exchange_and_snapshot_and_ties_by_their_key(holdings: WrittenRows) -> None:
    columns = (
        "exchange_id, snapshot_timestamp, wallet_rank, name, blockchain_name, wallet_address, crypto_id,"
        " crypto_name, crypto_symbol, balance, total_usd_value, wallet_weight"
    )
    assert holdings.found("analytics.vw_top_wallets_by_usd_value", columns) == [
        (1, at(0), 1, "One", "Bitcoin", "w1", 1, "Alpha", "ALP", 4.0, 40.0, 0.5),
        (1, at(0), 2, "One", "Bitcoin", "w1", 2, "Beta", None, 1.0, 20.0, 0.25),
        (1, at(0), 3, "One", "Ethereum", "w0", 2, "Beta", None, 1.0, 10.0, 0.125),
        (1, at(0), 4, "One", "Ethereum", "w1", 1, "Alpha", "ALP", 1.0, 10.0, 0.125),
        (1, at(0), None, "One", "Ethereum", "w2", 1, "Alpha", "ALP", 3.0, None, None),
        (1, at(48), 1, "One", "Bitcoin", "w1", 1, "Alpha", "ALP", 1.0, 10.0, 1.0),
        (2, at(0), 1, None, "Bitcoin", "w9", 1, "Alpha", "ALP", 0.0, 0.0, None),
    ]


def test_concentration_looks_at_the_holdings_whose_weight_is_known(holdings: WrittenRows) -> None:
    columns = (
        "exchange_id, snapshot_timestamp, name, wallet_count, holding_count, avg_weight, max_weight, herfindahl_index"
    )
    assert holdings.found("analytics.vw_wallet_concentration_by_exchange", columns) == [
        (1, at(0), "One", 3, 4, 0.25, 0.5, 0.34375),  # 1/4 + 1/16 + 1/64 + 1/64
        (1, at(48), "One", 1, 1, 1.0, 1.0, 1.0),
    ]


@pytest.fixture
def maps(written: WrittenRows) -> WrittenRows:
    """Fees and visits of one exchange over three maps, of which the second came last; another that has none."""
    written.exchange(1, "One")
    written.exchange(2, None, is_inferred=True, inferred_from=MAP)
    first = {"maker_fee": -0.01, "taker_fee": 0.0, "weekly_visits": 0, "info_snapshot_timestamp": at(-2)}
    written.insert(MAP, exchange_id=1, **first)
    written.insert(
        MAP,
        exchange_id=1,
        snapshot_timestamp=at(48),
        taker_fee=0.2,
        weekly_visits=9,
        info_snapshot_timestamp=at(40),
        is_imputed=True,
    )
    written.insert(MAP, exchange_id=1, snapshot_timestamp=at(24), load_batch_id=2, **first)
    written.insert(MAP, exchange_id=2)
    return written


def test_fee_history_has_every_map_row_and_says_where_its_fees_come_from(maps: WrittenRows) -> None:
    columns = "exchange_id, snapshot_timestamp, name, maker_fee, taker_fee, info_snapshot_timestamp, is_imputed"
    assert maps.found("analytics.vw_exchange_fee_history", columns) == [
        (1, at(0), "One", -0.01, 0.0, at(-2), False),
        (1, at(24), "One", -0.01, 0.0, at(-2), False),
        (1, at(48), "One", None, 0.2, at(40), True),
        (2, at(0), None, None, None, None, False),
    ]


def test_visits_trend_has_the_rows_with_visits_zero_included(maps: WrittenRows) -> None:
    columns = "exchange_id, snapshot_timestamp, name, weekly_visits, info_snapshot_timestamp, is_imputed"
    assert maps.found("analytics.vw_exchange_weekly_visits_trend", columns) == [
        (1, at(0), "One", 0, at(-2), False),
        (1, at(24), "One", 0, at(-2), False),
        (1, at(48), "One", 9, at(40), True),
    ]


def test_info_overview_has_a_row_for_every_info(written: WrittenRows) -> None:
    written.exchange(1, "One")
    written.exchange(2, None, is_inferred=True, inferred_from="dim_exchange_info")
    written.exchange(3, "of which no info was fetched")
    urls = ("logo_url", "website_url", "twitter_url", "blog_url", "fee_url")
    written.insert(
        "dim_exchange_info",
        exchange_id=1,
        snapshot_timestamp=at(5),
        slug="one",
        description="first",
        date_launched="2017-07-14 00:00:00",
        fiats=["EUR", "USD"],
        **{url: f"https://{url}" for url in urls},
    )
    written.insert("dim_exchange_info", exchange_id=2)
    columns = (
        "exchange_id, name, slug, description, date_launched, fiats,"
        " logo_url, website_url, twitter_url, blog_url, fee_url, snapshot_timestamp"
    )
    assert written.found("analytics.vw_exchange_info_overview", columns) == [
        (
            *(1, "One", "one", "first", "2017-07-14 00:00:00", ["EUR", "USD"], "https://logo_url"),
            *("https://website_url", "https://twitter_url", "https://blog_url", "https://fee_url", at(5)),
        ),
        (2, *(None,) * 10, at(0)),
    ]


def test_supported_fiats_are_one_a_row_and_none_is_empty(written: WrittenRows) -> None:
    fiats = {1: ["USD", "EUR", "USD"], 2: None, 3: [], 4: ["", "JPY"]}
    for exchange_id, codes in fiats.items():
        written.exchange(exchange_id, f"exchange {exchange_id}")
        written.insert("dim_exchange_info", exchange_id=exchange_id, fiats=codes)
    assert written.found("analytics.vw_exchange_supported_fiats", "exchange_id, fiat_currency, name") == [
        (1, "EUR", "exchange 1"),
        (1, "USD", "exchange 1"),
        (4, "JPY", "exchange 4"),
    ]


def test_high_fees_are_above_a_half_on_either_side(written: WrittenRows) -> None:
    written.exchange(1, "One")
    for hour, (maker, taker) in enumerate([(0.5, 0.5), (0.6, None), (0.0, 0.7), (None, None), (-0.9, 0.1)]):
        info = {"info_snapshot_timestamp": at(-1), "is_imputed": hour == 2}
        written.insert(MAP, exchange_id=1, snapshot_timestamp=at(hour), maker_fee=maker, taker_fee=taker, **info)
    columns = "exchange_id, snapshot_timestamp, name, maker_fee, taker_fee, info_snapshot_timestamp, is_imputed"
    assert written.found("monitoring.vw_high_fee_exchanges", columns) == [
        (1, at(1), "One", 0.6, None, at(-1), False),
        (1, at(2), "One", 0.0, 0.7, at(-1), True),
    ]


def test_visits_beyond_a_hundred_million_are_outliers(written: WrittenRows) -> None:
    written.exchange(1, "One")
    for hour, visits in enumerate([100_000_000, 100_000_001, None, 0]):
        info = {"info_snapshot_timestamp": at(-1), "is_imputed": hour == 1}
        written.insert(MAP, exchange_id=1, snapshot_timestamp=at(hour), weekly_visits=visits, **info)
    columns = "exchange_id, snapshot_timestamp, name, weekly_visits, info_snapshot_timestamp, is_imputed"
    assert written.found("monitoring.vw_weekly_visits_outliers", columns) == [
        (1, at(1), "One", 100_000_001, at(-1), True)
    ]


def test_exchanges_that_miss_a_website_or_a_logo_are_found(written: WrittenRows) -> None:
    urls = {1: ("l", "w"), 2: (None, "w"), 3: ("l", None), 4: (None, None)}
    for exchange_id, (logo_url, website_url) in urls.items():
        written.exchange(exchange_id, f"exchange {exchange_id}")
        written.insert("dim_exchange_info", exchange_id=exchange_id, logo_url=logo_url, website_url=website_url)
    written.exchange(5, "of which no info was fetched")
    assert written.found(
        "monitoring.vw_missing_urls", "exchange_id, name, website_url, logo_url, snapshot_timestamp"
    ) == [
        (2, "exchange 2", "w", None, at(0)),
        (3, "exchange 3", None, "l", at(0)),
        (4, "exchange 4", None, None, at(0)),
    ]


def test_wallet_weight_anomalies_say_what_is_wrong(written: WrittenRows) -> None:
    written.coin(1, "Alpha", "ALP")
    weights: dict[int, list[float | None]] = {
        1: [0.5, 0.5],
        2: [1.5, -0.5],
        3: [0.5, 0.25, None],
        4: [None, None],
        5: [0.5, 0.4999995],
        6: [0.5, 0.499998],
    }
    for exchange_id, shares in weights.items():
        written.exchange(exchange_id, f"exchange {exchange_id}")
        for number, share in enumerate(shares):
            hold(written, exchange_id, "Bitcoin", f"w{number}", 1, wallet_weight=share)
    # Another snapshot of the third is in order: its weights are not added to those of the first.
    hold(written, 3, "Bitcoin", "w0", 1, snapshot_timestamp=at(24), wallet_weight=1.0)
    for hour, (value, ratio) in enumerate([(1000.0, 100.0), (1010.0, 101.0)], start=30):
        figures = {"total_usd_value": value, "spot_volume_usd": 10.0, "value_to_volume_ratio": ratio}
        hold(written, 1, "Bitcoin", "w0", 1, snapshot_timestamp=at(hour), wallet_weight=1.0, **figures)
    view = "monitoring.vw_wallet_weight_anomalies"
    columns = (
        "exchange_id, snapshot_timestamp, wallet_address, name, wallet_weight,"
        " is_weight_out_of_range, is_weight_sum_off, is_value_above_volume"
    )
    assert written.found(view, columns) == [
        (1, at(31), "w0", "exchange 1", 1.0, False, False, True),
        (2, at(0), "w0", "exchange 2", 1.5, True, False, False),
        (2, at(0), "w1", "exchange 2", -0.5, True, False, False),
        (3, at(0), "w0", "exchange 3", 0.5, False, True, False),
        (3, at(0), "w1", "exchange 3", 0.25, False, True, False),
        (3, at(0), "w2", "exchange 3", None, False, True, False),
        (6, at(0), "w0", "exchange 6", 0.5, False, True, False),
        (6, at(0), "w1", "exchange 6", 0.499998, False, True, False),
    ]
    others = "blockchain_name, crypto_id, total_usd_value, spot_volume_usd, value_to_volume_ratio, exchange_weight_sum"
    assert written.found(view, others, "exchange_id = 1") == [("Bitcoin", 1, 1010.0, 10.0, 101.0, 1.0)]
    assert written.found(view, "DISTINCT exchange_weight_sum", "exchange_id = 3") == [(0.75,)]


#: Why a figure is missing at hour 0 -> the answers of exchange/info that tell: hour, and the figure in it.
#: One that is there although it is older than the row, or because the row was imputed, is not missing.
REASONS: dict[str, dict[int, float | None]] = {
    "no exchange/info by then": {5: 1.0},
    "never observed by then": {-9: None, -1: None, 5: 1.0},
    "not carried forward yet": {-9: 0.0, -5: None, -1: None},
    "not taken from exchange/info": {-9: None, -1: 0.0},
}
#: reason -> the newest answer by then, and the newest that had the figure.
SOURCES = {
    "no exchange/info by then": (None, None),
    "never observed by then": (at(-1), None),
    "not carried forward yet": (at(-1), at(-9)),
    "not taken from exchange/info": (at(-1), at(-1)),
}


def test_map_rows_without_fees_and_visits_say_why(written: WrittenRows) -> None:
    for exchange_id, (reason, answers) in enumerate(REASONS.items()):
        written.exchange(exchange_id, reason)
        for hour, visits in answers.items():
            written.insert(INFO, exchange_id=exchange_id, snapshot_timestamp=at(hour), weekly_visits=visits)
        written.insert(MAP, exchange_id=exchange_id, info_snapshot_timestamp=SOURCES[reason][0])
        # None of these lacks all three.
        for hour, figure in enumerate(["maker_fee", "taker_fee", "weekly_visits"], start=1):
            written.insert(MAP, exchange_id=exchange_id, snapshot_timestamp=at(hour), **{figure: 0})
        written.insert(MAP, exchange_id=exchange_id, snapshot_timestamp=at(4), maker_fee=0.1, is_imputed=True)
    columns = "exchange_id, snapshot_timestamp, name, reason, info_snapshot_timestamp, observed_timestamp, is_imputed"
    assert written.found("monitoring.vw_pipeline_misalignment_exchange_map", columns) == [
        (exchange_id, at(0), reason, reason, *SOURCES[reason], False) for exchange_id, reason in enumerate(REASONS)
    ]


@pytest.mark.parametrize("figure", ["maker_fee", "taker_fee", "weekly_visits"])
def test_any_of_the_three_figures_counts_as_observed(written: WrittenRows, figure: str) -> None:
    written.exchange(1, "One")
    written.insert(INFO, exchange_id=1, snapshot_timestamp=at(-9), **{figure: 0})
    written.insert(INFO, exchange_id=1, snapshot_timestamp=at(-1))
    written.insert(MAP, exchange_id=1, info_snapshot_timestamp=at(-1))
    assert written.found("monitoring.vw_pipeline_misalignment_exchange_map", "reason, observed_timestamp") == [
        ("not carried forward yet", at(-9))
    ]


def test_holdings_without_a_spot_volume_say_why(written: WrittenRows) -> None:
    written.coin(1, "Alpha", "ALP")
    for exchange_id, (reason, answers) in enumerate(REASONS.items()):
        written.exchange(exchange_id, reason)
        for hour, volume in answers.items():
            written.insert(INFO, exchange_id=exchange_id, snapshot_timestamp=at(hour), spot_volume_usd=volume)
        figures = {"balance": 2.0, "currency_price_usd": 3.0, "total_usd_value": 6.0}
        hold(written, exchange_id, "Bitcoin", "w1", 1, **figures)
        hold(written, exchange_id, "Bitcoin", "w1", 1, snapshot_timestamp=at(1), spot_volume_usd=0.0)
        hold(written, exchange_id, "Bitcoin", "w1", 1, snapshot_timestamp=at(2), spot_volume_usd=1.0, is_imputed=True)
    columns = (
        "exchange_id, snapshot_timestamp, name, reason, info_snapshot_timestamp, observed_timestamp, is_imputed,"
        " blockchain_name, wallet_address, crypto_id, balance, currency_price_usd, total_usd_value"
    )
    assert written.found("monitoring.vw_missing_spot_volume", columns) == [
        (exchange_id, at(0), reason, reason, *SOURCES[reason], False, "Bitcoin", "w1", 1, 2.0, 3.0, 6.0)
        for exchange_id, reason in enumerate(REASONS)
    ]
