"""GET /v1/exchange/map: every exchange, with its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.exchange_details import spot_volume
from cryptoelt.sandbox.market.exchanges import (
    ACTIVE,
    INACTIVE,
    UNTRACKED,
    closed_exchanges,
    exchanges,
    map_record,
    trades,
)
from cryptoelt.sandbox.parameters import START, TextList, Whole, aux, paged
from cryptoelt.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from typing import ClassVar

    from cryptoelt.sandbox.market.exchanges import Exchange
    from cryptoelt.sandbox.parameters import Parameter

_OPTIONAL = ("first_historical_data", "last_historical_data", "is_active")
_ALL_OPTIONAL = frozenset({*_OPTIONAL, "status"})


class ExchangeMap(Endpoint):
    """A page of the exchanges: the active ones, unless others are asked for."""

    path = "/v1/exchange/map"
    refresh = 30
    answers_list = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        TextList("listing_status", known=frozenset({ACTIVE, INACTIVE, UNTRACKED}), fallback=(ACTIVE,)),
        TextList("slug", r"[0-9a-z-]+"),
        START,
        Whole("limit", 1, 5000),
        TextList("sort", most=1, known=frozenset({"id", "volume_24h"}), fallback=("id",)),
        aux(_OPTIONAL, ("status",)),
        Whole("crypto_id", 1, 999_999_999),
    )

    def answer(self, asked: Asked) -> Content:
        """Return the page; one credit, however long it is."""
        found = _named(asked) if asked.parameters["slug"] else _page(asked)
        left_out = _ALL_OPTIONAL - set(asked.parameters["aux"])
        rows = [map_record(asked.market, exchange, asked.moment) for exchange in found]
        return Content([{name: value for name, value in row.items() if name not in left_out} for row in rows])


def _page(asked: Asked) -> list[Exchange]:
    market, moment, values = asked.market, asked.moment, asked.parameters
    found = list(exchanges(market, moment)) if ACTIVE in values["listing_status"] else []
    if {INACTIVE, UNTRACKED} & set(values["listing_status"]):
        closed = closed_exchanges(market, moment)
        found += [exchange for exchange in closed if exchange.status in values["listing_status"]]
    if values["crypto_id"]:
        found = [exchange for exchange in found if trades(market, exchange, values["crypto_id"])]
    if values["sort"] == ("volume_24h",):
        found.sort(key=lambda exchange: (-(spot_volume(market, exchange, moment) or 0), exchange.id))
    else:
        found.sort(key=lambda exchange: exchange.id)
    return paged(found, values)


def _named(asked: Asked) -> list[Exchange]:
    """Return the exchanges with the slugs asked for, whatever else was asked."""
    everyone = (*closed_exchanges(asked.market, asked.moment), *exchanges(asked.market, asked.moment))
    by_slug = {exchange.slug: exchange for exchange in everyone}
    for slug in asked.parameters["slug"]:
        if slug not in by_slug:
            raise bad_request(f'Invalid value for "slug": "{slug}"')
    return sorted((by_slug[slug] for slug in asked.parameters["slug"]), key=lambda exchange: exchange.id)
