"""Staged rows into a fact or an evolving dimension: append-only, one row a key and snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql

from cryptoelt.identity import MOST_BYTES
from cryptoelt.load.stage import STAGE, names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.schema import Parent, Target

#: Who may name a member that its own endpoint has not sent yet; of one snapshot the first of these counts.
SOURCES = (
    "fact_crypto_market",
    "dim_exchange_info",  # unlike the assets it says what the exchange is called
    "fact_exchange_info",
    "fact_exchange_assets",
    "link_crypto_category",
    "dim_crypto_info",
    "dim_crypto_map",
    "dim_exchange_map",
    "fact_crypto_category",
)
_INFER = """
INSERT INTO {dimension} AS d ({key}, snapshot_timestamp, {attributes} is_inferred, inferred_from, load_batch_id)
SELECT DISTINCT ON (s.{column}) s.{column}, s.snapshot_timestamp, {values} true, %(source)s, %(batch)s
FROM {stage} AS s LEFT JOIN {dimension} AS known ON known.{key} = s.{column}
WHERE s.{column} IS NOT NULL AND (known.{key} IS NULL OR known.is_inferred)
ORDER BY s.{column}, s.snapshot_timestamp{tie}
ON CONFLICT ({key}) DO UPDATE SET (snapshot_timestamp, {attributes} inferred_from, load_batch_id)
    = ROW(excluded.snapshot_timestamp, {new} excluded.inferred_from, excluded.load_batch_id)
WHERE d.is_inferred AND (
    d.inferred_from IS NULL
    OR excluded.snapshot_timestamp < d.snapshot_timestamp OR excluded.snapshot_timestamp = d.snapshot_timestamp
    AND array_position(%(sources)s::text[], excluded.inferred_from)
        < array_position(%(sources)s::text[], d.inferred_from)
)
"""
# A fact is kept, whatever its record calls the member; what no index can hold is no name.
_SHORT = f"CASE WHEN octet_length({{0}}) <= {MOST_BYTES} THEN {{0}} END"
# Whoever names it next may say what it is called.
_UNNAME = """
UPDATE {dimension} SET inferred_from = NULL WHERE is_inferred AND inferred_from = %(source)s
AND snapshot_timestamp = ANY(%(replaced)s::timestamptz[])
"""


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


def infer_parents(cursor: Cursor, target: Target, load_batch_id: int, replaced: Collection[datetime] = ()) -> int:
    """Insert a member for every dimension row that a staged row refers to and that is missing; return how many changed.

    A member says what the record itself says of it, and its own dimension row completes it when it comes. Of several
    records that infer one member the earliest snapshot counts, and within one snapshot the order of `SOURCES`; what
    records of the `replaced` snapshots have said no longer counts.
    """
    changed = 0
    for parent in target.parents:
        values = {"batch": load_batch_id, "source": target.name, "sources": list(SOURCES), "replaced": list(replaced)}
        if replaced:
            cursor.execute(sql.SQL(_UNNAME).format(dimension=sql.Identifier(parent.schema, parent.table)), values)
        cursor.execute(_infer_statement(parent), values)
        changed += cursor.rowcount
    return changed


def forget_unreferenced(cursor: Cursor) -> int:
    """Delete the members that only replaced records had named and to which nothing refers; return their number."""
    from cryptoelt.warehouse.schema import references_to_inferred

    deleted = 0
    for (schema, dimension, key), references in references_to_inferred().items():
        unreferenced = sql.SQL("").join(
            sql.SQL(" AND NOT EXISTS (SELECT FROM {} AS r WHERE r.{} = d.{})").format(
                sql.Identifier(schema, table), sql.Identifier(column), sql.Identifier(key)
            )
            for table, column in references
        )
        name = sql.Identifier(schema, dimension)
        cursor.execute(
            sql.SQL("DELETE FROM {} AS d WHERE d.is_inferred AND d.inferred_from IS NULL").format(name) + unreferenced
        )
        deleted += cursor.rowcount
    return deleted


def _infer_statement(parent: Parent) -> sql.Composed:
    from cryptoelt.warehouse.schema import indexed_texts, target_of

    def value(name: str) -> sql.Composable:
        """What this record does not say is NULL, also where a record that no longer counts has said it."""
        if name not in said:
            return sql.SQL("NULL")
        return sql.SQL(_SHORT if name in indexed else "{}").format(sql.Identifier("s", said[name]))

    said, attributes, indexed = parent.attributes, target_of(parent.table).attributes, indexed_texts(parent.table)
    return sql.SQL(_INFER).format(
        dimension=sql.Identifier(parent.schema, parent.table),
        key=sql.Identifier(parent.key),
        column=sql.Identifier(parent.column),
        stage=STAGE,
        attributes=_listed(map(sql.Identifier, attributes)),
        values=_listed(map(value, attributes)),
        new=_listed(sql.Identifier("excluded", name) for name in attributes),
        # Two records of one snapshot that name a member differently: any order will do, if it is always the same one.
        tie=sql.SQL("").join(sql.SQL(", s.{}").format(sql.Identifier(said[name])) for name in sorted(said)),
    )


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    """Return the parts, each followed by a comma."""
    return sql.SQL("").join(sql.SQL("{}, ").format(part) for part in parts)
