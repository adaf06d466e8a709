"""Runs the phases of a command: under one lock, one unit at a time, fail-soft, and never silent."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cryptoelt.errors import (
    STOPS_THE_RUN,
    CryptoEltError,
    DatabaseUnavailableError,
    StoppedError,
)
from cryptoelt.pipeline.extraction import Extraction
from cryptoelt.pipeline.progress import Progress, Silent
from cryptoelt.pipeline.service import Service, find_due
from cryptoelt.results import Credits, Phase, Result, Status, Unit
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Future
    from datetime import datetime

    from cryptoelt.frequencies import Window
    from cryptoelt.load.base import BaseLoader
    from cryptoelt.pipeline.jobs import Job
    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.transform.base import BaseTransformer

log = logging.getLogger("cryptoelt.pipeline")


class Pipeline:
    """Runs one job with the parts of one runtime."""

    def __init__(self, runtime: Runtime, progress: Progress | None = None) -> None:
        self._runtime = runtime
        self._progress = progress or Silent()
        self._units: list[Unit] = []
        self._database_error: CryptoEltError | None = None
        self._wait_until = 0.0

    def run(self, job: Job, wait: float = 0.0) -> Result:
        """Run a job to its end and say what became of every unit.

        Args:
            job: what to do.
            wait: seconds to wait, in all, for others to free the home and the warehouse; a job that is due waits as
                long as its window is open.

        Raises:
            CryptoEltError: the job could not begin: it is locked out, not configured, or refused as a whole.
        """
        runtime = self._runtime
        started, began = runtime.clock.now(), runtime.clock.monotonic()
        due = find_due(runtime, job.frequency) if job.due and job.frequency is not None else None
        if due is not None and due.window is None:
            return self._result(job, started, began, reason=due.reason)
        if due is not None:
            wait = max(wait, due.seconds_left(started))
        self._wait_until = began + wait
        log.info("run.started", extra={"fields": {"command": runtime.command, "frequency": job.frequency}})
        with ExitStack() as stack:
            stack.enter_context(runtime.lock(wait))
            stack.callback(runtime.close)  # before the lock is freed: the JVM must not outlive it
            served = Service.begin(runtime, job)
            if not served.reason:
                self._run_phases(replace(job, endpoints=served.endpoints), served.window, stack)
            result = self._result(job, started, began, window=served.window, reason=served.reason)
            if (job.is_run or job.due) and not served.reason:
                served.end(result)
        log.info("run.ended", extra={"fields": {"exit_code": int(result.exit_code), "status": result.status.value}})
        return result

    def _result(
        self, job: Job, started: datetime, began: float, *, window: Window | None = None, reason: str = ""
    ) -> Result:
        runtime = self._runtime
        asked = any(unit.phase is Phase.EXTRACT for unit in self._units)
        return Result(
            run_id=runtime.run_id,
            command=runtime.command,
            frequency=job.frequency,
            started_at=started,
            ended_at=runtime.clock.now(),
            seconds=runtime.clock.monotonic() - began,
            units=self._units,
            credits=Credits(sum(unit.planned for unit in self._units), runtime.client.charged if asked else 0),
            stopped_by=runtime.clock.stop.exit_code if runtime.clock.stop.is_set() else None,
            notices=[
                *(runtime.client.price_drift if asked else ()),
                *(n for unit in self._units for n in unit.notices),
            ],
            window_start=None if window is None else window.start,
            reason=reason,
            is_due=job.due,
        )

    def _run_phases(self, job: Job, window: Window | None, stack: ExitStack) -> None:
        if job.endpoints:
            self._runtime.settings.require_key()
        if job.load:
            self._reach_database(stack)
        if job.endpoints and job.transform:
            self._runtime.spark.start()  # hides its start behind the calls
        if job.endpoints:
            self._extract(job.endpoints, window)
        self._transform_and_load(job, stack)

    # --- extract ------------------------------------------------------------------------------------------------------

    def _extract(self, endpoints: list[str], window: Window | None) -> None:
        """Ask every endpoint, until an error says that the next one would fare no better."""
        ends_it: CryptoEltError | None = None
        extraction: Extraction | None = None
        for name in endpoints:
            unit = self._new_unit(Phase.EXTRACT, name)
            if ends_it is not None:
                continue
            try:
                extraction = extraction or Extraction.begin(self._runtime, endpoints, window)
            except CryptoEltError as exc:
                unit.failed(exc)
                ends_it = exc
            else:
                before = self._runtime.client.charged
                self._run_unit(unit, partial(extraction.run, name, unit))
                unit.charged = self._runtime.client.charged - before
                ends_it = unit.error if isinstance(unit.error, STOPS_THE_RUN) else None

    # --- transform and load -------------------------------------------------------------------------------------------

    def _transform_and_load(self, job: Job, stack: ExitStack) -> None:
        """Build the tables in parallel; load each as soon as it is built, parents before children."""
        if job.load and self._database_error is not None:
            self._reach_database_again(stack)
        work = self._tables_with_work(job.transform)
        with ThreadPoolExecutor(max_workers=4, thread_name_prefix="transform") as pool:
            futures = {table: pool.submit(self._transform, table) for table in work}
            for table in dict.fromkeys([*job.transform, *job.load]):
                self._wait_for(table, futures, job)
                if table in job.load:
                    self._load(table, job)
        self._follow_up()
        self._tend(job.transform)

    def _follow_up(self, also: Collection[str] = ()) -> None:
        """Mend and check the tables that got something, and `also` these; without any, nothing is imported."""
        if also or any(unit.phase is Phase.LOAD and unit.snapshots for unit in self._units):
            from cryptoelt.pipeline.after_load import steps_after_load

            for unit, work in steps_after_load(self._runtime, self._units, also):
                self._units.append(unit)
                self._run_unit(unit, work)

    def _tend(self, tables: list[str]) -> None:
        """Keep the tables small for their readers, where that is due; after all else, for nobody waits for it."""
        if not tables:
            return
        from cryptoelt.lake.upkeep import tend
        from cryptoelt.transform.pending import silver_uri

        for table in tables:
            if not self._runtime.clock.stop.is_set():
                tend(silver_uri(self._runtime.settings.lake_root, table), self._runtime.clock.now())

    def _wait_for(self, table: str, futures: dict[str, Future[Unit]], job: Job) -> None:
        if table in futures:
            self._units.append(futures[table].result())
        elif table in job.transform and not any(u.phase is Phase.TRANSFORM and u.name == table for u in self._units):
            self._new_unit(Phase.TRANSFORM, table)

    def _tables_with_work(self, tables: list[str]) -> list[str]:
        """Return the tables with pending snapshots; only these need a JVM."""
        if not tables:
            return []
        from cryptoelt.transform.pending import find_pending

        runtime, work = self._runtime, []
        settings, now = runtime.settings, runtime.clock.now()
        for table in tables:
            try:
                if find_pending(table, runtime.bronze, settings.lake_root, settings.metadata_dir, now).snapshots:
                    work.append(table)
            except CryptoEltError as exc:
                self._new_unit(Phase.TRANSFORM, table).failed(exc)
        if work:
            runtime.spark.start()
            runtime.spark.wait_for_imports()
        return work

    def _transform(self, table: str) -> Unit:
        transformer = self._transformer(table)
        unit = Unit(Phase.TRANSFORM, table)
        self._run_unit(unit, lambda: transformer.transform_table(table, unit))
        return unit

    def _transformer(self, table: str) -> BaseTransformer:
        from cryptoelt.transform import transformers
        from cryptoelt.transform.base import TransformContext

        runtime = self._runtime
        context = TransformContext(
            spark=lambda: runtime.spark.session,
            bronze=runtime.bronze,
            lake_root=runtime.settings.lake_root,
            clock=runtime.clock,
            metadata_dir=runtime.settings.metadata_dir,
            run_id=runtime.run_id,
        )
        return transformers()[TABLES[table].domain](context)

    def _load(self, table: str, job: Job) -> None:
        unit = self._new_unit(Phase.LOAD, table)
        if self._database_error is not None:
            unit.failed(self._database_error)
            self._progress.ended(unit)
            return
        loader = self._loader(table)
        self._run_unit(unit, lambda: loader.load_table(table, unit, version=job.version, replace=job.replace))

    def _loader(self, table: str) -> BaseLoader:
        from cryptoelt.load import loaders

        runtime, settings = self._runtime, self._runtime.settings
        made = loaders()[TABLES[table].domain]
        return made(runtime.warehouse, settings.lake_root, runtime.clock, runtime.run_id, settings.metadata_dir)

    def _reach_database(self, stack: ExitStack) -> None:
        """Open the warehouse, look at its schema, take its lock; an unreachable one is tried again before the load.

        Raises:
            SchemaError: it is not at the head revision.
            LockedError: another run, perhaps on another machine, is writing to it.
        """
        from cryptoelt.warehouse.migrations import prepare

        self._database_error = None
        try:
            warehouse = self._runtime.warehouse
            prepare(warehouse, may_upgrade=self._runtime.settings.warehouse.is_embedded)
            left = self._wait_until - self._runtime.clock.monotonic()
            stack.enter_context(warehouse.run_lock(max(0.0, left)))
        except DatabaseUnavailableError as exc:
            self._database_error = exc
            log.warning("database.unavailable", extra={"fields": {"message": exc.message}})

    def _reach_database_again(self, stack: ExitStack) -> None:
        """Try once more, after the answers are safe in Bronze; what stands in the way now only stops the load."""
        try:
            self._reach_database(stack)
        except CryptoEltError as exc:
            self._database_error = exc

    # --- units --------------------------------------------------------------------------------------------------------

    def _new_unit(self, phase: Phase, name: str) -> Unit:
        unit = Unit(phase, name)
        self._units.append(unit)
        return unit

    def _run_unit(self, unit: Unit, work: Callable[[], None]) -> None:
        """Run one unit; its error is recorded with it, and the next unit goes on."""
        clock = self._runtime.clock
        began = clock.monotonic()
        self._progress.begun(unit)
        try:
            clock.stop.raise_if_set()
            work()
        except StoppedError:
            unit.status = Status.PARTIAL if unit.snapshots else Status.NOTHING
        except CryptoEltError as exc:
            unit.failed(exc)
            fields = {"phase": unit.phase.value, "unit": unit.name, "error": type(exc).__name__, **exc.context}
            log.exception("unit.failed", extra={"fields": {**fields, "message": exc.message}})
        finally:
            unit.seconds = clock.monotonic() - began
            self._progress.ended(unit)
