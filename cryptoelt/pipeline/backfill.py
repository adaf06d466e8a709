"""Fills Silver and the warehouse from Bronze, many snapshots at a time, or rebuilds what they hold; 0 credits."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso, span
from cryptoelt.errors import CryptoEltError, DamagedFileError, ExitCode
from cryptoelt.metadata.rebuilds import RebuildJournal
from cryptoelt.pipeline.jobs import Job
from cryptoelt.pipeline.record import RunRecord
from cryptoelt.pipeline.run import Pipeline
from cryptoelt.results import Phase, Status, Unit
from cryptoelt.spark import workload_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from cryptoelt.pipeline.bronze_scope import TableScope
    from cryptoelt.pipeline.jobs import BackfillOrder
    from cryptoelt.results import Result

log = logging.getLogger("cryptoelt.pipeline")

#: Tables that are built at once: the chunks of one keep a small machine busy, those of small tables do not.
_AT_ONCE = 2
#: Snapshots that are named one by one.
_NAMED = 20


class Backfill(Pipeline):
    """Runs one backfill with the parts of one runtime."""

    _rebuild = False
    _is_whole = True
    _runs: tuple[str, ...] = ()

    def backfill(self, order: BackfillOrder, wait: float = 0.0) -> Result:
        """Do what was ordered and say what became of every table.

        A rebuild that was killed goes on where it stopped when the same one is ordered again.

        Args:
            order: what to do.
            wait: seconds to wait, in all, for others to free the home and the warehouse.

        Raises:
            CryptoEltError: it could not begin: it is locked out, or the warehouse is not at the head revision.
        """
        runtime, self._rebuild = self._runtime, order.rebuild
        with self._entered(wait) as (record, stack):
            journal, asked = RebuildJournal(runtime.settings.metadata_dir), _identity(order)
            if order.rebuild:
                earlier = journal.begin(asked, runtime.run_id, runtime.clock.now())
                self._runs = (*earlier, runtime.run_id)
                if earlier:
                    log.info("backfill.resumed", extra={"fields": {"runs": earlier}})
            self._fill(dict.fromkeys(order.tables, order.period.includes), stack)
            result = record.result()
            if order.rebuild and result.exit_code is ExitCode.DONE:
                journal.end(asked, runtime.run_id, runtime.clock.now())
            record.end(result)
        return result

    @contextmanager
    def _entered(self, wait: float) -> Iterator[tuple[RunRecord, ExitStack]]:
        """Take the home and the warehouse; yield the record of the run, which logs however it ends, and who frees them.

        Raises:
            CryptoEltError: another run holds the home for longer than `wait`, or the warehouse cannot be loaded.
        """
        runtime = self._runtime
        started, began = runtime.clock.now(), runtime.clock.monotonic()
        self._wait_until = began + wait

        def result_of(error: CryptoEltError | None) -> Result:
            return self._result(Job(), started, began, ended_by=error)

        with RunRecord(runtime, Job(), None, result_of) as record, ExitStack() as stack:
            record.begin()
            stack.enter_context(runtime.lock(wait))
            stack.callback(runtime.close)  # before the lock is freed: the JVM must not outlive it
            self._reach_database(stack)
            yield record, stack

    # --- the tables ---------------------------------------------------------------------------------------------------

    def _fill(self, tables: dict[str, Callable[[datetime], bool]], stack: ExitStack) -> None:
        """Build the tables, two at a time; load each as soon as it is built, parents before children."""
        if self._database_error is not None:
            self._database_error = self._attempt(partial(self._open_database, stack))
        scopes = self._scopes(tables)
        snapshots = sum(len(scope.sources) for scope in scopes.values())
        if snapshots:
            self._runtime.workload = workload_of(snapshots)
            self._runtime.spark.start()
            self._runtime.spark.wait_for_imports()
        with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="transform") as pool:
            futures = {table: pool.submit(self._build, scope) for table, scope in scopes.items() if scope.sources}
            for table, scope in scopes.items():
                built = futures[table].result() if table in futures else Unit(Phase.TRANSFORM, table, kept=scope.kept)
                self._units.append(built)
                self._load_built(scope, built)
        if self._database_error is None:
            # A rebuild that goes on may have loaded everything before: what follows is then still to be done.
            rebuilt = [name for name, scope in scopes.items() if self._rebuild and scope.is_any_in_bronze]
            if rebuilt:
                self._forget_members()
            self._follow_up(also=rebuilt)
        self._tend(list(scopes))

    def _scopes(self, tables: dict[str, Callable[[datetime], bool]]) -> dict[str, TableScope]:
        """Return what is to be done of every table; one that cannot be looked at fails here, alone."""
        from cryptoelt.pipeline.bronze_scope import scope_of

        runtime, found = self._runtime, {}
        for table, includes in tables.items():
            try:
                found[table] = scope_of(
                    table,
                    runtime.bronze,
                    runtime.settings,
                    includes,
                    runtime.clock.now(),
                    rebuild=self._rebuild,
                    earlier=self._runs[:-1],
                )
            except CryptoEltError as exc:
                self._new_unit(Phase.TRANSFORM, table).failed(exc)
        return found

    def _build(self, scope: TableScope) -> Unit:
        from cryptoelt.transform.rebuild import Rebuild

        unit = Unit(Phase.TRANSFORM, scope.table, kept=scope.kept if self._rebuild else [])
        self._run_unit(unit, lambda: Rebuild(self._transformer(scope.table), scope.table, unit).build(scope.sources))
        return unit

    def _load_built(self, scope: TableScope, built: Unit) -> None:
        """Load a table; of one that was rebuilt in part only, nothing is put in place before the rest is built."""
        from cryptoelt.load.rebuild import Choice

        unit = self._new_unit(Phase.LOAD, scope.table)
        if self._database_error is not None:
            unit.failed(self._database_error)
            return
        if self._rebuild and built.error is not None and not isinstance(built.error, DamagedFileError):
            return
        choice = Choice(
            scope.includes, self._rebuild, scope.in_bronze, is_whole=self._is_whole, runs=self._runs_since(scope.table)
        )
        loader = self._loader(scope.table)
        self._run_unit(unit, lambda: loader.load_chosen(scope.table, unit, choice))
        left = sorted({*built.kept, *unit.kept}) if self._rebuild else []
        if left:
            unit.notices.append(f"{scope.table}: left as it is, for Bronze no longer holds it: {_named(left)}")

    def _runs_since(self, table: str) -> tuple[str, ...]:
        """Return the runs of this rebuild from the last one on that built some of a table."""
        from cryptoelt.lake.silver import SilverTable
        from cryptoelt.transform.pending import silver_uri

        silver = SilverTable(silver_uri(self._runtime.settings.lake_root, table))
        builders = set(silver.written_by(self._runs).values()) if silver.exists and self._runs else set()
        return self._runs[max((self._runs.index(run) for run in builders), default=0) :]

    def _forget_members(self) -> None:
        """Delete the members that only what was replaced had named; nothing is said where there are none."""
        unit = Unit(Phase.SQL, "forget_members")
        self._run_unit(unit, partial(self._forget, unit))
        if unit.error is not None or unit.status is not Status.NOTHING:
            self._units.append(unit)

    def _forget(self, unit: Unit) -> None:
        from cryptoelt.load.facts import forget_unreferenced
        from cryptoelt.warehouse.engine import transaction

        with self._runtime.warehouse.session() as connection, transaction(connection) as cursor:
            unit.status = Status.DONE if forget_unreferenced(cursor) else Status.NOTHING


def _identity(order: BackfillOrder) -> dict[str, Any]:
    """Return what must be the same for one run to go on with what another began: the order, and today's code."""
    from cryptoelt.pipeline.bronze_scope import code_digest

    return {**order.period.as_json(), "tables": order.tables, "code": code_digest()}


def _named(moments: Iterable[datetime]) -> str:
    listed = list(moments)
    return ", ".join(map(iso, listed)) if len(listed) <= _NAMED else span(listed)
