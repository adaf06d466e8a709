"""The synthetic coins: who exists at a moment, and how each is called then."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from random import Random
from typing import TYPE_CHECKING

from cryptoelt.sandbox.market.chains import ON_ETHEREUM, Platform, platform_by_chance
from cryptoelt.sandbox.market.coin_names import KNOWN, ODD, plain_coin, slug_of
from cryptoelt.sandbox.market.noise import DAY, between, digest, uniform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.sandbox.market.world import Market

_BITCOIN_ADDED = 1_367_107_200.0  # 28 April 2013
_LAST_LASTING_ID = 28_000
_FIRST_BIRTHDAY = 19_723  # 1 January 2024, in days since 1970; from then on coins are born by the day
_RESERVED_IDS = frozenset({2781, 2790, 2791, 2797, 27716, *(known[0] for known in KNOWN)})
_AWAY_PART = 0.3


@dataclass(frozen=True)
class Coin:
    """A coin as it is known at some moment; its figures follow from its id.

    Attributes:
        number: its place among the active ones that are there from the beginning; None for any other.
        mapped: when the map begins to know it (unix seconds): hours after the listings do.
        status: active, inactive or untracked.
    """

    id: int
    number: int | None
    name: str
    symbol: str
    slug: str
    platform: Platform | None
    added: float
    mapped: float
    status: str = "active"


@dataclass(frozen=True)
class Roster:
    """The coins of a moment.

    Attributes:
        listed: the active coins, which the listings hold.
        mapped: those of them that the map knows.
    """

    moment: float
    listed: tuple[Coin, ...]
    mapped: tuple[Coin, ...]

    @cached_property
    def by_id(self) -> dict[int, Coin]:
        """The listed coins by id."""
        return {coin.id: coin for coin in self.listed}

    @cached_property
    def by_number(self) -> dict[int, Coin]:
        """The listed coins that are there from the beginning, by number."""
        return {coin.number: coin for coin in self.listed if coin.number is not None}

    @cached_property
    def newcomers(self) -> tuple[Coin, ...]:
        """The listed coins that were born later."""
        return tuple(coin for coin in self.listed if coin.number is None)


@lru_cache(maxsize=24)
def roster(market: Market, moment: float) -> Roster:
    """Return the active coins of a moment."""
    if not market.world.churn:
        coins = tuple(_lasting(market)["active"])
        return Roster(moment, coins, coins)
    lasting = list(_lasting(market)["active"])
    for place, role in _roles(market).items():
        lasting[place] = _in_role(market, lasting[place], role, moment)
    born = [life.coin for life in _lives(market, moment) if life.alive(moment)]
    listed = tuple(coin for coin in (*lasting, *born) if coin.status == "active")
    return Roster(moment, listed, tuple(coin for coin in listed if coin.mapped <= moment))


def lasting_coins(market: Market) -> tuple[Coin, ...]:
    """Return the active coins that are there from the beginning, those away for a while among them."""
    return tuple(_lasting(market)["active"])


def others(market: Market, moment: float) -> list[Coin]:
    """Return the coins that are known and not active: inactive ones, untracked ones, and those away for a while."""
    lasting = _lasting(market)
    found = [*lasting["inactive"], *lasting["untracked"]]
    if market.world.churn:
        active = lasting["active"]
        now = (_in_role(market, active[place], role, moment) for place, role in _roles(market).items())
        found += [coin for coin in now if coin.status != "active"]
        today = int(moment // DAY)
        gone = (life for day in range(_FIRST_BIRTHDAY, today + 1) for life in _births(market, day))
        found += [
            replace(life.coin, status="inactive")
            for life in gone
            if life.coin.mapped <= moment and not life.alive(moment)
        ]
    return found


@lru_cache(maxsize=8)
def _lasting(market: Market) -> dict[str, list[Coin]]:
    """Return the coins that are there from the beginning, by status, each by its number."""
    sizes = {"active": market.world.coins, "inactive": market.world.coins // 2, "untracked": market.world.coins // 5}
    chance = Random(digest(market.seed, "coin ids"))  # noqa: S311 - a market, not a secret
    free = [coin_id for coin_id in range(2, _LAST_LASTING_ID) if coin_id not in _RESERVED_IDS]
    ids = iter(chance.sample(free, sum(sizes.values())))
    found: dict[str, list[Coin]] = {}
    for status, size in sizes.items():
        found[status] = [_first_coin(market, number, status, ids) for number in range(size)]
    return found


def _first_coin(market: Market, number: int, status: str, ids: Iterator[int]) -> Coin:
    seed = market.seed
    if status == "active" and number < len(KNOWN):
        coin_id, name, symbol, slug = KNOWN[number]
    else:
        coin_id = next(ids)
        odd = number - len(KNOWN)
        offset = {"active": 0, "inactive": 12_000, "untracked": 18_000}[status]
        plain = status != "active" or odd >= len(ODD)
        name, symbol = plain_coin(seed, offset + number) if plain else ODD[odd]
        if status == "active" and plain and uniform(seed, "shared name", coin_id) < 0.004:
            name, plain = plain_coin(seed, offset + number // 2)[0], False
        if plain and uniform(seed, "blanks", coin_id) < 0.0007:
            name = f"{name} "
        slug = slug_of(name, coin_id, plain=plain)
    born = _BITCOIN_ADDED + (coin_id / _LAST_LASTING_ID) ** 0.5 * (_FIRST_BIRTHDAY * DAY - _BITCOIN_ADDED)
    added = born // DAY * DAY if coin_id < 9000 else born
    on_a_chain = number >= len(KNOWN) or coin_id in ON_ETHEREUM
    platform = platform_by_chance(seed, coin_id) if on_a_chain else None
    place = number if status == "active" else None
    return Coin(coin_id, place, name, symbol, slug, platform, added, added, status)


@lru_cache(maxsize=8)
def _roles(market: Market) -> dict[int, str]:
    """Return which of the coins from the beginning change, and what changes: number -> role."""
    chance = Random(digest(market.seed, "roles"))  # noqa: S311
    numbers = list(range(len(KNOWN), market.world.coins))
    chance.shuffle(numbers)
    roles: dict[int, str] = {}
    for role, share in (("name", 0.007), ("symbol", 0.0015), ("platform", 0.016), ("away", 0.015)):
        holders = max(3, round(market.world.coins * min(0.08, share * market.world.haste**0.5)))
        roles |= {numbers.pop(): role for _ in range(min(holders, len(numbers)))}
    return roles


def turns(market: Market, moment: float, *name: object) -> tuple[int, float]:
    """Return how often something that changes by the clock has changed, and which part of its turn has passed."""
    period = between(30 * DAY, 100 * DAY, market.seed, "period", *name) / market.world.haste
    turn, into = divmod(moment + period * uniform(market.seed, "phase", *name), period)
    return int(turn), into / period


def _in_role(market: Market, coin: Coin, role: str, moment: float) -> Coin:
    turn, part = turns(market, moment, role, coin.id)
    if role == "away":
        return replace(coin, status="inactive") if part > 1 - _AWAY_PART else coin
    if turn % 2 == 0:
        return coin
    again = turn // 2 % 2
    if role == "name":
        return replace(coin, name=f"{coin.name.strip()} {('Reborn', '(New)')[again]}")
    if role == "symbol":
        return replace(coin, symbol=f"{coin.symbol}{('2', 'X')[again]}")
    moved = platform_by_chance(market.seed, coin.id, turn)
    return replace(coin, platform=moved if moved != coin.platform else None)


@dataclass(frozen=True)
class Life:
    """When a coin that was born later is there."""

    coin: Coin
    stretches: tuple[tuple[float, float], ...]

    def alive(self, moment: float) -> bool:
        """Tell whether the coin is active at a moment."""
        return any(first <= moment < last for first, last in self.stretches)


def _longest(market: Market) -> float:
    return max(8.0, 200 / market.world.haste) * DAY


def _lives(market: Market, moment: float) -> Iterator[Life]:
    """Yield all that can be alive at a moment."""
    today = int(moment // DAY)
    oldest = max(_FIRST_BIRTHDAY, today - int(3 * _longest(market) / DAY) - 1)
    for day in range(oldest, today + 1):
        yield from _births(market, day)


@lru_cache(maxsize=20_000)
def _births(market: Market, day: int) -> tuple[Life, ...]:
    """Return the lives that begin on a day; a later birth has a higher id."""
    births = max(2, round(market.world.coins / 1100))
    return tuple(_life(market, day, turn, births) for turn in range(births))


def _life(market: Market, day: int, turn: int, births: int) -> Life:
    seed = market.seed
    ordinal = (day - _FIRST_BIRTHDAY) * births + turn
    coin_id = _LAST_LASTING_ID + ordinal
    born = (day + (turn + uniform(seed, "born", coin_id)) / births) * DAY
    length = math.exp(between(math.log(0.5 * DAY), math.log(_longest(market)), seed, "life", coin_id))
    stretches = [(born, born + length)]
    if uniform(seed, "returns", coin_id) < 0.2:
        stretches.append((born + 1.5 * length, born + 2.5 * length))
    name, symbol = plain_coin(seed, 20_000 + ordinal)
    lag = between(2 * DAY / 24, 20 * DAY / 24, seed, "lag", coin_id)
    platform = platform_by_chance(seed, coin_id)
    coin = Coin(coin_id, None, name, symbol, slug_of(name, coin_id, plain=True), platform, born, born + lag)
    return Life(coin, tuple(stretches))
