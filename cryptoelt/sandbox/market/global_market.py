"""The synthetic market as a whole: totals, dominances, volumes, counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cryptoelt.sandbox.market.noise import DAY, as_sent, walk
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.world import Market

_COUNTED_FROM = 1_738_972_800.0  # 2025-02-08: the counts below are those of that day
_YEAR = 365

#: coin -> (usual share of the total in percent, how far it swings).
_DOMINANT: dict[str, tuple[float, float]] = {"eth": (11.5, 2.5), "btc": (60, 4.8)}

#: name -> (volume of 24 hours, what exchanges report over what is counted, market capitalisation), in USD.
_SECTORS: dict[str, tuple[float, float, float | None]] = {
    "defi": (9e9, 4.0, 9.5e10),
    "stablecoin": (9.5e10, 5.1, 2.4e11),
    "derivatives": (8e11, 1.03, None),
}


def global_metrics(market: Market, moment: float, currencies: dict[str, float]) -> dict[str, object]:
    """Return the whole answer; `currencies` maps the keys of `quote` to the price of one USD in each."""
    last_updated = api_time(moment - 0.001)
    sectors = _sectors(market, moment)
    data: dict[str, object] = {**_counts(market, moment), **_dominances(market, moment)}
    data |= sectors
    data |= _new_coins(market, moment)
    usd = {**_totals(market, moment), **sectors}
    data["quote"] = {
        currency: {field: _converted(field, value, rate) for field, value in usd.items()}
        | {"last_updated": last_updated}
        for currency, rate in currencies.items()
    }
    data["last_updated"] = last_updated
    return data


def _converted(field: str, value: float, rate: float) -> float:
    return value if rate == 1 or field.endswith("percentage_change") else value * rate


def _share(market: Market, name: str, middle: float, width: float, moment: float) -> float:
    return middle + width * math.tanh(
        walk(market.seed, "share", name, fastest=DAY / 24, slowest=90 * DAY).at(moment) / 2
    )


def dominance(market: Market, coin: str, moment: float) -> float:
    """Return the share of `btc` or `eth` in the total market capitalisation in percent."""
    return _share(market, coin, *_DOMINANT[coin], moment)


def _dominances(market: Market, moment: float) -> dict[str, float]:
    fields: dict[str, float] = {}
    for coin in _DOMINANT:
        today = round(dominance(market, coin, moment), 12)
        yesterday = round(dominance(market, coin, moment - DAY), 8)
        fields |= {
            f"{coin}_dominance": today,
            f"{coin}_dominance_yesterday": yesterday,
            f"{coin}_dominance_24h_percentage_change": round(today - yesterday, 12),
        }
    return fields


def _amount(market: Market, name: str, middle: float, moment: float) -> float:
    return middle * math.exp(0.4 * walk(market.seed, "amount", name, fastest=DAY / 12, slowest=30 * DAY).at(moment))


def total_market_cap(market: Market, moment: float) -> float:
    """Return the worth of all coins together in USD."""
    return 3.1e12 * math.exp(0.12 * walk(market.seed, "total", fastest=DAY / 24, slowest=200 * DAY).at(moment))


def _sectors(market: Market, moment: float) -> dict[str, float]:
    fields: dict[str, float] = {}
    for sector, (volume, reported, cap) in _SECTORS.items():
        today, yesterday = (_amount(market, sector, volume, at) for at in (moment, moment - DAY))
        fields[f"{sector}_volume_24h"] = as_sent(today, market.seed, sector, moment)
        fields[f"{sector}_volume_24h_reported"] = today * reported
        if cap is not None:
            fields[f"{sector}_market_cap"] = cap * total_market_cap(market, moment) / 3.1e12
        fields[f"{sector}_24h_percentage_change"] = round((today / yesterday - 1) * 100, 12)
    return fields


def _totals(market: Market, moment: float) -> dict[str, float]:
    cap, cap_before = total_market_cap(market, moment), total_market_cap(market, moment - DAY)
    volume, volume_before = (_amount(market, "all", 1.2e11, at) for at in (moment, moment - DAY))
    return {
        "total_market_cap": as_sent(cap, market.seed, "total", moment),
        "total_volume_24h": round(volume, 2),
        "total_volume_24h_reported": round(volume * 5.2, 2),
        "altcoin_volume_24h": volume * 0.68,
        "altcoin_volume_24h_reported": volume * 5.2 * 0.75,
        "altcoin_market_cap": cap * (1 - dominance(market, "btc", moment) / 100),
        "total_market_cap_yesterday": cap_before,
        "total_volume_24h_yesterday": round(volume_before, 2),
        "total_market_cap_yesterday_percentage_change": (cap / cap_before - 1) * 100,
        "total_volume_24h_yesterday_percentage_change": (volume / volume_before - 1) * 100,
    }


def _counts(market: Market, moment: float) -> dict[str, int]:
    days = max(0.0, (moment - _COUNTED_FROM) / DAY)
    swing = walk(market.seed, "counts", fastest=DAY, slowest=300 * DAY).at(moment)
    return {
        "active_cryptocurrencies": round(10_800 + 0.2 * days + 120 * swing),
        "total_cryptocurrencies": round(33_700 + 9 * days),
        "active_market_pairs": round(100_000 + 15 * days + 900 * swing),
        "active_exchanges": round(790 + 6 * swing),
        "total_exchanges": round(10_000 + 1.5 * days),
    }


def _new_on_day(market: Market, day: int) -> int:
    return round(30_000 * math.exp(0.5 * walk(market.seed, "new", fastest=3 * DAY, slowest=200 * DAY).at(day * DAY)))


def _new_coins(market: Market, moment: float) -> dict[str, object]:
    day, into = divmod(moment, DAY)
    today, part = int(day), into / DAY
    by_day = {number: _new_on_day(market, number) for number in range(today - _YEAR, today + 1)}
    most = max(by_day, key=lambda number: (by_day[number], -number))
    least = min(by_day, key=lambda number: (by_day[number], number))
    past_24h, before = (round(by_day[d] * part + by_day[d - 1] * (1 - part)) for d in (today, today - 1))
    return {
        "total_crypto_dex_currencies": round(10_990_000 + 30_000 * max(0.0, (moment - _COUNTED_FROM) / DAY)),
        "today_incremental_crypto_number": int(by_day[today] * part),
        "past_24h_incremental_crypto_number": past_24h,
        "past_7d_incremental_crypto_number": sum(by_day[today - back] for back in range(1, 8)),
        "past_30d_incremental_crypto_number": sum(by_day[today - back] for back in range(1, 31)),
        "today_change_percent": round(past_24h / before - 1, 12),
        "tracked_yearly_number": {
            "maxIncrementalNumber": by_day[most],
            "minIncrementalNumber": by_day[least],
            "maxIncrementalDate": api_time(most * DAY),
            "minIncrementalDate": api_time(least * DAY),
        },
    }
