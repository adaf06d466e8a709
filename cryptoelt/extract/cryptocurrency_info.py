"""Extract cryptocurrency/info: what is known of a coin beside its market."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import DamagedFileError
from cryptoelt.extract.fields import day, first_text, integer, prose, text, texts, trimmed
from cryptoelt.extract.keyed import KeyedScanExtractor
from cryptoelt.extract.scan_state import last_asked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptoelt.api.cost import Cost

_MAP = "cryptocurrency/map"
_NAMES = ("name", "symbol")
_WEEK = 7


class CryptocurrencyInfoExtractor(KeyedScanExtractor):
    """GET /v2/cryptocurrency/info for coins that are new, were renamed, or were not asked for long.

    Those not asked for long are spread over the weeks, so that they cost about the same each week. Ids that do not
    exist are left out of the answer (`skip_invalid`).
    """

    endpoint_name = "cryptocurrency/info"
    columns = (
        integer("id"),
        text("name"),
        text("symbol"),
        text("slug"),
        text("category"),
        prose("description"),
        text("logo"),
        prose("notice"),
        texts("tags"),
        day("date_added"),
        day("date_launched"),
        first_text("website_url", "urls", "website"),
        first_text("technical_doc_url", "urls", "technical_doc"),
        first_text("explorer_url", "urls", "explorer"),
        first_text("source_code_url", "urls", "source_code"),
        first_text("twitter_url", "urls", "twitter"),
    )
    key = ("id",)
    measures = ("name",)
    unbuilt = frozenset({"notice"})

    def plan(self, snapshot: datetime) -> Sequence[str]:
        """Return new coins, then renamed ones, then those whose turn it is, the longest not asked first."""
        coins = [str(id_) for id_ in self.ids_on(_MAP)]
        if self.is_init:
            return coins
        days = self.context.settings.info_days
        asked = last_asked(self.context.bronze, self.endpoint_name, coins, self._window())
        new = [id_ for id_ in coins if id_ not in asked]
        renamed = [id_ for id_ in self._renamed() if id_ in asked]
        known = sorted((id_ for id_ in coins if id_ in asked), key=lambda id_: asked[id_].snapshot)
        turn = known[: self._turn(len(known))]
        due = [id_ for id_ in known if (snapshot - asked[id_].snapshot).days >= days]
        return [*new, *renamed, *due, *turn]

    def _turn(self, coins: int) -> int:
        """Return how many of so many coins are asked each week."""
        return ceil(coins * _WEEK / self.context.settings.info_days)

    def usual(self, snapshot: datetime) -> Cost:  # noqa: ARG002 - whenever
        """Return those whose turn it is in a week, and a batch of new and renamed ones."""
        coins = self.ids_on(_MAP)
        return self.most(coins[: self._turn(len(coins)) + self.batch_size])

    def _renamed(self) -> list[str]:
        """Return the coins that the newest map names otherwise than their newest info does."""
        bronze = self.context.bronze
        last = bronze.last_snapshot(self.endpoint_name)
        if last is None:
            return []
        known: dict[int, tuple[str | None, ...]] = {}
        for infos in bronze.snapshots(self.endpoint_name, after=last - self._window()):
            try:
                known |= _names(bronze.read(infos, ["id", *_NAMES]).to_pylist())
            except DamagedFileError:
                continue  # its own table tells of it
        newest = _names(self.rows_on(_MAP, ["id", *_NAMES]))
        return [str(id_) for id_, names in newest.items() if known.get(id_, names) != names]

    def _window(self) -> timedelta:
        return timedelta(days=2 * self.context.settings.info_days)


def _names(rows: list[dict[str, Any]]) -> dict[int, tuple[str | None, ...]]:
    return {row["id"]: tuple(trimmed(row[name]) for name in _NAMES) for row in rows}
