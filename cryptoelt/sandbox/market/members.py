"""Which coins a category has at a moment: real coins, so that its pages together are as long as it says."""

from __future__ import annotations

import math
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from cryptoelt.sandbox.market.coin_names import KNOWN
from cryptoelt.sandbox.market.coins import roster, turns
from cryptoelt.sandbox.market.noise import between, digest

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.market.world import Market

#: Numbers of two categories that every world has: one without members, one with nearly half of all coins.
EMPTY, HUGE = 4, 6

_SMALLEST, _LARGEST = 2.0, 650.0
_HUGE_SHARE = 0.43
_MOVING_SHARE = 0.04
_MOST_MOVING = 40
_FAMOUS_SHARE = 0.3
_JOINED_BY_A_NEW_COIN = (0, 0, 0, 1, 2)


class _Plan(NamedTuple):
    """The membership of a category over all time, in numbers of coins.

    Attributes:
        lasting: members that stay.
        swaps: pairs that take turns, so that the count stays what it is.
        guests: members that come and go.
    """

    lasting: frozenset[int]
    swaps: tuple[tuple[int, int], ...]
    guests: tuple[int, ...]


@lru_cache(maxsize=4096)
def members(market: Market, key: str, number: int | None, moment: float) -> tuple[Coin, ...]:
    """Return the active coins that belong to a category, by id.

    Args:
        market: the market.
        key: names the category within its market.
        number: its place among the categories that always exist.
        moment: unix seconds.
    """
    plan = _plan(market, key, number)
    numbers = set(plan.lasting)
    for place, pair in enumerate(plan.swaps):
        numbers.add(pair[turns(market, moment, "swap", key, place)[0] % 2])
    for guest in plan.guests:
        if turns(market, moment, "guest", key, guest)[0] % 2:
            numbers.add(guest)
    now = roster(market, moment)
    found = [now.by_number[lasting] for lasting in numbers if lasting in now.by_number]
    if number is not None:
        found += [coin for coin in now.newcomers if number in _joined(market, coin.id)]
    return tuple(sorted(found, key=lambda coin: coin.id))


@lru_cache(maxsize=4096)
def _plan(market: Market, key: str, number: int | None) -> _Plan:
    coins = market.world.coins
    if number == EMPTY:
        return _Plan(frozenset(), (), ())
    largest = math.log(min(_LARGEST, max(4.0, 0.4 * coins)))
    size = round(math.exp(between(math.log(_SMALLEST), largest, market.seed, "members", key)))
    if number == HUGE:
        size = round(_HUGE_SHARE * coins)
    moving = 0
    if market.world.churn and size >= 3:
        wanted = max(1, round(size * _MOVING_SHARE * math.sqrt(market.world.haste)))
        moving = min(wanted, _MOST_MOVING, (size - 1) // 2)
    chance = Random(digest(market.seed, "members", key))  # noqa: S311 - a market, not a secret
    famous = [known for known in range(min(len(KNOWN), coins)) if chance.random() < _FAMOUS_SHARE][: size // 3]
    drawn = chance.sample(range(len(KNOWN), coins), min(coins - len(KNOWN), size + moving - len(famous))) + famous
    swaps = tuple(zip(drawn[:moving], drawn[moving : 2 * moving], strict=True))
    stay = 2 * moving + moving // 2
    return _Plan(frozenset(drawn[stay : size + moving]), swaps, tuple(drawn[2 * moving : stay]))


@lru_cache(maxsize=20_000)
def _joined(market: Market, coin_id: int) -> frozenset[int]:
    """Return the numbers of the categories that a coin belongs to from its birth."""
    chance = Random(digest(market.seed, "joined", coin_id))  # noqa: S311
    wanted = min(chance.choice(_JOINED_BY_A_NEW_COIN), market.world.categories)
    return frozenset(chance.sample(range(market.world.categories), wanted)) - {EMPTY}
