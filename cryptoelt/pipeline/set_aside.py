"""Takes snapshots out: Bronze files are set aside, never deleted, and Silver and the warehouse follow; 0 credits.

What was set aside is itself the record of what is to be gone: each run takes out of Silver, and of the warehouse in
use, what they still hold of it. So one that was killed is completed by the next, and a second database by a run for it.
What it had not moved yet is in the journal: the next one, whatever its order, moves it as well.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.clock import span
from cryptoelt.errors import ExitCode
from cryptoelt.metadata.aside import AsideJournal
from cryptoelt.pipeline.backfill import Backfill
from cryptoelt.pipeline.set_aside_order import AsideReport
from cryptoelt.pipeline.voided import void_windows
from cryptoelt.results import Phase, Status, Unit
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from contextlib import ExitStack

    from cryptoelt.lake.bronze import Bronze, BronzeSnapshot
    from cryptoelt.pipeline.set_aside_order import AsideOrder, AsidePlan

log = logging.getLogger("cryptoelt.pipeline")


class SetAside(Backfill):
    """Runs one order with the parts of one runtime."""

    def plan(self, order: AsideOrder) -> AsidePlan:
        """Look up what an order would move, with what those before it that were cut short have left; writes nothing.

        Raises:
            StorageError: Bronze or the journal cannot be read.
        """
        runtime = self._runtime
        unfinished = AsideJournal(runtime.settings.metadata_dir).unfinished()
        return order.plan(runtime.bronze, runtime.clock.now(), unfinished)

    def set_aside(self, order: AsideOrder, wait: float = 0.0) -> AsideReport:
        """Move the files, and let Silver and the warehouse follow.

        Args:
            order: which snapshots.
            wait: seconds to wait, in all, for others to free the home and the warehouse.

        Raises:
            CryptoEltError: it could not begin, or a file could not be moved.
        """
        runtime = self._runtime
        with self._entered(wait) as (record, stack):
            journal, plan = AsideJournal(runtime.settings.metadata_dir), self.plan(order)
            if plan.sources:
                journal.begin(runtime.run_id, runtime.clock.now(), plan.moments)
                self._move(plan)
            aside = _aside(runtime.bronze)
            void_windows(runtime, aside)
            self._follow(aside, stack, is_unfinished=journal.is_unfinished())
            result = record.result()
            if result.exit_code is ExitCode.DONE and journal.is_unfinished():
                journal.end(runtime.run_id, runtime.clock.now())
            if not plan.sources:
                result.reason = order.or_else
            record.end(result)
        return AsideReport(plan, result)

    def _move(self, plan: AsidePlan) -> None:
        for name, sources in plan.sources.items():
            for source in sources:
                self._runtime.bronze.set_aside(source)
            log.info("bronze.set_aside", extra={"fields": {"endpoint": name, "snapshots": span(plan.moments[name])}})

    def _follow(self, aside: list[BronzeSnapshot], stack: ExitStack, *, is_unfinished: bool) -> None:
        """Take what was set aside out of Silver and of the warehouse, parents before children."""
        gone: dict[str, set[datetime]] = {}
        for source in aside:
            gone.setdefault(source.endpoint, set()).add(source.snapshot)
        tables = {name: gone[table.endpoint] for name, table in TABLES.items() if table.endpoint in gone}
        taken = self._follow_in_silver(tables)
        failed = {unit.name for unit in self._units if unit.error is not None}
        if self._database_error is not None:
            self._database_error = self._attempt(partial(self._open_database, stack))
        for table, moments in tables.items():
            if table not in failed:
                self._take_out_of_warehouse(table, moments, taken)
        emptied = [unit.name for unit in self._units if unit.phase is Phase.LOAD and unit.error is None]
        if self._database_error is None and (emptied or is_unfinished):
            self._name_members()
            self._forget_members()
            self._follow_up(also=emptied or list(tables))
        for unit in self._units:  # not before: the checks that followed would have looked for their rows
            unit.snapshots += taken.get((unit.phase, unit.name), [])

    def _follow_in_silver(self, tables: dict[str, set[datetime]]) -> dict[tuple[Phase, str], list[datetime]]:
        from cryptoelt.transform.removal import held_of, remove

        root = self._runtime.settings.lake_root
        found = {table: sorted(held_of(root, table, moments)) for table, moments in tables.items()}
        if any(found.values()):
            self._runtime.spark.start()
            self._runtime.spark.wait_for_imports()
        for table, moments in found.items():
            if moments:
                unit = self._new_unit(Phase.TRANSFORM, table)
                self._run_unit(unit, partial(remove, self._transformer(table).context, table, moments))
                unit.status = Status.DONE if unit.error is None else unit.status
        return {(Phase.TRANSFORM, table): moments for table, moments in found.items()}

    def _take_out_of_warehouse(
        self, table: str, moments: set[datetime], taken: dict[tuple[Phase, str], list[datetime]]
    ) -> None:
        """Take snapshots out of a table; nothing is said of one that has none of them."""
        unit, gone = Unit(Phase.LOAD, table), list[datetime]()
        if self._database_error is not None:
            unit.failed(self._database_error)
        else:
            self._run_unit(unit, lambda: gone.extend(self._loader(table).take_out(table, unit, moments)))
            unit.snapshots.clear()  # of a table that is put in place as a whole: they were there before
        if unit.error is None and gone:
            unit.status = Status.DONE
        if unit.error is not None or gone:
            self._units.append(unit)
            taken[unit.phase, table] = gone

    def _name_members(self) -> None:
        """Name the members whom only what was taken out had named, by any table that knows them."""
        unit = Unit(Phase.SQL, "name_members")
        self._run_unit(unit, self._name)
        if unit.error is not None:
            self._units.append(unit)

    def _name(self) -> None:
        from cryptoelt.load.removal import name_anew
        from cryptoelt.warehouse.engine import transaction

        runtime = self._runtime
        with runtime.warehouse.session() as connection, transaction(connection) as cursor:
            name_anew(cursor, runtime.settings.lake_root, runtime.run_id, runtime.clock)


def _aside(bronze: Bronze) -> list[BronzeSnapshot]:
    """Return what was set aside and is not in Bronze again."""
    found = []
    for name in ENDPOINTS:
        if sources := bronze.aside(name):
            there = {source.snapshot for source in bronze.snapshots(name)}
            found += [source for source in sources if source.snapshot not in there]
    return found
