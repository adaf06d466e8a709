"""The lists that a run asks anew before it asks for those who stand on them: as they will be, as far as is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.api.cost import grown

if TYPE_CHECKING:
    from collections.abc import Collection

#: Rows that a list is supposed to have which was never asked; rather more than there are: in 2026 there were 978
#: active exchanges, 8,160 active coins and 300 categories.
SUPPOSED_ROWS = {"exchange/map": 1_050, "cryptocurrency/map": 10_000, "cryptocurrency/categories": 320}
#: Coins of a category of which nothing is known; half of the categories have fewer than a tenth of that.
_COINS = 300


class ExpectedLists:
    """What is expected of lists before they are asked.

    Attributes:
        endpoints: the lists that will be asked.
        supposed: those of them of which Bronze has none, so that their length is a guess.
    """

    def __init__(self, endpoints: Collection[str], *, can_grow: bool = True) -> None:
        """Expect these lists to be asked; to be longer than they were, where they can grow until then."""
        self.endpoints = frozenset(endpoints).intersection(SUPPOSED_ROWS)
        self.supposed: set[str] = set()
        self._can_grow = can_grow

    def rows(self, endpoint: str, known: list[dict[str, Any]] | None, columns: list[str]) -> list[dict[str, Any]]:
        """Return the rows that are expected of a list.

        Args:
            endpoint: the list.
            known: the rows it had when it was last asked; None where it never was.
            columns: the columns of a row.
        """
        if known is None:
            self.supposed.add(endpoint)
            return _newcomers(SUPPOSED_ROWS[endpoint], columns)
        if not self._can_grow:
            return known
        return [*known, *_newcomers(grown(len(known)) - len(known), columns)]


def _newcomers(number: int, columns: list[str]) -> list[dict[str, Any]]:
    """Return rows of those whom nobody knows yet; no id of the API is negative."""
    row = {column: _COINS if column == "num_tokens" else None for column in columns}
    return [{**row, "id": -new} for new in range(1, number + 1)]
