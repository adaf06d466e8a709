"""GET /v3/fear-and-greed/latest and /historical: the mood of the market."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.noise import DAY
from cryptoelt.sandbox.market.sentiment import classification, daily_points, fear_and_greed
from cryptoelt.sandbox.market.times import api_time
from cryptoelt.sandbox.parameters import START, Whole

if TYPE_CHECKING:
    from typing import ClassVar

    from cryptoelt.sandbox.parameters import Parameter


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


class FearAndGreedHistorical(Endpoint):
    """A page of one value a day, newest first; the time of each is a text of unix seconds."""

    path = "/v3/fear-and-greed/historical"
    refresh = 900
    answers_list = True
    parameters: ClassVar[tuple[Parameter, ...]] = (START, Whole("limit", 1, 500, 50))

    def answer(self, asked: Asked) -> Content:
        """Return the page; one credit, however long it is."""
        rows = []
        for day in daily_points(asked.moment, asked.parameters["start"], asked.parameters["limit"]):
            value = fear_and_greed(asked.market, day * DAY)
            rows.append(
                {"timestamp": f"{day * DAY:.0f}", "value": value, "value_classification": classification(value)}
            )
        return Content(rows)
