"""GET /v3/fear-and-greed/latest: the mood of the market."""

from __future__ import annotations

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.sentiment import classification, fear_and_greed
from cryptoelt.sandbox.market.times import api_time


class FearAndGreedLatest(Endpoint):
    """The newest value of the index."""

    path = "/v3/fear-and-greed/latest"
    refresh = 900

    def answer(self, asked: Asked) -> Content:
        """Return the value, its band and its time."""
        value = fear_and_greed(asked.market, asked.moment)
        return Content(
            {
                "value": value,
                "update_time": api_time(asked.moment),
                "value_classification": classification(value),
            }
        )
