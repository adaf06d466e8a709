"""Writes Silver tables as the transformation does: one commit that names its snapshots, rejects before good rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake

from cryptoelt.lake.silver import SNAPSHOT, commit_metadata, rejected_uri, table_uri
from cryptoelt.tables import TABLES
from cryptoelt.warehouse.schema import silver_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]
FIRST = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
_TYPES: dict[str, pa.DataType] = {
    SNAPSHOT: pa.timestamp("us", tz="UTC"),
    **dict.fromkeys(("rule", "record", "call_id"), pa.string()),
}
REJECTED = pa.schema(_TYPES)


def at(number: int) -> datetime:
    """The snapshot of this number; they are an hour apart."""
    return FIRST + timedelta(hours=number)


class SilverWriter:
    """A lake of which only Silver is filled."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def uri(self, table: str) -> str:
        return table_uri(self.root, TABLES[table].domain, table)

    def commit(self, table: str, snapshots: dict[datetime, Sequence[Row]]) -> int:
        """Append the rows of some snapshots in one Delta commit; return its version."""
        schema = silver_schema(table)
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


def sentiment(score: int) -> Row:
    """A row of fact_market_sentiment."""
    return {"fear_greed_score": score, "sentiment_label": "Fear"}
