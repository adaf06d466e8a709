"""GET /v2/cryptocurrency/info, and its older version 1: what coins are."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.coin_map import rank_of
from cryptoelt.sandbox.market.coins import others, roster
from cryptoelt.sandbox.market.infos import info_record
from cryptoelt.sandbox.parameters import Text, TextList, at_most_one, aux, flag
from cryptoelt.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar

    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.parameters import Parameter

_BLOCK = 250
_WAYS = ("id", "slug", "symbol", "address")
_AUX = ("urls", "logo", "description", "tags", "platform", "date_added", "notice")


class CryptocurrencyInfo(Endpoint):
    """The coins asked for, by what they were asked by; one credit per started 250."""

    path = "/v2/cryptocurrency/info"
    refresh = 30
    lists_symbols: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        TextList("id", r"[0-9]{1,9}"),
        TextList("slug", r"[a-z0-9-]+"),
        TextList("symbol", r"[^,]+"),
        Text("address", r"[^,]+"),
        flag("skip_invalid"),
        aux(_AUX, ("status",)),
    )

    def answer(self, asked: Asked) -> Content:
        """Return an object with a key for each coin found; a value that names none is refused unless skipped."""
        values = asked.parameters
        at_most_one(values, *_WAYS)
        way = next((name for name in _WAYS if values[name]), None)
        if way is None:
            raise bad_request('"value" must contain at least one of [id, symbol, slug, address]')
        wanted: tuple[str, ...] = values[way] if way != "address" else (values[way],)
        found = _by(asked, way, frozenset(wanted))
        data: dict[str, Any] = {}
        for value in wanted:
            if value in found:
                data[value] = self._value(asked, way, found[value])
            elif values["skip_invalid"] == "false":
                raise self.unknown(way, value)
        return Content(data, credits=max(1, ceil(len(data) / _BLOCK)))

    def _value(self, asked: Asked, way: str, coins: list[Coin]) -> Any:
        """Return one coin, or all that share a symbol."""
        if way == "symbol" and self.lists_symbols:
            return [self._record(asked, coin) for coin in coins]
        return self._record(asked, coins[0])

    def _record(self, asked: Asked, coin: Coin) -> dict[str, Any]:
        wanted = frozenset(asked.parameters["aux"])
        now = asked.now.timestamp()
        return info_record(asked.market, coin, asked.moment, now, wanted, self.version)

    def records(self, data: Any) -> list[Any]:
        """Return the coins, however they are keyed."""
        if not isinstance(data, dict):
            return []
        return [record for value in data.values() for record in (value if isinstance(value, list) else [value])]


class CryptocurrencyInfoV1(CryptocurrencyInfo):
    """The older version: one coin for a symbol, the largest of those that share it."""

    path = "/v1/cryptocurrency/info"
    lists_symbols = False


def _by(asked: Asked, way: str, wanted: frozenset[str]) -> dict[str, list[Coin]]:
    """Return the coins of the map that have one of some values, active ones first, then by rank."""
    value_of: dict[str, Callable[[Coin], str]] = {
        "id": lambda coin: str(coin.id),
        "slug": lambda coin: coin.slug,
        "symbol": lambda coin: coin.symbol,
        "address": lambda coin: coin.platform.token_address if coin.platform else "",
    }
    read = value_of[way]
    now = roster(asked.market, asked.moment)
    found: dict[str, list[Coin]] = {}
    active = [coin for coin in now.listed if read(coin) in wanted]
    for coin in sorted(active, key=lambda coin: rank_of(asked.market, coin, asked.moment)):
        found.setdefault(read(coin), []).append(coin)
    if way == "symbol" or len(found) < len(wanted):
        for coin in others(asked.market, asked.moment):
            if read(coin) in wanted:
                found.setdefault(read(coin), []).append(coin)
    return found
