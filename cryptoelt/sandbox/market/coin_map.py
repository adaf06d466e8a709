"""Coins as the map sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.market.coin_figures import figures_of
from cryptoelt.sandbox.market.coin_quotes import updated
from cryptoelt.sandbox.market.listings import ranks
from cryptoelt.sandbox.market.noise import DAY, uniform
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from collections.abc import Collection

    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.market.world import Market

_HISTORY_AFTER = 2 * DAY


def map_record(market: Market, coin: Coin, moment: float, wanted: Collection[str]) -> dict[str, Any]:
    """Return a coin as the map sends it, with the optional fields that are wanted."""
    active = coin.status == "active"
    record: dict[str, Any] = {
        "id": coin.id,
        "name": coin.name,
        "symbol": coin.symbol,
        "slug": coin.slug,
        "rank": rank_of(market, coin, moment) if active else None,
    }
    if "is_active" in wanted:
        record["is_active"] = int(active)
    if "status" in wanted:
        record["status"] = coin.status
    if _has_history(market, coin, moment):
        if "first_historical_data" in wanted:
            record["first_historical_data"] = api_time(coin.added + 300 * (1 + coin.id % 40))
        if "last_historical_data" in wanted:
            record["last_historical_data"] = api_time(_last_seen(market, coin, moment))
    if "platform" in wanted:
        record["platform"] = coin.platform.record(coin.platform.chain.number) if coin.platform else None
    return record


def rank_of(market: Market, coin: Coin, moment: float) -> int:
    """Return the rank of an active coin; one that came just now stands behind all."""
    known = ranks(market, moment)
    return known.get(coin.id) or len(known) + 100 + coin.id % 97


def _has_history(market: Market, coin: Coin, moment: float) -> bool:
    if coin.status != "active":
        return uniform(market.seed, "history", coin.id) < 0.3
    return coin.number is not None or moment - coin.mapped > _HISTORY_AFTER or coin.id % 3 > 0


def _last_seen(market: Market, coin: Coin, moment: float) -> float:
    if coin.status == "active":
        return updated(figures_of(market, coin), coin, moment) // 300 * 300
    return min(moment, coin.added + DAY * (30 + coin.id % 700))
