"""Takes snapshots out of the warehouse that Silver no longer holds, because their Bronze files were set aside.

It is a replacement by nothing: the load deletes what stands in the place of the snapshots, and recomputes what followed
from them, as a rebuild does. What is left to do is here: the accounts of earlier loads, and members that only the
snapshots taken out had made known.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql

from cryptoelt.lake.silver import SilverTable, table_uri
from cryptoelt.load.batches import Batch, Counts, LoadedTable, next_batch_id
from cryptoelt.load.facts import infer_parents
from cryptoelt.load.pending import Work
from cryptoelt.load.rebuild import place_of
from cryptoelt.load.stage import STAGE, stage_rows
from cryptoelt.tables import TABLES, TableKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.clock import Clock
    from cryptoelt.warehouse.schema import Target

_ROWS = """
SELECT load_batch_id, count(*) FROM {table} WHERE snapshot_timestamp = ANY(%(gone)s::timestamptz[]) GROUP BY 1
"""
_HELD = """
DELETE FROM ops.quarantine WHERE table_name = %(table)s AND snapshot_timestamp = ANY(%(gone)s::timestamptz[])
RETURNING load_batch_id
"""
_MARKS = """
DELETE FROM ops.incomplete_snapshot
WHERE table_name = %(table)s AND snapshot_timestamp = ANY(%(gone)s::timestamptz[])
"""
# A batch of which nothing is left says so; of the others the account is that of what is left.
_STRIP = """
UPDATE ops.load_batch AS b SET
    snapshots = kept.snapshots,
    incomplete_snapshots = kept.incomplete,
    superseded_at = CASE WHEN kept.snapshots = '{}' THEN coalesce(b.superseded_at, %(now)s) ELSE b.superseded_at END,
    rows_loaded = b.rows_loaded - coalesce(gone.loaded, 0),
    rows_quarantined = b.rows_quarantined - coalesce(gone.held, 0),
    rows_in = b.rows_in - coalesce(gone.loaded, 0) - coalesce(gone.held, 0)
FROM ops.load_batch AS o CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(moment ORDER BY moment), '{}') AS snapshots,
        coalesce(array_agg(moment ORDER BY moment) FILTER (WHERE moment = ANY(o.incomplete_snapshots)), '{}')
            AS incomplete
    FROM unnest(o.snapshots) AS moment WHERE moment <> ALL(%(gone)s::timestamptz[])
) AS kept LEFT JOIN unnest(%(batches)s::bigint[], %(loaded)s::int[], %(held)s::int[]) AS gone (id, loaded, held)
    ON gone.id = o.load_batch_id AND o.superseded_at IS NULL AND kept.snapshots <> '{}'
WHERE o.load_batch_id = b.load_batch_id AND b.table_name = %(table)s AND b.snapshots && %(gone)s::timestamptz[]
"""
_INFERRED = "SELECT {key} FROM {dimension} WHERE is_inferred"


def removal_work(table: str, silver: SilverTable, loaded: LoadedTable, snapshots: Collection[datetime]) -> Work | None:
    """Return what takes these snapshots out of a table; None where none of them was loaded.

    Facts lose their rows. Stable dimensions, links and the history of the index are put in place as a whole.
    """
    known = loaded.snapshots()
    gone = known.intersection(snapshots)
    if not gone:
        return None
    held = silver.snapshots()
    is_whole = TABLES[table].kind is not TableKind.SNAPSHOT or bool(TABLES[table].into)
    chosen = gone | (held & known if is_whole else set())
    return Work(tuple(sorted(chosen)), place_of(silver, loaded, held - known), gone=tuple(sorted(gone)))


class Removal:
    """What of a load's transaction concerns the snapshots that are taken out.

    Attributes:
        rows: how many rows were taken out of a fact or an evolving dimension.
    """

    def __init__(self, cursor: Cursor, table: str, target: Target, gone: Collection[datetime], now: datetime) -> None:
        """Look, before anything is deleted, which loads had brought the rows."""
        self._cursor = cursor
        self._target = target
        self._values = {"table": table, "gone": list(gone), "now": now}
        self._loaded: dict[int, int] = {}
        if TABLES[table].kind is TableKind.SNAPSHOT and not TABLES[table].into:
            name = sql.Identifier(target.schema, target.name)
            cursor.execute(sql.SQL(_ROWS).format(table=name), self._values)
            self._loaded = dict(cursor.fetchall())
        self.rows = sum(self._loaded.values())

    def finish(self) -> None:
        """Let the accounts of earlier loads say what is left of them; quarantined records and marks go as well."""
        self._cursor.execute(_MARKS, self._values)
        self._cursor.execute(_HELD, self._values)
        held: dict[int, int] = {}
        for (batch,) in self._cursor.fetchall():
            held[batch] = held.get(batch, 0) + 1
        batches = sorted(self._loaded.keys() | held.keys())
        loaded, rejected = ([found.get(batch, 0) for batch in batches] for found in (self._loaded, held))
        self._cursor.execute(_STRIP, {**self._values, "batches": batches, "loaded": loaded, "held": rejected})


def name_anew(cursor: Cursor, lake_root: str, run_id: str, clock: Clock) -> None:
    """Infer members anew, from what all tables say that are loaded.

    Who lost whoever had named it is named by another; and of those that only a table put in place as a whole has named
    meanwhile, an earlier record of another table may tell.
    """
    from cryptoelt.warehouse.schema import target_of

    inferred: dict[str, list[Any]] = {}
    for target in map(target_of, TABLES):
        for parent in target.parents:
            if parent.table not in inferred:
                names = {"key": sql.Identifier(parent.key), "dimension": sql.Identifier(parent.schema, parent.table)}
                cursor.execute(sql.SQL(_INFERRED).format(**names))
                inferred[parent.table] = [row[0] for row in cursor.fetchall()]
    for table in TABLES if any(inferred.values()) else ():
        _name_by(table, inferred, cursor, lake_root, run_id, clock)


def _name_by(
    table: str, inferred: dict[str, list[Any]], cursor: Cursor, lake_root: str, run_id: str, clock: Clock
) -> None:
    """Infer members from what one table says of them, as a load of its own."""
    from cryptoelt.warehouse.schema import target_of

    target, silver = target_of(table), SilverTable(table_uri(lake_root, TABLES[table].domain, table))
    wanted = {
        parent.column: pa.array(inferred[parent.table], target.staged.field(parent.column).type)
        for parent in target.parents
        if inferred[parent.table]
    }
    if not wanted or not silver.exists:
        return
    loaded = LoadedTable(cursor.connection, table, silver.table_id).snapshots()
    rows = _that_name(silver.read(loaded, columns=target.staged.names), wanted)
    if stage_rows(cursor, target, rows):
        started, batch_id = clock.now(), next_batch_id(cursor)
        if infer_parents(cursor, target, batch_id):
            Batch(batch_id, run_id, table, None, None, (), Counts(0, 0, 0), started, clock.now()).insert(cursor)
    cursor.execute(sql.SQL("DROP TABLE {}").format(STAGE))


def _that_name(batches: Iterable[pa.RecordBatch], wanted: dict[str, pa.Array[Any]]) -> Iterator[pa.RecordBatch]:
    """Yield the rows that have one of the wanted values in one of the columns."""
    for batch in batches:
        found = (pc.is_in(batch.column(column), value_set=values) for column, values in wanted.items())
        kept = batch.filter(reduce(pc.or_, found))
        if kept.num_rows:
            yield kept
