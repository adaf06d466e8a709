"""Extract cryptocurrency/map: every active coin, whatever its rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.extract.changes import changes_of
from cryptoelt.extract.fields import integer, text
from cryptoelt.extract.paged import PagedExtractor

if TYPE_CHECKING:
    from datetime import datetime


class CryptocurrencyMapExtractor(PagedExtractor):
    """GET /v1/cryptocurrency/map, all pages.

    `platform.id` was the parent coin's id until about 2023 and is an internal number since; it is kept as sent.
    """

    endpoint_name = "cryptocurrency/map"
    columns = (
        integer("id"),
        integer("rank"),
        text("name"),
        text("symbol"),
        text("slug"),
        integer("is_active"),
        text("status"),
        text("first_historical_data"),
        text("last_historical_data"),
        integer("platform_id", "platform", "id"),
        text("platform_name", "platform", "name"),
        text("platform_symbol", "platform", "symbol"),
        text("platform_slug", "platform", "slug"),
        text("platform_token_address", "platform", "token_address"),
    )
    key = ("id",)
    keeps_ids = True
    measures = ("name",)
    unbuilt = frozenset({"status", "first_historical_data", "platform_slug"})

    def findings(self, snapshot: datetime, rows: int) -> dict[str, Any]:  # noqa: ARG002 - counted already
        """Return the difference to the last map; ranks change daily and are none."""
        names = ("name", "symbol", "slug")
        others = ("is_active", "status", "platform_slug", "platform_token_address")
        return changes_of(self.context.bronze, self.endpoint_name, snapshot, names=names, others=others)
