"""Extract cryptocurrency/listings/latest: the coins of the market with their quotes, the largest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.api.catalogue import LISTINGS_V1
from cryptoelt.extract.fields import flag, integer, number, text, texts
from cryptoelt.extract.paged import PagedExtractor
from cryptoelt.extract.quotes import with_dollar_quote

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.extract.base import ExtractContext

_MAP = "cryptocurrency/map"


class ListingsExtractor(PagedExtractor):
    """GET /v3/cryptocurrency/listings/latest, or v1 where it is configured: one call up to 5,000 coins.

    The two differ in `quote`: a list of quotes in v3, an object by currency in v1. What is typed is the quote in USD;
    `raw` keeps the record as it came.
    """

    endpoint_name = "cryptocurrency/listings/latest"
    columns = (
        integer("batch_index"),
        integer("id"),
        text("name"),
        text("symbol"),
        text("slug"),
        integer("cmc_rank"),
        integer("num_market_pairs"),
        text("date_added"),
        text("last_updated"),
        texts("tags"),
        number("max_supply"),
        number("circulating_supply"),
        number("total_supply"),
        flag("infinite_supply"),
        number("self_reported_circulating_supply"),
        number("self_reported_market_cap"),
        integer("platform_id", "platform", "id"),
        number("price", "quote", "price"),
        number("volume_24h", "quote", "volume_24h"),
        number("volume_change_24h", "quote", "volume_change_24h"),
        number("percent_change_1h", "quote", "percent_change_1h"),
        number("percent_change_24h", "quote", "percent_change_24h"),
        number("percent_change_7d", "quote", "percent_change_7d"),
        number("market_cap", "quote", "market_cap"),
        number("market_cap_dominance", "quote", "market_cap_dominance"),
        number("fully_diluted_market_cap", "quote", "fully_diluted_market_cap"),
        text("quote_last_updated", "quote", "last_updated"),
    )
    key = ("id",)
    measures = ("price", "market_cap")
    unbuilt = frozenset({"date_added", "last_updated", "tags"})

    def __init__(self, context: ExtractContext) -> None:
        super().__init__(context)
        if context.settings.listings_version == "v1":
            self.endpoint = LISTINGS_V1

    def wanted_rows(self) -> int:
        """Return the configured number of coins."""
        return self.context.settings.listings_limit

    def page_constants(self, page: int) -> dict[str, Any]:
        """Return the page's number."""
        return {"batch_index": page}

    def subject_of(self, record: Any) -> Any:
        """Return the record with its quote in USD alone."""
        return with_dollar_quote(record)

    def known_rows(self) -> int | None:
        """Return how many active coins the newest map has, as far as they are wanted; without one, the last listing's.

        Raises:
            StorageError: Bronze cannot be listed.
        """
        active = self._rows_of(_MAP)
        return self.rows_before() if active is None else active

    def usual_rows(self) -> int | None:
        """Return how many coins the last listing had: it never has quite all that the map knows.

        Raises:
            StorageError: Bronze cannot be listed.
        """
        return self.rows_before()

    def findings(self, snapshot: datetime, rows: int) -> dict[str, Any]:  # noqa: ARG002 - all pages so far
        """Return how many distinct coins came; on two pages of a list that moved, one twice is another not at all."""
        distinct = len(self._keys)
        repeated = rows - distinct
        found = {"wanted": self.wanted_rows(), "distinct": distinct, "repeated": repeated}
        return {**found, "is_complete": False} if repeated else found
