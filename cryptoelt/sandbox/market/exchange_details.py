"""What exchange/info tells of a synthetic exchange: texts, links, tags, fees, visits, volume."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from cryptoelt.sandbox.market.exchange_texts import description, notice
from cryptoelt.sandbox.market.exchanges import ACTIVE, declares_wallets, is_redistributable, period, turns
from cryptoelt.sandbox.market.noise import DAY, as_sent, between, uniform, walk
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.exchanges import Exchange
    from cryptoelt.sandbox.market.world import Market

Number = float | int | None

_ALWAYS_CHANGES_FEES = 1
_ALWAYS_SILENT_AT_TIMES = 2
_WITHOUT_VOLUME, _NO_VOLUME_AT_ALL, _BIGGEST = 4, 5, 0
_BARE = 7

#: name, slug, group of each tag.
_TAGS = (
    ("Centralized", "centralized", "CATEGORY"), ("Decentralized", "decentralized", "CATEGORY"),
    ("Orderbook", "orderbook", "TYPE"), ("Spot", "spot", "MARKET"), ("Derivatives", "derivatives", "MARKET"),
    ("Reserves, shown", "reserves-shown", "OTHERS"),
)  # fmt: skip
_COUNTRIES = ("Seychelles", "Malta", "Estonia", "Côte d'Ivoire", "Korea, Republic of", "Lithuania", "Cayman Islands")
_FIATS = ("USD", "EUR", "GBP", "JPY", "KRW", "TRY", "BRL", "AUD", "CHF", "PLN", "UAH", "ZAR")
_TYPES = ("", "", "", "orderbook", "orderbook", "swap", "aggregated")

#: maker and taker fee in percent.
_FEES: tuple[tuple[Number, Number], ...] = (
    (0, 0), (0.1, 0.1), (0.2, 0.2), (0.02, 0.05), (-0.01, 0.075), (0, 0.3), (0.25, 0.25), (1, 1), (-0.005, 0.04),
    (0.16, 0.26), (0.5, 0.9), (0, 0.05),
)  # fmt: skip


def info_record(market: Market, exchange: Exchange, moment: float) -> dict[str, object]:
    """Return an exchange as exchange/info sends it, with all that can be asked for."""
    maker_fee, taker_fee = _fees(market, exchange, moment)
    volume = spot_volume(market, exchange, moment)
    shows_wallets = int(declares_wallets(market, exchange))
    return {
        "id": exchange.id,
        "name": exchange.name,
        "slug": exchange.slug,
        "description": description(market, exchange, moment),
        "notice": notice(market, exchange),
        "logo": f"https://s2.coinmarketcap.com/static/img/exchanges/64x64/{exchange.id}.png",
        "countries": _some(market, exchange, "countries", _COUNTRIES, 0.2),
        "fiats": _fiats(market, exchange),
        "urls": _urls(market, exchange),
        "tags": _tags(market, exchange),
        "type": _TYPES[int(uniform(market.seed, "type", exchange.key) * len(_TYPES))] if _is_active(exchange) else "",
        "porStatus": shows_wallets,
        "porAuditStatus": int(shows_wallets and uniform(market.seed, "audited", exchange.key) < 0.3),
        "walletSourceStatus": shows_wallets,
        "porSwitch": json.dumps(
            {"totalAssetSwitch": 1, "auditSwitch": 1, "walletAddressSwitch": 1, "tokenSwitch": 1}, separators=(",", ":")
        ),
        "date_launched": _launched(market, exchange),
        "status": exchange.status,
        "is_hidden": 0,
        "is_redistributable": is_redistributable(market, exchange),
        "maker_fee": maker_fee,
        "taker_fee": taker_fee,
        "spot_volume_usd": volume,
        "spot_volume_last_updated": None if volume is None else api_time(moment // 60 * 60 - 60 + 0.482),
        "weekly_visits": _weekly_visits(market, exchange, moment),
    }


def _is_active(exchange: Exchange) -> bool:
    return exchange.status == ACTIVE


def _tells_little(exchange: Exchange) -> bool:
    return exchange.number == _BARE or not _is_active(exchange)


def _launched(market: Market, exchange: Exchange) -> str | None:
    if exchange.number == _BARE or uniform(market.seed, "launched", exchange.key) < 0.43:
        return None
    before = between(0, 900, market.seed, "days before", exchange.key) * DAY
    return api_time((exchange.opened - before) // DAY * DAY)


def _fees(market: Market, exchange: Exchange, moment: float) -> tuple[Number, Number]:
    if not _is_active(exchange):
        return 0, 0
    turn = 0
    changes = exchange.number == _ALWAYS_CHANGES_FEES or uniform(market.seed, "fees change", exchange.key) < 0.3
    if market.world.churn and changes:
        turn = turns(market, moment, period(market, 25, 60, 1, "fees", exchange.key), "fees", exchange.key)
    first = 4 if exchange.number == _BIGGEST else int(uniform(market.seed, "fees", exchange.key) * len(_FEES))
    return _FEES[(first + turn) % len(_FEES)]


def _weekly_visits(market: Market, exchange: Exchange, moment: float) -> int | None:
    if _tells_little(exchange) or uniform(market.seed, "no visits", exchange.key) < 0.12:
        return None
    length = max(DAY, 7 * DAY / (market.world.haste if market.world.churn else 1))
    week = moment // length * length
    usual = math.exp(between(math.log(200), math.log(2e7), market.seed, "visits", exchange.key))
    return round(usual * math.exp(0.3 * walk(market.seed, "visits", exchange.key, fastest=2 * DAY).at(week)))


def spot_volume(market: Market, exchange: Exchange, moment: float) -> Number:
    """Return the volume of 24 hours in USD: None for about one in five, for a few of them only at times."""
    if not _is_active(exchange) or exchange.number == _WITHOUT_VOLUME or _is_silent(market, exchange, moment):
        return None
    if exchange.number == _NO_VOLUME_AT_ALL or uniform(market.seed, "zero", exchange.key) < 0.02:
        return 0
    usual = math.exp(between(math.log(20), math.log(9e9), market.seed, "spot", exchange.key))
    usual = 1.9e10 if exchange.number == _BIGGEST else usual
    traded = walk(market.seed, "spot", exchange.key, fastest=DAY / 24, slowest=30 * DAY).at(moment)
    return as_sent(usual * math.exp(0.4 * traded), market.seed, "spot", exchange.key, moment)


def _is_silent(market: Market, exchange: Exchange, moment: float) -> bool:
    chance = uniform(market.seed, "silent", exchange.key)
    if exchange.number == _ALWAYS_SILENT_AT_TIMES or chance > 0.94:
        length = period(market, 8, 30, 1.2, "silent", exchange.key)
        return bool(market.world.churn and turns(market, moment, length, "silent", exchange.key) % 2)
    return chance < 0.15


def _some(market: Market, exchange: Exchange, what: str, values: tuple[str, ...], share: float) -> list[str]:
    if uniform(market.seed, what, exchange.key) > share:
        return []
    chosen = [value for value in values if uniform(market.seed, what, exchange.key, value) < 0.35]
    return chosen or [values[0]]


def _fiats(market: Market, exchange: Exchange) -> list[str]:
    """Return codes; in every third list all but the first carry a leading blank."""
    codes = _some(market, exchange, "fiats", _FIATS, 0.35)
    blank = exchange.number == _BIGGEST or uniform(market.seed, "blank", exchange.key) < 0.33
    codes = list(_FIATS[:4]) if exchange.number == _BIGGEST else codes
    return [codes[0], *(f" {code}" for code in codes[1:])] if codes and blank else codes


def _tags(market: Market, exchange: Exchange) -> list[dict[str, str]] | None:
    if _tells_little(exchange) or uniform(market.seed, "no tags", exchange.key) < 0.33:
        return None
    return [
        {"name": name, "slug": slug, "group": group}
        for name, slug, group in _TAGS
        if uniform(market.seed, "tag", exchange.key, slug) < 0.4
    ]


def _urls(market: Market, exchange: Exchange) -> dict[str, list[str]]:
    site = f"https://{exchange.slug}.example"
    links = {
        "twitter": (f"https://twitter.com/{exchange.slug}", 0.8),
        "blog": (f"{site}/blog", 0.3),
        "website": (f"{site}/", 0.97),
        "chat": (f"https://t.me/{exchange.slug}", 0.5),
        "actual": (f"{site}/trade?a=1&b=2", 0.1),
        "fee": (f"{site}/fees", 0.6),
    }
    urls = {
        kind: [link] if uniform(market.seed, "url", kind, exchange.key) < share else []
        for kind, (link, share) in links.items()
    }
    if urls["chat"] and uniform(market.seed, "second chat", exchange.key) < 0.3:
        urls["chat"].append(f"https://discord.gg/{exchange.slug}")
    return urls
