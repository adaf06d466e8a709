"""Snapshots that lie in the future: a clock that was wrong stamped them. They are named, and nothing goes by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.clock import span
from cryptoelt.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cryptoelt.lake.bronze import Bronze

#: What takes them out.
REMEDY = "cryptoelt bronze set-aside --future"


def future_snapshots(bronze: Bronze, endpoints: Iterable[str], now: datetime) -> dict[str, list[datetime]]:
    """Return the snapshots that lie in the future, oldest first, by endpoint; endpoints without any are left out.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    found = {name: [source.snapshot for source in bronze.future(name, now)] for name in endpoints}
    return {name: moments for name, moments in found.items() if moments}


def future_notices(bronze: Bronze, endpoints: Iterable[str], now: datetime) -> list[str]:
    """Name the snapshots that lie in the future, as `told_of` does.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    return told_of(future_snapshots(bronze, endpoints, now))


def told_of(found: dict[str, list[datetime]]) -> list[str]:
    """Return the line that names snapshots that lie in the future; none where there are none."""
    if not found:
        return []
    number = counted(sum(map(len, found.values())), "snapshot")
    return [f"{number} in the future, which nothing goes by ({named(found)}): `{REMEDY}` takes them out"]


def named(found: dict[str, list[datetime]]) -> str:
    """Name snapshots, by endpoint."""
    return "; ".join(f"{name} {span(moments)}" for name, moments in found.items())
