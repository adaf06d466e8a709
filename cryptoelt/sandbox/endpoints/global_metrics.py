"""GET /v1/global-metrics/quotes/latest: the market as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.endpoints.currencies import CONVERT, currencies_asked
from cryptoelt.sandbox.market.global_market import global_metrics

if TYPE_CHECKING:
    from typing import ClassVar

    from cryptoelt.sandbox.parameters import Parameter


class GlobalMetrics(Endpoint):
    """Totals, dominances and counts; one credit, and one for each currency after the first."""

    path = "/v1/global-metrics/quotes/latest"
    refresh = 300
    parameters: ClassVar[tuple[Parameter, ...]] = CONVERT

    def answer(self, asked: Asked) -> Content:
        """Return the metrics with a quote for every currency asked for."""
        currencies = currencies_asked(asked.market, asked.parameters, asked.moment)
        return Content(global_metrics(asked.market, asked.moment, currencies), credits=len(currencies))
