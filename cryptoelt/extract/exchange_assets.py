"""Extract exchange/assets: the wallets of one exchange after the other."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from cryptoelt.api.cost import Cost, grown
from cryptoelt.extract.fields import integer, number, text
from cryptoelt.extract.scan import Part, ScanExtractor
from cryptoelt.extract.scan_state import asked_since, last_asked
from cryptoelt.identity import folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

#: One empty answer may be a slip, and would leave an exchange out for weeks.
_STAYS_ACTIVE = timedelta(days=7)
#: Exchanges with known assets that may come back with the map that is asked before, at most.
_COME_BACK = 3
#: How many exchanges are supposed to publish something before anyone was asked; rather more than do.
_SUPPOSED_ACTIVE = 50


class ExchangeAssetsExtractor(ScanExtractor):
    """GET /v1/exchange/assets, one call an exchange; nearly all of them publish nothing.

    Those that published something within the last days are asked every day, the others in rotation. One that fails has
    no newer answer, so it stays where it was.
    """

    endpoint_name = "exchange/assets"
    columns = (
        integer("exchange_id"),
        text("wallet_address"),
        number("balance"),
        integer("platform_crypto_id", "platform", "crypto_id"),
        text("platform_symbol", "platform", "symbol"),
        text("platform_name", "platform", "name"),
        integer("crypto_id", "currency", "crypto_id"),
        text("crypto_name", "currency", "name"),
        text("crypto_symbol", "currency", "symbol"),
        number("price_usd", "currency", "price_usd"),
    )
    #: Real answers repeat it with other balances, so it tells no more than which records must be looked at.
    key = ("exchange_id", "platform_name", "wallet_address", "crypto_id")

    def key_part(self, name: str, value: Any) -> Any:
        """Return the value of a key column; a wallet in the one spelling it is stored in."""
        part = super().key_part(name, value)
        return folded(part) if name == "wallet_address" and part is not None else part

    def plan(self, snapshot: datetime) -> Sequence[str]:
        """Return the exchanges with known assets, then a slice of the others: the longest not asked first."""
        exchanges = [str(id_) for id_ in self.ids_on("exchange/map")]
        if self.is_init:
            return exchanges
        active, others = self._split(exchanges, snapshot)
        return [*active, *others[: self._slice(len(others))]]

    def _slice(self, others: int) -> int:
        return ceil(others / self.context.settings.rotation_days)

    def _split(self, exchanges: list[str], snapshot: datetime) -> tuple[list[str], list[str]]:
        """Return the exchanges with known assets, and the others, the longest not asked first."""
        scans, bronze = self.context.settings.rotation_days, self.context.bronze
        asked = last_asked(bronze, self.endpoint_name, exchanges, timedelta(days=3 * scans))
        lately = asked_since(bronze, self.endpoint_name, snapshot - _STAYS_ACTIVE)
        publish = {id_ for answer in [*asked.values(), *lately] if answer.rows for id_ in answer.ids}
        active = [id_ for id_ in exchanges if id_ in publish]
        others = [id_ for id_ in exchanges if id_ not in publish]
        never = [id_ for id_ in others if id_ not in asked]
        once = sorted((id_ for id_ in others if id_ in asked), key=lambda id_: asked[id_].snapshot)
        return active, [*never, *once]

    def estimate(self, snapshot: datetime) -> Cost:
        """Return whom the known map has asked, and who may come with the next one: new exchanges, a few old ones."""
        if self.context.expected is None or self.is_init or self._resumed() is not None:
            return super().estimate(snapshot)
        exchanges = [str(id_) for id_ in self.ids_on("exchange/map")]
        active, others = self._split(exchanges, snapshot)
        new = grown(len(exchanges)) - len(exchanges)
        return self.most([""] * (len(active) + _COME_BACK + self._slice(len(others) + new)))

    def usual(self, snapshot: datetime) -> Cost:
        """Return the exchanges with known assets and the day's slice of the others."""
        exchanges = [str(id_) for id_ in self.ids_on("exchange/map")]
        active = len(self._split(exchanges, snapshot)[0])
        if self.context.bronze.last_snapshot(self.endpoint_name) is None:
            active = _SUPPOSED_ACTIVE
        return self.most([""] * (active + self._slice(len(exchanges) - active)))

    def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
        """Ask for one exchange; an empty list is an answer."""
        (id_,) = ids
        answer = self._ask(snapshot, id=id_)
        self._require_shape(answer)
        rows, clean = self.typed(answer.call_id, answer.records, snapshot, exchange_id=int(id_))
        yield Part(rows, clean, ids, answer)
