"""GET /v3/cryptocurrency/listings/latest, and its older version 1: the coins of the market with their quotes."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.endpoints.currencies import CONVERT, currencies_asked, currency_of
from cryptoelt.sandbox.market.coin_quotes import MONEY
from cryptoelt.sandbox.market.listings import by_market_cap, listing
from cryptoelt.sandbox.parameters import START, Choice, Number, Whole, aux, paged

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import ClassVar

    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.parameters import Parameter

    Record = dict[str, Any]

#: The fields that `aux` takes away when it does not name them.
DEFAULT_AUX = (
    "num_market_pairs", "cmc_rank", "date_added", "tags", "platform", "max_supply", "circulating_supply",
    "total_supply",
)  # fmt: skip
_MORE_AUX = (
    "market_cap_by_total_supply", "volume_24h_reported", "volume_7d", "volume_7d_reported", "volume_30d",
    "volume_30d_reported", "is_market_cap_included_in_calc",
)  # fmt: skip
_IN_DETAIL = ("price", "market_cap", "volume_24h", "circulating_supply")
_NAMES = ("name", "symbol")
_SORTS = (
    "market_cap", "name", "symbol", "date_added", "market_cap_strict", "price", "circulating_supply", "total_supply",
    "max_supply", "num_market_pairs", "volume_24h", "percent_change_1h", "percent_change_24h", "percent_change_7d",
    "market_cap_by_total_supply_strict", "volume_7d", "volume_30d",
)  # fmt: skip
_ONLY_V3 = ("minted_market_cap", "cex_volume_24h", "dex_volume_24h")
_KEY_ORDER = (
    "tags", "id", "name", "symbol", "slug", "infinite_supply", "circulating_supply", "total_supply", "max_supply",
    "date_added", "num_market_pairs", "cmc_rank", "last_updated", "tvl_ratio", "platform",
    "self_reported_circulating_supply", "self_reported_market_cap", "minted_market_cap",
)  # fmt: skip


def _bounds(*names: str) -> tuple[Parameter, ...]:
    return tuple(Number(f"{name}_{end}", 0, 1e17) for name in names for end in ("min", "max"))


_COMMON: tuple[Parameter, ...] = (
    START,
    Whole("limit", 1, 5000, 100),
    *_bounds(*_IN_DETAIL),
    Number("percent_change_24h_min", -100, 1e17),
    Number("percent_change_24h_max", -100, 1e17),
    *CONVERT,
    Choice("sort", _SORTS),
    Choice("sort_dir", ("asc", "desc"), ""),
    Choice("cryptocurrency_type", ("all", "coins", "tokens")),
    Choice("tag", ("all", "defi", "filesharing")),
    aux(DEFAULT_AUX, _MORE_AUX),
)


def more_volumes(figures: Record, wanted: Collection[str], total_supply: float) -> Record:
    """Return the figures of a quote that are sent only when asked for."""
    price, volume = figures["price"], figures["volume_24h"]
    every = {
        "market_cap_by_total_supply": price * total_supply,
        "volume_24h_reported": volume * 1.25,
        "volume_7d": volume * 6.6,
        "volume_7d_reported": volume * 8.1,
        "volume_30d": volume * 29.0,
        "volume_30d_reported": volume * 35.5,
    }
    return {name: value for name, value in every.items() if name in wanted}


def converted(figures: Record, rate: float) -> Record:
    """Return figures in another currency."""
    if rate == 1:
        return figures
    return {name: value * rate if name in MONEY and value is not None else value for name, value in figures.items()}


class ListingsLatest(Endpoint):
    """A page of the listed coins, the largest first; one credit per started block of rows and per currency."""

    path = "/v3/cryptocurrency/listings/latest"
    answers_list = True
    block: ClassVar[int] = 250
    parameters: ClassVar[tuple[Parameter, ...]] = _COMMON

    def answer(self, asked: Asked) -> Content:
        """Return the page."""
        currencies = currencies_asked(asked.market, asked.parameters, asked.moment)
        coins = self._chosen(asked)
        page = paged(coins, asked.parameters)
        wanted = frozenset(asked.parameters["aux"])
        rows = [self._row(*listing(asked.market, coin, asked.moment), wanted, currencies) for coin in page]
        price = max(1, ceil(len(rows) / self.block)) * len(currencies)
        return Content(rows, credits=price, status=self._status(len(coins)))

    def _status(self, _count: int) -> dict[str, object]:
        return {}

    def _row(self, record: Record, figures: Record, wanted: Collection[str], currencies: dict[str, float]) -> Record:
        figures |= more_volumes(figures, wanted, record["total_supply"])
        row = {name: record[name] for name in _KEY_ORDER if name not in DEFAULT_AUX or name in wanted}
        if "is_market_cap_included_in_calc" in wanted:
            row["is_market_cap_included_in_calc"] = int(bool(figures["market_cap"]))
        row["quote"] = [self._quote(figures, key, rate) for key, rate in currencies.items()]
        return row

    def _quote(self, figures: Record, key: str, rate: float) -> Record:
        currency_id, symbol = currency_of(key)
        return {"id": currency_id, "symbol": symbol, **converted(figures, rate)}

    def _chosen(self, asked: Asked) -> list[Coin]:
        """Return the coins that pass the filters, in the order asked for."""
        values = asked.parameters
        coins = [coin for coin in by_market_cap(asked.market, asked.moment) if _of_kind(coin, values)]
        bounds = {
            name: bound for name, bound in values.items() if name.endswith(("_min", "_max")) and bound is not None
        }
        if not bounds and values["tag"] == "all" and values["sort"] == "market_cap":
            return coins[::-1] if values["sort_dir"] == "asc" else coins
        rows = []
        for coin in coins:
            record, figures = listing(asked.market, coin, asked.moment)
            every = {**figures, **record}
            if _within(every, bounds) and (values["tag"] == "all" or values["tag"] in record["tags"]):
                rows.append((coin, every))
        name = values["sort"]
        descending = (values["sort_dir"] or ("asc" if name in _NAMES else "desc")) == "desc"
        rows.sort(key=lambda row: _sortable(row[1], name), reverse=descending)
        return [coin for coin, _ in rows]


def _of_kind(coin: Coin, values: dict[str, Any]) -> bool:
    kind = values["cryptocurrency_type"]
    return bool(kind == "all" or (coin.platform is not None) == (kind == "tokens"))


def _within(every: Record, bounds: dict[str, float]) -> bool:
    for bound_name, bound in bounds.items():
        name, _, end = bound_name.rpartition("_")
        value = every.get(name)
        if value is None or (value < bound if end == "min" else value > bound):
            return False
    return True


def _sortable(every: Record, name: str) -> Any:
    plain = name.removesuffix("_strict")
    if plain in {*_NAMES, "date_added"}:
        return every[plain]
    if plain in {"volume_7d", "volume_30d"}:
        plain = "volume_24h"
    if plain == "market_cap_by_total_supply":
        return every["price"] * every["total_supply"]
    return every[plain] or 0


class ListingsLatestV1(ListingsLatest):
    """The older version: quotes are an object, more filters, and `status` tells how many coins match."""

    path = "/v1/cryptocurrency/listings/latest"
    block = 200
    parameters: ClassVar[tuple[Parameter, ...]] = (
        *_COMMON,
        *_bounds(
            "self_reported_circulating_supply", "self_reported_market_cap", "unlocked_market_cap",
            "unlocked_circulating_supply",
        ),
    )  # fmt: skip

    def _status(self, count: int) -> dict[str, object]:
        return {"total_count": count}

    def _row(self, record: Record, figures: Record, wanted: Collection[str], currencies: dict[str, float]) -> Record:
        figures |= more_volumes(figures, wanted, record["total_supply"])
        return v1_row(record, figures, wanted, currencies)


def v1_row(record: Record, figures: Record, wanted: Collection[str], currencies: dict[str, float]) -> Record:
    """Return a coin in the form of version 1, which a category's coins have too."""
    row = {
        name: value
        for name, value in record.items()
        if name not in _ONLY_V3 and (name not in DEFAULT_AUX or name in wanted)
    }
    if "is_market_cap_included_in_calc" in wanted:
        row["is_market_cap_included_in_calc"] = int(bool(figures["market_cap"]))
    plain = {name: value for name, value in figures.items() if name not in _ONLY_V3}
    row["quote"] = {key: converted(plain, rate) for key, rate in currencies.items()}
    return row
