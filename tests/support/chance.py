"""What tests draw: the same each time in the suite, anew where `TESTS_SEED` is set, as `make full` does."""

from __future__ import annotations

import os

#: A seed of the suite is as good as another; it must only stay the same.
_FIXED = 7


def is_drawn_anew() -> bool:
    """Whether whoever runs the tests wants other draws than those of every day."""
    return bool(os.environ.get("TESTS_SEED"))


def seed() -> int:
    """Return the number that all draws of a test begin with."""
    return int(os.environ.get("TESTS_SEED") or _FIXED)


def examples(each_time: int, anew: int) -> int:
    """Return how many examples hypothesis draws of a slow test."""
    return anew if is_drawn_anew() else each_time
