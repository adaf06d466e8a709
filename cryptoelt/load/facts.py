"""Staged rows into a fact or an evolving dimension: append-only, one row a key and snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql

from cryptoelt.load.stage import STAGE, names

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.schema import Parent, Target


def insert_new(cursor: Cursor, target: Target, load_batch_id: int) -> int:
    """Insert the staged rows whose key is not there yet; return how many that were."""
    columns = names(target.columns.names)
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}, load_batch_id) SELECT {}, %s FROM {} ON CONFLICT DO NOTHING").format(
            sql.Identifier(target.schema, target.name), columns, columns, STAGE
        ),
        (load_batch_id,),
    )
    return cursor.rowcount


def delete_snapshots(cursor: Cursor, target: Target, snapshots: Collection[datetime]) -> None:
    """Delete the rows of these snapshots, to be replaced."""
    cursor.execute(
        sql.SQL("DELETE FROM {} WHERE snapshot_timestamp = ANY(%s::timestamptz[])").format(
            sql.Identifier(target.schema, target.name)
        ),
        (list(snapshots),),
    )


def infer_parents(cursor: Cursor, target: Target, load_batch_id: int) -> None:
    """Insert a bare member for every dimension row that a staged row refers to and that is missing.

    A record whose descriptive part was rejected still has good figures; they are kept, and its own dimension row
    completes the member when it comes. Of several records that infer one member the earliest snapshot counts.
    """
    for parent in target.parents:
        cursor.execute(_infer_statement(parent), (load_batch_id,))


def _infer_statement(parent: Parent) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO {dimension} AS d ({key}, snapshot_timestamp, is_inferred, load_batch_id)"
        " SELECT s.{column}, min(s.snapshot_timestamp), true, %s FROM {stage} AS s"
        " LEFT JOIN {dimension} AS known ON known.{key} = s.{column}"
        " WHERE s.{column} IS NOT NULL AND (known.{key} IS NULL OR known.is_inferred) GROUP BY s.{column}"
        " ON CONFLICT ({key}) DO UPDATE"
        " SET snapshot_timestamp = excluded.snapshot_timestamp, load_batch_id = excluded.load_batch_id"
        " WHERE d.is_inferred AND excluded.snapshot_timestamp < d.snapshot_timestamp"
    ).format(
        dimension=sql.Identifier(parent.schema, parent.table),
        key=sql.Identifier(parent.key),
        column=sql.Identifier(parent.column),
        stage=STAGE,
    )
