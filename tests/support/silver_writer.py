"""Writes Silver tables as the transformation does: one commit that names its snapshots, rejects before good rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake

from cryptoelt.lake.silver import SNAPSHOT, commit_metadata, incomplete_uri, rejected_uri, table_uri
from cryptoelt.tables import TABLES
from cryptoelt.warehouse.schema import silver_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Row = dict[str, Any]
FIRST = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
_TYPES: dict[str, pa.DataType] = {
    SNAPSHOT: pa.timestamp("us", tz="UTC"),
    **dict.fromkeys(("rule", "record", "call_id"), pa.string()),
}
REJECTED = pa.schema(_TYPES)
INCOMPLETE = pa.schema([pa.field(SNAPSHOT, _TYPES[SNAPSHOT]), pa.field("reason", pa.string())])


def at(number: int) -> datetime:
    """The snapshot of this number; they are an hour apart."""
    return FIRST + timedelta(hours=number)


class SilverWriter:
    """A lake of which only Silver is filled."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def uri(self, table: str) -> str:
        return table_uri(self.root, TABLES[table].domain, table)

    def commit(
        self, table: str, snapshots: dict[datetime, Sequence[Row]], without: Collection[str] = frozenset()
    ) -> int:
        """Append the rows of some snapshots in one Delta commit, `without` columns as an older version; return it."""
        schema = pa.schema([field for field in silver_schema(table) if field.name not in without])
        rows = [
            {"snapshot_str": f"{moment:%Y-%m-%d %H:%M:%S}", "call_id": f"call-{moment:%H%M}", SNAPSHOT: moment, **row}
            for moment, of_snapshot in snapshots.items()
            for row in of_snapshot
        ]
        data = pa.Table.from_pylist(rows, schema=schema)
        return self._write(self.uri(table), data, commit_metadata(list(snapshots)))

    def commit_untyped(self, table: str, rows: Sequence[Row]) -> None:
        """Append rows as they are, as a foreign hand or a defect might."""
        schema = pa.schema([field.with_nullable(True) for field in silver_schema(table)])
        moments = sorted({row[SNAPSHOT] for row in rows})
        self._write(self.uri(table), pa.Table.from_pylist(list(rows), schema=schema), commit_metadata(moments))

    def reject(self, table: str, moment: datetime, records: Sequence[tuple[str, str]]) -> None:
        """Append rejected records, given as (rule, record)."""
        rows = [{SNAPSHOT: moment, "rule": rule, "record": record, "call_id": "call"} for rule, record in records]
        data = pa.Table.from_pylist(rows, schema=REJECTED)
        self._write(rejected_uri(self.uri(table)), data, commit_metadata([moment]))

    def mark_incomplete(self, table: str, *moments: datetime) -> None:
        """Say of a table that these snapshots are a list cut short, and no others are."""
        rows = [{SNAPSHOT: moment, "reason": "the list goes on"} for moment in moments]
        write_deltalake(
            incomplete_uri(self.uri(table)), pa.Table.from_pylist(rows, schema=INCOMPLETE), mode="overwrite"
        )

    def _write(self, uri: str, data: pa.Table, metadata: str) -> int:
        properties = CommitProperties(custom_metadata={"userMetadata": metadata})
        write_deltalake(uri, data, mode="append", commit_properties=properties)
        return DeltaTable(uri).version()

    def optimize(self, table: str) -> int:
        """Rewrite the small files of a table as one; return the version of that commit."""
        DeltaTable(self.uri(table)).optimize.compact()
        return DeltaTable(self.uri(table)).version()

    def touch(self, table: str) -> int:
        """Make a commit that changes no row; return its version."""
        DeltaTable(self.uri(table)).alter.set_table_properties({"delta.checkpointInterval": "20"})
        return DeltaTable(self.uri(table)).version()

    def forget_log(self, table: str) -> None:
        """Make a checkpoint and delete the older log, as Delta does after its retention."""
        table_now = DeltaTable(self.uri(table))
        table_now.create_checkpoint()
        for path in (Path(self.uri(table)) / "_delta_log").glob("*.json"):
            if int(path.stem) < table_now.version():
                path.unlink()


