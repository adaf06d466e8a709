"""How large the synthetic market is, and how it is told apart from others."""

from __future__ import annotations

from dataclasses import dataclass

from cryptoelt.errors import UsageError


@dataclass(frozen=True)
class World:
    """The size of a market.

    Attributes:
        categories: categories that always exist.
        churn: whether more categories appear and vanish, and some are renamed, as days go by.
    """

    categories: int = 268
    churn: bool = True


WORLDS = {"small": World(categories=12, churn=False), "full": World()}


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
