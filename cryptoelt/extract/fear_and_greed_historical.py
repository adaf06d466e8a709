"""Extract fear-and-greed/historical: one point a day since the index began."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptoelt.extract.fields import integer, text
from cryptoelt.extract.paged import PagedExtractor

#: The first day the index has a value for.
_BEGINNING = datetime(2023, 6, 29, tzinfo=UTC)


class FearAndGreedHistoricalExtractor(PagedExtractor):
    """GET /v3/fear-and-greed/historical, all pages, newest first; `timestamp` is a text of Unix seconds."""

    endpoint_name = "fear-and-greed/historical"
    page_size = 500
    columns = (text("timestamp"), integer("value"), text("value_classification"))
    key = ("timestamp",)
    measures = ("value",)

    def expected_rows(self, snapshot: datetime) -> int:
        """Return the days since the index began, the present one included."""
        return (snapshot - _BEGINNING).days + 1
