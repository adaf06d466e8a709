"""What calls cost before they are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    """A number of calls, and the credits they cost at most."""

    calls: int = 0
    credits: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.calls + other.calls, self.credits + other.credits)

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        return {"calls": self.calls, "credits": self.credits}


def grown(rows: int) -> int:
    """Return how many rows a list can have by the time it is asked again, that had so many."""
    return rows + max(5, rows // 100)
