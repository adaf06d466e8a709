"""What the warehouse must hold for an answer of the API, worked out from the answer's body and nothing else.

This is a second, plain reading of the API: nothing here is shared with extractors and transformers, so that a mistake
of theirs is not repeated. Numbers are compared as doubles, to the last digit.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

BLANKS = " \t\r\n"
#: What a quote in dollars is called: by its symbol, or by its id where an id was asked for.
DOLLAR_KEYS = ("USD", "2781")

_QUOTED = (
    "total_market_cap",
    "total_volume_24h",
    "total_volume_24h_reported",
    "altcoin_market_cap",
    "altcoin_volume_24h",
    "altcoin_volume_24h_reported",
    "total_market_cap_yesterday",
    "total_volume_24h_yesterday",
)
_DOUBLES = (
    "btc_dominance",
    "eth_dominance",
    "btc_dominance_yesterday",
    "eth_dominance_yesterday",
    "defi_market_cap",
    "defi_volume_24h",
    "defi_volume_24h_reported",
    "defi_24h_percentage_change",
    "stablecoin_market_cap",
    "stablecoin_volume_24h",
    "stablecoin_volume_24h_reported",
    "stablecoin_24h_percentage_change",
    "derivatives_volume_24h",
    "derivatives_volume_24h_reported",
    "derivatives_24h_percentage_change",
)
_COUNTS = (
    "active_cryptocurrencies",
    "total_cryptocurrencies",
    "active_market_pairs",
    "active_exchanges",
    "total_exchanges",
    "total_crypto_dex_currencies",
)
_FIGURES = ("avg_price_change", "market_cap", "market_cap_change", "volume", "volume_change")


def number(value: Any) -> float | None:
    """Return a number as the double it is."""
    return None if value is None else float(value)


def text(value: str | None) -> str | None:
    """Return a text without blanks around it; the empty text is NULL."""
    return None if value is None else value.strip(BLANKS) or None


def decimal(value: Any) -> Decimal | None:
    """Return a number with the digits it was sent with."""
    return None if value is None else Decimal(str(value))


def address(value: str | None) -> str | None:
    """Return an address as it is stored: one of Ethereum's kind in lower case."""
    stripped = text(value)
    return stripped.lower() if stripped and re.fullmatch("0[xX][0-9A-Fa-f]{40}", stripped) else stripped


def moment(value: str | None) -> datetime | None:
    """Return an ISO 8601 moment, aware."""
    return None if value is None else datetime.fromisoformat(value)


def day(value: str | None) -> date | None:
    """Return the UTC day of an ISO 8601 moment."""
    found = moment(value)
    return None if found is None else found.astimezone(UTC).date()


def ratio(numerator: Any, denominator: Any) -> float | None:
    """Return a quotient; NULL where it is undefined."""
    if numerator is None or not denominator:
        return None
    quotient = float(numerator) / float(denominator)
    return quotient if math.isfinite(quotient) else None


def percent(value: Any) -> float | None:
    """Return percentage points as a rate."""
    return None if value is None else float(value) / 100


def product(left: Any, right: Any) -> float | None:
    """Return a product; NULL where a factor is."""
    return None if left is None or right is None else float(left) * float(right)


def difference(left: Any, right: Any) -> float | None:
    """Return a difference; NULL where a figure is."""
    return None if left is None or right is None else float(left) - float(right)


def category_fact(record: Row, snapshot: datetime) -> Row:
    """Return the row of fact_crypto_category for one record of cryptocurrency/categories."""
    return {
        "category_id": record["id"],
        "snapshot_timestamp": snapshot,
        "snapshot_str": f"{snapshot:%Y-%m-%d %H:%M:%S}",
        "num_tokens": record["num_tokens"],
        **{name: number(record[name]) for name in _FIGURES},
        "last_updated": record["last_updated"],
        "volume_to_market_cap_ratio": ratio(record["volume"], record["market_cap"]),
        "dominance_per_token": ratio(record["market_cap"], record["num_tokens"]),
        "market_cap_change_rate": percent(record["market_cap_change"]),
        "volume_change_rate": percent(record["volume_change"]),
        "price_change_index": product(record["avg_price_change"], record["num_tokens"]),
    }


def category_attributes(record: Row) -> Row:
    """Return what dim_crypto_category says of a category, the snapshot aside."""
    return {name: text(record[name]) for name in ("name", "title", "description")}


