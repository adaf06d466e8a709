"""The synthetic categories: who exists at a moment, and what each is worth then."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptoelt.sandbox.market.members import EMPTY, members
from cryptoelt.sandbox.market.names import ODD_NAMES, PLAIN_NAMES, plain_name
from cryptoelt.sandbox.market.noise import DAY, as_sent, between, digest, uniform, walk
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.market.world import Market

Number = float | int | None

_FIRST_CREATED = 1_600_000_000.0  # September 2020
_LAST_CREATED = 1_672_000_000.0  # December 2022
_LONGEST_UNTOUCHED = 600 * DAY
_PASSING_SLOTS = 16
_RENAMED = 0.2
_ALWAYS_THERE_UNCHANGED = 12
#: The plain names are the first to be changed: the smallest world has no others that could be.
_FIRST_RENAMED = _ALWAYS_THERE_UNCHANGED - len(PLAIN_NAMES)


@dataclass(frozen=True)
class Category:
    """A category as it is defined at some moment.

    Attributes:
        key: names it within its market; its values follow from it.
        number: its place among those that always exist; None for one that comes and goes.
        defined: when its definition last changed (unix seconds).
    """

    key: str
    id: str
    number: int | None
    name: str
    defined: float


def categories(market: Market, moment: float) -> list[Category]:
    """Return the categories that exist at a moment, last defined first."""
    lasting = [_lasting(market, number, moment) for number in range(market.world.categories)]
    passing = [_passing(market, slot, moment) for slot in range(_PASSING_SLOTS)] if market.world.churn else []
    found = [*lasting, *(category for category in passing if category)]
    return sorted(found, key=lambda category: (-category.defined, category.id))


def _id(market: Market, key: str, created: float) -> str:
    """Return 24 hex digits: the moment of creation and 8 bytes of chance, as document databases make them."""
    return f"{int(created):08x}{digest(market.seed, 'category id', key)[:8].hex()}"


def _lasting(market: Market, number: int, moment: float) -> Category:
    key = f"lasting/{number}"
    created, defined, name = _lasting_start(market, number)
    haste = market.world.haste
    if market.world.churn and number >= _FIRST_RENAMED and uniform(market.seed, "renamed", key) < _RENAMED * haste:
        period = between(25 * DAY, 120 * DAY, market.seed, "rename period", key) / haste
        turns = moment // period
        name, defined = (f"{name} & Friends" if turns % 2 else name), turns * period
    return Category(key, _id(market, key, created), number, name, defined)


@lru_cache(maxsize=50_000)
def _lasting_start(market: Market, number: int) -> tuple[float, float, str]:
    key = f"lasting/{number}"
    created = between(_FIRST_CREATED, _LAST_CREATED, market.seed, "created", key)
    defined = created + between(0, _LONGEST_UNTOUCHED, market.seed, "defined", key)
    first = [*ODD_NAMES[: _ALWAYS_THERE_UNCHANGED - len(PLAIN_NAMES)], *PLAIN_NAMES]
    names = [*first, *ODD_NAMES[len(first) - len(PLAIN_NAMES) :]]
    return created, defined, names[number] if number < len(names) else plain_name(market.seed, number)


def _passing(market: Market, slot: int, moment: float) -> Category | None:
    """Return who sits in a slot: each category is there twice, with an absence between, and then another comes."""
    period = between(5 * DAY, 25 * DAY, market.seed, "stay", slot) / math.sqrt(market.world.haste)
    turn, into = divmod(moment, period)
    if into > 0.8 * period:
        return None
    pair = int(turn // 2)
    created = pair * 2 * period
    key = f"passing/{slot}/{pair}"
    name = f"{plain_name(market.seed, (pair * 11 + slot) % 300)} #{slot + 1}"
    return Category(key, _id(market, key, created), None, name, created)


def category_record(market: Market, category: Category, moment: float) -> dict[str, object]:
    """Return a category as the API sends it, without its coins."""
    record: dict[str, object] = {
        "id": category.id,
        "name": category.name,
        "title": category.name,
        "description": _description(market, category),
    }
    record |= _values(market, category, moment)
    return record | {"last_updated": api_time(category.defined)}


def _description(market: Market, category: Category) -> str:
    chance = uniform(market.seed, "description", category.key)
    if chance < 0.85:
        return category.name
    return f"Assets of “{category.name.strip()}”:\r\n<p>grouped by use, not by chain</p>" if chance < 0.97 else ""


def _values(market: Market, category: Category, moment: float) -> dict[str, Number]:
    seed, key = market.seed, category.key
    worth, traded = walk(seed, "cap", key), walk(seed, "volume", key, fastest=DAY / 4, slowest=20 * DAY)
    cap, cap_before = (_cap(seed, key) * math.exp(0.35 * worth.at(at)) for at in (moment, moment - DAY))
    volume, volume_before = (_cap(seed, key) * 0.06 * math.exp(0.6 * traded.at(at)) for at in (moment, moment - DAY))
    values: dict[str, Number] = {
        "num_tokens": len(members_of(market, category, moment)),
        "avg_price_change": 9 * walk(seed, "price", key, fastest=DAY / 24, slowest=10 * DAY).at(moment),
        "market_cap": cap,
        "market_cap_change": (cap / cap_before - 1) * 100,
        "volume": volume,
        "volume_change": (volume / volume_before - 1) * 100,
    }
    if category.number is not None and category.number in _EXTREMES:
        values |= _EXTREMES[category.number](values)
    elif category.number is None or category.number >= _ALWAYS_THERE_UNCHANGED:
        if uniform(seed, "no cap", key) < 0.1:
            values |= {"market_cap": 0, "market_cap_change": 0}
        elif uniform(seed, "no change", key) < 0.05:
            values["volume_change"] = None
    return {
        field: as_sent(value, seed, key, field, moment) if isinstance(value, float) else value
        for field, value in values.items()
    }


def _cap(seed: int, key: str) -> float:
    return math.exp(between(math.log(2e5), math.log(4e11), seed, "size", key))


def members_of(market: Market, category: Category, moment: float) -> tuple[Coin, ...]:
    """Return the coins of a category."""
    return members(market, category.key, category.number, moment)


def category_with(market: Market, category_id: str, moment: float) -> Category | None:
    """Return the category that has an id at a moment, if there is one."""
    return next((category for category in categories(market, moment) if category.id == category_id), None)


def _times(values: dict[str, Number], field: str, factor: float) -> float:
    """Keep a value moving while putting it on another scale."""
    value = values[field]
    return (value or 0.0) * factor


#: Values that break naive code, by number: each world has those below its size.
_EXTREMES: dict[int, Callable[[dict[str, Number]], dict[str, Number]]] = {
    1: lambda values: {"avg_price_change": 3.1e16 * (1 + abs(_times(values, "avg_price_change", 1e-3)))},
    2: lambda values: {"volume": 1.4e-9 * (1 + abs(_times(values, "volume_change", 1e-4)))},
    3: lambda _: {"volume_change": None},
    EMPTY: lambda _: {
        "avg_price_change": 0, "market_cap": 0, "market_cap_change": 0, "volume": 0, "volume_change": 0,
    },
    5: lambda _: {"market_cap": 0, "market_cap_change": 0},
    7: lambda values: {"market_cap": 6.8e26 * (1 + _times(values, "market_cap_change", 1e-4))},
    8: lambda values: {"avg_price_change": _times(values, "avg_price_change", 1e-12)},
    9: lambda values: {"volume_change": 5.8e6 + _times(values, "volume_change", 1.0), "market_cap_change": None},
    12: lambda values: dict.fromkeys(set(values) - {"num_tokens"}),
}  # fmt: skip
