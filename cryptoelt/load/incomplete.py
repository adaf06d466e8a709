"""Snapshots that are a list cut short, from Silver into `ops.incomplete_snapshot`, where views ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2.extras import execute_values

from cryptoelt.lake.silver import SNAPSHOT, SilverTable, incomplete_uri

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

_MARK = """
INSERT INTO ops.incomplete_snapshot AS i (table_name, snapshot_timestamp, reason, load_batch_id) VALUES %s
ON CONFLICT (table_name, snapshot_timestamp) DO UPDATE
SET (reason, load_batch_id, completed_at) = ROW(excluded.reason, excluded.load_batch_id, NULL)
"""
_COMPLETE = """
UPDATE ops.incomplete_snapshot SET completed_at = %(now)s
WHERE table_name = %(table)s AND snapshot_timestamp = ANY(%(snapshots)s::timestamptz[])
AND snapshot_timestamp <> ALL(%(found)s::timestamptz[]) AND completed_at IS NULL
"""


def mark_incomplete(
    cursor: Cursor,
    table: str,
    silver: SilverTable,
    snapshots: tuple[datetime, ...],
    load_batch_id: int,
    now: datetime,
    *,
    replace: bool = False,
) -> tuple[datetime, ...]:
    """Mark those of the snapshots that Silver says are incomplete, and return them.

    With `replace`, those that are so no longer were completed `now`.
    """
    marks = SilverTable(incomplete_uri(silver.uri))
    found: dict[datetime, str] = {}
    for batch in marks.read(snapshots, columns=[SNAPSHOT, "reason"]) if marks.exists else ():
        found |= {row[SNAPSHOT]: row["reason"] for row in batch.to_pylist()}
    if replace:
        values = {"table": table, "snapshots": list(snapshots), "found": list(found), "now": now}
        cursor.execute(_COMPLETE, values)
    if found:
        execute_values(cursor, _MARK, [(table, moment, reason, load_batch_id) for moment, reason in found.items()])
    return tuple(sorted(found))