def global_fact(data: Row, snapshot: datetime) -> Row:
    """Return the row of fact_global_market for the data of global-metrics/quotes/latest; what is missing is NULL."""
    usd = _in_dollars(data["quote"])
    yearly = data.get("tracked_yearly_number") or {}
    updated = moment(data.get("last_updated"))
    row: Row = {
        "snapshot_timestamp": snapshot,
        "snapshot_str": f"{snapshot:%Y-%m-%d %H:%M:%S}",
        "last_updated_timestamp": updated,
        "last_updated_str": None if updated is None else f"{updated:%Y-%m-%d %H:%M:%S}",
        **{name: number(data.get(name)) for name in _DOUBLES},
        **{name: data.get(name) for name in _COUNTS},
        **{name: number(usd.get(name)) for name in _QUOTED},
        "btc_dominance_24h_change": number(data.get("btc_dominance_24h_percentage_change")),
        "eth_dominance_24h_change": number(data.get("eth_dominance_24h_percentage_change")),
        "total_market_cap_yesterday_change": number(usd.get("total_market_cap_yesterday_percentage_change")),
        "total_volume_24h_yesterday_change": number(usd.get("total_volume_24h_yesterday_percentage_change")),
        "new_cryptos_today": data.get("today_incremental_crypto_number"),
        "new_cryptos_last_24h": data.get("past_24h_incremental_crypto_number"),
        "new_cryptos_last_7d": data.get("past_7d_incremental_crypto_number"),
        "new_cryptos_last_30d": data.get("past_30d_incremental_crypto_number"),
        "new_cryptos_today_pct": number(data.get("today_change_percent")),
        "max_daily_new_cryptos": yearly.get("maxIncrementalNumber"),
        "max_new_cryptos_day": day(yearly.get("maxIncrementalDate")),
        "min_daily_new_cryptos": yearly.get("minIncrementalNumber"),
        "min_new_cryptos_day": day(yearly.get("minIncrementalDate")),
    }
    measures = {
        "btc_dominance_delta": difference(data.get("btc_dominance"), data.get("btc_dominance_yesterday")),
        "eth_dominance_delta": difference(data.get("eth_dominance"), data.get("eth_dominance_yesterday")),
        "defi_volume_share": ratio(data.get("defi_volume_24h"), usd.get("total_volume_24h")),
        "stablecoin_market_share": ratio(data.get("stablecoin_market_cap"), usd.get("total_market_cap")),
        "market_liquidity_ratio": ratio(usd.get("total_volume_24h"), usd.get("total_market_cap")),
        "crypto_growth_rate_30d": ratio(
            data.get("past_30d_incremental_crypto_number"), data.get("total_cryptocurrencies")
        ),
    }
    return row | measures | {f"check_{name}": measure is not None for name, measure in measures.items()}


def sentiment_fact(data: Row, snapshot: datetime) -> Row:
    """Return the row of fact_market_sentiment for the data of fear-and-greed/latest."""
    return {
        "snapshot_timestamp": snapshot,
        "snapshot_str": f"{snapshot:%Y-%m-%d}",
        "fear_greed_score": data["value"],
        "sentiment_label": text(data["value_classification"]),
        "value_timestamp": moment(data["update_time"]),
    }


def point_fact(point: Row) -> Row:
    """Return the row of fact_market_sentiment for one point of fear-and-greed/historical."""
    at = datetime.fromtimestamp(int(point["timestamp"]), UTC)
    return {
        "snapshot_timestamp": at,
        "snapshot_str": f"{at:%Y-%m-%d}",
        "fear_greed_score": point["value"],
        "sentiment_label": text(point["value_classification"]),
        "value_timestamp": at,
    }


# --- exchanges --------------------------------------------------------------------------------------------------------


def exchange_map(record: Row, snapshot: datetime, info: Row, info_snapshot: datetime | None) -> Row:
    """Return the row of dim_exchange_map for one record of exchange/map, and the exchange's info known by then."""
    return {
        "exchange_id": record["id"],
        "snapshot_timestamp": snapshot,
        "snapshot_str": f"{snapshot:%Y-%m-%d %H:%M:%S}",
        "is_active": record["is_active"] == 1,
        "maker_fee": number(info.get("maker_fee")),
        "taker_fee": number(info.get("taker_fee")),
        "weekly_visits": info.get("weekly_visits"),
        "info_snapshot_timestamp": info_snapshot,
        "is_imputed": False,
    }


def exchange_attributes(record: Row) -> Row:
    """Return what dim_exchange_info says of one record of exchange/info."""
    launched = moment(record["date_launched"])
    return {
        "exchange_id": record["id"],
        **{name: text(record[name]) for name in ("slug", "description")},
        "date_launched": None if launched is None else f"{launched:%Y-%m-%d %H:%M:%S}",
        "logo_url": text(record["logo"]),
        **{f"{name}_url": _first(record["urls"], name) for name in ("website", "twitter", "blog", "fee")},
        # Each currency once, as it comes first.
        "fiats": list(dict.fromkeys(fiat.strip(BLANKS) for fiat in record["fiats"] if fiat.strip(BLANKS))),
    }


def exchange_figures(record: Row, snapshot: datetime) -> Row:
    """Return the row of fact_exchange_info for one record of exchange/info."""
    return {
        "exchange_id": record["id"],
        "snapshot_timestamp": snapshot,
        **{name: number(record[name]) for name in ("maker_fee", "taker_fee", "spot_volume_usd")},
        "weekly_visits": record["weekly_visits"],
        "spot_volume_last_updated": moment(record["spot_volume_last_updated"]),
    }


