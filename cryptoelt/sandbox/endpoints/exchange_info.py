"""GET /v1/exchange/info: texts, links, fees, visits and volume of the exchanges asked for."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.exchange_details import info_record
from cryptoelt.sandbox.market.exchanges import valid_exchanges
from cryptoelt.sandbox.parameters import TextList, at_most_one, aux
from cryptoelt.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from typing import ClassVar

    from cryptoelt.sandbox.parameters import Parameter

_OPTIONAL = ("urls", "logo", "description", "date_launched", "notice")
_ALL_OPTIONAL = frozenset({*_OPTIONAL, "status"})
_IDS_FOR_A_CREDIT = 250


class ExchangeInfo(Endpoint):
    """The exchanges asked for, by what they were asked by; one that is not valid any more refuses all."""

    path = "/v1/exchange/info"
    refresh = 30
    parameters: ClassVar[tuple[Parameter, ...]] = (
        TextList("id", r"[1-9][0-9]{0,8}"),
        TextList("slug", r"[0-9a-z-]+"),
        aux(_OPTIONAL, ("status",)),
    )

    def answer(self, asked: Asked) -> Content:
        """Return an object of records; one credit for each started 250."""
        values = asked.parameters
        at_most_one(values, "id", "slug")
        by = "id" if values["id"] else "slug"
        if not values[by]:
            raise bad_request('"value" must contain at least one of [id, slug]')
        valid = {str(getattr(found, by)): found for found in valid_exchanges(asked.market, asked.moment).values()}
        left_out = _ALL_OPTIONAL - set(values["aux"])
        data: dict[str, dict[str, object]] = {}
        for sent in values[by]:
            if sent not in valid:
                raise bad_request(f'Invalid value for "{by}": "{sent}"')
            record = info_record(asked.market, valid[sent], asked.moment)
            data[sent] = {name: value for name, value in record.items() if name not in left_out}
        return Content(data, credits=ceil(len(data) / _IDS_FOR_A_CREDIT))

    def records(self, data: Any) -> list[Any]:
        """Return the records, which stand under what they were asked by."""
        return list(data.values()) if isinstance(data, dict) else []
