"""What a coin is worth at a moment: price, capitalisation, volumes and changes, in agreement with the whole market."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptoelt.sandbox.market.coin_figures import figures_of
from cryptoelt.sandbox.market.coins import lasting_coins, roster
from cryptoelt.sandbox.market.global_market import dominance, total_market_cap
from cryptoelt.sandbox.market.noise import DAY
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.coin_figures import Figures
    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.market.world import Market

    Number = float | int | None
    Quote = dict[str, Any]

_USUAL_TOTAL = 3.1e12
_HOUR = 3600.0
_SPANS = {"1h": _HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "60d": 60 * DAY, "90d": 90 * DAY}

#: Figures of a quote that are money, so that another currency changes them.
MONEY = frozenset(
    {
        "price", "volume_24h", "cex_volume_24h", "dex_volume_24h", "market_cap", "fully_diluted_market_cap", "tvl",
        "minted_market_cap", "market_cap_by_total_supply", "volume_24h_reported", "volume_7d", "volume_7d_reported",
        "volume_30d", "volume_30d_reported",
    }
)  # fmt: skip


class Scale(NamedTuple):
    """What turns lasting figures into money at a moment.

    Attributes:
        mood: how dear everything is, 1 on a usual day.
        by_weight: what a weight of one is worth.
    """

    total: float
    mood: float
    by_weight: float
    btc: float
    eth: float


@lru_cache(maxsize=4096)
def scale(market: Market, moment: float) -> Scale:
    """Return the scale that makes the capitalisations of all coins add up to the total of the whole market."""
    total = total_market_cap(market, moment)
    btc, eth = (total * dominance(market, name, moment) / 100 for name in ("btc", "eth"))
    now = roster(market, moment)
    born = ((coin.id, figures_of(market, coin)) for coin in now.newcomers)
    weights = sum(
        known.weight * math.exp(known.swing(moment))
        for coin_id, known in (*_verified(market), *born)
        if known.weight and coin_id in now.by_id
    )
    return Scale(total, total / _USUAL_TOTAL, (total - btc - eth) / weights, btc, eth)


@lru_cache(maxsize=8)
def _verified(market: Market) -> tuple[tuple[int, Figures], ...]:
    """Return ids and figures of the coins that can ever share in the total, those born later left out."""
    every = ((coin.id, figures_of(market, coin)) for coin in lasting_coins(market))
    return tuple((coin_id, known) for coin_id, known in every if known.weight and coin_id not in {1, 1027})


@lru_cache(maxsize=256)
def _scales(market: Market, moment: float) -> tuple[Scale, tuple[tuple[str, float, Scale], ...]]:
    """Return the scale of a moment, and for each span the moment before it and its scale."""
    spans = ((f"percent_change_{span}", moment - seconds) for span, seconds in _SPANS.items())
    return scale(market, moment), tuple((name, before, scale(market, before)) for name, before in spans)


def market_cap(market: Market, coin: Coin, moment: float) -> float:
    """Return what a coin is worth; 0 when its supply is not verified."""
    return _worth(coin, figures_of(market, coin), moment, scale(market, moment))


def _worth(coin: Coin, known: Figures, moment: float, at: Scale) -> float:
    if coin.id == 1:
        return at.btc
    if coin.id == 1027:
        return at.eth
    return known.weight * math.exp(known.swing(moment)) * at.by_weight if known.weight else 0.0


def _price(coin: Coin, known: Figures, moment: float, at: Scale) -> float:
    if known.stable:
        return 1 + 0.002 * known.swing(moment)
    if known.weight and known.circulating:
        return _worth(coin, known, moment, at) / known.circulating
    return known.price * math.exp(known.swing(moment)) * at.mood


def supply(market: Market, coin: Coin, moment: float) -> float | int:
    """Return the circulating supply; that of a stable coin follows its worth."""
    known = figures_of(market, coin)
    if known.stable:
        at = scale(market, moment)
        return round(_worth(coin, known, moment, at) / _price(coin, known, moment, at), 6)
    return known.circulating


def price(market: Market, coin: Coin, moment: float) -> float:
    """Return what a coin costs in US dollars: the price of its quote, without the labour of all the rest."""
    known = figures_of(market, coin)
    at = updated(known, coin, moment) if known.quirk == "stale" else moment
    return _price(coin, known, at, scale(market, at))


def updated(known: Figures, coin: Coin, moment: float) -> float:
    """Return when a coin's figures were last computed: a minute or two ago, or days."""
    if known.quirk == "stale":
        days = 1 + coin.id % 15
        return moment // (days * DAY) * days * DAY
    return moment // 60 * 60 - 60 * (coin.id % 3)


