"""GET /v1/cryptocurrency/map: every coin with its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.coin_map import map_record, rank_of
from cryptoelt.sandbox.market.coins import others, roster
from cryptoelt.sandbox.parameters import START, Choice, TextList, Whole, aux, paged

if TYPE_CHECKING:
    from typing import ClassVar

    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.parameters import Parameter


class CryptocurrencyMap(Endpoint):
    """A page of the coins by id or by rank; free."""

    path = "/v1/cryptocurrency/map"
    refresh = 30
    answers_list = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        TextList("listing_status", known=frozenset({"active", "inactive", "untracked"}), fallback=("active",)),
        START,
        Whole("limit", 1, 5000),
        Choice("sort", ("id", "cmc_rank")),
        TextList("symbol", r"[^,]+"),
        aux(("platform", "first_historical_data", "last_historical_data", "is_active"), ("status",)),
    )

    def answer(self, asked: Asked) -> Content:
        """Return the page; with `symbol` all coins that have one of them, whatever else is asked."""
        market, moment, values = asked.market, asked.moment, asked.parameters
        coins = self._named(asked) if values["symbol"] else self._sorted(asked)
        wanted = frozenset(values["aux"])
        return Content([map_record(market, coin, moment, wanted) for coin in coins], credits=0)

    def _named(self, asked: Asked) -> list[Coin]:
        symbols = frozenset(asked.parameters["symbol"])
        active = roster(asked.market, asked.moment).mapped
        inactive = others(asked.market, asked.moment)
        found = [
            *sorted((coin for coin in active if coin.symbol in symbols), key=lambda coin: coin.id),
            *sorted((coin for coin in inactive if coin.symbol in symbols), key=lambda coin: coin.id),
        ]
        missing = symbols - {coin.symbol for coin in found}
        if missing:
            raise self.unknown("symbol", sorted(missing)[0])
        return found

    def _sorted(self, asked: Asked) -> list[Coin]:
        market, moment, values = asked.market, asked.moment, asked.parameters
        statuses = frozenset(values["listing_status"])
        coins: list[Coin] = list(roster(market, moment).mapped) if "active" in statuses else []
        if statuses != {"active"}:
            coins += [coin for coin in others(market, moment) if coin.status in statuses]
        if values["sort"] == "id":
            coins.sort(key=lambda coin: coin.id)
        else:
            last = 10**9
            coins.sort(key=lambda coin: (rank_of(market, coin, moment) if coin.status == "active" else last, coin.id))
        return paged(coins, values)
