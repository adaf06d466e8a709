"""Extract exchange/map: every active exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.extract.changes import changes_of
from cryptoelt.extract.fields import integer, text
from cryptoelt.extract.paged import PagedExtractor

if TYPE_CHECKING:
    from datetime import datetime


class ExchangeMapExtractor(PagedExtractor):
    """GET /v1/exchange/map, all pages; an exchange that closes just vanishes from it."""

    endpoint_name = "exchange/map"
    columns = (
        integer("id"),
        text("name"),
        text("slug"),
        integer("is_active"),
        integer("is_listed"),
        integer("is_redistributable"),
        text("first_historical_data"),
        text("last_historical_data"),
    )
    key = ("id",)
    keeps_ids = True
    measures = ("name",)
    unbuilt = frozenset({"slug", "is_listed", "is_redistributable", "first_historical_data", "last_historical_data"})

    def findings(self, snapshot: datetime, rows: int) -> dict[str, Any]:  # noqa: ARG002 - counted already
        """Return the difference to the last map."""
        others = ("is_active", "is_listed", "is_redistributable")
        return changes_of(self.context.bronze, self.endpoint_name, snapshot, names=("name", "slug"), others=others)
