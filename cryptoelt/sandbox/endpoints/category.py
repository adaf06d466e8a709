"""GET /v1/cryptocurrency/category: one category with its coins."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.endpoints.currencies import CONVERT, currencies_asked
from cryptoelt.sandbox.endpoints.listings import DEFAULT_AUX, v1_row
from cryptoelt.sandbox.market.categories import category_record, category_with, members_of
from cryptoelt.sandbox.market.listings import listing, places
from cryptoelt.sandbox.parameters import START, Text, Whole, paged
from cryptoelt.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from typing import ClassVar

    from cryptoelt.sandbox.parameters import Parameter

_BLOCK = 250


class CategoryOfCoins(Endpoint):
    """A category and a page of its coins, the largest first; one credit per started 250 coins and per currency."""

    path = "/v1/cryptocurrency/category"
    refresh = 30
    answers_list = True
    parameters: ClassVar[tuple[Parameter, ...]] = (Text("id"), START, Whole("limit", 1, 1000, 100), *CONVERT)

    def answer(self, asked: Asked) -> Content:
        """Return the category; `num_tokens` counts all of its coins, whatever the page."""
        market, moment, values = asked.market, asked.moment, asked.parameters
        if values["id"] is None:
            raise bad_request('"id" is required')
        category = category_with(market, values["id"], moment)
        if category is None:
            raise self.unknown("id", values["id"])
        currencies = currencies_asked(market, values, moment)
        place = places(market, moment)
        coins = sorted(members_of(market, category, moment), key=lambda coin: place[coin.id])
        rows = []
        for coin in paged(coins, values):
            record, figures = listing(market, coin, moment)
            rows.append(v1_row(record | {"is_active": 1, "is_fiat": 0}, figures, DEFAULT_AUX, currencies))
        data = category_record(market, category, moment) | {"coins": rows}
        return Content(data, credits=max(1, ceil(len(rows) / _BLOCK)) * len(currencies))

    def records(self, data: Any) -> list[Any]:
        """Return the coins."""
        return data["coins"] if isinstance(data, dict) and "coins" in data else []
