"""The endpoint catalogue: path, parameters and price rule of every endpoint, one line each."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil


@dataclass(frozen=True)
class Price:
    """What one call costs, in credits: `base + ceil(rows / block)`, or `base` alone without a block.

    `expected_rows` bounds the rows of an answer from above, so that a reservation is never below the charge.
    """

    base: int
    block: int | None = None
    expected_rows: int = 0

    def of(self, rows: int | None = None) -> int:
        """Return the price of a call that returns `rows` rows (default: the expected ones)."""
        if self.block is None:
            return self.base
        return self.base + ceil((self.expected_rows if rows is None else rows) / self.block)


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the CoinMarketCap API.

    Attributes:
        name: how it is spelt in the lake, in journals and on the command line.
        path: the URL path, version included.
        price: the price rule; `[budget.prices]` in config.toml overrides it.
        parameters: sent with every call.
        frequencies: the frequencies that ask it.
        largest_answer: bytes of disk an answer may need in Bronze; no call is made with less free.
    """

    name: str
    path: str
    price: Price
    parameters: dict[str, str] = field(default_factory=dict)
    frequencies: frozenset[str] = frozenset()
    largest_answer: int = 4 * 2**20


KEY_INFO = Endpoint("key/info", "/v1/key/info", Price(0))

_TEN = frozenset({"10x"})

#: Endpoints in the order in which they are asked.
ENDPOINTS: dict[str, Endpoint] = {
    endpoint.name: endpoint
    for endpoint in (
        Endpoint(
            "cryptocurrency/categories",
            "/v1/cryptocurrency/categories",
            Price(1, block=200, expected_rows=400),
            {"start": "1", "limit": "5000"},
            _TEN,
        ),
        Endpoint("global-metrics/quotes/latest", "/v1/global-metrics/quotes/latest", Price(1), {}, _TEN),
        Endpoint("fear-and-greed/latest", "/v3/fear-and-greed/latest", Price(1), {}, _TEN),
    )
}
