"""Extract fear-and-greed/latest: the present value of CoinMarketCap's own sentiment index."""

from __future__ import annotations

from cryptoelt.extract.base import BaseExtractor
from cryptoelt.extract.fields import integer, moment, text


class FearAndGreedLatestExtractor(BaseExtractor):
    """GET /v3/fear-and-greed/latest, one record."""

    endpoint_name = "fear-and-greed/latest"
    columns = (integer("value"), text("value_classification"), moment("update_time"))
    measures = ("value",)