def category(number: int, name: str | None = None) -> Row:
    """A row of dim_crypto_category."""
    return {"category_id": f"c{number}", "name": name or f"Category {number}", "title": "t", "description": None}


def category_fact(number: int, market_cap: float = 1.0) -> Row:
    """A row of fact_crypto_category."""
    return {"category_id": f"c{number}", "num_tokens": number, "market_cap": market_cap}


def members(number: int, pages: Sequence[Sequence[int]], *, is_whole: bool = True) -> list[Row]:
    """Rows of link_crypto_category: the coins on every page of an answer, which may lack its last page."""
    rows: list[Row] = []
    start = 1
    for place, coins in enumerate(pages, 1):
        is_last = is_whole and place == len(pages)
        page = {"category_id": f"c{number}", "page_start": start, "num_tokens": 0, "is_last_page": is_last}
        rows += [{**page, "crypto_id": coin, **named("crypto", coin)} for coin in coins]
        rows.append({**page, "crypto_id": None})
        start += len(coins)
    return rows


def named(kind: str, number: int) -> Row:
    """What a record says of the coin or exchange it refers to."""
    return {f"{kind}_name": f"{kind} {number}", f"{kind}_symbol": f"S{number}"}


def coin(number: int, name: str | None = None) -> Row:
    """A row of dim_crypto_id."""
    return {"crypto_id": number, "name": name or f"Coin {number}", "symbol": f"S{number}", "slug": f"coin-{number}"}


def coin_map(number: int, rank: int = 1) -> Row:
    """A row of dim_crypto_map."""
    return {"crypto_id": number, "rank": rank, "is_active": 1}


def coin_info(number: int, tags: list[str] | None = None, description: str = "") -> Row:
    """A row of dim_crypto_info."""
    about = {"slug": f"coin-{number}", "tags": tags, "description": description}
    return {"crypto_id": number, **about, **named("crypto", number)}


def listing(number: int, name: str | None = None, price: float = 1.0) -> Row:
    """A row of fact_crypto_market."""
    said = {"crypto_name": name or f"crypto {number}", "crypto_symbol": f"S{number}", "crypto_slug": f"coin-{number}"}
    return {"crypto_id": number, "price_usd": price, **said}


def exchange(number: int, name: str | None = None) -> Row:
    """A row of dim_exchange_id."""
    return {"exchange_id": number, "name": name or f"Exchange {number}"}


def exchange_map(number: int) -> Row:
    """A row of dim_exchange_map."""
    return {"exchange_id": number, "is_active": True}


def exchange_info(number: int, fiats: list[str] | None = None) -> Row:
    """A row of dim_exchange_info."""
    return {"exchange_id": number, "slug": f"x-{number}", "fiats": fiats, "exchange_name": f"exchange {number}"}


def exchange_figures(number: int, volume: float | None, fee: float | None = None, visits: int | None = None) -> Row:
    """A row of fact_exchange_info."""
    figures = {"spot_volume_usd": volume, "maker_fee": fee, "taker_fee": fee, "weekly_visits": visits}
    return {"exchange_id": number, "exchange_name": f"exchange {number}", **figures}


def asset(number: int, coin_id: int, value: float | None, chain: str = "chain", name: str | None = None) -> Row:
    """A row of fact_exchange_assets."""
    wallet = {"blockchain_name": chain, "wallet_address": "0x1", "total_usd_value": value}
    said = {"crypto_name": name or f"crypto {coin_id}", "crypto_symbol": f"S{coin_id}"}
    return {"exchange_id": number, "crypto_id": coin_id, **wallet, **said}


def sentiment(score: int) -> Row:
    """A row of fact_market_sentiment."""
    return {"fear_greed_score": score, "sentiment_label": "Fear"}


def point(day: int, score: int) -> Row:
    """A row of market_sentiment_history: the value of a day, counted back from the first snapshot's."""
    midnight = FIRST.replace(hour=0, minute=0) - timedelta(days=day)
    return {**sentiment(score), "value_timestamp": midnight}
