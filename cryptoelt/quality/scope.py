"""Which snapshots are in question: what was loaded since a check last looked, so that history costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql

from cryptoelt.quality.checks import LOAD_BATCH
from cryptoelt.tables import TABLES, TableKind

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

_SCOPE = sql.Identifier("pg_temp", "scope")
_LAST_LOOKED = """
SELECT wanted.name, (
    SELECT r.load_batch_id FROM ops.quality_result AS r
    WHERE r.check_name = wanted.name AND r.load_batch_id IS NOT NULL
    ORDER BY r.quality_result_id DESC LIMIT 1
) FROM unnest(%s::text[]) AS wanted (name)
"""
_BATCHES_SINCE = "SELECT load_batch_id FROM ops.load_batch WHERE table_name = ANY(%s) AND load_batch_id > %s"
_NEWEST_BATCH = (
    "SELECT load_batch_id FROM ops.load_batch WHERE table_name = ANY(%s) ORDER BY load_batch_id DESC LIMIT 1"
)
_OF_BATCHES = "SELECT moment FROM ops.load_batch CROSS JOIN unnest(snapshots) AS moment WHERE {which}"


def last_looked(cursor: Cursor, names: Collection[str]) -> dict[str, int | None]:
    """Return for each check the newest load batch that it has looked at; None for one that never looked."""
    cursor.execute(_LAST_LOOKED, (list(names),))
    return dict(cursor.fetchall())


def make_temporary_tables(cursor: Cursor, now: datetime) -> None:
    """Make `scope`, empty, and `clock`; both live as long as the session."""
    cursor.execute(sql.SQL("CREATE TEMP TABLE {} (snapshot_timestamp timestamptz PRIMARY KEY)").format(_SCOPE))
    cursor.execute("CREATE TEMP TABLE clock AS SELECT %s::timestamptz AS now", (now,))


def put_in_scope(cursor: Cursor, table: str, since: int | None, also: Collection[datetime] = ()) -> int | None:
    """Put the snapshots of a table in scope that were loaded after a batch; at least those of its newest load.

    Args:
        cursor: of the session whose scope it is.
        table: the warehouse table.
        since: the newest load batch that was looked at already; None where none was.
        also: more snapshots.

    Returns:
        The newest load batch in scope; None where the table was never loaded.
    """
    names = _loaded_as(table)
    batches: list[int] = []
    if since is not None:
        cursor.execute(_BATCHES_SINCE, (names, since))
        batches = [number for (number,) in cursor.fetchall()]
    if not batches:
        cursor.execute(_NEWEST_BATCH, (names,))
        batches = [number for (number,) in cursor.fetchall()]
    sources = [_OF_BATCHES.format(which="load_batch_id = ANY(%(batches)s)"), "SELECT unnest(%(also)s::timestamptz[])"]
    sources += [
        f"SELECT snapshot_timestamp FROM dwh.{name} WHERE load_batch_id = ANY(%(batches)s)"  # noqa: S608 - catalogue
        for name in _with_times_of_their_own(names)
    ]
    _fill(cursor, sources, {"batches": batches, "also": list(also)})
    return max(batches, default=None)


def put_all_in_scope(cursor: Cursor, table: str) -> int | None:
    """Put every snapshot of a table in scope, those that no load batch names included; return the newest batch."""
    names = _loaded_as(table)
    tables = _snapshot_tables() if table == LOAD_BATCH else [table]
    sources = [_OF_BATCHES.format(which="table_name = ANY(%(names)s)")]
    sources += [f"SELECT DISTINCT snapshot_timestamp FROM dwh.{name}" for name in tables]  # noqa: S608 - catalogue
    _fill(cursor, sources, {"names": names})
    cursor.execute(_NEWEST_BATCH, (names,))
    row = cursor.fetchone()
    return None if row is None else int(row[0])


def _fill(cursor: Cursor, sources: list[str], values: dict[str, object]) -> None:
    cursor.execute(sql.SQL("TRUNCATE {}").format(_SCOPE))
    cursor.execute(sql.SQL("INSERT INTO {} " + " UNION ".join(sources)).format(_SCOPE), values)
    cursor.execute(sql.SQL("ANALYZE {}").format(_SCOPE))  # else a scope of one snapshot is planned for as a thousand


def _loaded_as(table: str) -> list[str]:
    """Return the names under which load batches speak of a warehouse table."""
    return [name for name, one in TABLES.items() if table in {one.warehouse_table, LOAD_BATCH}]


def _with_times_of_their_own(names: list[str]) -> list[str]:
    """Return the warehouse tables of which some rows stand at other times than the snapshot that brought them."""
    return [TABLES[name].into for name in names if TABLES[name].into]


def _snapshot_tables() -> list[str]:
    return list(dict.fromkeys(one.warehouse_table for one in TABLES.values() if one.kind is TableKind.SNAPSHOT))
