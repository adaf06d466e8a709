"""Staged rows into a fact or an evolving dimension: append-only, one row a key and snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql

from cryptoelt.load.stage import STAGE, names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.schema import Parent, Target
#: Who may name a member that its own endpoint has not sent yet; of one snapshot the first of these counts.
SOURCES = ("fact_crypto_market", "fact_exchange_assets", "link_crypto_category")


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
    """Insert a member for every dimension row that a staged row refers to and that is missing.

    A member says what the record itself says of it, and its own dimension row completes it when it comes. Of several
    records that infer one member the earliest snapshot counts, and within one snapshot the order of `SOURCES`.
    """
    for parent in target.parents:
        rank = SOURCES.index(target.name) if target.name in SOURCES else len(SOURCES)
        values = {"batch": load_batch_id, "source": target.name, "sources": list(SOURCES), "rank": rank + 1}
        cursor.execute(_infer_statement(parent), values)


def _infer_statement(parent: Parent) -> sql.Composed:
    filled = list(parent.attributes)
    return sql.SQL(
        "INSERT INTO {dimension} AS d ({key}, snapshot_timestamp, {filled} is_inferred, inferred_from, load_batch_id)"
        " SELECT DISTINCT ON (s.{column}) s.{column}, s.snapshot_timestamp, {values} true, %(source)s, %(batch)s"
        " FROM {stage} AS s LEFT JOIN {dimension} AS known ON known.{key} = s.{column}"
        " WHERE s.{column} IS NOT NULL AND (known.{key} IS NULL OR known.is_inferred)"
        " ORDER BY s.{column}, s.snapshot_timestamp{tie}"
        " ON CONFLICT ({key}) DO UPDATE SET (snapshot_timestamp, {filled} inferred_from, load_batch_id)"
        " = ROW(excluded.snapshot_timestamp, {new} excluded.inferred_from, excluded.load_batch_id)"
        " WHERE d.is_inferred AND (excluded.snapshot_timestamp < d.snapshot_timestamp OR"
        " (excluded.snapshot_timestamp = d.snapshot_timestamp AND %(rank)s"
        " < coalesce(array_position(%(sources)s::text[], d.inferred_from), %(rank)s)))"
    ).format(
        dimension=sql.Identifier(parent.schema, parent.table),
        key=sql.Identifier(parent.key),
        column=sql.Identifier(parent.column),
        stage=STAGE,
        filled=_listed(sql.Identifier(name) for name in filled),
        values=_listed(sql.Identifier("s", parent.attributes[name]) for name in filled),
        new=_listed(sql.Identifier("excluded", name) for name in filled),
        # Two records of one snapshot that name a member differently: any order will do, if it is always the same one.
        tie=sql.SQL("").join(sql.SQL(", s.{}").format(sql.Identifier(parent.attributes[name])) for name in filled),
    )


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    """Return the parts, each followed by a comma."""
    return sql.SQL("").join(sql.SQL("{}, ").format(part) for part in parts)
