"""The stage: temporary tables that live as long as the transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql

from cryptoelt.lake.silver import SNAPSHOT, SilverTable, rejected_uri
from cryptoelt.load.copy import copy_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.schema import Target

STAGE = sql.Identifier("pg_temp", "stage")
_REJECTS = sql.Identifier("pg_temp", "rejects")
_REJECTED: dict[str, pa.DataType] = {
    SNAPSHOT: pa.timestamp("us", tz="UTC"),
    "rule": pa.string(),
    "record": pa.string(),
    "call_id": pa.string(),
}
_REJECTED_SCHEMA = pa.schema(_REJECTED)
_REPLAYED = """
WITH held AS (
    SELECT quarantine_id, replayed_at IS NULL AS is_held, EXISTS (
        SELECT FROM {rejects} AS r WHERE r.snapshot_timestamp = q.snapshot_timestamp
        AND r.rule = q.rule AND md5(r.record) = q.record_md5
    ) AS is_rejected
    FROM ops.quarantine AS q WHERE table_name = %(table)s AND snapshot_timestamp = ANY(%(snapshots)s::timestamptz[])
)
UPDATE ops.quarantine AS q SET replayed_at = CASE WHEN is_rejected THEN NULL ELSE %(now)s END
FROM held WHERE held.quarantine_id = q.quarantine_id AND is_held <> is_rejected
"""


def names(columns: Sequence[str]) -> sql.Composed:
    """Return column names for a statement."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def stage_rows(cursor: Cursor, target: Target, batches: Iterable[pa.RecordBatch], table: sql.Identifier = STAGE) -> int:
    """Make a temporary table with what a load needs of Silver, fill it, and return the number of its rows."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in zip(target.staged.names, target.sql_types, strict=True)
    )
    cursor.execute(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(table, columns))
    return copy_rows(cursor, table, target.staged, batches)


def rows_with(batches: Iterable[pa.RecordBatch], column: str, values: pa.Array[Any]) -> Iterator[pa.RecordBatch]:
    """Yield the rows whose column has one of these values."""
    for batch in batches:
        kept = batch.filter(pc.is_in(batch.column(column), value_set=values))
        if kept.num_rows:
            yield kept


def quarantine_rejected(
    cursor: Cursor,
    table: str,
    silver: SilverTable,
    snapshots: Collection[datetime],
    load_batch_id: int,
    now: datetime,
    *,
    replace: bool = False,
) -> int:
    """Copy the rejected records of these snapshots to `ops.quarantine`; return their number, known ones included.

    With `replace`, those that are no longer rejected were replayed `now`, and those that are again were not.
    """
    rejected = SilverTable(rejected_uri(silver.uri))
    if not rejected.exists and not replace:
        return 0
    cursor.execute(
        sql.SQL("CREATE TEMP TABLE {} ({} timestamptz, rule text, record text, call_id text) ON COMMIT DROP").format(
            _REJECTS, sql.Identifier(SNAPSHOT)
        )
    )
    found = rejected.read(snapshots, columns=_REJECTED_SCHEMA.names) if rejected.exists else ()
    rows = copy_rows(cursor, _REJECTS, _REJECTED_SCHEMA, found)
    if replace:
        cursor.execute(
            sql.SQL(_REPLAYED).format(rejects=_REJECTS), {"table": table, "snapshots": list(snapshots), "now": now}
        )
    cursor.execute(
        sql.SQL(
            "INSERT INTO ops.quarantine"
            " (table_name, snapshot_timestamp, rule, record, call_id, quarantined_at, load_batch_id)"
            " SELECT %s, snapshot_timestamp, rule, record, call_id, %s, %s FROM {} ON CONFLICT DO NOTHING"
        ).format(_REJECTS),
        (table, now, load_batch_id),
    )
    return rows
