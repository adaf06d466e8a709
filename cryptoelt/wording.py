"""Words that messages share: a number of things, and the name that was probably meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

#: A name less alike than this was hardly what somebody meant to type.
_ALIKE = 0.6
#: In minutes.
_HOUR = 60
_DAY = 24 * _HOUR


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 credit`, `1,100 credits`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def lasting(length: timedelta) -> str:
    """Return a length of time, as exactly as its size makes sense: `12 minutes`, `3.5 hours`, `371 days`."""
    minutes = length.total_seconds() / 60
    if minutes < _HOUR:
        return counted(round(minutes), "minute")
    if minutes < 2 * _DAY:
        return f"{minutes / _HOUR:.1f} hours"
    return counted(round(minutes / _DAY), "day")


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint for a name that does not exist: the one that is alike, else what there is.

    Args:
        name: as it was typed.
        known: the names that exist.
        otherwise: what to say when nothing is alike; by default the names themselves.
    """
    names = list(known)
    alike = nearest(name, names)
    if alike is not None:
        return f"did you mean {alike}?"
    return otherwise or f"one of: {', '.join(names)}"


def nearest(name: str, known: Iterable[str], *, alike: float = _ALIKE) -> str | None:
    """Return the known name that is most like `name`; None where none is alike enough."""
    spelt = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), spelt, n=1, cutoff=alike)
    return spelt[found[0]] if found else None
