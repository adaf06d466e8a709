"""GET /v1/cryptocurrency/categories: every category, with its totals."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.categories import categories, category_record
from cryptoelt.sandbox.parameters import START, TextList, Whole, at_most_one, paged

if TYPE_CHECKING:
    from typing import ClassVar

    from cryptoelt.sandbox.parameters import Parameter

_NO_COINS: frozenset[str] = frozenset()


class Categories(Endpoint):
    """A page of the categories, last defined first.

    The filters by coin are documented, but this market has no single coins yet: any value is an unknown coin.
    """

    path = "/v1/cryptocurrency/categories"
    refresh = 30
    answers_list = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        START,
        Whole("limit", 1, 5000),
        TextList("id", r"[0-9]{1,9}", known=_NO_COINS),
        TextList("slug", r"[a-z0-9-]+", known=_NO_COINS),
        TextList("symbol", known=_NO_COINS),
    )

    def answer(self, asked: Asked) -> Content:
        """Return the page; one credit, and one per started 200 rows."""
        at_most_one(asked.parameters, "id", "slug", "symbol")
        page = paged(categories(asked.market, asked.moment), asked.parameters)
        rows = [category_record(asked.market, category, asked.moment) for category in page]
        return Content(rows, credits=1 + ceil(len(rows) / 200))
