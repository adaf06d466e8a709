"""What a coin's figures follow from: its size, its supplies, how it swings, and what is odd about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from cryptoelt.sandbox.market.coin_names import KNOWN, ODD
from cryptoelt.sandbox.market.noise import DAY, digest

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.market.world import Market

    Number = float | int | None

_STABLE = frozenset({825, 3408})
_VERIFIED = 0.36
_RISING = 1.75
_SHARED_WORTH = 8.5e11

#: What breaks naive code: name -> share of the coins. Every world has each at least once.
_QUIRKS: dict[str, float] = {
    "huge supply": 0.0005, "tiny price": 0.01, "huge price": 0.0002, "huge change": 0.001, "no volume": 0.07,
    "no supply": 0.005, "no maximum": 0.016, "more than exists": 0.005, "more than allowed": 0.03, "stale": 0.004,
    "nulls": 0.004, "no rank": 0.003, "free": 0.001, "huge volume change": 0.001, "no worth": 0.03,
}  # fmt: skip
_FIRST_QUIRK = len(KNOWN) + len(ODD)
_UNVERIFIED = frozenset({"huge supply", "stale", "free", "no worth", "no supply", "huge change"})


@dataclass(frozen=True)
class Figures:
    """The lasting figures of a coin.

    Attributes:
        weight: its share of what all verified coins but the two largest are worth; 0 when its supply is not verified.
        price: its usual price; for a verified coin only what its supply follows from.
        waves: height, pace and phase of what moves its price.
        quirk: what is odd about it, else empty.
    """

    weight: float
    price: float
    waves: tuple[tuple[float, float, float], ...]
    circulating: float | int
    total: float | int
    maximum: Number
    infinite: bool
    self_reported: float | int | None
    turnover: float
    dex_share: float
    pairs: int
    tags: tuple[int, ...]
    stable: bool
    quirk: str

    def swing(self, moment: float) -> float:
        """Return the logarithm of how far the coin is from its usual worth."""
        sin = math.sin
        (high, fast, first), (middle, steady, second), (low, slow, third) = self.waves
        return (
            high * sin(moment * fast + first)
            + middle * sin(moment * steady + second)
            + low * sin(moment * slow + third)
        )


@lru_cache(maxsize=60_000)
def figures(market: Market, coin_id: int, number: int | None) -> Figures:
    """Return the figures of a coin; they never change."""
    chance = Random(digest(market.seed, "figures", coin_id))  # noqa: S311 - a market, not a secret
    quirk = _quirk(chance, number)
    known = number is not None and number < len(KNOWN)
    verified = known or (chance.random() < _VERIFIED and quirk not in _UNVERIFIED)
    weight = _weight(chance, market, number) if verified else 0.0
    price = math.exp(chance.uniform(math.log(1e-7), math.log(60)))
    price = {"huge supply": 1.4e-9, "tiny price": 1.4e-9, "huge price": 3.9e7, "free": 0.0}.get(quirk, price)
    if known:
        price = (95_000.0, 3_300.0, 1.0, 2.3, 640.0, 170.0, 1.0, 0.3, 0.25, 0.8, 35.0, 5.0)[number or 0]
    circulating = _supply(chance, weight * _SHARED_WORTH / price) if weight and price else 0
    if coin_id == 1:
        circulating = 19_900_000
    elif coin_id == 1027:
        circulating = 120_600_000.123456
    if quirk == "huge supply":
        circulating = 6.8e26
    total, maximum = _limits(chance, circulating, quirk)
    claimed = circulating or _supply(chance, chance.uniform(1e5, 5e7) / (price or 1e-6))
    return Figures(
        weight=weight,
        price=price,
        waves=_waves(chance, stable=coin_id in _STABLE),
        circulating=circulating,
        total=total,
        maximum=21_000_000 if coin_id == 1 else maximum,
        infinite=maximum is None and chance.random() < 0.2,
        self_reported=claimed if chance.random() < (0.7 if not verified else 0.15) else None,
        turnover=_turnover(chance, quirk, known=known),
        dex_share=chance.choice((0.0, 0.0, 1.0, chance.random())),
        pairs=round(11_000 / (1 + (number or 500)) ** 0.7) + chance.randrange(1, 6),
        tags=tuple(chance.sample(range(60), chance.choice((0, 0, 1, 2, 3, 4, 6, 12)))),
        stable=coin_id in _STABLE,
        quirk=quirk,
    )


def figures_of(market: Market, coin: Coin) -> Figures:
    """Return the figures of a coin."""
    return figures(market, coin.id, coin.number)


def _quirk(chance: Random, number: int | None) -> str:
    if number is not None and number < _FIRST_QUIRK:
        return ""
    names = list(_QUIRKS)
    if number is not None and number < _FIRST_QUIRK + len(names):
        return names[number - _FIRST_QUIRK]
    drawn = chance.random()
    for name, share in _QUIRKS.items():
        if drawn < share:
            return name
        drawn -= share
    return ""


def _weight(chance: Random, market: Market, number: int | None) -> float:
    """Return a share that falls with the coin's number, as sizes do in a market."""
    place = chance.uniform(400, 3000) if number is None else 2.0 + number
    spread = 1.0 if number is not None and number < len(KNOWN) else math.exp(chance.gauss(0, 0.5))
    scale = max(1.0, 3000 / market.world.coins) if number is not None and number >= len(KNOWN) else 1.0
    return spread * math.pow(place * scale * (0.4 if place > 100 else 1.0), -_RISING)


def _supply(chance: Random, amount: float) -> float | int:
    kind = chance.random()
    if amount >= 1 and kind < 0.55:
        digits = len(str(int(amount)))
        return int(round(amount, 3 - digits)) if kind < 0.3 else int(amount)
    return round(amount, 8) or 1.0


def _limits(chance: Random, circulating: float, quirk: str) -> tuple[float | int, Number]:
    """Return total and maximum supply."""
    total = circulating if chance.random() < 0.4 else circulating * chance.uniform(1, 2.5)
    total = total or _supply(chance, math.exp(chance.uniform(math.log(1e5), math.log(1e13))))
    maximum: Number = None if chance.random() < 0.55 else chance.choice((total, int(total * 1.5) + 1, 10**12))
    if maximum is not None and maximum < total:
        maximum = total
    match quirk:
        case "huge supply":
            return 6.8e26, 2.9e24
        case "no supply":
            return 0, maximum
        case "no maximum":
            return total, 0
        case "more than exists":
            return circulating * 0.9, maximum
        case "more than allowed":
            return total, total * 0.75
        case _:
            return total, maximum


def _turnover(chance: Random, quirk: str, *, known: bool) -> float:
    """Return which part of the coin's worth is traded in a day."""
    drawn = math.exp(chance.uniform(math.log(5e-4), math.log(0.3)))
    return 0.0 if quirk == "no volume" else 0.03 if known else drawn


def _waves(chance: Random, *, stable: bool) -> tuple[tuple[float, float, float], ...]:
    turn = 2 * math.pi
    periods = (chance.uniform(1.5, 9) * 3600, chance.uniform(2, 9) * DAY, chance.uniform(40, 200) * DAY)
    heights = (chance.uniform(0.002, 0.01), chance.uniform(0.01, 0.12), chance.uniform(0.1, 0.7))
    less = 0.05 if stable else 1.0
    return tuple(
        (less * height, turn / period, chance.uniform(0, turn)) for height, period in zip(heights, periods, strict=True)
    )
