"""Staged rows into a stable dimension: its current row, and its former versions in `<table>_history`.

A version of a row begins with the snapshot that first showed it and ends with the snapshot that showed another. Both
follow from the snapshots alone, so every order of loading gives the same rows. As long as snapshots come in order, the
current row says all that is needed of the past. A late one is put in its place among all observations of its keys: the
warehouse does not know which later snapshots confirmed a value, Silver does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from psycopg2 import sql

from cryptoelt.load.stage import STAGE, names, rows_with, stage_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.schema import Target

_ELSEWHERE = sql.Identifier("pg_temp", "elsewhere")
_KEPT = "{key} IN (SELECT {key} FROM pg_temp.affected) AND snapshot_timestamp <> ALL(%(replaced)s::timestamptz[])"
_CURRENT = "SELECT {columns}, load_batch_id, 0 FROM {dimension} WHERE {kept} AND NOT {inferred}"
_FORMER = "SELECT {columns}, load_batch_id, 0 FROM {history} WHERE {kept}"
_STAGED = "SELECT {columns}, %(batch)s, 1 FROM {stage}"
# Nothing shows them any more. What other tables may refer to is inferred from now on, by whoever names it.
_FORGET = "DELETE FROM {dimension} WHERE {key} IN (TABLE pg_temp.affected EXCEPT SELECT {key} FROM pg_temp.versions)"
_FORGET_INFERABLE = """
UPDATE {dimension} SET is_inferred = true, inferred_from = NULL
WHERE NOT is_inferred AND {key} IN (TABLE pg_temp.affected EXCEPT SELECT {key} FROM pg_temp.versions)
"""
_IN_SILVER = "SELECT {columns}, %(batch)s, 2 FROM {elsewhere}"


class DimensionMerge:
    """One merge of the stage into a stable dimension."""

    def __init__(self, cursor: Cursor, target: Target, load_batch_id: int) -> None:
        self._cursor = cursor
        self._target = target
        self._load_batch_id = load_batch_id
        (self._key,) = target.key
        self._parts: dict[str, sql.Composable] = {
            "dimension": sql.Identifier(target.schema, target.name),
            "history": sql.Identifier(target.schema, f"{target.name}_history"),
            "stage": STAGE,
            "elsewhere": _ELSEWHERE,
            "key": sql.Identifier(self._key),
            "columns": names(target.columns.names),
            # An inferred member is no observation: its own row completes it and leaves no history.
            "inferred": sql.SQL("is_inferred" if target.can_be_inferred else "false"),
        }
        self._parts["kept"] = sql.SQL(_KEPT).format(**self._parts)

    def in_order(self) -> int:
        """Merge snapshots that are newer than all loaded ones; return how many staged rows are new or changed."""
        self._affected(())
        self._observed((), _CURRENT)
        return self._apply()

    def late(self, silver: Iterable[pa.RecordBatch], replaced: Collection[datetime] = ()) -> int:
        """Merge snapshots of which some are not newer than all loaded ones.

        Args:
            silver: Silver's rows of all other snapshots that are loaded.
            replaced: snapshots whose rows, as loaded before, no longer count.

        Returns:
            How many staged rows are new or changed.
        """
        self._affected(replaced)
        stage_rows(self._cursor, self._target, rows_with(silver, self._key, self._keys()), _ELSEWHERE)
        self._observed(replaced, _CURRENT, _FORMER, _IN_SILVER)
        self._execute("DELETE FROM {history} WHERE {key} IN (SELECT {key} FROM pg_temp.affected)")
        begun = self._apply()
        if replaced:
            self._execute(_FORGET_INFERABLE if self._target.can_be_inferred else _FORGET)
        return begun

    def _affected(self, replaced: Collection[datetime]) -> None:
        sources = ["SELECT {key} FROM {stage}"]
        if replaced:
            sources += [
                "SELECT {key} FROM {dimension} WHERE snapshot_timestamp = ANY(%(replaced)s)",
                "SELECT {key} FROM {history} WHERE snapshot_timestamp = ANY(%(replaced)s)",
            ]
        rows = sql.SQL(" UNION ").join(sql.SQL(source).format(**self._parts) for source in sources)
        self._execute("CREATE TEMP TABLE affected ON COMMIT DROP AS {rows}", replaced, rows=rows)

    def _keys(self) -> pa.Array[Any]:
        self._execute("SELECT DISTINCT {key} FROM pg_temp.affected")
        kind = self._target.columns.field(self._key).type
        return pa.array([row[0] for row in self._cursor.fetchall()], kind)  # type: ignore[no-any-return]

    def _observed(self, replaced: Collection[datetime], *known: str) -> None:
        """Gather what is known of the affected keys, one row a key and snapshot; what is loaded already comes first."""
        rows = sql.SQL(" UNION ALL ").join(sql.SQL(source).format(**self._parts) for source in (*known, _STAGED))
        self._execute(
            "CREATE TEMP TABLE observed ON COMMIT DROP AS SELECT DISTINCT ON ({key}, snapshot_timestamp) *"
            " FROM ({rows}) AS q ({columns}, load_batch_id, origin) ORDER BY {key}, snapshot_timestamp, origin",
            replaced,
            rows=rows,
        )

    def _apply(self) -> int:
        """Cut the observations into versions and store them; return how many versions the stage began."""
        changed = sql.SQL(" OR ").join(
            sql.SQL("{0} IS DISTINCT FROM lag({0}) OVER w").format(sql.Identifier(name))
            for name in self._target.attributes
        )
        self._execute(
            "CREATE TEMP TABLE versions ON COMMIT DROP AS"
            " SELECT *, lead(snapshot_timestamp) OVER (PARTITION BY {key} ORDER BY snapshot_timestamp) AS valid_to FROM"
            " (SELECT *, row_number() OVER w = 1 OR {changed} AS begins FROM pg_temp.observed"
            " WINDOW w AS (PARTITION BY {key} ORDER BY snapshot_timestamp)) AS q WHERE begins",
            changed=changed,
        )
        self._execute(
            "INSERT INTO {history} ({columns}, load_batch_id, valid_from, valid_to)"
            " SELECT {columns}, load_batch_id, snapshot_timestamp, valid_to FROM pg_temp.versions"
            " WHERE valid_to IS NOT NULL"
        )
        updates = [name for name in self._target.columns.names if name != self._key]
        self._execute(
            "INSERT INTO {dimension} AS d ({columns}, load_batch_id)"
            " SELECT {columns}, load_batch_id FROM pg_temp.versions WHERE valid_to IS NULL"
            " ON CONFLICT ({key}) DO UPDATE SET ({updates}, load_batch_id) = ({new}, excluded.load_batch_id){complete}"
            " WHERE {completes} OR ROW({old}) IS DISTINCT FROM ROW({new})",
            complete=sql.SQL(", is_inferred = false, inferred_from = NULL" if self._target.can_be_inferred else ""),
            completes=sql.SQL("d.is_inferred" if self._target.can_be_inferred else "false"),
            updates=names(updates),
            old=sql.SQL(", ").join(sql.Identifier("d", name) for name in updates),
            new=sql.SQL(", ").join(sql.Identifier("excluded", name) for name in updates),
        )
        self._execute("SELECT count(*) FROM pg_temp.versions WHERE origin = 1")
        row = self._cursor.fetchone()
        return int(row[0]) if row else 0

    def _execute(self, statement: str, replaced: Collection[datetime] = (), **parts: sql.Composable) -> None:
        values = {"batch": self._load_batch_id, "replaced": list(replaced)}
        self._cursor.execute(sql.SQL(statement).format(**self._parts, **parts), values)
