"""Extract fear-and-greed/historical: one point a day since the index began."""

from __future__ import annotations

from cryptoelt.extract.fields import integer, text
from cryptoelt.extract.paged import PagedExtractor


class FearAndGreedHistoricalExtractor(PagedExtractor):
    """GET /v3/fear-and-greed/historical, all pages, newest first; `timestamp` is a text of Unix seconds."""

    endpoint_name = "fear-and-greed/historical"
    page_size = 500
    columns = (text("timestamp"), integer("value"), text("value_classification"))
    key = ("timestamp",)
