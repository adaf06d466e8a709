"""GET /v1/cryptocurrency/categories: every category, with its totals."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.categories import categories, category_record, members_of
from cryptoelt.sandbox.market.coins import roster
from cryptoelt.sandbox.parameters import START, TextList, Whole, at_most_one, paged

if TYPE_CHECKING:
    from typing import ClassVar

    from cryptoelt.sandbox.market.categories import Category
    from cryptoelt.sandbox.market.world import Market
    from cryptoelt.sandbox.parameters import Parameter

_FILTERS = ("id", "slug", "symbol")


class Categories(Endpoint):
    """A page of the categories, last defined first, or of those that hold one of some coins."""

    path = "/v1/cryptocurrency/categories"
    refresh = 30
    answers_list = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        START,
        Whole("limit", 1, 5000),
        TextList("id", r"[0-9]{1,9}"),
        TextList("slug", r"[a-z0-9-]+"),
        TextList("symbol", r"[^,]+"),
    )

    def answer(self, asked: Asked) -> Content:
        """Return the page; one credit, and one per started 200 rows."""
        market, moment, values = asked.market, asked.moment, asked.parameters
        at_most_one(values, *_FILTERS)
        found = categories(market, moment)
        for name in _FILTERS:
            if values[name]:
                coins = self._coins(asked, name)
                found = [category for category in found if not coins.isdisjoint(_ids(market, category, moment))]
        rows = [category_record(market, category, moment) for category in paged(found, values)]
        return Content(rows, credits=1 + ceil(len(rows) / 200))

    def _coins(self, asked: Asked, name: str) -> frozenset[int]:
        """Return the ids of the active coins that a filter names."""
        wanted = dict.fromkeys(asked.parameters[name], False)
        found = set()
        for coin in roster(asked.market, asked.moment).listed:
            value = str(getattr(coin, name))
            if value in wanted:
                wanted[value] = True
                found.add(coin.id)
        for value, known in wanted.items():
            if not known:
                raise self.unknown(name, value)
        return frozenset(found)


def _ids(market: Market, category: Category, moment: float) -> frozenset[int]:
    return frozenset(coin.id for coin in members_of(market, category, moment))
