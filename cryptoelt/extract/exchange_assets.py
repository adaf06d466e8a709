"""Extract exchange/assets: the wallets of one exchange after the other."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from cryptoelt.api.cost import Cost, grown
from cryptoelt.extract.fields import integer, number, text
from cryptoelt.extract.publishers import declared_publishers
from cryptoelt.extract.scan import Part, ScanExtractor
from cryptoelt.extract.scan_state import asked_since, last_turns
from cryptoelt.identity import folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from cryptoelt.api.answer import Answer, RawRecord
    from cryptoelt.extract.base import ExtractContext

#: One empty answer may be a slip, and would leave an exchange out for weeks. Of scans that are older only the plans are
#: looked at: an exchange that failed for longer than that waits until its next turn.
_STAYS_ACTIVE = timedelta(days=7)
#: Publishers that may come back with the map that is asked before, at most.
_COME_BACK = 3
#: How many exchanges are supposed to publish something before anyone was asked; rather more than do.
_SUPPOSED_ACTIVE = 95
#: Wallets from which on no two exchanges have the same by chance.
_FEWEST_COMPARED = 2


class ExchangeAssetsExtractor(ScanExtractor):
    """GET /v1/exchange/assets, one call an exchange; nearly all of them publish nothing.

    Those whose exchange/info says that they publish, and those that lately did, are asked every day, the others in
    rotation. One that fails has no newer answer, so it stays where it was.
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
    measures = ("balance",)
    unbuilt = frozenset({"platform_crypto_id"})

    def __init__(self, context: ExtractContext) -> None:
        super().__init__(context)
        self._came_from: dict[bytes, str] = {}

    def key_part(self, name: str, value: Any) -> Any:
        """Return the value of a key column; a wallet in the one spelling it is stored in."""
        part = super().key_part(name, value)
        return folded(part) if name == "wallet_address" and part is not None else part

    def plan(self, snapshot: datetime) -> Sequence[str]:  # noqa: ARG002 - whenever
        """Return the publishers, then a slice of the others: the longest not asked first."""
        exchanges = [str(id_) for id_ in self.ids_on("exchange/map")]
        if self.is_init:
            return exchanges
        active, others = self._split(exchanges)
        return [*active, *others[: self._slice(len(others))]]

    def _slice(self, others: int) -> int:
        return ceil(others / self.context.settings.rotation_days)

    def _split(self, exchanges: list[str]) -> tuple[list[str], list[str]]:
        """Return the publishers, and the others, the longest not asked first."""
        bronze, span = self.context.bronze, timedelta(days=2 * self.context.settings.rotation_days)
        publish = set(declared_publishers(bronze) or ())
        newest = bronze.last_snapshot(self.endpoint_name)
        if newest is not None:  # counted back from the last scan: a machine that stood still for long forgets nobody
            lately = asked_since(bronze, self.endpoint_name, newest - _STAYS_ACTIVE)
            publish.update(id_ for answer in lately if answer.rows for id_ in answer.ids)
        active = [id_ for id_ in exchanges if id_ in publish]
        others = [id_ for id_ in exchanges if id_ not in publish]
        turns = last_turns(bronze, self.endpoint_name, others, span, exact=_STAYS_ACTIVE)
        never = [id_ for id_ in others if id_ not in turns]
        once = sorted((id_ for id_ in others if id_ in turns), key=lambda id_: turns[id_])
        return active, [*never, *once]

    def _active(self, exchanges: list[str]) -> int:
        """Return how many exchanges publish, as far as is known; supposed where nobody was asked."""
        bronze, endpoints = self.context.bronze, ("exchange/info", self.endpoint_name)
        if all(bronze.last_snapshot(endpoint) is None for endpoint in endpoints):
            return min(_SUPPOSED_ACTIVE, len(exchanges))
        return len(self._split(exchanges)[0])

    def estimate(self, snapshot: datetime) -> Cost:
        """Return whom the known map has asked, and who may come with the next one: new exchanges, a few old ones."""
        if self.context.expected is None or self.is_init or self._resumed(snapshot) is not None:
            return super().estimate(snapshot)
        exchanges = [str(id_) for id_ in self.ids_on("exchange/map")]
        active, new = self._active(exchanges), grown(len(exchanges)) - len(exchanges)
        return self.most([""] * (active + _COME_BACK + self._slice(len(exchanges) - active + new)))

    def usual(self, snapshot: datetime) -> Cost:  # noqa: ARG002 - whenever
        """Return the publishers and the day's slice of the others."""
        exchanges = [str(id_) for id_ in self.ids_on("exchange/map")]
        active = self._active(exchanges)
        return self.most([""] * (active + self._slice(len(exchanges) - active)))

    def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
        """Ask for one exchange; an empty list is an answer."""
        (id_,) = ids
        answer = self._ask(snapshot, id=id_)
        records, fault = self._records_of(answer)
        rows, clean = self.typed(answer.call_id, records, snapshot, exchange_id=int(id_))
        fault = fault or self._fault_in(rows, self._tally()) or self._fault_of_copy(id_, records)
        yield Part(rows, clean, ids, answer, unusable=fault)

    def _fault_of_copy(self, id_: str, records: list[RawRecord]) -> str:
        """Return why an answer is unusable that came in this run already, of another exchange; "" if it did not."""
        if len(records) < _FEWEST_COMPARED:
            return ""
        digest = hashlib.sha256("\n".join(record.raw for record in records).encode(errors="surrogatepass")).digest()
        first = self._came_from.setdefault(digest, id_)
        return "" if first == id_ else f"it is the very answer of exchange {first}"

    def parse(self, answer: Answer) -> Iterator[RawRecord]:
        """Yield the wallets; there may be none.

        Raises:
            AnswerError: `data` is no list.
        """
        self._require_shape(answer)
        yield from answer.records