def wallet(record: Row, exchange_id: int, snapshot: datetime) -> Row:
    """Return the row of fact_exchange_assets for the only record of its key; its share of the whole aside."""
    chain, currency = record["platform"], record["currency"]
    return {
        "exchange_id": exchange_id,
        "blockchain_name": text(chain["name"]),
        "blockchain_symbol": text(chain["symbol"]),
        "wallet_address": address(record["wallet_address"]),
        "crypto_id": currency["crypto_id"],
        "entry": 1,
        "snapshot_timestamp": snapshot,
        "snapshot_str": f"{snapshot:%Y-%m-%d %H:%M:%S}",
        "balance": decimal(record["balance"]),
        "currency_price_usd": number(currency["price_usd"]),
        "total_usd_value": product(record["balance"], currency["price_usd"]),
    }


# --- coins ------------------------------------------------------------------------------------------------------------


def coin_attributes(record: Row) -> Row:
    """Return what dim_crypto_id says of a coin for one record of cryptocurrency/map."""
    platform = record.get("platform") or {}
    return {
        "crypto_id": record["id"],
        **{name: text(record[name]) for name in ("name", "symbol", "slug")},
        "platform_id": platform.get("id"),
        **{f"platform_{name}": text(platform.get(name)) for name in ("name", "symbol", "token_address")},
        "is_inferred": False,
        "inferred_from": None,
    }


def coin_rank(record: Row, snapshot: datetime) -> Row:
    """Return the row of dim_crypto_map for one record of cryptocurrency/map."""
    return {
        "crypto_id": record["id"],
        "snapshot_timestamp": snapshot,
        "snapshot_str": f"{snapshot:%Y-%m-%d %H:%M:%S}",
        "rank": record.get("rank"),
        "is_active": record.get("is_active"),
        "last_historical_data": text(record.get("last_historical_data")),
    }


def coin_info(record: Row, snapshot: datetime) -> Row:
    """Return the row of dim_crypto_info for one record of cryptocurrency/info."""
    links = ("website", "technical_doc", "explorer", "source_code", "twitter")
    return {
        "crypto_id": record["id"],
        "snapshot_timestamp": snapshot,
        "snapshot_date": snapshot.date(),
        **{name: text(record[name]) for name in ("slug", "category", "description")},
        **{name: day(record.get(name)) for name in ("date_launched", "date_added")},
        "tags": None if record["tags"] is None else [tag.strip(BLANKS) for tag in record["tags"] if tag.strip(BLANKS)],
        "logo_url": text(record["logo"]),
        **{f"{name}_url": _first(record["urls"], name) for name in links},
    }


def market_fact(record: Row, snapshot: datetime) -> Row:
    """Return the row of fact_crypto_market for one record of cryptocurrency/listings/latest, of v1 or v3."""
    quote = _in_dollars(record["quote"])
    in_dollars = ("price", "volume_24h", "percent_change_1h", "percent_change_24h", "percent_change_7d", "market_cap")
    newer = ("market_cap_dominance", "fully_diluted_market_cap")
    supplies = ("circulating_supply", "total_supply", "max_supply")
    reported = ("self_reported_market_cap", "self_reported_circulating_supply")
    circulating, total = record["circulating_supply"], record["total_supply"]
    missing = None if circulating is None or total is None else float(total) - float(circulating)
    return {
        "crypto_id": record["id"],
        "snapshot_timestamp": snapshot,
        "snapshot_str": f"{snapshot:%Y-%m-%d %H:%M:%S}",
        "batch_index": 1,
        **{name: record[name] for name in ("cmc_rank", "num_market_pairs")},
        "platform_id": (record["platform"] or {}).get("id"),
        "last_updated_usd": text(quote["last_updated"]),
        **{f"{name}_usd": number(quote.get(name)) for name in (*in_dollars, *newer)},
        "volume_change_24h": number(quote.get("volume_change_24h")),
        **{name: number(record.get(name)) for name in (*supplies, *reported)},
        "infinite_supply": record.get("infinite_supply"),
        "volume_to_market_cap_ratio": ratio(quote["volume_24h"], quote["market_cap"]),
        "missing_supply_ratio": ratio(missing, total),
        "supply_utilization": ratio(circulating, record["max_supply"]),
        "fully_diluted_cap_ratio": ratio(quote.get("fully_diluted_market_cap"), quote["market_cap"]),
    }


def _in_dollars(quotes: Any) -> Row:
    """Return the quote in USD, by its symbol or by the id of the dollar."""
    if isinstance(quotes, dict):
        return next((quotes[name] for name in DOLLAR_KEYS if name in quotes), {})
    return next(quote for quote in quotes if quote["symbol"] == "USD")


def _first(links: Row, name: str) -> str | None:
    return text(next(iter(links.get(name) or []), None))
