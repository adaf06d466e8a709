"""In a world that changes, every kind of change comes within days, and the same seed brings the same changes."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from cryptoelt.sandbox.market.categories import categories, members_of
from cryptoelt.sandbox.market.coins import Coin, others, roster
from cryptoelt.sandbox.market.exchanges import declares_wallets, exchanges
from cryptoelt.sandbox.market.listings import ranks
from cryptoelt.sandbox.market.noise import DAY
from cryptoelt.sandbox.market.world import WORLDS, Market

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 11, 23, 6, tzinfo=UTC).timestamp()
DAYS = range(9)
SEEDS = range(1, 9)


def market(seed: int) -> Market:
    return Market(seed, WORLDS["small-churn"])


@cache
def coins_by_day(seed: int) -> list[dict[int, Coin]]:
    return [roster(market(seed), START + day * DAY).by_id for day in DAYS]


@cache
def members_by_day(seed: int) -> list[dict[str, frozenset[int]]]:
    moments = [START + day * DAY for day in DAYS]
    return [
        {
            category.id: frozenset(coin.id for coin in members_of(market(seed), category, moment))
            for category in categories(market(seed), moment)
        }
        for moment in moments
    ]


def changed(seed: int, value: Callable[[Coin], object]) -> bool:
    days = coins_by_day(seed)
    return any(
        value(before[coin]) != value(after[coin])
        for before, after in pairwise(days)
        for coin in before.keys() & after.keys()
    )


def comes_back(days: list[set[object]]) -> bool:
    """Tell whether something is there, then is not, then is there again."""
    return any(
        key in days[later]
        for first, here in enumerate(days)
        for gone in range(first + 1, len(days))
        for key in here - days[gone]
        for later in range(gone + 1, len(days))
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_coins_appear_vanish_and_come_back(seed: int) -> None:
    days = [set[object](day) for day in coins_by_day(seed)]

    assert set.union(*days[1:]) - days[0]
    assert days[0] - days[-1]
    assert comes_back(days)


@pytest.mark.parametrize("seed", SEEDS)
def test_coins_change_name_symbol_and_platform_and_keep_their_id(seed: int) -> None:
    assert changed(seed, lambda coin: coin.name)
    assert changed(seed, lambda coin: coin.symbol)
    assert changed(seed, lambda coin: coin.platform)
    assert not changed(seed, lambda coin: coin.slug)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_coin_returns_to_its_former_name(seed: int) -> None:
    names: dict[int, list[str]] = {}
    for day in range(20):
        for coin in roster(market(seed), START + day * DAY).listed:
            names.setdefault(coin.id, []).append(coin.name)
    told = [[name for turn, name in enumerate(row) if not turn or name != row[turn - 1]] for row in names.values()]

    assert any(len(row) > len(set(row)) for row in told)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_listings_know_a_new_coin_hours_before_the_map(seed: int) -> None:
    early: dict[int, list[float]] = {}
    for hour in range(24 * len(DAYS)):
        moment = START + hour * 3600
        now = roster(market(seed), moment)
        for coin in {coin.id for coin in now.listed} - {coin.id for coin in now.mapped}:
            early.setdefault(coin, []).append(moment)
    later = {coin.id for day in range(len(DAYS) + 1) for coin in roster(market(seed), START + day * DAY).mapped}

    assert early.keys() & later
    assert all(moments[-1] - moments[0] < DAY for moments in early.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_coin_that_is_away_is_known_as_inactive(seed: int) -> None:
    days = coins_by_day(seed)
    for day, now in enumerate(days[1:], 1):
        inactive = {coin.id: coin.status for coin in others(market(seed), START + day * DAY)}
        gone = [coin for coin in days[day - 1].values() if coin.id not in now]
        known = {inactive.get(coin.id) for coin in gone if coin.mapped < START + day * DAY}
        assert known <= {"inactive"}
        assert not inactive.keys() & now.keys()


@pytest.mark.parametrize("seed", SEEDS)
def test_ranks_move(seed: int) -> None:
    assert ranks(market(seed), START) != ranks(market(seed), START + DAY)


@pytest.mark.parametrize("seed", SEEDS)
def test_categories_appear_vanish_come_back_and_are_renamed(seed: int) -> None:
    days = [set[object](day) for day in members_by_day(seed)]
    names = [{found.id: found.name for found in categories(market(seed), START + day * DAY)} for day in DAYS]

    assert days[-1] - days[0]
    assert days[0] - days[-1]
    assert comes_back(days)
    assert any(names[0][key] != after[key] for after in names[1:] for key in names[0].keys() & after.keys())


@pytest.mark.parametrize("seed", SEEDS)
def test_categories_change_members_and_some_by_swaps_that_leave_the_count(seed: int) -> None:
    days = members_by_day(seed)
    pairs = [(before[key], after[key]) for before, after in pairwise(days) for key in before.keys() & after.keys()]

    assert any(len(before) != len(after) for before, after in pairs)
    assert any(len(before) == len(after) and before != after for before, after in pairs)


def test_a_member_leaves_a_category_and_returns() -> None:
    days = members_by_day(1)
    links = [{(category, coin) for category, coins in day.items() for coin in coins} for day in days]

    assert comes_back([set[object](day) for day in links])


def test_the_small_world_stands_still() -> None:
    still = Market(1, WORLDS["small"])

    assert roster(still, START).listed == roster(still, START + 100 * DAY).listed


def test_the_full_world_is_as_large_as_the_real_market() -> None:
    full = Market(1, WORLDS["full"])
    coins = roster(full, START).mapped
    open_now = exchanges(full, START)
    sizes = [len(members_of(full, category, START)) for category in categories(full, START)]

    assert 8_800 <= len(coins) <= 9_200
    assert 35_000 < max(coin.id for coin in coins) <= 38_000
    assert 965 <= len(open_now) <= 990
    publishing = {exchange.id for exchange in open_now if exchange.place is not None}
    declaring = {exchange.id for exchange in open_now if declares_wallets(full, exchange)}
    assert 85 <= len(declaring) <= 93
    assert 66 <= len(publishing) <= 75
    assert len(publishing - declaring) == 2
    assert 275 <= len(sizes) <= 290
    assert sum(size > 1_000 for size in sizes) == 1
