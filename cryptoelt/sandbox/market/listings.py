"""Coins in the order of the market, their ranks, and their rows as the listings send them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.market.coin_figures import figures_of
from cryptoelt.sandbox.market.coin_quotes import market_cap, quote, supply, updated
from cryptoelt.sandbox.market.coins import roster
from cryptoelt.sandbox.market.tags import TAGS
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.market.world import Market

    Record = dict[str, Any]

_RANKED_EVERY = 600.0


@lru_cache(maxsize=16)
def _in_order(market: Market, moment: float) -> tuple[Coin, ...]:
    """Return the listed coins, the largest first; those of unknown worth follow, by what they say of themselves."""

    def size(coin: Coin) -> tuple[float, float, int]:
        known = figures_of(market, coin)
        claimed = (known.self_reported or 0) * known.price
        return -market_cap(market, coin, moment), -claimed, coin.id

    return tuple(sorted(roster(market, moment).listed, key=size))


def by_market_cap(market: Market, moment: float) -> tuple[Coin, ...]:
    """Return the listed coins, the largest first."""
    return _in_order(market, moment)


@lru_cache(maxsize=16)
def places(market: Market, moment: float) -> dict[int, int]:
    """Return the place of each listed coin in that order, by id."""
    return {coin.id: place for place, coin in enumerate(_in_order(market, moment))}


@lru_cache(maxsize=16)
def _ranks_at(market: Market, moment: float) -> dict[int, int]:
    """Return rank by id: by capitalisation too, but part of what some coins are worth does not count."""
    size = {
        coin.id: -market_cap(market, coin, moment) * (0.7 if coin.id % 7 == 0 else 1)
        for coin in _in_order(market, moment)
    }
    rank, found = 0, {}
    for coin in sorted(_in_order(market, moment), key=lambda coin: size[coin.id]):
        rank += 2 if coin.id % 211 == 0 else 1  # ranks have gaps: whoever is not listed holds some
        found[coin.id] = rank
    return found


def ranks(market: Market, moment: float) -> dict[int, int]:
    """Return rank by id, counted every ten minutes: the order may have changed since; the newest coins have none."""
    return _ranks_at(market, moment // _RANKED_EVERY * _RANKED_EVERY)


def listing(market: Market, coin: Coin, moment: float) -> tuple[Record, Record]:
    """Return everything that any version sends of a coin but its quotes, and its figures in US dollars."""
    known = figures_of(market, coin)
    figures = quote(market, coin, moment)
    circulating = supply(market, coin, moment)
    claimed = known.self_reported
    price = figures["price"]
    record: Record = {
        "id": coin.id,
        "name": coin.name,
        "symbol": coin.symbol,
        "slug": coin.slug,
        "num_market_pairs": known.pairs,
        "date_added": api_time(coin.added),
        "tags": [TAGS[number].slug for number in known.tags],
        "max_supply": known.maximum,
        "circulating_supply": circulating,
        "total_supply": circulating if known.stable else known.total,
        "infinite_supply": known.infinite,
        "platform": coin.platform.record(coin.platform.chain.coin_id) if coin.platform else None,
        "cmc_rank": None if known.quirk == "no rank" else ranks(market, moment).get(coin.id),
        "self_reported_circulating_supply": claimed,
        "self_reported_market_cap": None if claimed is None or not isinstance(price, float) else claimed * price,
        "tvl_ratio": None,
        "last_updated": api_time(updated(known, coin, moment)),
        "minted_market_cap": figures["minted_market_cap"],
    }
    tvl, cap = figures["tvl"], figures["market_cap"]
    if isinstance(tvl, float) and isinstance(cap, float) and tvl:
        record["tvl_ratio"] = cap / tvl
    return record, figures
