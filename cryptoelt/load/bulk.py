"""Many snapshots of which the warehouse holds none: copied straight into their table instead of being staged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import errors as pg
from psycopg2 import sql

from cryptoelt.lake.silver import SNAPSHOT
from cryptoelt.load.copy import copy_rows
from cryptoelt.load.facts import infer_parents
from cryptoelt.load.stage import stage_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.lake.silver import SilverTable
    from cryptoelt.warehouse.schema import Parent, Target


def copy_new(
    cursor: Cursor,
    target: Target,
    silver: SilverTable,
    snapshots: Collection[datetime],
    load_batch_id: int,
    *,
    replace: bool,
) -> int | None:
    """Copy the rows of some snapshots into a fact or an evolving dimension, and infer the members they name.

    Returns:
        How many rows that were; None where one was there already, and then nothing has changed.
    """
    cursor.execute("SAVEPOINT bulk")
    try:
        said = {name for parent in target.parents for name in (parent.column, *parent.attributes.values())}
        firsts = _first_mentions(silver.read(snapshots, columns=sorted({SNAPSHOT, *said})), target.parents)
        stage_rows(cursor, target, firsts)
        infer_parents(cursor, target, load_batch_id, snapshots if replace else ())
        schema = target.columns.append(pa.field("load_batch_id", pa.int64()))
        rows = _with_batch(silver.read(snapshots, columns=target.columns.names), load_batch_id)
        copied = copy_rows(cursor, sql.Identifier(target.schema, target.name), schema, rows)
    except pg.UniqueViolation:
        cursor.execute("ROLLBACK TO SAVEPOINT bulk")
        return None
    cursor.execute("RELEASE SAVEPOINT bulk")
    return copied


def _first_mentions(batches: Iterable[pa.RecordBatch], parents: Collection[Parent]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the earliest snapshot that names a member, of each member: no other row infers one."""
    firsts: dict[str, pa.Table] = {}
    for batch in batches if parents else ():
        for column in {parent.column for parent in parents}:
            known = firsts.get(column)
            rows = pa.Table.from_batches([batch]).filter(pc.is_valid(pc.field(column)))
            rows = rows if known is None else pa.concat_tables([known, rows], promote_options="default")
            earliest = rows.group_by(column).aggregate([(SNAPSHOT, "min")]).rename_columns([column, SNAPSHOT])
            firsts[column] = rows.join(earliest, keys=[column, SNAPSHOT], join_type="left semi").combine_chunks()
    for rows in firsts.values():
        yield from rows.to_batches()


def _with_batch(batches: Iterable[pa.RecordBatch], load_batch_id: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows with the load that brings them."""
    for batch in batches:
        number = pa.repeat(pa.scalar(load_batch_id, pa.int64()), batch.num_rows)
        yield pa.RecordBatch.from_arrays([*batch.columns, number], [*batch.schema.names, "load_batch_id"])
