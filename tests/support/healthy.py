"""A small market without a fault, as the transformation would write it: five snapshots, an hour apart."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.support.silver_writer import (
    Row,
    asset,
    at,
    category,
    coin,
    coin_info,
    coin_map,
    exchange,
    exchange_figures,
    exchange_info,
    exchange_map,
    listing,
    members,
    point,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.support.loading import Loading
    from tests.support.silver_writer import SilverWriter

SNAPSHOTS = range(5)
NEWEST = at(SNAPSHOTS[-1])
NUMBERS = range(1, 6)
#: From this snapshot on the first coin, exchange and category have another name and another info.
_RENAMED = 2
#: Its newest info says nothing; what it said before is carried forward.
SILENT_EXCHANGE = 3
#: In a wallet, and in no map.
UNMAPPED_COIN = 6
_WORTH = {number: 10.0 * number * 1000 for number in NUMBERS}
_LINKS = {0: {1: [1, 2, 3, 4, 5], 2: [1, 2, 3]}, 2: {2: [1, 2]}, 3: {2: [1, 2, 3]}}


def fill(lake: SilverWriter, load: Loading) -> None:
    """Load the market, snapshot by snapshot, parents before children; then impute what the newest infos lack."""
    for number in SNAPSHOTS:
        for table, rows in TABLES.items():
            if made := rows(number):
                lake.commit(table, {at(number): made})
                load(table)
    lake.commit("market_sentiment_history", {at(0): [point(day, 30) for day in range(1, 4)]})
    load("market_sentiment_history")
    silent = f"exchange_id = {SILENT_EXCHANGE} AND snapshot_timestamp = '{NEWEST.isoformat()}'"
    load.execute(
        "UPDATE dwh.dim_exchange_map SET (maker_fee, taker_fee, weekly_visits, is_imputed) = (0.1, 0.1, 1000, true)"
        f" WHERE {silent}"
    )
    load.execute(
        "UPDATE dwh.fact_exchange_assets SET (spot_volume_usd, value_to_volume_ratio, is_imputed)"
        f" = (1e6, total_usd_value / 1e6, true) WHERE {silent}"
    )


def _name(kind: str, number: int, snapshot: int) -> str:
    return f"{kind} {number}{' renamed' if number == 1 and snapshot >= _RENAMED else ''}"


def _infos(snapshot: int) -> list[Row]:
    about = {"logo_url": "https://logo.test", "website_url": "https://coin.test", "category": "coin"}
    dates = {"date_launched": date(2015, 1, 1), "date_added": date(2015, 1, 2), "snapshot_date": at(snapshot).date()}
    return [{**coin_info(n, ["new"] if n == 1 and snapshot >= _RENAMED else []), **about, **dates} for n in NUMBERS]


def _listing(number: int, snapshot: int) -> Row:
    price, circulating, total, most = 10.0 * number, 1000.0, 1250.0, 2000.0
    worth, volume = price * circulating, price * 70.0
    return {
        **listing(number, price=price),
        "cmc_rank": 6 - number,
        "num_market_pairs": 10,
        "batch_index": 1,
        "infinite_supply": False,
        "last_updated_usd": _iso(at(snapshot) - timedelta(minutes=1)),
        **dict.fromkeys(("percent_change_1h_usd", "percent_change_24h_usd", "percent_change_7d_usd"), 1.5),
        "volume_24h_usd": volume,
        "volume_change_24h": 2.0,
        "market_cap_usd": worth,
        "market_cap_dominance_usd": 100 * worth / sum(_WORTH.values()),
        "fully_diluted_market_cap_usd": price * most,
        "circulating_supply": circulating,
        "total_supply": total,
        "max_supply": most,
        "volume_to_market_cap_ratio": volume / worth,
        "missing_supply_ratio": (total - circulating) / total,
        "supply_utilization": circulating / most,
        "fully_diluted_cap_ratio": price * most / worth,
    }


def _category(number: int) -> Row:
    tokens, cap, volume, change = {1: 5, 2: 3}.get(number, 2), 1e6 * number, 1e4 * number, 1.5
    return {
        "category_id": f"c{number}",
        "num_tokens": tokens,
        "market_cap": cap,
        "volume": volume,
        **dict.fromkeys(("avg_price_change", "market_cap_change", "volume_change"), change),
        "volume_to_market_cap_ratio": volume / cap,
        "dominance_per_token": cap / tokens,
        "market_cap_change_rate": change / 100,
        "volume_change_rate": change / 100,
        "price_change_index": change * tokens,
    }


def _exchange_info(number: int, snapshot: int) -> Row:
    fiats = ["USD", "EUR"] if number == 1 and snapshot >= _RENAMED else ["USD"]
    urls = {"logo_url": "https://logo.test", "website_url": "https://exchange.test"}
    return {**exchange_info(number, fiats), **urls, "date_launched": "2017-07-14 00:00:00"}


def _figures(number: int, snapshot: int) -> Row:
    if number == SILENT_EXCHANGE and at(snapshot) == NEWEST:
        return exchange_figures(number, None)
    return exchange_figures(number, 1e6, 0.1, 1000)


def _assets(number: int) -> list[Row]:
    """Three wallets; the third coin of the first exchange is worth nothing, which is known."""
    rows = [asset(number, n, None, chain) for n, chain in ((1, "one"), (2, "one"), (UNMAPPED_COIN, "two"))]
    for place, row in enumerate(rows, 1):
        balance, price = 10.0 * place, 0.0 if (number, place) == (1, 3) else 7.0
        row.update(balance=balance, currency_price_usd=price, total_usd_value=balance * price, blockchain_symbol="ONE")
    whole = sum(row["total_usd_value"] for row in rows)
    return [{**row, "wallet_weight": row["total_usd_value"] / whole} for row in rows]


def _global(snapshot: int) -> Row:
    cap, volume = 3e12, 1.2e11
    kpis: dict[str, Any] = {
        "btc_dominance_delta": 60.0 - 59.5,
        "eth_dominance_delta": 11.0 - 11.25,
        "defi_volume_share": 9e9 / volume,
        "stablecoin_market_share": 2.4e11 / cap,
        "market_liquidity_ratio": volume / cap,
        "crypto_growth_rate_30d": 300 / 30_000,
    }
    return {
        "last_updated_timestamp": at(snapshot) - timedelta(minutes=1),
        "btc_dominance": 60.0,
        "btc_dominance_yesterday": 59.5,
        "eth_dominance": 11.0,
        "eth_dominance_yesterday": 11.25,
        "active_cryptocurrencies": 10_000,
        "total_cryptocurrencies": 30_000,
        "active_market_pairs": 100_000,
        "active_exchanges": 800,
        "total_exchanges": 10_000,
        "defi_market_cap": 9.5e10,
        "defi_volume_24h": 9e9,
        "stablecoin_market_cap": 2.4e11,
        "altcoin_market_cap": 1.2e12,
        "derivatives_volume_24h": 8e11,
        "total_market_cap": cap,
        "total_volume_24h": volume,
        "total_market_cap_yesterday": cap / 1.02,
        "total_market_cap_yesterday_change": 2.0,
        "new_cryptos_today": 4,
        "new_cryptos_last_24h": 10,
        "new_cryptos_last_7d": 70,
        "new_cryptos_last_30d": 300,
        "max_daily_new_cryptos": 20,
        "min_daily_new_cryptos": 5,
        **kpis,
        **{f"check_{name}": True for name in kpis},
    }


def _sentiment(snapshot: int) -> Row:
    updated = at(snapshot) - timedelta(hours=1)
    return {"fear_greed_score": 30, "sentiment_label": "Fear", "value_timestamp": updated}


def _links(snapshot: int) -> list[Row]:
    return [row for number, coins in _LINKS.get(snapshot, {}).items() for row in members(number, [coins])]


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


#: Silver table -> the rows of a snapshot, by its number.
TABLES: dict[str, Callable[[int], list[Row]]] = {
    "dim_exchange_id": lambda at_: [exchange(n, _name("Exchange", n, at_)) for n in NUMBERS],
    "dim_exchange_info": lambda at_: [_exchange_info(n, at_) for n in NUMBERS],
    "fact_exchange_info": lambda at_: [_figures(n, at_) for n in NUMBERS],
    "dim_exchange_map": lambda _: [exchange_map(n) for n in NUMBERS],
    "dim_crypto_id": lambda at_: [coin(n, _name("Coin", n, at_)) for n in NUMBERS],
    "dim_crypto_map": lambda _: [coin_map(n, n) for n in NUMBERS],
    "dim_crypto_info": _infos,
    "fact_crypto_market": lambda at_: [_listing(n, at_) for n in NUMBERS],
    "fact_exchange_assets": lambda _: [row for n in (1, SILENT_EXCHANGE) for row in _assets(n)],
    "dim_crypto_category": lambda at_: [category(n, _name("Category", n, at_)) for n in NUMBERS],
    "fact_crypto_category": lambda _: [_category(n) for n in NUMBERS],
    "link_crypto_category": _links,
    "fact_global_market": lambda at_: [_global(at_)],
    "fact_market_sentiment": lambda at_: [_sentiment(at_)],
}