def quote(market: Market, coin: Coin, moment: float) -> Quote:
    """Return the figures of a coin in US dollars, everything that any endpoint sends."""
    known = figures_of(market, coin)
    stamp = updated(known, coin, moment)
    if known.quirk == "stale":
        moment = stamp
    now, spans = _scales(market, moment)
    price = _price(coin, known, moment, now)
    cap = _worth(coin, known, moment, now)
    circulating = cap / price if known.stable else known.circulating
    beat = 1 + 0.4 * math.sin(moment / 9000 + coin.id)
    volume = known.turnover * beat * (cap or 40_000 * known.price**0.1 * now.mood)
    day_before = known.turnover * (1 + 0.4 * math.sin((moment - DAY) / 9000 + coin.id))
    found: Quote = {"price": price, "volume_24h": volume}
    found["volume_change_24h"] = round((known.turnover * beat / day_before - 1) * 100, 4) if day_before else 0
    found["cex_volume_24h"] = volume * (1 - known.dex_share)
    found["dex_volume_24h"] = volume * known.dex_share
    for name, before, then in spans:
        found[name] = _change(coin, known, price, before, then)
    most = known.maximum or known.total or circulating
    total = circulating if known.stable else known.total
    found["market_cap"] = cap or (None if known.quirk == "no worth" else 0)
    found["market_cap_dominance"] = round(cap / now.total * 100, 4) if cap else 0
    found["fully_diluted_market_cap"] = round(price * (circulating if known.stable else most), 2)
    found["minted_market_cap"] = round(price * total, 2)
    found["tvl"] = round(volume * 3, 2) if coin.id % 29 == 0 else None
    found["last_updated"] = api_time(stamp)
    _make_odd(found, coin, known.quirk, moment)
    return found


def _change(coin: Coin, known: Figures, price: float, before: float, then: Scale) -> Number:
    """Return a change in percent; unknown for a coin that was not there before."""
    if coin.number is None and before < coin.added:
        return None
    if known.quirk == "huge change":
        return 3.1e16 * (1 + math.sin(before) / 10)
    past = _price(coin, known, before, then)
    return round((price / past - 1) * 100, 8) if past else 0


def _make_odd(found: Quote, coin: Coin, quirk: str, moment: float) -> None:
    """Send whole numbers among the others by chance, and what the coin's quirk asks for."""
    chance = (coin.id * 2_654_435_761 ^ int(moment) * 40_503) & 0xFFFF
    for turn, field in enumerate(("volume_24h", "market_cap", "percent_change_7d", "price", "percent_change_1h")):
        value = found[field]
        if chance >> turn & 0x3F == 0 and isinstance(value, float) and (abs(value) >= 1000 or value == 0):
            found[field] = round(value)
    if quirk == "huge volume change":
        found["volume_change_24h"] = 5.8e6 + chance
    elif quirk == "nulls":
        found |= dict.fromkeys(("volume_change_24h", "percent_change_60d", "percent_change_90d", "cex_volume_24h"))
    elif quirk == "no volume":
        found |= {"volume_24h": 0, "cex_volume_24h": 0, "dex_volume_24h": 0}
