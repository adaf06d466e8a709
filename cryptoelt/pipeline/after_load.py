"""What follows the loads of a run: procedures that mend the tables that got something, then the checks of these."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from psycopg2 import sql

from cryptoelt.errors import DatabaseUnavailableError
from cryptoelt.quality.checks import LOAD_BATCH, Severity, chosen_checks, known_tables
from cryptoelt.quality.run import run_checks
from cryptoelt.results import Phase, Status, Unit
from cryptoelt.tables import PROCEDURES, TABLES
from cryptoelt.warehouse.engine import transaction
from cryptoelt.warehouse.sql_files import sql_files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.quality.report import QualityReport


def steps_after_load(
    runtime: Runtime, units: Sequence[Unit], also: Collection[str] = ()
) -> Iterator[tuple[Unit, Callable[[], None]]]:
    """Yield the units that follow, each with its work; a unit must be run before the next one is asked for.

    A procedure is a unit, and so are the checks of one table. None follows once the server is gone.

    Args:
        runtime: of the run.
        units: what the run has done so far.
        also: tables that are to be mended and checked although nothing was loaded.
    """
    touched: dict[str, set[datetime]] = {}
    for unit in units:
        if unit.phase is Phase.LOAD and unit.snapshots:
            touched.setdefault(TABLES[unit.name].warehouse_table, set()).update(unit.snapshots)
    for name in also:
        touched.setdefault(TABLES[name].warehouse_table, set())
    touched[LOAD_BATCH] = set().union(*touched.values())
    shipped = {file.stem for file in sql_files("procedures")}
    for name, procedure in PROCEDURES.items():
        if name in shipped and not procedure.after.isdisjoint(touched):
            touched.setdefault(procedure.mends, set())
            unit = Unit(Phase.SQL, name)
            yield unit, partial(_call, runtime, unit)
            if isinstance(unit.error, DatabaseUnavailableError):
                return
    if runtime.settings.quality.after_load:
        yield from _checks(runtime, touched)


def _checks(runtime: Runtime, touched: dict[str, set[datetime]]) -> Iterator[tuple[Unit, Callable[[], None]]]:
    reports: list[QualityReport] = []
    unit = None
    for table in known_tables():
        if table in touched:
            unit = Unit(Phase.QUALITY, table)
            yield unit, partial(_check, runtime, unit, sorted(touched[table]), reports)
            if isinstance(unit.error, DatabaseUnavailableError):
                return
    warnings = [outcome for report in reports for outcome in report.found(Severity.WARNING)]
    if unit is not None and warnings:
        # One line for all of them: a run whose data only look odd is still a good one.
        unit.notices.append(f"quality: {'; '.join(map(str, warnings))} (see `cryptoelt quality run`)")


def _call(runtime: Runtime, unit: Unit) -> None:
    """Call the procedure of a unit, in a transaction of its own.

    Raises:
        CryptoEltError: it failed, or the server does not answer.
    """
    with runtime.warehouse.session() as connection, transaction(connection) as cursor:
        cursor.execute(sql.SQL("CALL {}()").format(sql.Identifier("dwh", unit.name)))
    unit.status = Status.DONE


def _check(runtime: Runtime, unit: Unit, snapshots: list[datetime], reports: list[QualityReport]) -> None:
    """Run the checks of a unit's table.

    Raises:
        QualityError: one of severity error found rows.
        CryptoEltError: one could not be run, or the server does not answer.
    """
    report = run_checks(runtime.warehouse, chosen_checks([unit.name]), runtime.run_id, also=snapshots)
    reports.append(report)
    if report.error is not None:
        raise report.error
    unit.snapshots.extend(snapshots)
    unit.status = Status.DONE
