"""GET /v1/exchange/assets: the wallets that one exchange publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.exchanges import valid_exchanges
from cryptoelt.sandbox.market.wallets import asset_records
from cryptoelt.sandbox.parameters import TextList
from cryptoelt.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from typing import ClassVar

    from cryptoelt.sandbox.parameters import Parameter


class ExchangeAssets(Endpoint):
    """What is in the wallets; most exchanges publish none, which costs the same."""

    path = "/v1/exchange/assets"
    refresh = 300
    answers_list = True
    parameters: ClassVar[tuple[Parameter, ...]] = (TextList("id", r"[1-9][0-9]{0,8}", most=1),)

    def answer(self, asked: Asked) -> Content:
        """Return the rows; one credit."""
        if not asked.parameters["id"]:
            raise bad_request('"id" is required')
        sent = asked.parameters["id"][0]
        # Who exists is known sooner than what is in the wallets: a new exchange is no stranger until the next refresh.
        moments = (asked.now.timestamp(), asked.moment)
        found = (valid_exchanges(asked.market, moment).get(int(sent)) for moment in moments)
        exchange = next((exchange for exchange in found if exchange), None)
        if exchange is None:
            raise bad_request(f'Invalid value for "id": "{sent}"')
        return Content(asset_records(asked.market, exchange, asked.moment))
