"""Descriptions and notices of synthetic exchanges."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cryptoelt.sandbox.market.exchanges import ACTIVE, period, turns
from cryptoelt.sandbox.market.noise import between, uniform

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.exchanges import Exchange
    from cryptoelt.sandbox.market.world import Market

_LONGEST = 7500
_ALWAYS_LONG = 0
_ALWAYS_REWRITTEN = 6
_NEVER_DESCRIBED, _EMPTY = 7, 8
_QUESTIONS = ("What Is {}?", "Who Are the Founders of {}?", "Where Is {} Located?", "How Much Are the {} Fees?")
_SENTENCES = (
    "It opened quietly and grew with the market",
    "Orders are matched in memory; balances are settled on chain",
    "Members may lend, stake or borrow | terms apply",
    "See the [fee schedule](https://fees.example/?tier=1&side=maker) for *current* rates",
    "Support answers in English, 中文 and español",
    'Its founders call it "the harbour"',
    "- custody with `multi-party` keys\r\n- reserves shown monthly",
    "Volume is reported by the exchange itself",
)


def description(market: Market, exchange: Exchange, moment: float) -> str | None:
    """Return the description: None, empty, a line, or thousands of characters of Markdown."""
    chance = uniform(market.seed, "description", exchange.key)
    told = exchange.number in {_ALWAYS_LONG, _ALWAYS_REWRITTEN}
    if exchange.status != ACTIVE or exchange.number == _NEVER_DESCRIBED or (chance < 0.07 and not told):
        return None
    if exchange.number == _EMPTY or (chance < 0.32 and not told):
        return ""
    text = _text(market, exchange.key, exchange.name, long=exchange.number == _ALWAYS_LONG or chance > 0.75)
    rewritten = exchange.number == _ALWAYS_REWRITTEN or uniform(market.seed, "rewritten", exchange.key) < 0.05
    if market.world.churn and rewritten:
        length = period(market, 40, 90, 1.5, "description", exchange.key)
        text += f"\r\n\r\nEdition {turns(market, moment, length, 'description', exchange.key)}."
    return text


@lru_cache(maxsize=5_000)
def _text(market: Market, key: str, name: str, *, long: bool) -> str:
    if not long:
        return f"{name.strip()} is an exchange. {_sentence(market, key, 0)}."
    length = between(1000, _LONGEST - 600, market.seed, "long", key)
    parts: list[str] = []
    size = 0
    while size < length:
        turn = len(parts)
        question = _QUESTIONS[turn % len(_QUESTIONS)].format(name.strip())
        sentences = ". ".join(_sentence(market, key, 7 * turn + place) for place in range(6))
        parts.append(f"## {question}\r\n\r\n{sentences}.")
        size += len(parts[-1]) + 4
    return "\r\n\r\n".join(parts)[:_LONGEST]


def _sentence(market: Market, key: str, place: int) -> str:
    return _SENTENCES[int(uniform(market.seed, "sentence", key, place) * len(_SENTENCES))]


def notice(market: Market, exchange: Exchange) -> str | None:
    """Return the notice: empty, a warning now and then, None seldom."""
    chance = uniform(market.seed, "notice", exchange.key)
    if exchange.status != ACTIVE and chance < 0.6:
        return "WARNING: this exchange has closed; withdrawals may not be possible."
    if chance > 0.97:
        return None
    return "Please note: 2 pairs are under review; their volume is <b>not</b> counted." if chance > 0.92 else ""
