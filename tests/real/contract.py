"""What every warehouse table must hold after a replay, worked out from what was sent and nothing else."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.real.answers import (
    ASSETS,
    CATEGORIES,
    CATEGORY,
    COIN_INFO,
    COIN_MAP,
    EXCHANGE_INFO,
    EXCHANGE_MAP,
    HISTORY,
    LISTINGS,
    Served,
)
from tests.support import expected
from tests.support.expected_wallets import Wallets, wallets, worth

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
#: Columns that are computed: compared to twelve digits, all others to the last.
COMPUTED = {"total_usd_value", "wallet_weight", "value_to_volume_ratio"}


@dataclass(frozen=True)
class Asked:
    """One answer that was sent, and the snapshot it became."""

    at: datetime
    served: Served


@dataclass(frozen=True)
class Table:
    """A table: its key, and the rows that it must hold."""

    key: tuple[str, ...]
    rows: Callable[[Contract], list[Row]]


class Contract:
    """What was sent, in the order of sending.

    Args:
        asked: every answer.
    """

    def __init__(self, asked: list[Asked]) -> None:
        self.asked = asked
        self._records: dict[str, list[tuple[datetime, Row]]] = defaultdict(list)
        for one in asked:
            self._records[one.served.endpoint] += [(one.at, record) for record in one.served.records]
        self._infos: dict[int, list[tuple[datetime, Row]]] = defaultdict(list)
        for at, record in self._records[EXCHANGE_INFO]:
            self._infos[record["id"]].append((at, record))

    def records(self, endpoint: str) -> list[tuple[datetime, Row]]:
        """Return every record of an endpoint with its snapshot, oldest first."""
        return self._records[endpoint]

    def newest(self, endpoint: str, row_of: Callable[[Row], Row]) -> list[Row]:
        """Return the row for the newest record of each id."""
        return list({record["id"]: row_of(record) for _, record in self.records(endpoint)}.values())

    def each(self, endpoint: str, row_of: Callable[[Row, datetime], Row]) -> list[Row]:
        """Return a row for each record."""
        return [row_of(record, at) for at, record in self.records(endpoint)]

    def info_of(self, exchange: int, at: datetime) -> tuple[Row, datetime | None]:
        """Return the newest info of an exchange that is not later than a moment, and when it was told."""
        known = [(told, info) for told, info in self._infos[exchange] if told <= at]
        return (known[-1][1], known[-1][0]) if known else ({}, None)

    def worth(self) -> dict[tuple[int, datetime], Decimal]:
        """Return what each answer of exchange/assets is worth, by exchange and snapshot."""
        return {(int(one.served.subject or 0), one.at): worth(one.served.data) for one in self._asked_for(ASSETS)}

    def assets(self) -> list[Row]:
        """Return the rows of fact_exchange_assets."""
        found = list[Row]()
        for one in self._asked_for(ASSETS):
            rows = self._wallets(one).rows
            total = math.fsum(row["total_usd_value"] for row in rows)
            for row in rows:
                volume = expected.number(self.info_of(row["exchange_id"], one.at)[0].get("spot_volume_usd"))
                value = row["total_usd_value"]
                found.append(
                    row
                    | {"wallet_weight": expected.ratio(value, total), "spot_volume_usd": volume, "is_imputed": False}
                    | {"value_to_volume_ratio": expected.ratio(value, volume)}
                )
        return found

    def exchange_maps(self) -> list[Row]:
        """Return the rows of dim_exchange_map."""
        return self.each(
            EXCHANGE_MAP, lambda record, at: expected.exchange_map(record, at, *self.info_of(record["id"], at))
        )

    def members(self) -> list[Row]:
        """Return the rows of link_crypto_category: they end with the first list that lacks their category."""
        lists = [(one.at, {row["id"] for row in one.served.records}) for one in self._asked_for(CATEGORIES)]
        found = list[Row]()
        for one in self._asked_for(CATEGORY):
            id_ = one.served.subject
            until = next((at for at, ids in lists if at > one.at and id_ not in ids), None)
            coins = [coin["id"] for coin in one.served.records[1:]]
            interval = {"category_id": id_, "valid_from": one.at, "valid_to": until}
            found += [{"crypto_id": coin, **interval} for coin in coins]
        return found

    def sentiment(self) -> list[Row]:
        """Return the rows of fact_market_sentiment."""
        points = {record["timestamp"]: expected.point_fact(record) for _, record in self.records(HISTORY)}
        return [*points.values(), *self.each("fear-and-greed/latest", expected.sentiment_fact)]

    def coins(self) -> list[Row]:
        """Return the rows of dim_crypto_id: as a map describes the coin, else as whoever named it first."""
        mapped = {row["crypto_id"]: row for row in self.newest(COIN_MAP, expected.coin_attributes)}
        return [*mapped.values(), *(row for id_, row in self._inferred().items() if id_ not in mapped)]

    def _inferred(self) -> dict[int, Row]:
        """Return coins by who named them: the earliest snapshot first, then listings, assets, categories."""
        said = [(at, 0, coin["id"], coin["name"], coin["symbol"], coin["slug"]) for at, coin in self.records(LISTINGS)]
        held = [(at, record["currency"]) for at, record in self.records(ASSETS)]
        said += [(at, 1, coin["crypto_id"], coin["name"], coin["symbol"], None) for at, coin in held]
        coins = [(at, coin) for at, coin in self.records(CATEGORY) if "num_tokens" not in coin]
        said += [(at, 2, coin["id"], coin["name"], coin["symbol"], None) for at, coin in coins]
        found: dict[int, Row] = {}
        for _, _, id_, *names in sorted(said, key=lambda one: one[:3]):
            named = dict(zip(("name", "symbol", "slug"), map(expected.text, names), strict=True))
            found.setdefault(id_, {"crypto_id": id_, **named})
        return found

    def _asked_for(self, endpoint: str) -> list[Asked]:
        return [one for one in self.asked if one.served.endpoint == endpoint]

    def _wallets(self, one: Asked) -> Wallets:
        return wallets(one.served.data, int(one.served.subject or 0), one.at)


def exchange_name(record: Row) -> Row:
    """Return what dim_exchange_id says of an exchange."""
    return {"exchange_id": record["id"], "name": expected.text(record["name"])}


def category_name(record: Row) -> Row:
    """Return what dim_crypto_category says of a category."""
    return {"category_id": record["id"], **expected.category_attributes(record)}


def coin_info(record: Row) -> Row:
    """Return what dim_crypto_info says of a coin, whenever it was told."""
    row = expected.coin_info(record, datetime.min.replace(tzinfo=UTC))
    return {name: value for name, value in row.items() if name not in {"snapshot_timestamp", "snapshot_date"}}


def _snapshot(table: str) -> tuple[str, str]:
    return (f"{table}_id", "snapshot_timestamp")


TABLES: dict[str, Table] = {
    "dim_exchange_id": Table(("exchange_id",), lambda c: c.newest(EXCHANGE_MAP, exchange_name)),
    "dim_exchange_info": Table(("exchange_id",), lambda c: c.newest(EXCHANGE_INFO, expected.exchange_attributes)),
    "fact_exchange_info": Table(_snapshot("exchange"), lambda c: c.each(EXCHANGE_INFO, expected.exchange_figures)),
    "dim_exchange_map": Table(_snapshot("exchange"), Contract.exchange_maps),
    "fact_exchange_assets": Table(
        ("exchange_id", "blockchain_name", "wallet_address", "crypto_id", "entry", "snapshot_timestamp"),
        Contract.assets,
    ),
    "dim_crypto_id": Table(("crypto_id",), Contract.coins),
    "dim_crypto_map": Table(_snapshot("crypto"), lambda c: c.each(COIN_MAP, expected.coin_rank)),
    "dim_crypto_info": Table(("crypto_id",), lambda c: c.newest(COIN_INFO, coin_info)),
    "fact_crypto_market": Table(_snapshot("crypto"), lambda c: c.each(LISTINGS, expected.market_fact)),
    "dim_crypto_category": Table(("category_id",), lambda c: c.newest(CATEGORIES, category_name)),
    "fact_crypto_category": Table(_snapshot("category"), lambda c: c.each(CATEGORIES, expected.category_fact)),
    "link_crypto_category": Table(("crypto_id", "category_id", "valid_from"), Contract.members),
    "fact_global_market": Table(
        ("snapshot_timestamp",), lambda c: c.each("global-metrics/quotes/latest", expected.global_fact)
    ),
    "fact_market_sentiment": Table(("snapshot_timestamp",), Contract.sentiment),
}


def differences(table: str, found: list[Row], contract: Contract) -> tuple[int, list[str]]:
    """Compare the rows of a table; return how many were compared, and what is wrong."""
    shape, wanted = TABLES[table], TABLES[table].rows(contract)
    there = {tuple(row[name] for name in shape.key): row for row in found}
    due = {tuple(row[name] for name in shape.key): row for row in wanted}
    both = sorted(due.keys() & there.keys(), key=str)
    faults = [
        f"{table}: {len(ids)} rows {what}, such as {sorted(ids, key=str)[:2]}"
        for what, ids in (("are missing", due.keys() - there.keys()), ("are too many", there.keys() - due.keys()))
        if ids
    ]
    if len(there) != len(found) or len(due) != len(wanted):
        faults.append(f"{table}: a key stands twice ({len(found)} rows, {len(wanted)} expected)")
    return len(both), faults + [
        f"{table} {identity}: {name} is {there[identity][name]!r}, recorded {value!r}"
        for identity in both
        for name, value in due[identity].items()
        if not is_same(name, there[identity][name], value)
    ]


def is_same(name: str, found: Any, wanted: Any) -> bool:
    """Tell whether a value is the expected one, and of its type."""
    if isinstance(wanted, Decimal):
        return bool(found == wanted) if isinstance(found, Decimal) else bool(found == float(wanted))
    if isinstance(found, float) and isinstance(wanted, float) and name in COMPUTED:
        return math.isclose(found, wanted, rel_tol=1e-12)
    are_numbers = {type(found), type(wanted)} <= {int, float}
    return bool(found == wanted) and (are_numbers or type(found) is type(wanted))
