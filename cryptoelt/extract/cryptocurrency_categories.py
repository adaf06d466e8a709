"""Extract cryptocurrency/categories: every category with its market figures."""

from __future__ import annotations

from cryptoelt.extract.base import BaseExtractor
from cryptoelt.extract.fields import integer, number, prose, text


class CategoriesExtractor(BaseExtractor):
    """GET /v1/cryptocurrency/categories, all categories in one call.

    `last_updated` is when the definition changed, months ago as a rule; the figures are of the call's own time.
    """

    endpoint_name = "cryptocurrency/categories"
    columns = (
        text("id"),
        text("name"),
        text("title"),
        prose("description"),
        integer("num_tokens"),
        number("avg_price_change"),
        number("market_cap"),
        number("market_cap_change"),
        number("volume"),
        number("volume_change"),
        text("last_updated"),
    )
    key = ("id",)
    keeps_ids = True
    measures = ("market_cap",)
