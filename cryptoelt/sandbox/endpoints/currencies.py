"""The parameters `convert` and `convert_id`, and what one US dollar is in each currency."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.market.noise import DAY, walk
from cryptoelt.sandbox.parameters import TextList, at_most_one

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.world import Market
    from cryptoelt.sandbox.parameters import Parameter

#: symbol -> (id, about how much of it one US dollar is)
_CURRENCIES: dict[str, tuple[str, float]] = {
    "USD": ("2781", 1.0),
    "EUR": ("2790", 0.9),
    "GBP": ("2791", 0.78),
    "JPY": ("2797", 150.0),
    "BTC": ("1", 1.05e-5),
    "ETH": ("1027", 3.1e-4),
}
_SYMBOL_OF = {currency_id: symbol for symbol, (currency_id, _) in _CURRENCIES.items()}
_MOST = 120

CONVERT: tuple[Parameter, ...] = (
    TextList("convert", most=_MOST, known=frozenset(_CURRENCIES)),
    TextList("convert_id", r"[0-9]{1,9}", most=_MOST, known=frozenset(_SYMBOL_OF)),
)


def currencies_asked(market: Market, values: dict[str, Any], moment: float) -> dict[str, float]:
    """Return the keys of `quote`, and the price of one USD in each.

    Raises:
        Refusal: both parameters were sent.
    """
    at_most_one(values, "convert", "convert_id")
    if values["convert_id"]:
        return {currency_id: _rate(market, _SYMBOL_OF[currency_id], moment) for currency_id in values["convert_id"]}
    return {symbol: _rate(market, symbol, moment) for symbol in values["convert"] or ("USD",)}


def currency_of(key: str) -> tuple[int, str]:
    """Return id and symbol of a currency by either."""
    symbol = _SYMBOL_OF.get(key, key)
    return int(_CURRENCIES[symbol][0]), symbol


def _rate(market: Market, symbol: str, moment: float) -> float:
    rate = _CURRENCIES[symbol][1]
    if symbol == "USD":
        return rate
    return rate * math.exp(0.05 * walk(market.seed, "rate", symbol, fastest=DAY / 4, slowest=100 * DAY).at(moment))
