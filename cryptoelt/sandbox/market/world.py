"""How large the synthetic market is, and how it is told apart from others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from cryptoelt.errors import UsageError


@dataclass(frozen=True)
class World:
    """The size of a market.

    Attributes:
        categories: categories that always exist.
        churn: whether coins and categories appear, vanish, come back, are renamed, and change members as days go by.
        coins: active coins that are there from the beginning, about as many as there are at any moment.
        exchanges: active exchanges that are there from the beginning; with churn a few more come and go.
        publishers: how many of them publish their wallets.
        silent: how many more say that they do, and send no row.
        undeclared: how many of the publishers do not say so.
        wallet_rows: rows of assets of the largest of those.
        haste: how many times faster and commoner changes are than in the real market.
    """

    categories: int = 268
    churn: bool = True
    coins: int = 8750
    haste: float = 1.0
    exchanges: int = 961
    publishers: int = 69
    silent: int = 0
    undeclared: int = 0
    wallet_rows: int = 1180


_SMALL = World(categories=12, churn=False, coins=60, exchanges=14, publishers=5, silent=1, undeclared=1, wallet_rows=60)
WORLDS = {
    "small": _SMALL,
    "small-churn": replace(_SMALL, churn=True, haste=25.0),
    "medium": World(
        categories=40, coins=1200, haste=4.0, exchanges=110, publishers=12, silent=3, undeclared=1, wallet_rows=200
    ),
    "full": World(silent=20, undeclared=2),
}


def world_named(name: str) -> World:
    """Return a world by its name.

    Raises:
        UsageError: there is no such world.
    """
    if name not in WORLDS:
        raise UsageError(f"unknown world {name!r}", hint=f"one of: {', '.join(WORLDS)}")
    return WORLDS[name]


@dataclass(frozen=True)
class Market:
    """One market: every value in it is a function of this and of the time."""

    seed: int
    world: World

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Computed once: every cached figure is looked up by the market."""
        return hash((self.seed, self.world))
