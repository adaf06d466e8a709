"""The synthetic fear-and-greed index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.sandbox.market.noise import DAY, walk

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.world import Market

_FIRST_DAY = 19_537  # 29 June 2023

#: Lower bounds of the bands, and how the API spells them.
_BANDS = ((80, "Extreme greed"), (60, "Greed"), (40, "Neutral"), (20, "Fear"), (0, "Extreme fear"))


def fear_and_greed(market: Market, moment: float) -> int:
    """Return the index, 0 to 100, at a moment."""
    mood = walk(market.seed, "fear and greed", fastest=DAY / 4, slowest=70 * DAY)
    return max(0, min(100, round(50 + 27 * mood.at(moment))))


def classification(value: int) -> str:
    """Return the band a value is in."""
    return next(name for lowest, name in _BANDS if value >= lowest)


def daily_points(moment: float, start: int, limit: int) -> range:
    """Return a page of the days (in days since 1970) that have a value, newest first: a day has one when it is over."""
    newest = int(moment // DAY) - 1
    return range(newest, _FIRST_DAY - 1, -1)[start - 1 : start - 1 + limit]
