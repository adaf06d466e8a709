"""The warehouse of a history: rows that vary those of one real snapshot, made by the server itself."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from psycopg2 import sql

from cryptoelt.clock import Clock
from cryptoelt.lake.silver import SNAPSHOT
from cryptoelt.tables import TABLES, TableKind
from cryptoelt.warehouse.engine import Warehouse, transaction
from cryptoelt.warehouse.schema import target_of

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case
    from pydantic import SecretStr

    from benchmarks.history_lake import Past


def write_warehouse(url: SecretStr, past: Past, versions: dict[str, dict[datetime, int]], ids: dict[str, str]) -> None:
    """Put the rows of a history in place of those in the facts, and its load batches in place of all batches.

    Args:
        url: the warehouse.
        past: the snapshots.
        versions: Silver table -> snapshot -> the Delta version that added it.
        ids: Silver table -> Delta's identity of it.
    """
    warehouse = Warehouse(url, Clock())
    with warehouse.session() as connection, transaction(connection) as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute("TRUNCATE ops.load_batch, ops.quality_result")  # checks begin after the history
        cursor.execute("CREATE TEMP TABLE past (moment timestamptz, batch_id bigint, version bigint) ON COMMIT DROP")
        for table in versions:
            _write_moments(cursor, table, past, versions[table])
            rows = _multiply(cursor, table) if TABLES[table].kind is TableKind.SNAPSHOT else 1
            _write_batches(cursor, table, ids[table], rows)
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('ops.load_batch', 'load_batch_id'), max(load_batch_id))"
            " FROM ops.load_batch"
        )
    with closing(warehouse.connect()) as connection:
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")


def _write_moments(cursor: Cursor, table: str, past: Past, versions: dict[datetime, int]) -> None:
    numbers = range(len(past.moments))
    batches = [past.batch_id(table, number) for number in numbers]
    cursor.execute("TRUNCATE past")
    cursor.execute(
        "INSERT INTO past SELECT * FROM unnest(%s::timestamptz[], %s::bigint[], %s::bigint[])",
        (list(past.moments), batches, [versions[moment] for moment in past.moments]),
    )


def _multiply(cursor: Cursor, table: str) -> int:
    """Put a variation of a table's newest rows at every moment, in place of all its rows; return the rows of one."""
    target = target_of(table)
    name = sql.Identifier(target.schema, target.name)
    cursor.execute(
        sql.SQL(
            "CREATE TEMP TABLE varied ON COMMIT DROP AS SELECT * FROM {name}"
            " WHERE snapshot_timestamp = (SELECT max(snapshot_timestamp) FROM {name})"
        ).format(name=name)
    )
    rows = cursor.rowcount
    cursor.execute(sql.SQL("TRUNCATE {}").format(name))
    cursor.execute(
        sql.SQL(
            "INSERT INTO {name} ({columns}, load_batch_id)"
            " SELECT {values}, past.batch_id FROM past CROSS JOIN varied ORDER BY past.moment"
        ).format(
            name=name,
            columns=sql.SQL(", ").join(map(sql.Identifier, target.columns.names)),
            values=sql.SQL(", ").join(map(_value, target.columns)),
        )
    )
    cursor.execute("DROP TABLE varied")
    return rows


def _value(field: pa.Field[Any]) -> sql.Composable:
    if field.name == SNAPSHOT:
        return sql.SQL("past.moment")
    column = sql.Identifier("varied", field.name)
    is_figure = pa.types.is_floating(field.type)
    return sql.SQL("{} * (0.8 + 0.4 * random())").format(column) if is_figure else column


def _write_batches(cursor: Cursor, table: str, silver_table_id: str, rows: int) -> None:
    cursor.execute(
        "INSERT INTO ops.load_batch (load_batch_id, run_id, table_name, silver_table_id, silver_version, snapshots,"
        " rows_in, rows_loaded, rows_present, rows_quarantined, started_at, ended_at) OVERRIDING SYSTEM VALUE"
        " SELECT batch_id, to_char(moment, 'YYYYMMDD\"T\"HH24MISS') || '-past', %(table)s, %(id)s, version,"
        " ARRAY[moment], %(rows)s, %(rows)s, 0, 0, moment, moment FROM past",
        {"table": table, "id": silver_table_id, "rows": rows},
    )
