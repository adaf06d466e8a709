"""The endpoint catalogue: path, parameters and price rule of every endpoint, one line each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil


class Shape(StrEnum):
    """What `data` of an answer is, and with it what counts as one row of it."""

    LIST = "list"
    """A list of records."""
    RECORD = "record"
    """One record."""
    KEYED = "keyed"
    """An object of records by the identity that was asked for."""
    COINS = "coins"
    """One record with a list of coins in it."""


@dataclass(frozen=True)
class Price:
    """What one call costs, in credits: `base + ceil(rows / block)`, or `base` alone without a block.

    Without a base no answer costs less than one block.

    `expected_rows` bounds the rows of an answer from above, so that a reservation is never below the charge.
    """

    base: int
    block: int | None = None
    expected_rows: int = 0

    def of(self, rows: int | None = None) -> int:
        """Return the price of a call that returns `rows` rows (default: the expected ones)."""
        if self.block is None:
            return self.base
        blocks = ceil((self.expected_rows if rows is None else rows) / self.block)
        return self.base + blocks if self.base else max(1, blocks)


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the CoinMarketCap API.

    Attributes:
        name: how it is spelt in the lake, in journals and on the command line.
        path: the URL path, version included.
        price: the price rule; `[budget.prices]` in config.toml overrides it.
        shape: what its answers are.
        parameters: sent with every call.
        frequencies: the frequencies that ask it.
        largest_answer: bytes of disk an answer may need in Bronze; no call is made with less free.
        most_rows: rows that a list of several pages can have, generously: twice what there is of everybody, active or
            not. One that goes on beyond them would never end.
        tells_total: whether `status.total_count` is documented to be all the rows there are; elsewhere it says nothing.
    """

    name: str
    path: str
    price: Price
    shape: Shape = Shape.RECORD
    parameters: dict[str, str] = field(default_factory=dict)
    frequencies: frozenset[str] = frozenset()
    largest_answer: int = 4 * 2**20
    most_rows: int = 100_000
    tells_total: bool = False


KEY_INFO = Endpoint("key/info", "/v1/key/info", Price(0))

_MEBIBYTE = 2**20


def _of(*frequencies: str) -> frozenset[str]:
    return frozenset({*frequencies, "init"})


#: Endpoints in the order in which they are asked: who is needed to ask another comes first.
ENDPOINTS: dict[str, Endpoint] = {
    endpoint.name: endpoint
    for endpoint in (
        Endpoint(
            "exchange/map",
            "/v1/exchange/map",
            Price(1),
            Shape.LIST,
            {"listing_status": "active", "sort": "id"},
            _of("daily"),
            most_rows=25_000,
        ),
        Endpoint(
            "exchange/info",
            "/v1/exchange/info",
            Price(0, block=250, expected_rows=250),
            Shape.KEYED,
            {"aux": "urls,logo,description,date_launched,notice,status"},
            _of("weekly"),
            largest_answer=8 * _MEBIBYTE,
        ),
        Endpoint("exchange/assets", "/v1/exchange/assets", Price(1), Shape.LIST, {}, _of("daily")),
        Endpoint(
            "cryptocurrency/map",
            "/v1/cryptocurrency/map",
            Price(0),
            Shape.LIST,
            {
                "listing_status": "active",
                "sort": "id",
                "aux": "platform,first_historical_data,last_historical_data,is_active,status",
            },
            _of("daily"),
            largest_answer=8 * _MEBIBYTE,
        ),
        Endpoint(
            "cryptocurrency/info",
            "/v2/cryptocurrency/info",
            Price(0, block=250, expected_rows=250),
            Shape.KEYED,
            {"aux": "urls,logo,description,tags,platform,date_added,notice,status", "skip_invalid": "true"},
            _of("weekly"),
            largest_answer=8 * _MEBIBYTE,
        ),
        Endpoint(
            "cryptocurrency/listings/latest",
            "/v3/cryptocurrency/listings/latest",
            Price(0, block=250, expected_rows=5000),
            Shape.LIST,
            {
                "sort": "market_cap",
                "aux": "num_market_pairs,cmc_rank,date_added,tags,platform,max_supply,circulating_supply,total_supply,"
                "market_cap_by_total_supply,volume_24h_reported,volume_7d,volume_7d_reported,volume_30d,"
                "volume_30d_reported,is_market_cap_included_in_calc",
            },
            _of("5x"),
            largest_answer=16 * _MEBIBYTE,
        ),
        Endpoint(
            "cryptocurrency/categories",
            "/v1/cryptocurrency/categories",
            Price(1, block=200, expected_rows=400),
            Shape.LIST,
            {"start": "1", "limit": "5000"},
            _of("10x"),
        ),
        Endpoint(
            "cryptocurrency/category",
            "/v1/cryptocurrency/category",
            Price(0, block=250, expected_rows=1000),
            Shape.COINS,
            {},
            _of("daily"),
            most_rows=20_000,
        ),
        Endpoint(
            "global-metrics/quotes/latest",
            "/v1/global-metrics/quotes/latest",
            Price(1),
            Shape.RECORD,
            {},
            _of("10x"),
        ),
        Endpoint("fear-and-greed/latest", "/v3/fear-and-greed/latest", Price(1), Shape.RECORD, {}, _of("10x")),
        Endpoint(
            "fear-and-greed/historical",
            "/v3/fear-and-greed/historical",
            Price(1),
            Shape.LIST,
            {},
            _of(),
            most_rows=10_000,
        ),
    )
}

LISTINGS = "cryptocurrency/listings/latest"
#: The older form of the same endpoint.
LISTINGS_V1 = replace(
    ENDPOINTS[LISTINGS],
    path="/v1/cryptocurrency/listings/latest",
    price=replace(ENDPOINTS[LISTINGS].price, block=200),
    tells_total=True,
)
