"""The synthetic exchanges: who exists at a moment, under which name, and who publishes its wallets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptoelt.sandbox.market.exchange_names import ODD_EXCHANGES, exchange_name
from cryptoelt.sandbox.market.noise import DAY, between, uniform
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.world import Market

ACTIVE, INACTIVE, UNTRACKED = "active", "inactive", "untracked"
FIVE_MINUTES = 300

_FIRST_ID, _LAST_LASTING_ID = 16, 11_900
_FIRST_PASSING_ID = 12_000
_FIRST_OPENED, _LAST_OPENED = 1_524_703_500.0, 1_735_000_000.0  # April 2018, December 2024
_COUNTED_FROM = 1_420_070_400.0  # January 2015: passing exchanges are numbered from here
_REMEMBERED = 365 * DAY
_ALWAYS_RENAMED = 12
_SHARE_RENAMED = 0.04
_SHARE_WAVERING = 0.1


@dataclass(frozen=True)
class Exchange:
    """An exchange as it is at some moment.

    Attributes:
        key: names it within its market; its values follow from it.
        number: its place among those that always exist; None for one that comes and goes.
        valid: whether it can be asked for by its id; one that closed lately cannot.
        place: its place among those that publish their wallets, the largest first; None when it publishes nothing.
    """

    key: str
    id: int
    number: int | None
    name: str
    slug: str
    status: str
    opened: float
    closed: float | None = None
    valid: bool = True
    place: int | None = None


def exchanges(market: Market, moment: float) -> tuple[Exchange, ...]:
    """Return the active exchanges by id."""
    return _active(market, _step(market, moment))


def closed_exchanges(market: Market, moment: float) -> list[Exchange]:
    """Return those that are inactive or untracked, by id: closed long ago, or within the last year."""
    passed = [
        found
        for slot in range(_passing_slots(market))
        for found in _passing_in_slot(market, slot, _step(market, moment))
        if found.status != ACTIVE
    ]
    return sorted([*_long_closed(market), *passed], key=lambda exchange: exchange.id)


def valid_exchanges(market: Market, moment: float) -> dict[int, Exchange]:
    """Return every exchange that may be asked for, by its id."""
    return {found.id: found for found in (*_long_closed(market), *exchanges(market, moment))}


def _step(market: Market, moment: float) -> float:
    """Return the last moment at which the list may have changed; changes happen at whole minutes."""
    return moment // 60 * 60 if market.world.churn else 0.0


@lru_cache(maxsize=64)
def _active(market: Market, moment: float) -> tuple[Exchange, ...]:
    lasting = [_lasting(market, number, moment) for number in range(market.world.exchanges)]
    passing = [_passing(market, slot, moment) for slot in range(_passing_slots(market))]
    found = [*lasting, *(exchange for exchange in passing if exchange.status == ACTIVE)]
    return tuple(sorted(found, key=lambda exchange: exchange.id))


def period(market: Market, low: float, high: float, shortest: float, *parts: object) -> float:
    """Return how many seconds it takes to change: between two numbers of days in the real market, less with haste."""
    return max(shortest, between(low, high, market.seed, "period", *parts) / market.world.haste) * DAY


def turns(market: Market, moment: float, length: float, *parts: object) -> int:
    """Return how often something that changes every `length` seconds has changed; each has its own phase."""
    return int((moment + between(0, length, market.seed, "phase", *parts)) // length)


def _lasting(market: Market, number: int, moment: float) -> Exchange:
    found = _lasting_start(market, number)
    if not market.world.churn:
        return found
    if number == _ALWAYS_RENAMED or uniform(market.seed, "renamed", found.key) < _SHARE_RENAMED:
        half = period(market, 50, 100, 1.5, "name", found.key)
        if turns(market, moment, half, "name", found.key) % 2:
            slug = f"{found.slug}-x" if uniform(market.seed, "slug too", found.key) < 0.5 else found.slug
            found = replace(found, name=f"{found.name.strip()} X", slug=slug)
    if found.place is not None and not _publishes(market, found, moment):
        found = replace(found, place=None)
    return found


@lru_cache(maxsize=20_000)
def _lasting_start(market: Market, number: int) -> Exchange:
    key = f"lasting/{number}"
    stride = (_LAST_LASTING_ID - _FIRST_ID) // market.world.exchanges
    exchange_id = _FIRST_ID + stride * number + int(uniform(market.seed, "exchange id", key) * stride / 2)
    name, slug = ODD_EXCHANGES[number] if number < len(ODD_EXCHANGES) else exchange_name(market.seed, number)
    return Exchange(
        key, exchange_id, number, name, slug, ACTIVE, _opened(exchange_id), place=_places(market).get(number)
    )


def _opened(exchange_id: int) -> float:
    moment = _FIRST_OPENED + (_LAST_OPENED - _FIRST_OPENED) * exchange_id / _LAST_LASTING_ID
    return moment // FIVE_MINUTES * FIVE_MINUTES


@lru_cache(maxsize=64)
def _by_chance(market: Market) -> tuple[int, ...]:
    """Return the lasting exchanges: those that publish their wallets, the largest first, then those that do not."""
    return tuple(sorted(range(market.world.exchanges), key=lambda number: uniform(market.seed, "publishes", number)))


@lru_cache(maxsize=64)
def _places(market: Market) -> dict[int, int]:
    """Return which of the lasting exchanges publish their wallets, and the place of each, the largest first."""
    return {number: place for place, number in enumerate(_by_chance(market)[: market.world.publishers])}


def declares_wallets(market: Market, exchange: Exchange) -> bool:
    """Tell whether an exchange says that it publishes its wallets; some say so and send none, some do not and send."""
    world, place = market.world, exchange.place
    if place is None:
        return exchange.number in _by_chance(market)[world.publishers : world.publishers + world.silent]
    return not world.publishers - 1 - world.undeclared <= place < world.publishers - 1


def _publishes(market: Market, exchange: Exchange, moment: float) -> bool:
    """Tell whether one that publishes does so now: the smallest, and a few others, begin and cease."""
    last = exchange.place == market.world.publishers - 1
    if not exchange.place or not (last or uniform(market.seed, "wavers", exchange.key) < _SHARE_WAVERING):
        return True
    length = period(market, 60, 100, 4, "publishes", exchange.key)
    into = (moment + between(0, length, market.seed, "phase", "publishes", exchange.key)) / length % 1
    return into < 0.55


def _passing_slots(market: Market) -> int:
    return max(2, market.world.exchanges // 34) if market.world.churn else 0


#: Until which part of its time an exchange of a slot is there, away, there again; then it is gone for ever.
_THERE, _AWAY, _THERE_AGAIN = 0.3, 0.56, 0.86


def _passing(market: Market, slot: int, moment: float) -> Exchange:
    """Return whom a slot belongs to, active or not: it opens, closes, comes back and is gone, and another follows."""
    length = period(market, 60, 100, 4, "slot", slot)
    zero = _COUNTED_FROM - between(0, length, market.seed, "phase", "slot", slot)
    turn, into = divmod((moment - zero) / length, 1)
    number, opened = int(turn), zero + turn * length
    number_in_all = number * _passing_slots(market) + slot
    name, slug = exchange_name(market.seed, market.world.exchanges + number_in_all)
    there = into < _THERE or _AWAY <= into < _THERE_AGAIN
    closed = None if there else opened + (_THERE if into < _AWAY else _THERE_AGAIN) * length
    return Exchange(
        key=f"passing/{slot}/{number}",
        id=_FIRST_PASSING_ID + number_in_all,
        number=None,
        name=f"{name} New",
        slug=f"{slug}-new",
        status=ACTIVE if there else INACTIVE,
        opened=opened // FIVE_MINUTES * FIVE_MINUTES,
        closed=closed,
        valid=there,
        place=market.world.publishers + slot if there and slot % 3 == 0 else None,
    )


def _passing_in_slot(market: Market, slot: int, moment: float) -> list[Exchange]:
    """Return whom a slot belongs to, and whom it belonged to within the last year."""
    length = period(market, 60, 100, 4, "slot", slot)
    into = (moment - _COUNTED_FROM + between(0, length, market.seed, "phase", "slot", slot)) % length
    before = range(1, int(_REMEMBERED // length) + 1)
    ended = [_passing(market, slot, moment - into - (back - 0.95) * length) for back in before]
    return [_passing(market, slot, moment), *ended]


@lru_cache(maxsize=64)
def _long_closed(market: Market) -> tuple[Exchange, ...]:
    """Return those that were inactive or untracked from the beginning; they can still be asked for by their ids."""
    stride = (_LAST_LASTING_ID - _FIRST_ID) // market.world.exchanges
    inactive, untracked = max(2, market.world.exchanges // 18), max(2, market.world.exchanges // 80)
    found = []
    for number in range(min(inactive + untracked, market.world.exchanges)):
        gap = number * market.world.exchanges // (inactive + untracked)
        exchange_id = _FIRST_ID + stride * gap + stride // 2 + 1
        opened = _opened(exchange_id)
        name, slug = exchange_name(market.seed + 1, number)
        status = INACTIVE if number < inactive else UNTRACKED
        closed = opened + between(100, 900, market.seed, "closed", number) * DAY // FIVE_MINUTES * FIVE_MINUTES
        found.append(
            Exchange(f"closed/{number}", exchange_id, None, f"{name} Old", f"{slug}-old", status, opened, closed)
        )
    return tuple(found)


def last_data(market: Market, exchange: Exchange, moment: float) -> float:
    """Return when an exchange last sent data: minutes ago, days ago for one in eight, or when it closed."""
    if exchange.closed is not None:
        return exchange.closed
    chance = uniform(market.seed, "stale", exchange.key)
    if chance < 0.12:
        return max(exchange.opened, moment // DAY * DAY - round(chance / 0.12 * 250) * DAY + 8100)
    fresh = moment - 61.458 if chance < 0.125 else (moment - 900) // FIVE_MINUTES * FIVE_MINUTES
    return max(exchange.opened, fresh)


def map_record(market: Market, exchange: Exchange, moment: float) -> dict[str, object]:
    """Return an exchange as exchange/map sends it, with all that can be asked for."""
    return {
        "id": exchange.id,
        "name": exchange.name,
        "slug": exchange.slug,
        "is_active": int(exchange.status == ACTIVE),
        "status": exchange.status,
        "is_listed": 0,
        "is_redistributable": is_redistributable(market, exchange),
        "first_historical_data": api_time(exchange.opened),
        "last_historical_data": api_time(last_data(market, exchange, moment)),
    }


def is_redistributable(market: Market, exchange: Exchange) -> int:
    """Return 1 for about three in four."""
    return int(uniform(market.seed, "redistributable", exchange.key) < 0.776)


def trades(market: Market, exchange: Exchange, crypto_id: int) -> bool:
    """Tell whether an exchange trades a coin; each trades its own share of all."""
    return uniform(market.seed, "trades", exchange.key, crypto_id) < uniform(market.seed, "breadth", exchange.key) ** 2
