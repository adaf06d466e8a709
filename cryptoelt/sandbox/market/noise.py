"""Chance that can be asked again: the same seed, name and time always give the same value."""

from __future__ import annotations

import math
from functools import lru_cache
from hashlib import blake2b
from random import Random

DAY = 86400.0
_WAVES = 9


def digest(*parts: object) -> bytes:
    """Return 16 bytes that look random and depend on nothing but `parts`."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).digest()


def uniform(*parts: object) -> float:
    """Return a number in [0, 1) that depends on nothing but `parts`."""
    return int.from_bytes(digest(*parts)[:7]) / 2**56


def between(low: float, high: float, *parts: object) -> float:
    """Return a number in [low, high) that depends on nothing but `parts`."""
    return low + (high - low) * uniform(*parts)


class Walk:
    """A smooth random walk around zero, with spread near one, that can be read at any time.

    It is a sum of waves with random phases whose periods grow geometrically from `fastest` to `slowest` seconds; a
    wave's height grows with the root of its period, as in a real random walk.
    """

    def __init__(self, fastest: float, slowest: float, *parts: object) -> None:
        chance = Random(digest(*parts))  # noqa: S311 - a market, not a secret
        step = (slowest / fastest) ** (1 / (_WAVES - 1))
        periods = [fastest * step**number * chance.uniform(0.8, 1.25) for number in range(_WAVES)]
        norm = math.sqrt(sum(periods) / 2)
        self._waves = [
            (math.sqrt(period) / norm, 2 * math.pi / period, chance.uniform(0, 2 * math.pi)) for period in periods
        ]

    def at(self, moment: float) -> float:
        """Return the walk's value at a moment (unix seconds)."""
        return sum(height * math.sin(moment * pace + phase) for height, pace, phase in self._waves)


@lru_cache(maxsize=200_000)
def walk(seed: int, *name: object, fastest: float = 2200.0, slowest: float = 120 * DAY) -> Walk:
    """Return the walk of this name in this market; it is built once."""
    return Walk(fastest, slowest, seed, *name)


def as_sent(value: float, *parts: object) -> float | int:
    """Round a value by chance as the API does: many digits mostly, few at times, and an int now and then."""
    chance = uniform("digits", *parts)
    if chance < 0.04 and abs(value) >= 1:
        return round(value)
    if chance < 0.25 and abs(value) >= 1e-3:
        return round(value, 8)
    if chance < 0.35 and abs(value) >= 100:
        return round(value, 2)
    return value
