"""Runs checks, each in a read-only transaction of its own, and keeps account of what they found."""

from __future__ import annotations

import json
import logging
from itertools import groupby
from typing import TYPE_CHECKING, Any

import psycopg2

from cryptoelt.errors import DatabaseUnavailableError
from cryptoelt.quality.report import Outcome, QualityReport
from cryptoelt.quality.scope import last_looked, make_temporary_tables, put_all_in_scope, put_in_scope
from cryptoelt.warehouse.engine import transaction
from cryptoelt.warehouse.failures import as_error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its classes in lower case
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from cryptoelt.quality.checks import Check
    from cryptoelt.warehouse.engine import Warehouse

log = logging.getLogger("cryptoelt.quality")

#: Rows that are kept of what a check finds.
SAMPLE = 5
_FOUND = """
WITH found AS MATERIALIZED (
{statement}
)
SELECT (SELECT count(*) FROM found), row_to_json(found)::text FROM found LIMIT {sample}
"""
_RECORD = """
INSERT INTO ops.quality_result (
    run_id, check_name, table_name, severity, status, is_full, load_batch_id, rows_found, sample, message,
    started_at, seconds
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def run_checks(
    warehouse: Warehouse, checks: list[Check], run_id: str, *, full: bool = False, also: Collection[datetime] = ()
) -> QualityReport:
    """Run checks, each on what was loaded since it last looked, and record what they found in `ops.quality_result`.

    A check that cannot be run does not stop the others.

    Args:
        warehouse: at the head revision.
        checks: those to run, grouped by table.
        run_id: of the invocation.
        full: look at all of history.
        also: snapshots to look at in any case.

    Raises:
        StoppedError: the run was asked to stop; what was found so far is recorded.
        DatabaseUnavailableError: the server went away; nothing is recorded.
    """
    clock = warehouse.clock
    began = clock.monotonic()
    outcomes: list[Outcome] = []
    with warehouse.session() as connection:
        with transaction(connection) as cursor:
            make_temporary_tables(cursor, clock.now())
            looked = last_looked(cursor, [check.name for check in checks])
        try:
            for table, since, group in _alike(checks, looked):
                clock.stop.raise_if_set()
                with transaction(connection) as cursor:
                    newest = put_all_in_scope(cursor, table) if full else put_in_scope(cursor, table, since, also)
                outcomes += [_look(connection, warehouse, check, newest, full=full) for check in group]
        finally:
            if not connection.closed:
                with transaction(connection) as cursor:
                    _record(cursor, run_id, outcomes)
    return QualityReport(run_id, full, outcomes, clock.monotonic() - began)


def find(cursor: Cursor, check: Check) -> tuple[int, list[dict[str, Any]]]:
    """Return how many rows a check finds of the snapshots in scope, and the first of them."""
    cursor.execute(_FOUND.format(statement=check.statement, sample=SAMPLE))
    rows = cursor.fetchall()
    return (rows[0][0] if rows else 0), [json.loads(row) for _, row in rows]


def _alike(checks: list[Check], looked: dict[str, int | None]) -> Iterator[tuple[str, int | None, list[Check]]]:
    """Yield checks of one table that have looked at the same loads, with the table and the newest of those."""
    for (table, since), group in groupby(checks, key=lambda check: (check.table, looked[check.name])):
        yield table, since, list(group)


def _look(connection: Connection, warehouse: Warehouse, check: Check, newest: int | None, *, full: bool) -> Outcome:
    clock = warehouse.clock
    started, began = clock.now(), clock.monotonic()
    count, message = None, ""
    sample: list[dict[str, Any]] = []
    try:
        with transaction(connection) as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            count, sample = find(cursor, check)
    except psycopg2.Error as exc:
        error = as_error(exc, warehouse.name)
        if isinstance(error, DatabaseUnavailableError):
            raise error from exc
        message = error.message
        log.exception("quality.broken", extra={"fields": {"check": check.name, "message": message}})
    return Outcome(check, full, newest, started, clock.monotonic() - began, count, sample, message)


def _record(cursor: Cursor, run_id: str, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        check = outcome.check
        # What could not be looked at is looked at the next time.
        seen = None if outcome.rows_found is None else outcome.load_batch_id
        cursor.execute(
            _RECORD,
            (
                *(run_id, check.name, check.table, check.severity.value, outcome.verdict.value, outcome.is_full, seen),
                *(outcome.rows_found, json.dumps(outcome.sample) if outcome.sample else None, outcome.message or None),
                *(outcome.started_at, outcome.seconds),
            ),
        )
